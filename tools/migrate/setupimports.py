"""Import statements of a setup.py, and the names that they bind: `from package import __version__`.

The manifests' rewriter edits the strings of the file; what imports is Python like any other, so the scanner reads it.
The edits are made with the first of the stages that rewrite the manifest: the new names can be imported from then on,
and the file is run by whoever builds the distribution, where nobody puts up with a warning.
"""

from __future__ import annotations

import posixpath

from .manifests import Context, facts
from .model import Edit, Finding
from .operations import apply_edits
from .scan import World, scan_file
from .tree import LINK

_RULES = ("import", "name", "root")


def imports_of(world: World, context: Context, path: str) -> tuple[list[Edit], list[Finding]]:
    """The edits, and what is left for a person; the setup.py of a distribution that merges is written anew instead."""
    tree = world.layout.tree
    if posixpath.basename(path) != "setup.py" or path not in tree or tree.modes[path] == LINK:
        return [], []
    dist = facts(context).old(path)
    if dist is not None and dist.manifest == path:
        return [], []
    scan = scan_file(world, path)
    return [e for e in scan.edits if _ours(e.rule)], [f for f in scan.findings if _ours(f.rule)]


def with_imports(body: str, edits: list[Edit]) -> str:
    """The text of the file after these edits."""
    return apply_edits(body.encode(), edits, "text").decode() if edits else body


def _ours(rule: str) -> bool:
    return rule.partition(".")[0] in _RULES
