"""What edits make of a file: its texts after stages 3, 4 and 6, made when one is asked for, and their hashes, kept.

A plan has the hash of every file before and after each stage.  For a file with the same content and the same edits
they are what they were the last time, so that planning again need not read all files that will be edited.  A file of
the tool's state keeps them, with its checksum in front (`checked`): it can save time, and never change a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .checked import load_document, store_document
from .model import Edit
from .operations import apply_edits, last_of_each
from .planned import shifted_by
from .scan.memory import tool_state
from .tree import LINK, Tree, sha

_FORMAT = 2
_STAGES = (3, 4, 6)


class EditedFile:
    """One file under its edits: those of each stage in the text they are made in; `hashes` before and after each."""

    def __init__(self, tree: Tree, path: str, edits: Sequence[Edit]) -> None:
        self.tree, self.path = tree, path
        self.is_link = tree.modes[path] == LINK
        self.spans: dict[int, tuple[Edit, ...]] = {}
        earlier: list[Edit] = []
        for stage in _STAGES:
            own = [e for e in edits if e.stage == stage]
            self.spans[stage] = shifted_by(own, last_of_each(earlier)) if earlier else tuple(own)
            earlier += own
        self.hashes: tuple[str, ...] = ()

    def text(self, stage: int) -> bytes:
        """Its content after the stage.  Raises what `apply_edits` raises if the edits are those of another content."""
        data = self.tree.read(self.path)
        for number in _STAGES:
            if number <= stage and self.spans[number]:
                data = apply_edits(data, self.spans[number], "link" if self.is_link else self.path)
        return data

    def around(self, stage: int) -> tuple[str, str]:
        """The hashes of what it holds before and after the stage."""
        at = _STAGES.index(stage)
        return self.hashes[at], self.hashes[at + 1]

    def hashed(self) -> tuple[str, ...]:
        """Hashes of what it holds, and of each text, by making them."""
        out = [sha(data := self.tree.read(self.path))]
        for stage in _STAGES:
            if self.spans[stage]:
                data = apply_edits(data, self.spans[stage], "link" if self.is_link else self.path)
            out.append(sha(data) if self.spans[stage] else out[-1])
        return tuple(out)

    @property
    def key(self) -> str:
        """What stands for the content and the edits."""
        edits = [(e.start, e.end, e.old, e.new) for stage in _STAGES for e in (*self.spans[stage], _END)]
        parts = repr((self.tree.digest(self.path), self.is_link, edits))
        return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


_END = Edit(0, 0, "", "", 0, 0, "", "")  # between the stages


class Texts:
    """All edited files of a tree.  `place` is where their hashes are kept from one run to the next, if anywhere."""

    def __init__(self, tree: Tree, place: Path | None = None) -> None:
        self._tree, self._place = tree, place
        self._state: list[Any] = [_FORMAT, tool_state()] if place else []
        document = load_document(place) if place else {}
        self._known: dict[str, list[str]] = document["files"] if document.get("state") == self._state else {}
        self._now: dict[str, list[str]] = {}

    def of(self, path: str, edits: Sequence[Edit]) -> EditedFile:
        """The file under these edits."""
        file = EditedFile(self._tree, path, edits)
        if self._place is None:
            file.hashes = file.hashed()
            return file
        known, key = self._known.get(path, [""]), file.key
        file.hashes = tuple(known[1:]) if known[0] == key else file.hashed()
        self._now[path] = [key, *file.hashes]
        return file

    def keep(self) -> None:
        """Write the hashes down for the next run, if any is new."""
        if self._place is not None and self._now != self._known:
            store_document(self._place, {"state": self._state, "files": self._now})


__all__ = ["EditedFile", "Texts"]
