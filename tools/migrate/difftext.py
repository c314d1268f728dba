"""The difference of two trees as a unified diff that git can apply.

Owns the text.  Must not know plans or stages; the trees come from the collecting run of the operations.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from .tree import Tree

_NO_NEWLINE = "\n\\ No newline at end of file\n"


def unified(before: Tree, after: Tree, moved: Mapping[str, str]) -> str:
    """A git-style diff; `moved` is new path -> old path.  Bytes that are no UTF-8 are escaped (`surrogateescape`)."""
    out: list[str] = []
    gone = set(moved.values())
    for path in sorted({*before, *after}):
        old_path = moved.get(path, path) if path in after else path
        was = old_path in before and not (old_path in gone and path not in moved)
        now = path in after
        if not was and not now:
            continue  # it moved; the diff stands at its new place
        old, new = before.read(old_path) if was else b"", after.read(path) if now else b""
        if was and now and old == new and old_path == path:
            continue
        names = _quoted(f"a/{old_path}"), _quoted(f"b/{path}")
        out.append(f"diff --git {names[0]} {names[1]}\n")
        if old_path != path:
            out.append("similarity index 100%\n" if old == new else "")
            out.append(f"rename from {_quoted(old_path)}\nrename to {_quoted(path)}\n")
        elif not was:
            out.append(f"new file mode {after.modes[path]}\n")
        elif not now:
            out.append(f"deleted file mode {before.modes[path]}\n")
        if old != new:
            out += _lines(old, new, names[0] if was else "/dev/null", names[1] if now else "/dev/null")
    return "".join(out)


def _lines(old: bytes, new: bytes, old_name: str, new_name: str) -> list[str]:
    a, b = _text(old), _text(new)
    if a is None or b is None:
        return [f"Binary files {old_name} and {new_name} differ\n"]
    # A name with a space ends with a tab, or else git could not tell where it ends.
    old_name, new_name = (f"{name}\t" if " " in name else name for name in (old_name, new_name))
    lines = difflib.unified_diff(_split(a), _split(b), old_name, new_name)
    return [line if line.endswith("\n") else line + _NO_NEWLINE for line in lines]


def _text(data: bytes) -> str | None:
    """What other encodings have beside ASCII stays as it is: escaped here, bytes again when it is written."""
    return data.decode("utf-8", "surrogateescape") if b"\0" not in data else None


def _split(text: str) -> list[str]:
    """At line feeds only, as git does."""
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _quoted(name: str) -> str:
    if not any(char in '"\\' or ord(char) < 32 for char in name):
        return name
    known = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(known.get(c) or (f"\\{ord(c):03o}" if ord(c) < 32 else c) for c in name) + '"'
