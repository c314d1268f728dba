"""What a stage does to the tree, as data: each operation describes itself, applies itself, and takes itself back.

Operations are values that go into the saved plan as JSON.  `apply` and `revert` touch the working tree through a
`Workplace` and nothing else; commits and the index are the executor's business.  `revert` accepts every state that a
kill can leave (before, after, or half of it) and refuses anything else, because that would be the user's own work.
"""

from __future__ import annotations

import base64
import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .model import Edit, Refused
from .tree import EXECUTABLE, LINK, decode, sha

TEMPORARY = ".migrate-"  # how the names of half-written files begin


class Workplace(Protocol):
    """What operations may use: the root, folders for temporary and set-aside files, `git mv`, old contents."""

    root: Path
    scratch: Path
    aside: Path

    def move(self, pairs: dict[str, str]) -> None: ...
    def keep(self, data: bytes) -> None: ...
    def original(self, path: str, before: str) -> bytes: ...


class Operation(Protocol):
    @property
    def stage(self) -> int: ...
    def describe(self) -> str: ...
    def touches(self) -> tuple[str, ...]: ...
    def apply(self, place: Workplace) -> None: ...
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

    def apply(self, place: Workplace) -> None:
        place.move(dict(self.pairs))
        _remove_empty(place.root, (old for old, _ in self.pairs))

    def revert(self, place: Workplace) -> None:
        for old, new in self.pairs:
            source, target = place.root / new, place.root / old
            if not os.path.lexists(source):
                continue
            if os.path.lexists(target):
                # Only a shim can stand here, and its own operation was taken back before.
                raise changed_since(old)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
        _remove_empty(place.root, (new for _, new in self.pairs))

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

    def apply(self, place: Workplace) -> None:
        data = read(place.root / self.path)
        if sha(data) != self.before:
            raise changed_since(self.path)
        result = apply_edits(data, self.edits, self.path)
        if sha(result) != self.after:
            raise changed_since(self.path)
        write(place, self.path, result, LINK if self.link else None)

    def revert(self, place: Workplace) -> None:
        target = place.root / self.path
        if not os.path.lexists(target):
            return
        data = read(target)
        if sha(data) == self.after:
            write(place, self.path, apply_edits(data, inverse(self.edits), self.path), LINK if self.link else None)
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

    def apply(self, place: Workplace) -> None:
        target = place.root / self.path
        if os.path.lexists(target):
            data = read(target)
            if sha(data) != self.before:
                raise changed_since(self.path)
            place.keep(data)
        write(place, self.path, self.content, self.mode)

    def revert(self, place: Workplace) -> None:
        target = place.root / self.path
        if not os.path.lexists(target):
            if self.before is not None:
                write(place, self.path, place.original(self.path, self.before), self.mode)
            return
        now = sha(read(target))
        if now == self.before:
            return
        if self.before is None:
            # With another content it is not ours: the file whose move, which comes first, had not happened yet.
            if now == sha(self.content):
                target.unlink()
                _remove_empty(place.root, [self.path])
        elif now != sha(self.content):
            raise changed_since(self.path)
        else:
            write(place, self.path, place.original(self.path, self.before), None)

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

    def apply(self, place: Workplace) -> None:
        target = place.root / self.path
        if not os.path.lexists(target):
            return
        data = read(target)
        if sha(data) != self.before:
            raise changed_since(self.path)
        place.keep(data)
        target.unlink()
        _remove_empty(place.root, [self.path])

    def revert(self, place: Workplace) -> None:
        target = place.root / self.path
        if os.path.lexists(target):
            if sha(read(target)) != self.before:
                raise changed_since(self.path)
            return
        write(place, self.path, place.original(self.path, self.before), self.mode)

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

    def apply(self, place: Workplace) -> None:
        self._restore(place) if self.back else self._take(place)

    def revert(self, place: Workplace) -> None:
        self._take(place) if self.back else self._restore(place)

    def _take(self, place: Workplace) -> None:
        for path in self.paths:
            source, target = place.root / path, place.aside / path
            if source.exists():
                shutil.rmtree(target, ignore_errors=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)
        _remove_empty(place.root, self.paths)

    def _restore(self, place: Workplace) -> None:
        for path in self.paths:
            source, target = place.aside / path, place.root / path
            if source.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)

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
    """`data` with the spans replaced; every span must hold what the edit says it holds."""
    text = decode(data, python=path.endswith((".py", ".pyi", ".pyw")))
    if text is None:
        raise changed_since(path)
    out, position = [], 0
    for edit in sorted(edits):
        if text.body[edit.start : edit.end] != edit.old or edit.start < position:
            raise changed_since(path)
        out += [text.body[position : edit.start], edit.new]
        position = edit.end
    out.append(text.body[position:])
    return text.encoded("".join(out))


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


def read(place: Path) -> bytes:
    return os.fsencode(os.readlink(place)) if place.is_symlink() else place.read_bytes()


def write(place: Workplace, path: str, data: bytes, mode: str | None) -> None:
    """Replace in one step, so a kill leaves the old content or the new; the mode of a file that exists is kept."""
    target = place.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    place.scratch.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(_temporary(place.scratch, target, data, mode), target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # The git directory is on another file system.  A name that recovery finds again stands beside the target.
        os.replace(_temporary(target.parent, target, data, mode), target)


def _temporary(folder: Path, target: Path, data: bytes, mode: str | None) -> Path:
    """A new file (or link) with these contents and the mode that the target shall have."""
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    temporary = Path(name)
    if mode == LINK or (mode is None and target.is_symlink()):
        os.close(handle)
        temporary.unlink()
        temporary.symlink_to(os.fsdecode(data))
        return temporary
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # or a power cut could leave an empty file under the right name
    if os.path.lexists(target) and not target.is_symlink():
        temporary.chmod(target.stat().st_mode & 0o7777)
    else:
        temporary.chmod((0o777 if mode == EXECUTABLE else 0o666) & ~_umask())
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _remove_empty(root: Path, paths: Any) -> None:
    """Remove the folders that held these files, where nothing is left in them."""
    for folder in sorted({(root / p).parent for p in paths}, key=lambda f: -len(f.parts)):
        while folder != root and root in folder.parents:
            try:
                folder.rmdir()
            except OSError:
                break
            folder = folder.parent


def changed_since(path: str) -> Refused:
    return Refused(
        "the file is not as the plan knows it",
        where=path,
        next_step="move your own version of it elsewhere, then run the same command again",
    )
