"""Names of distributions that are merged into another one, in commands: `pip install old-name`, `--package old-name`.

Only a name that is written unlike any import name counts (`wire-fmt`, not `wire_fmt`), one in a place where a
distribution must stand, or one with an extra behind it (`wire-fmt[fast]`, also as a pattern has it).  Manifests and
requirements files have their own rules.
"""

from __future__ import annotations

import re

from ..entrypoints import group_names
from ..layout import Layout
from ..syntax import parse
from ..tree import Tree
from .sink import Sink

_INSTALL = re.compile(
    r"(?:\b(?:pip3?|pipx|uv\s+pip)\s+(?:un)?install\b|\b(?:uv|poetry|pdm|hatch|rye)\s+(?:add|remove)\b|\bdependencies\s*=\s*\[)"
    r"[^\n|;&]*$"
    r"|(?:--(?:[a-z]+-)*package|--with|--no-binary|--only-binary|--from|-P)[=\s]+[\"']?$"
)

_VERSION = re.compile(r"(?:\[[^\]\n]*\])?[ ]*(?:[=~!<>]=|[<>])=?[ ]*[\w.*]+")
_EXTRA = re.compile(r"\\*\[[A-Za-z][\w.-]*(?:,\s*[\w.-]+)*\\*\](?![(\[])")
# Where a manifest declares groups of entry points.
_GROUPS = {
    "pyproject.toml": re.compile(r"^\[(?:project\.entry-points|tool\.poetry\.plugins)\.[\"']?([\w.]+)[\"']?\]", re.M),
    "setup.cfg": re.compile(r"^([\w.]+)[ \t]*=[ \t]*$", re.M),
    "entry_points.txt": re.compile(r"^\[([\w.]+)\]", re.M),
}


def merged_names(layout: Layout) -> dict[str, str]:
    """Normalised old name -> the distribution it is part of afterwards."""
    target = layout.plan.target
    if target is None:
        return {}
    names = {normal(m.distribution) for m in layout.moves if m.distribution}
    return {n: target.distribution for n in names if n != normal(target.distribution)}


def groups(tree: Tree) -> frozenset[str]:
    """The groups of entry points that the manifests of the tree declare and whose names look like modules."""
    found: set[str] = set()
    for path in tree:
        base = path.rpartition("/")[2]
        pattern = _GROUPS.get(base)
        if pattern is not None:
            found.update(pattern.findall(tree.read(path).decode(errors="replace")))
        elif base == "setup.py":
            text = tree.read(path).decode(errors="replace")
            parsed = parse(text) if "entry_points" in text else None
            found.update(str(node.value) for node in (group_names(parsed) if parsed else ()))
    return frozenset(found)


def listed(sink: Sink, start: int, old: str, version: str, new: str) -> None:
    """A version that a command asks for: the distribution that takes the place has versions of its own."""
    sink.list(start, "distribution.version", old + version, (f"a version that {new} has", f"one of {old} alone"))


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def scan_distributions(layout: Layout, sink: Sink, text: str, base: int = 0) -> None:
    for name, new in merged_names(layout).items():
        pattern = "[-_.]+".join(re.escape(p) for p in name.split("-"))
        for match in re.finditer(rf"(?<![\w./@-]){pattern}(?![\w/-]|\.\w)", text, re.I):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            start, end = base + match.start(), base + match.end()
            if sink.covered(start, end) or re.search(r"\w+://\S*$", line):
                continue
            extra = match.group() not in layout.old_names and _EXTRA.match(text, match.end())
            if (extra or _INSTALL.search(line)) and not re.search(r"(?:-e|--editable)[=\s]+$", line):
                reason = f"the distribution {match.group()} is now part of {new}"
                sink.edit(start, end, new, stage=4, rule="distribution.command", reason=reason)
                if version := _VERSION.match(text, match.end()):
                    listed(sink, start, match.group(), version.group(), new)
            elif match.group() not in layout.old_names:
                readings = (f"the distribution, now part of {new}", "a name of something else")
                sink.list(start, "distribution.name", match.group(), readings, severity="note")
