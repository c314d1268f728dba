"""The tracked files at one moment, and text that goes back to the same bytes.

A `Tree` is a read-only view: paths with modes, contents on demand, and what a stage would change laid over it
(`replaced`), so that a dry run and the real run work on the same values.  It knows no git: `repo` makes one from a
checkout, tests make one from a dictionary.  `decode` and `encode` keep byte-order mark, encoding and line ends.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

REGULAR, EXECUTABLE, LINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True, slots=True)
class Text:
    """Decoded text with what is needed to write the same bytes again."""

    body: str
    codec: str = "utf-8"
    bom: bytes = b""

    def encoded(self, body: str) -> bytes:
        return self.bom + body.encode(self.codec)


def decode(data: bytes, *, python: bool = False) -> Text | None:
    """Text of `data`, or None for a binary file.  A Python file's coding cookie is honoured."""
    if data.startswith(codecs.BOM_UTF8):
        try:
            return Text(data[3:].decode("utf-8"), "utf-8", codecs.BOM_UTF8)
        except UnicodeDecodeError:
            return None
    if b"\0" in data:
        return None
    codec = "utf-8"
    if python:
        try:
            codec, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        except SyntaxError:
            codec = "latin-1"
    for candidate in (codec, "latin-1"):
        try:
            body = data.decode(candidate)
            if body.encode(candidate) == data:
                return Text(body, candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return None


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


Content = bytes | Callable[[], bytes]  # what a file holds, or what makes it


def given(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content()


_KEEP = 16 << 20  # bytes of file contents that one tree keeps in memory


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=20).hexdigest()


_LINE_END = re.compile(r"\r\n|\r|\n")


class Lines:
    """Line starts of a text as Python's tokenizer counts them: ast positions to character offsets and back."""

    def __init__(self, body: str) -> None:
        self.body = body
        if "\r" in body:
            self.starts = [0, *(m.end() for m in _LINE_END.finditer(body))]
        else:
            self.starts = list(accumulate((len(line) + 1 for line in body.split("\n")[:-1]), initial=0))
        self.ascii = body.isascii()

    def offset(self, line: int, utf8_column: int) -> int:
        start = self.starts[line - 1]
        if self.ascii:
            return start + utf8_column
        end = self.starts[line] if line < len(self.starts) else len(self.body)
        return start + len(self.body[start:end].encode()[:utf8_column].decode(errors="ignore"))

    def line(self, offset: int) -> int:
        low, high = 0, len(self.starts)
        while low + 1 < high:
            middle = (low + high) // 2
            if self.starts[middle] <= offset:
                low = middle
            else:
                high = middle
        return low + 1

    def text(self, line: int) -> str:
        end = self.starts[line] if line < len(self.starts) else len(self.body)
        return self.body[self.starts[line - 1] : end].rstrip("\r\n")


class Tree:
    """Tracked paths (sorted, forward slashes) with their modes; `read` gives the bytes of one."""

    def __init__(
        self, modes: Mapping[str, str], read: Callable[[str], bytes], digest: Callable[[str], str] | None = None
    ) -> None:
        self.modes = dict(sorted(modes.items()))
        self._read, self._digest = read, digest
        self._cache: dict[str, bytes] = {}
        self._kept = 0  # bytes in the cache
        self._digests: dict[str, str] = {}
        self._dirs: set[str] | None = None
        self._paths: list[str] | None = None
        self._shape: str | None = None

    @classmethod
    def from_files(cls, files: Mapping[str, bytes | str], modes: Mapping[str, str] | None = None) -> Tree:
        data = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}
        return cls({p: (modes or {}).get(p, REGULAR) for p in data}, data.__getitem__)

    def __iter__(self) -> Iterator[str]:
        return iter(self.modes)

    def __contains__(self, path: str) -> bool:
        return path in self.modes

    def read(self, path: str) -> bytes:
        data = self._cache.get(path)
        if data is None:
            data = self._cache[path] = self._read(path)
            self._kept += len(data)
            while self._kept > _KEEP and len(self._cache) > 1:  # the oldest go: a large tree must not fill the memory
                self._kept -= len(self._cache.pop(next(iter(self._cache))))
        return data

    def digest(self, path: str) -> str:
        """What stands for the content of a file: of two files with the same one, both have the same bytes."""
        if path not in self._digests:
            self._digests[path] = self._digest(path) if self._digest else _digest(self.read(path))
        return self._digests[path]

    @property
    def shape(self) -> str:
        """What stands for all paths and their modes."""
        if self._shape is None:
            listed = "\0".join(f"{mode} {path}" for path, mode in self.modes.items())
            self._shape = _digest(listed.encode("utf-8", "surrogateescape"))
        return self._shape

    def text(self, path: str) -> Text | None:
        return decode(self.read(path), python=path.endswith((".py", ".pyi", ".pyw")))

    @property
    def dirs(self) -> set[str]:
        if self._dirs is None:
            found: set[str] = {"."}
            for path in self.modes:
                parent = path.rpartition("/")[0]
                while parent and parent not in found:
                    found.add(parent)
                    parent = parent.rpartition("/")[0]
            self._dirs = found
        return self._dirs

    def exists(self, path: str) -> bool:
        return path in self.modes or path in self.dirs

    def under(self, folder: str) -> list[str]:
        if folder == ".":
            return list(self.modes)
        if self._paths is None:
            self._paths = list(self.modes)
        # Sorted, so that what lies in a folder is one run; "0" is the character after "/".
        return self._paths[bisect_left(self._paths, folder + "/") : bisect_left(self._paths, folder + "0")]

    def replaced(
        self,
        *,
        moved: Mapping[str, str] | None = None,
        written: Mapping[str, Content] | None = None,
        removed: frozenset[str] | set[str] = frozenset(),
    ) -> Tree:
        """This tree after moving, then writing, then removing; nothing is read until it is asked for."""
        moved, written = dict(moved or {}), dict(written or {})
        source = {new: old for old, new in moved.items()}
        modes = {moved.get(p, p): m for p, m in self.modes.items()} if moved else dict(self.modes)
        modes.update({p: modes.get(p, REGULAR) for p in written})
        for path in removed:
            modes.pop(path, None)

        def read(path: str) -> bytes:
            return given(written[path]) if path in written else self.read(source.get(path, path))

        def digest(path: str) -> str:
            if path in written:
                return _digest(given(written[path]))
            return self.digest(source.get(path, path))

        return Tree(modes, read, digest)
