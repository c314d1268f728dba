"""Names that are proved, by their text alone, to be no use of an old name: for a tree in which everybody has moved on.

Where an old name ends in a common word (`django.utils`), nearly every file holds that word, in new names and in imports
of other modules; after the move all of them would be parsed to find nothing.  `Cleared.rest` takes two such texts out
of a file's bytes: a whole new name, and the module of `from X import` where X is neither at nor below an old name.
What is imported by name, `import X`, attributes and strings stay, so a file in which no moving word is left has no
reference that would be edited.  It may well have one to be listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..layout import Layout
from ..resolve import absolute

_FROM = re.compile(rb"^(?P<from>[ \t]*from[ \t]+)(?P<module>\.*[A-Za-z_][\w.]*|\.+)(?=[ \t]+import\b)", re.M)


class Cleared:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        symbols = [entry.source for entry in layout.plan.symbols]
        self._old = (*layout.old_names, *symbols)
        texts = [*self._old, *(m.path.removesuffix(".py") for m in layout.moves)]
        texts += [m.source.replace(".", "/") for m in layout.moves]
        names = [m.target for m in layout.moves if _is_clear(m.target, texts, self._old)]
        paths = [m.target.replace(".", "/") for m in layout.moves if _is_clear(m.target, texts, self._old)]
        either = b"|".join(re.escape(n.encode()) for n in sorted({*names, *paths}, key=len, reverse=True))
        # Part of no longer name or path on its left; on its right anything may follow, and is looked at.
        self._new = re.compile(rb"(?<![\w./@-])(?:" + (either or b"(?!)") + rb")(?![\w-])")

    def stays(self, path: str) -> bool:
        """Whether the file lies at no old name; then a computed name in it can only be listed."""
        here = self.layout.module_of(path)
        return here is None or not self._is_old(here.name)

    def _is_old(self, name: str) -> bool:
        return any(name == old or name.startswith(old + ".") for old in self._old)

    def holds(self, word: re.Pattern[bytes], path: str, data: bytes) -> bool:
        """Whether the word is in what is left of a file."""
        rest = self._new.sub(b" ", data)  # by far the quicker half, and often enough
        return word.search(rest) is not None and word.search(self._without_modules(path, rest)) is not None

    def rest(self, path: str, data: bytes) -> bytes:
        """The bytes of a file without what is proved to be no old name."""
        return self._without_modules(path, self._new.sub(b" ", data))

    def _without_modules(self, path: str, data: bytes) -> bytes:
        here = self.layout.module_of(path) if path.endswith((".py", ".pyi")) else None
        package = here.package if here else ""

        def without(match: re.Match[bytes]) -> bytes:
            written = match["module"].decode("latin-1")
            module = written.lstrip(".")
            meant = absolute(module or None, len(written) - len(module), package)
            if not meant or not written.isascii() or self._is_old(meant):
                return match[0]
            return match["from"] + b" "

        return _FROM.sub(without, data)


def _is_clear(new: str, texts: Iterable[str], old: Iterable[str]) -> bool:
    """Whether the new name can mean nothing old: it holds no old name or path, and does not end one.

    After `import a as b`, the text `b.c` is the old name `a.c`; so the parts after the first must begin no end of one.
    """
    for text in texts:
        if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", new) or re.search(
            rf"(?<!\w){re.escape(text)}(?!\w)", new.replace(".", "/")
        ):
            return False
    tail = new.split(".")[1:]
    ends = [o.split(".") for o in old]
    return not any(parts[-k:] == tail[:k] for parts in ends for k in range(1, min(len(tail), len(parts) - 1) + 1))
