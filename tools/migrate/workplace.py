"""Where operations are carried out: on the disk of a checkout, or in memory for a dry run.

Owns every write to the working tree.  `Disk` writes in one step, so that a kill leaves the old content or the new, and
keeps what it replaces; `Collector` has the same face over a tree of values, and writes nothing.  So a dry run is the
same operations as the real one.  Must not know what the operations are for.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .model import Refused
from .repo import Repo
from .tree import EXECUTABLE, LINK, REGULAR, Tree, sha

TEMPORARY = ".migrate-"  # how the names of half-written files begin


class Bench(Protocol):
    """What operations need to be carried out."""

    def holds(self, path: str) -> bool: ...
    def read(self, path: str) -> bytes: ...
    def write(self, path: str, data: bytes, mode: str | None) -> None: ...
    def remove(self, path: str) -> None: ...
    def move(self, pairs: Mapping[str, str]) -> None: ...
    def keep(self, data: bytes) -> None: ...
    def put_away(self, paths: Sequence[str]) -> None: ...
    def bring_back(self, paths: Sequence[str]) -> None: ...


class Workplace(Bench, Protocol):
    """What they need besides to be taken back."""

    def original(self, path: str, before: str) -> bytes: ...
    def rename(self, pairs: Sequence[tuple[str, str]]) -> None: ...


@dataclass(slots=True)
class Disk:
    """A checkout: its files, and the contents at the base commit.

    `scratch` is for half-written files, `aside` for caches that were in the way, `kept` for what was replaced.
    """

    repo: Repo
    base: Tree
    scratch: Path
    aside: Path
    kept: Path
    root: Path = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.repo.root

    def holds(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

    def read(self, path: str) -> bytes:
        return read(self.root / path)

    def write(self, path: str, data: bytes, mode: str | None) -> None:
        """Replace in one step; the mode of a file that exists is kept."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        self.scratch.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(_temporary(self.scratch, target, data, mode), target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The git directory is on another file system.  A name that recovery finds again stands beside the target.
            os.replace(_temporary(target.parent, target, data, mode), target)

    def remove(self, path: str) -> None:
        """Delete a file, and the folders that this empties."""
        (self.root / path).unlink()
        self._remove_empty([path])

    def move(self, pairs: Mapping[str, str]) -> None:
        """`git mv`, and the folders that are empty after it go."""
        self.repo.move(pairs)
        self._remove_empty(pairs)

    def rename(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Move files that are there, whatever git knows of them; refused where another file stands."""
        for old, new in pairs:
            source, target = self.root / old, self.root / new
            if not os.path.lexists(source):
                continue
            if os.path.lexists(target):
                raise changed_since(new)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
        self._remove_empty(old for old, _ in pairs)

    def keep(self, data: bytes) -> None:
        """Remember a content that is about to be replaced."""
        place = self.kept / sha(data)
        if not place.exists():
            self.kept.mkdir(parents=True, exist_ok=True)
            self.scratch.mkdir(parents=True, exist_ok=True)
            temporary = self.scratch / f"{place.name}.kept"
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, place)

    def original(self, path: str, before: str) -> bytes:
        """The content with that hash: what was kept, or what the base commit has there."""
        place = self.kept / before
        data = place.read_bytes() if place.exists() else self.base.read(path) if path in self.base else b""
        if sha(data) != before:
            raise changed_since(path)
        return data

    def put_away(self, paths: Sequence[str]) -> None:
        for path in paths:
            source, target = self.root / path, self.aside / path
            if source.exists():
                shutil.rmtree(target, ignore_errors=True)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)
        self._remove_empty(paths)

    def bring_back(self, paths: Sequence[str]) -> None:
        for path in paths:
            source, target = self.aside / path, self.root / path
            if source.exists() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(source, target)

    def _remove_empty(self, paths: Iterable[str]) -> None:
        """Remove the folders that held these files, where nothing is left in them."""
        for folder in sorted({(self.root / p).parent for p in paths}, key=lambda f: -len(f.parts)):
            while folder != self.root and self.root in folder.parents:
                try:
                    folder.rmdir()
                except OSError:
                    break
                folder = folder.parent


class Collector:
    """The tracked files of a tree, on which operations are carried out in memory."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.modes = dict(tree.modes)
        self.source = {path: path for path in tree}  # where the content comes from, unless it was written
        self.written: dict[str, bytes] = {}
        self.moved: dict[str, str] = {}  # new path -> old path

    def holds(self, path: str) -> bool:
        return path in self.modes

    def read(self, path: str) -> bytes:
        return self.written[path] if path in self.written else self.tree.read(self.source[path])

    def write(self, path: str, data: bytes, mode: str | None) -> None:
        self.modes[path] = self.modes.get(path) or mode or REGULAR
        self.written[path] = data

    def remove(self, path: str) -> None:
        del self.modes[path]
        self.written.pop(path, None)

    def move(self, pairs: Mapping[str, str]) -> None:
        for old, new in pairs.items():
            self.modes[new] = self.modes.pop(old)
            self.source[new] = self.source[old]
            self.moved[new] = old
            if old in self.written:
                self.written[new] = self.written.pop(old)

    def keep(self, data: bytes) -> None:
        """Nothing is lost here."""

    def put_away(self, paths: Sequence[str]) -> None:
        """What is not tracked is not here."""

    def bring_back(self, paths: Sequence[str]) -> None:
        """As `put_away`."""

    def result(self) -> Tree:
        """The tree after everything so far."""
        written, source, tree = dict(self.written), dict(self.source), self.tree
        return Tree(self.modes, lambda path: written[path] if path in written else tree.read(source[path]))


def read(place: Path) -> bytes:
    """A file's content, or a link's target."""
    return os.fsencode(os.readlink(place)) if place.is_symlink() else place.read_bytes()


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


def changed_since(path: str) -> Refused:
    return Refused(
        "the file is not as the plan knows it",
        where=path,
        next_step="move your own version of it elsewhere, then run the same command again",
    )
