"""Which files of the repository are pages of the site, and where; their links, rewritten for the new places.

Owns the list of pages and the rewriting.  Must not know how a page is made into HTML.  The files themselves stay as
they are, and their links work where they lie: in a checkout, or on a forge.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OWN = Path(__file__).resolve().parent

# Pages that do not lie below docs/; those that do keep their place.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "infra/README.md": "packages/infra.md",
    "libs/types/README.md": "packages/types.md",
    "libs/types/protocol/README.md": "packages/protocol.md",
    "relays/README.md": "packages/relays.md",
    "services/book_builder/README.md": "packages/book_builder.md",
    "services/execution_sim/README.md": "packages/execution_sim.md",
    "services/feed_replay/README.md": "packages/feed_replay.md",
    "services/recorder/README.md": "packages/recorder.md",
    "tools/migrate/README.md": "packages/migrate.md",
    "tools/perf/README.md": "packages/perf.md",
    # Files that readers are sent to.
    "libs/types/protocol/alphapulse_wire.ksy": "reference/alphapulse_wire.ksy",
    "tools/migrate/demo/legacy/migration.toml": "reference/migration.toml",
}

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*(?:\n[^\]\n]*)?)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^(?:```|~~~)", re.MULTILINE)
_SUFFIXES = {".md", ".png", ".svg", ".json", ".css"}


def site_map() -> dict[str, str]:
    """Path in the repository -> path in the site, of every page and picture."""
    docs = ROOT / "docs"
    found = {
        f"docs/{path.relative_to(docs).as_posix()}": path.relative_to(docs).as_posix()
        for path in sorted(docs.rglob("*"))
        if path.suffix in _SUFFIXES and not path.is_relative_to(OWN)
    }
    return {**found, **{source: place for source, place in ELSEWHERE.items() if (ROOT / source).is_file()}}


def copy_pages(target: Path) -> None:
    """Write all pages below `target`, with their links rewritten."""
    places = site_map()
    for source, place in places.items():
        path = target / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = (ROOT / source).read_text(encoding="utf-8")
            path.write_text(with_links(text, source, places), encoding="utf-8")
        else:
            shutil.copyfile(ROOT / source, path)


def with_links(text: str, source: str, places: dict[str, str]) -> str:
    """The page's text as it has to be at its new place."""

    def moved(match: re.Match[str]) -> str:
        target, _, anchor = match["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        wanted = os.path.normpath(os.path.join(os.path.dirname(source), target))
        if wanted == "docs/adr":
            wanted = "docs/adr/index.md"
        place = "adr/index.md" if wanted == "docs/adr/index.md" else places.get(wanted)
        if place is None:
            return match["text"]  # a file that is no page: its name is enough
        relative = os.path.relpath(place, os.path.dirname(places[source]) or ".")
        return f"[{match['text']}]({relative}{'#' + anchor if anchor else ''})"

    parts = _FENCE.split(text)
    fences = [*_FENCE.findall(text), ""]
    # Every second part lies inside of a fence.
    return "".join((part if at % 2 else _LINK.sub(moved, part)) + fences[at] for at, part in enumerate(parts))
