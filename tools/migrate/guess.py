"""A first plan file for a checkout: import roots, candidates to move, the gate; and why each of these was guessed.

Only guesses, and each says so: the user is to read the file.  What is found by looking at the tree is filled in; what
nobody can guess (the new names) stands as a comment beside a proposal that parses.  `questions` asks about them where
somebody is there to answer.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field

from .owners import Owners
from .tree import Tree

_NOT_ROOTS = {"test", "tests", "testing", "docs", "doc", "examples", "scripts", "node_modules", "vendor"}
_TOOLING = ("setup.py", "conftest.py", "noxfile.py", "manage.py", "tasks.py", "fabfile.py")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A top-level package or module that could move; `users` are files that import it."""

    name: str
    path: str
    users: int
    distribution: str = ""


@dataclass(slots=True)
class Guess:
    """What a plan file needs, as far as a look at the tree tells.  `why` explains the guesses, by key of the plan."""

    name: str
    roots: list[str]
    candidates: list[Candidate]
    moves: list[tuple[Candidate, str]]  # what moves, and its new name
    gate: str
    exclude: list[str]
    owner: str = ""
    remove_by: dt.date | None = None
    why: dict[str, str] = field(default_factory=dict)


def guess(tree: Tree, name: str) -> Guess:
    """The guesses for this tree."""
    roots = guess_roots(tree)
    packages = top_packages(tree, roots)
    used = _used(tree, set(packages))
    candidates = [
        Candidate(p, path, used[p], _distribution(tree, path))
        for p, path in sorted(packages.items(), key=lambda item: (-used[item[0]], item[0]))
    ]
    best = candidates[0] if candidates else Candidate("mypackage", "", 0)
    gate, reason = _gate(tree)
    exclude = [f"{d}/**" for d in ("vendor", "third_party", "_vendor") if d in tree.dirs]
    owners = Owners.of(tree).of_path(f"{best.path}/__init__.py")
    why = {
        "import-roots": "; ".join(_root_reason(root, candidates) for root in roots),
        "move": f"{best.name} is imported by {best.users} files, more than any other package here",
        "tests": reason,
        "exclude": "folders with code of others" if exclude else "no folder looks like code of others",
        "owner": "CODEOWNERS names them for the package" if owners else "no CODEOWNERS file names anybody",
    }
    moves = [(best, f"libs.{best.name}")]
    return Guess(_slug(name), roots, candidates, moves, gate, exclude, " ".join(owners), None, why)


def guess_plan(tree: Tree, name: str) -> str:
    """The text of a plan file for this tree, with nobody asked."""
    return render_plan(guess(tree, name))


def render_plan(found: Guess) -> str:
    """The plan file: what was guessed, and why, in comments."""
    lines = [
        "# Written by 'init'. These are guesses: read each line before you run a stage.",
        "",
        "[migration]",
        f"name = {_quoted(found.name)}  # names the journal and the commit trailers",
        f"import-roots = [{', '.join(_quoted(r) for r in found.roots)}]  # where top-level packages are found today",
        f"# {found.why['import-roots']}",
    ]
    for candidate, target in found.moves:
        lines += ["", f"# Imported by {candidate.users} files. Say where it shall go."]
        lines += ["[[move]]", f"from = {_quoted(candidate.name)}", f"to = {_quoted(target)}"]
        if candidate.distribution:
            lines.append(f"distribution = {_quoted(candidate.distribution)}  # the distribution that ships it today")
    chosen = {candidate.name for candidate, _ in found.moves}
    others = sorted((c for c in found.candidates if c.name not in chosen), key=lambda c: c.name)
    if others:
        lines += ["", "# Other top-level packages and modules here, any of which may move as well:"]
        lines += [f"#   {c.name}  ({c.path}, used by {c.users} files)" for c in others[:30]]
        if len(others) > 30:
            lines.append(f"#   and {len(others) - 30} more")
    date = found.remove_by.isoformat() if found.remove_by else ""
    lines += [
        "",
        "# [target]                      # one distribution for what was several",
        '# distribution = "my-types"',
        '# path = "libs/types"',
        "",
        "[shims]",
        f"{'' if date else '# '}remove-by = {date or '2030-01-31'}       # the day from which check-shims fails",
        f"{'' if found.owner else '# '}owner = {_quoted(found.owner or 'team')}  # whom the warning names",
        "warn-days = 30",
        "",
        "[gates]",
        f"# {found.why['tests']}",
        f"tests = [{_quoted(found.gate)}]  # what must pass at the end of every stage",
        "",
        "[scan]",
        f"exclude = [{', '.join(_quoted(p) for p in found.exclude)}]",
        "",
    ]
    return "\n".join(lines)


def _root_reason(root: str, candidates: list[Candidate]) -> str:
    prefix = "" if root == "." else f"{root}/"
    here = [c.name for c in candidates if c.path.startswith(prefix) and "/" not in c.path[len(prefix) :]]
    shown = ", ".join(here[:4]) + (" and others" if len(here) > 4 else "")
    place = "the root" if root == "." else root
    return f"{place} holds {shown}" if here else f"{place} is where tests and scripts start"


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
            elif len(parts) == 1 and parts[0] not in _TOOLING:
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


def _gate(tree: Tree) -> tuple[str, str]:
    """The command that must go on passing, and why it was guessed."""
    for path in ("pyproject.toml", "setup.cfg", "tox.ini", "pytest.ini"):
        if path in tree and (path == "pytest.ini" or b"pytest" in tree.read(path)):
            return "python -m pytest -q", f"{path} speaks of pytest"
    if any(p.endswith("conftest.py") for p in tree):
        return "python -m pytest -q", "there is a conftest.py"
    first = next((p for p in tree if re.search(r"(^|/)test_\w+\.py$", p)), "")
    if first and b"unittest" in tree.read(first):
        return "python -m unittest", f"{first} is written for unittest, and nothing speaks of pytest"
    if first:
        return "python -m pytest -q", f"{first} looks like a test"
    return "python -m pytest -q", "no tests were found: name a command that shows that the code works"


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "migration"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
