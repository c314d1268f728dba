"""Who owns a path (CODEOWNERS), and which member of the repository it belongs to (the nearest manifest above it).

Text and paths in, names out: nothing here reads a disk or runs git.  CODEOWNERS is read as GitHub and GitLab read it:
the last pattern that fits wins, one without owners takes them away again.  GitLab's sections are read one by one, and
each may add owners; the default owners of a section stand for its patterns without any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from .tree import Tree

PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>.*)")
_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg")


@dataclass(slots=True)
class Owners:
    """The rules of one CODEOWNERS file: one list for each section, in the order of the file."""

    sections: list[list[tuple[re.Pattern[str], tuple[str, ...]]]] = field(default_factory=list)

    def of(self, path: str) -> tuple[str, ...]:
        """Whom the file names for `path`; nobody if no pattern fits."""
        found: list[str] = []
        for rules in self.sections:
            last = next((owners for pattern, owners in reversed(rules) if pattern.match(path)), ())
            found += [owner for owner in last if owner not in found]
        return tuple(found)


def parse_owners(text: str) -> Owners:
    """The rules of a CODEOWNERS file.  A line that makes no sense is passed over, as the hosts do."""
    out, default = Owners([[]]), tuple[str, ...]()
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        head = _SECTION.fullmatch(line)
        if head:
            default = tuple(_names(head["owners"]))
            out.sections.append([])
            continue
        words = re.split(r"(?<!\\)\s+", line)
        pattern, owners = words[0].replace("\\ ", " "), tuple(_names(" ".join(words[1:])))
        out.sections[-1].append((_pattern(pattern), owners or default))
    return out


def owners_of(tree: Tree) -> Owners:
    """The owners that the tree names; nobody owns anything where there is no such file."""
    for place in PLACES:
        if place in tree:
            text = tree.text(place)
            return parse_owners(text.body if text else "")
    return Owners()


class Members:
    """Members of a tree: folders with a packaging manifest.  What is in none of them belongs to its top folder."""

    def __init__(self, tree: Iterable[str]) -> None:
        self._folders = {p.rpartition("/")[0] for p in tree if p.rpartition("/")[2] in _MANIFESTS} - {""}

    def of(self, path: str) -> str:
        folder = path.rpartition("/")[0]
        while folder and folder not in self._folders:
            folder = folder.rpartition("/")[0]
        return folder or (path.partition("/")[0] if "/" in path else ".")


def _names(text: str) -> list[str]:
    """Owners in the rest of a line: `@name`, `@team/name` or an address; what follows a `#` is a comment."""
    return [word for word in text.partition("#")[0].split() if "@" in word]


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern as `.gitignore` has them, which also fits everything below a folder."""
    rooted = "/" in text.rstrip("/")
    below_only = text.endswith("/")
    parts = [p for p in text.split("/") if p]
    out = "" if rooted else "(?:.*/)?"
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out += ".*" if last else "(?:.*/)?"
            continue
        out += re.sub(r"\\\*", "[^/]*", re.escape(part)).replace(r"\?", "[^/]")
        out += "" if last else "/"
    # `docs/*` means the files of a folder, not those below its folders.
    direct = bool(parts) and parts[-1] == "*" and len(parts) > 1
    end = "/.*" if below_only else "" if direct or (parts and parts[-1] == "**") else "(?:/.*)?"
    return re.compile(out + end + r"\Z")
