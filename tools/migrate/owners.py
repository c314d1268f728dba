"""Who answers for which file: CODEOWNERS, and the members of the repository, which are its distributions.

Owns both readings; they know paths and texts only.  CODEOWNERS is read as the forges do: patterns as in .gitignore, the
last one that matches decides, within each section where the file has sections (GitLab).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from .tree import Tree

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_SECTION = re.compile(r"\^?\[([^\]]+)\](?:\[\d+\])?(.*)")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


@dataclass(frozen=True, slots=True)
class Rule:
    section: str
    pattern: re.Pattern[str]
    owners: tuple[str, ...]


class Owners:
    """The rules of one CODEOWNERS file; without one nobody owns anything."""

    def __init__(self, text: str = "") -> None:
        self.rules = tuple(_rules(text))

    @classmethod
    def of(cls, tree: Tree) -> Owners:
        place = next((p for p in PLACES if p in tree), None)
        text = tree.text(place) if place else None
        return cls(text.body if text else "")

    def __bool__(self) -> bool:
        return bool(self.rules)

    def of_path(self, path: str) -> tuple[str, ...]:
        """Whom the last matching rule (of each section) names, as it is written there; nobody if there is none."""
        last: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.pattern.fullmatch(path):
                last[rule.section] = rule
        return tuple(dict.fromkeys(owner for rule in last.values() for owner in rule.owners))

    def names(self) -> list[str]:
        return sorted({owner for rule in self.rules for owner in rule.owners})

    def is_of(self, path: str, owner: str) -> bool:
        return owner.lower() in (o.lower() for o in self.of_path(path))


def _rules(text: str) -> list[Rule]:
    out: list[Rule] = []
    section: str = ""
    usual: tuple[str, ...] = ()
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if found := _SECTION.fullmatch(line):
            section, usual = found[1].lower(), tuple(_owners(found[2].split()))
            continue
        words = _WORD.findall(line)
        owners = tuple(_owners(words[1:]))
        out.append(Rule(section, _pattern(re.sub(r"\\(.)", r"\1", words[0])), owners or usual))
    return out


def _owners(words: list[str]) -> list[str]:
    """The words up to a comment."""
    end = next((n for n, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:end]


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of CODEOWNERS as an expression for whole paths."""
    inner = text.strip("/")
    anchored = text.startswith("/") or "/" in inner
    body = ""
    for part in re.split(r"(\*\*/|/\*\*|\*\*|\*|\?)", inner):
        known = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
        body += known.get(part, re.escape(part))
    if text.endswith("/"):
        below = "/.*"
    elif inner.endswith("/*"):  # the files of that folder, none below
        below = ""
    else:
        below = "(?:/.*)?"
    return re.compile(("" if anchored else "(?:.*/)?") + body + below, re.DOTALL)


class Members:
    """The distributions of a tree: each file is of the one whose manifest stands in the nearest folder above it."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self.folders = dict(folders)  # folder -> name

    @classmethod
    def of(cls, tree: Tree) -> Members:
        found: dict[str, str] = {}
        for path in tree:
            folder, _, name = path.rpartition("/")
            if name == "pyproject.toml" and (project := _project(tree, path)):
                found[folder or "."] = project
        return cls(found)

    def of_path(self, path: str) -> str:
        """The member's name; "" for a file of none."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if (folder or ".") in self.folders:
                return self.folders[folder or "."]
        return ""

    def names(self) -> list[str]:
        return sorted(set(self.folders.values()))

    def named(self, name: str) -> str | None:
        """The member that is called so, dashes and capitals aside."""
        return next((m for m in self.names() if _plain(m) == _plain(name)), None)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _project(tree: Tree, path: str) -> str:
    text = tree.text(path)
    try:
        name = tomllib.loads(text.body).get("project", {}).get("name", "") if text else ""
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""
