"""A first plan file for a checkout: import roots, candidates to move, the gate.

Only guesses, and each says so: the user is to read the file.  What is found by looking at the tree is filled in; what
nobody can guess (the new names) stands as a comment beside a proposal that parses.
"""

from __future__ import annotations

import re
from collections import Counter

from .tree import Tree

_NOT_ROOTS = {"test", "tests", "testing", "docs", "doc", "examples", "scripts", "node_modules", "vendor"}


def guess_plan(tree: Tree, name: str) -> str:
    """The text of a plan file for this tree."""
    roots = guess_roots(tree)
    packages = top_packages(tree, roots)
    used = _used(tree, set(packages))
    best = max(packages, key=lambda p: (used[p], p), default="mypackage")
    distribution = _distribution(tree, packages.get(best, ""))
    others = [p for p in sorted(packages) if p != best]
    lines = [
        "# Written by 'init'. These are guesses: read each line before you run a stage.",
        "",
        "[migration]",
        f'name = "{_slug(name)}"  # names the journal and the commit trailers',
        f"import-roots = [{', '.join(_quoted(r) for r in roots)}]  # where top-level packages are found today",
        "",
        f"# The package that most of this tree uses ({used[best]} files). Say where it shall go.",
        "[[move]]",
        f'from = "{best}"',
        f'to = "libs.{best}"',
    ]
    if distribution:
        lines.append(f'distribution = "{distribution}"  # the distribution that ships it today')
    if others:
        lines += ["", "# Other top-level packages and modules here, any of which may move as well:"]
        lines += [f"#   {p}  ({packages[p]}, used by {used[p]} files)" for p in others[:30]]
        if len(others) > 30:
            lines.append(f"#   and {len(others) - 30} more")
    lines += [
        "",
        "# [target]                      # one distribution for what was several",
        '# distribution = "my-types"',
        '# path = "libs/types"',
        "",
        "[shims]",
        "# remove-by = 2030-01-31       # the day from which check-shims fails",
        '# owner = "team"               # whom the warning names',
        "warn-days = 30",
        "",
        "[gates]",
        f"tests = [{_quoted(_gate(tree))}]  # what must pass at the end of every stage",
        "",
        "[scan]",
        f"exclude = [{', '.join(_quoted(p) for p in _exclude(tree))}]",
        "",
    ]
    return "\n".join(lines)


def guess_roots(tree: Tree) -> list[str]:
    """Folders that hold a regular package and are none themselves; the root too, if anything is importable there."""
    found: set[str] = set()
    for path in tree:
        if path.endswith("/__init__.py"):
            folder = path.rpartition("/")[0]
            while f"{folder.rpartition('/')[0]}/__init__.py" in tree:
                folder = folder.rpartition("/")[0]
            parent = folder.rpartition("/")[0] or "."
            if not set(parent.split("/")) & _NOT_ROOTS and parent not in ("tools",):
                found.add(parent)
    # A folder that another root explains as a namespace package is no root of its own, unless it has a manifest.
    manifests = {p.rpartition("/")[0] or "." for p in tree if p.endswith(("pyproject.toml", "setup.py", "setup.cfg"))}
    explained = {
        r for r in found if r != "." and r not in manifests and r.rpartition("/")[2] not in ("src", "lib", "python")
    }
    roots = sorted(found - explained, key=lambda r: (r != ".", r))
    if any("/" not in p and p.endswith(".py") for p in tree) or explained or not roots:
        roots = [".", *(r for r in roots if r != ".")]
    return roots


def top_packages(tree: Tree, roots: list[str]) -> dict[str, str]:
    """Top-level packages and modules below the roots: import name -> folder or file."""
    out: dict[str, str] = {}
    for root in roots:
        prefix = "" if root == "." else root + "/"
        for path in tree.under(root):
            parts = path[len(prefix) :].split("/")
            if parts[0] in _NOT_ROOTS or not path.endswith(".py"):
                continue
            if len(parts) == 2 and parts[1] == "__init__.py":
                out.setdefault(parts[0], prefix + parts[0])
            elif len(parts) == 1 and parts[0] not in ("setup.py", "conftest.py", "noxfile.py", "manage.py"):
                out.setdefault(parts[0].removesuffix(".py"), path)
    return {n: p for n, p in out.items() if n.isidentifier()}


def _used(tree: Tree, names: set[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    pattern = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.M)
    for path in tree:
        if path.endswith(".py"):
            counts.update({m.decode() for m in pattern.findall(tree.read(path))} & names)
    return counts


def _distribution(tree: Tree, path: str) -> str:
    folder = path
    while True:
        manifest = f"{folder}/pyproject.toml" if folder else "pyproject.toml"
        if manifest in tree:
            found = re.search(rb'^name\s*=\s*"([^"]+)"', tree.read(manifest), re.M)
            return found[1].decode() if found else ""
        if not folder:
            return ""
        folder = folder.rpartition("/")[0]


def _gate(tree: Tree) -> str:
    config = b"".join(tree.read(p) for p in ("pyproject.toml", "setup.cfg", "tox.ini") if p in tree)
    has_pytest = b"pytest" in config or any(p.endswith("conftest.py") or p == "pytest.ini" for p in tree)
    plain = any(re.search(r"(^|/)test_\w+\.py$", p) for p in tree)
    return "python -m pytest -q" if has_pytest or not plain else "python -m unittest"


def _exclude(tree: Tree) -> list[str]:
    return [f"{d}/**" for d in ("vendor", "third_party", "_vendor") if d in tree.dirs]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "migration"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
