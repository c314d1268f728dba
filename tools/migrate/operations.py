"""What a stage does to the tree, as data: each operation describes itself, applies itself, and takes itself back.

Operations are values that go into the saved plan as JSON.  `apply` and `revert` touch files through a `Bench` or a
`Workplace` and nothing else, so a dry run applies the same operations to a tree in memory; commits and the index are
the executor's business.  `revert` accepts every state that a kill can leave (before, after, or half of it) and refuses
anything else, because that would be the user's own work.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .model import Edit
from .tree import LINK, decode, sha
from .workplace import Bench, Workplace, changed_since


class Operation(Protocol):
    @property
    def stage(self) -> int: ...
    def describe(self) -> str: ...
    def touches(self) -> tuple[str, ...]: ...
    def apply(self, place: Bench) -> None: ...
    def revert(self, place: Workplace) -> None: ...
    def as_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class MoveFiles:
    """`git mv` of every tracked file of one move; nothing else of the files changes."""

    stage: int
    source: str
    target: str
    pairs: tuple[tuple[str, str], ...]

    def describe(self) -> str:
        return f"move {self.source} to {self.target} ({len(self.pairs)} files)"

    def touches(self) -> tuple[str, ...]:
        return tuple(p for pair in self.pairs for p in pair)

    def apply(self, place: Bench) -> None:
        place.move(dict(self.pairs))

    def revert(self, place: Workplace) -> None:
        # Where another file stands at the old place, that can only be a shim, whose operation was taken back before.
        place.rename([(new, old) for old, new in self.pairs])

    def as_dict(self) -> dict[str, Any]:
        return {
            "do": "move",
            "stage": self.stage,
            "from": self.source,
            "to": self.target,
            "files": [list(p) for p in self.pairs],
        }


@dataclass(frozen=True, slots=True)
class EditFile:
    """Replace spans of one file.  `before` and `after` are hashes of the whole content."""

    stage: int
    path: str
    before: str
    after: str
    edits: tuple[Edit, ...]
    link: bool = False

    def describe(self) -> str:
        return f"edit {self.path} ({len(self.edits)} places)"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, place: Bench) -> None:
        data = place.read(self.path)
        if sha(data) != self.before:
            raise changed_since(self.path)
        result = apply_edits(data, self.edits, self.path)
        if sha(result) != self.after:
            raise changed_since(self.path)
        place.write(self.path, result, LINK if self.link else None)

    def revert(self, place: Workplace) -> None:
        if not place.holds(self.path):
            return
        data = place.read(self.path)
        if sha(data) == self.after:
            place.write(self.path, apply_edits(data, inverse(self.edits), self.path), LINK if self.link else None)
        elif sha(data) != self.before:
            raise changed_since(self.path)

    def as_dict(self) -> dict[str, Any]:
        return {
            "do": "edit",
            "stage": self.stage,
            "path": self.path,
            "before": self.before,
            "after": self.after,
            "link": self.link,
            "edits": [[e.start, e.end, e.old, e.new, e.line, e.stage, e.rule, e.reason] for e in self.edits],
        }


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Create a file, or replace the one whose hash is `before`, as a whole."""

    stage: int
    path: str
    content: bytes
    mode: str
    why: str
    before: str | None = None

    def describe(self) -> str:
        return f"{'rewrite' if self.before else 'write'} {self.path}: {self.why}"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, place: Bench) -> None:
        if place.holds(self.path):
            data = place.read(self.path)
            if sha(data) != self.before:
                raise changed_since(self.path)
            place.keep(data)
        place.write(self.path, self.content, self.mode)

    def revert(self, place: Workplace) -> None:
        if not place.holds(self.path):
            if self.before is not None:
                place.write(self.path, place.original(self.path, self.before), self.mode)
            return
        now = sha(place.read(self.path))
        if now == self.before:
            return
        if self.before is None:
            # With another content it is not ours: the file whose move, which comes first, had not happened yet.
            if now == sha(self.content):
                place.remove(self.path)
        elif now != sha(self.content):
            raise changed_since(self.path)
        else:
            place.write(self.path, place.original(self.path, self.before), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "do": "write",
            "stage": self.stage,
            "path": self.path,
            "mode": self.mode,
            "why": self.why,
            "before": self.before,
            "content": base64.b64encode(self.content).decode(),
        }


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Delete one tracked file whose hash is `before`, and the folders that this empties."""

    stage: int
    path: str
    before: str
    mode: str
    why: str

    def describe(self) -> str:
        return f"remove {self.path}: {self.why}"

    def touches(self) -> tuple[str, ...]:
        return (self.path,)

    def apply(self, place: Bench) -> None:
        if not place.holds(self.path):
            return
        data = place.read(self.path)
        if sha(data) != self.before:
            raise changed_since(self.path)
        place.keep(data)
        place.remove(self.path)

    def revert(self, place: Workplace) -> None:
        if place.holds(self.path):
            if sha(place.read(self.path)) != self.before:
                raise changed_since(self.path)
            return
        place.write(self.path, place.original(self.path, self.before), self.mode)

    def as_dict(self) -> dict[str, Any]:
        return {
            "do": "remove",
            "stage": self.stage,
            "path": self.path,
            "before": self.before,
            "mode": self.mode,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class SetAside:
    """Take untracked leftovers (byte-code caches) out of the tree, to a folder where `revert` finds them again.

    An old folder that holds nothing but a cache is still importable as a namespace package.  `back` is the other
    direction, for a rollback.
    """

    stage: int
    paths: tuple[str, ...]
    back: bool = False

    def describe(self) -> str:
        if self.back:
            return f"put {len(self.paths)} byte-code caches back"
        return f"set aside {len(self.paths)} byte-code caches in the emptied folders"

    def touches(self) -> tuple[str, ...]:
        return ()

    def apply(self, place: Bench) -> None:
        place.bring_back(self.paths) if self.back else place.put_away(self.paths)

    def revert(self, place: Workplace) -> None:
        place.put_away(self.paths) if self.back else place.bring_back(self.paths)

    def as_dict(self) -> dict[str, Any]:
        return {"do": "set-aside", "stage": self.stage, "paths": list(self.paths), "back": self.back}


def from_dict(data: dict[str, Any]) -> Operation:
    """The operation that `as_dict` wrote."""
    match data["do"]:
        case "move":
            return MoveFiles(data["stage"], data["from"], data["to"], tuple((a, b) for a, b in data["files"]))
        case "edit":
            edits = tuple(Edit(*e) for e in data["edits"])
            return EditFile(data["stage"], data["path"], data["before"], data["after"], edits, data["link"])
        case "write":
            content = base64.b64decode(data["content"])
            return WriteFile(data["stage"], data["path"], content, data["mode"], data["why"], data["before"])
        case "remove":
            return RemoveFile(data["stage"], data["path"], data["before"], data["mode"], data["why"])
        case "set-aside":
            return SetAside(data["stage"], tuple(data["paths"]), data.get("back", False))
    raise ValueError(f"unknown operation {data['do']!r}")


def apply_edits(data: bytes, edits: Sequence[Edit], path: str) -> bytes:
    """`data` with the spans replaced; every span must hold what the edit says it holds.

    Of two edits of one span that of the later stage stands.
    """
    text = decode(data, python=path.endswith((".py", ".pyi", ".pyw")))
    if text is None:
        raise changed_since(path)
    out, position = [], 0
    for edit in last_of_each(edits):
        if text.body[edit.start : edit.end] != edit.old or edit.start < position:
            raise changed_since(path)
        out += [text.body[position : edit.start], edit.new]
        position = edit.end
    out.append(text.body[position:])
    return text.encoded("".join(out))


def last_of_each(edits: Sequence[Edit]) -> list[Edit]:
    """In order, without those after which a later stage writes the same span once more."""
    out: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.start, e.end, e.stage)):
        same = out and edit.start < edit.end and (out[-1].start, out[-1].end) == (edit.start, edit.end)
        if same and out[-1].stage < edit.stage:
            out.pop()
        out.append(edit)
    return out


def inverse(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that turn the result of `edits` back into what it was made of."""
    shift, out = 0, []
    for edit in sorted(edits):
        start = edit.start + shift
        out.append(
            Edit(start, start + len(edit.new), edit.new, edit.old, edit.line, edit.stage, edit.rule, edit.reason)
        )
        shift += len(edit.new) - len(edit.old)
    return tuple(out)
