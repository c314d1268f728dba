"""Addresses of files on a code host: `https://github.com/example/shop/blob/main/shop/cart.py`, and raw ones.

What such an address leads to depends on its branch.  A commit or a version stays what it was; the main branch has the
new path as soon as the migration is merged, so the address changes, if a manifest of the tree names its repository as
the project's own.  Of another branch or repository that has a file at a moving path it is listed.
"""

from __future__ import annotations

import re

from ..tree import Tree
from .context import World
from .sink import Sink

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py", "package.json", "CITATION.cff")
_OWN = re.compile(r"(?<!git\+)https?://(?:www\.)?(?P<place>[\w.-]+(?:/[\w.-]+){2,})")
_FILE = re.compile(
    r"""https?://(?:www\.)?(?:
        (?P<place>[\w.-]+(?:/[\w.-]+){2,4}?)/(?:-/)?(?:blob|tree|raw|edit|blame|src/branch)
        | raw\.githubusercontent\.com/(?P<raw>[\w.-]+/[\w.-]+)(?:/refs/heads)?
    )/(?P<branch>[\w.-]+)/(?P<path>[\w./@+-]*[\w/])""",
    re.X,
)
_FIXED = re.compile(r"[0-9a-f]{7,40}|v?\d+(?:\.\w+)+")  # a commit, a version
_MAIN = ("main", "master", "HEAD", "trunk", "develop")


def repositories(tree: Tree) -> frozenset[str]:
    """Where the manifests of the tree say that it is kept: `github.com/example/shop`."""
    found: set[str] = set()
    for path in tree:
        if path.rpartition("/")[2] in _MANIFESTS:
            text = tree.read(path).decode(errors="replace")
            for match in _OWN.finditer(text):
                parts = match["place"].lower().removesuffix(".git").split("/")
                found.update("/".join(parts[:n]) for n in range(3, len(parts) + 1))  # `.../shop/issues` as well
    return frozenset(found)


def scan_urls(world: World, sink: Sink, *, edits: bool = True) -> None:
    layout = world.layout
    for match in _FILE.finditer(sink.body):
        path, place = match["path"], match["place"] or f"github.com/{match['raw']}"
        new = layout.old_to_new_path(path.rstrip("/"))
        if new is None or not layout.existed(path.rstrip("/")) or _FIXED.fullmatch(match["branch"]):
            continue
        new += "/" * path.endswith("/")
        if edits and match["branch"] in _MAIN and place.lower() in world.repositories:
            reason = f"{place} is where this is kept, and its {match['branch']} has {new} once this is merged"
            sink.edit(*match.span("path"), new, stage=4, rule="url.branch", reason=reason)
        else:
            readings = (f"a file of this tree, now {new}", "one that stays, in another branch or repository")
            sink.list(match.start(), "url.branch", match.group(), readings, severity="note")
