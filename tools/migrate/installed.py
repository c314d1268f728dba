"""Other distributions that are installed beside the tree and import an old name: no stage can change them.

They go on working while shims stand, and stage 6 would break them: a plugin, say, that a gate loads.  Only those that
require a distribution of the tree are looked at, as a whole environment has many thousand files; they are read, and
nothing of them is imported.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from .environ import child_environment
from .layout import Layout
from .model import Finding
from .owners import Members
from .syntax import parse

_SECONDS = 60
_ASK = r"""
import sys
sys.path[:] = [p for p in sys.path if p]  # a module of the tree may be called like one of these
import importlib.metadata, json, re

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

ours, found = {plain(name) for name in sys.argv[1:]}, {}
for one in importlib.metadata.distributions():
    name = one.metadata["Name"] or ""
    needs = {plain(re.match(r"[\w.-]*", line)[0]) for line in one.requires or ()}
    if needs & ours and plain(name) not in ours:
        places = (str(one.locate_file(path)) for path in one.files or () if path.suffix == ".py")
        found[name] = [one.version, sorted(places)]
print(json.dumps(found))
"""


def installed_users(python: str, root: Path, layout: Layout) -> list[Finding]:
    """One finding for each of them, with the first place; none where `python` cannot say what is installed."""
    out = []
    for name, (version, files) in sorted(_dependents(python, root, Members.of(layout.tree).names()).items()):
        uses = [(file, line, old) for file in files for line, old in _old_names(Path(file), layout)]
        if uses:
            file, line, old = uses[0]
            more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
            where = f"{Path(file).parent.name}/{Path(file).name}:{line}{more}"
            readings = (f"{name} {version} needs it: {where}", "what imports it there is never loaded")
            hint = f"stage 6 breaks it: a release of {name} with {layout.new_module(old)} comes first"
            out.append(Finding(name, 0, "installed.old-name", old, readings, hint, "warning"))
    return out


def _dependents(python: str, root: Path, ours: Sequence[str]) -> dict[str, tuple[str, list[str]]]:
    if not ours:
        return {}
    try:
        done = subprocess.run(
            [python, "-B", "-c", _ASK, *ours],
            cwd=root, env=child_environment(root), capture_output=True, text=True, timeout=_SECONDS, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return {name: (version, files) for name, (version, files) in found.items()}


def _old_names(file: Path, layout: Layout) -> Iterator[tuple[int, str]]:
    try:
        tree = parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for node in ast.walk(tree) if tree else ():
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom(module=str(module), level=0):
                names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
            case _:
                continue
        if old := next((name for name in names if layout.new_module(name)), None):
            yield node.lineno, old
