"""Import roots that served only the old names, written in scripts, CI files and `sys.path` calls.

`libs/types` on the import path beside a package `libs.types` gives every module a second name, so the root goes with
the last name that needed it (stage 4; the shims also stand below the root of the new names).  Lists of roots in
`pyproject.toml` and its like belong to `manifests`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..layout import Layout
from .context import Context
from .flows import called
from .offsets import Offsets
from .sink import Sink

_NOT_IMPORTED = {"tests", "test", "docs", "doc", "examples", "scripts", "benchmarks", "setup.py", "conftest.py"}
PYTHONPATH = re.compile(
    r"PYTHONPATH[\"']?[ \t]*(?:\+?=|:|[ \t](?=[\w./$]))[ \t]*[\"']?(?P<value>(?:\$\{\{[^}\n]*\}\}|[^\"'\s;&|,])+)"
)
ENTRY = re.compile(r"(?:\$?\{\{?[^}]*\}\}?|[^:])+")
_CALLS = {"addsitedir", "syspath_prepend"}
SIGN = re.compile(
    rb"sys\.path|(?i:pythonpath|mypy_path|extra_?paths|mkdocstrings|executionEnvironments)|addsitedir|syspath_prepend"
)


@dataclass(frozen=True, slots=True)
class StaleRoot:
    old: str
    new: str  # the root of the new names


def stale_roots(layout: Layout) -> tuple[StaleRoot, ...]:
    """Import roots below which no module stays that is imported from there."""
    out = []
    kept = {change.old for change in layout.new_roots}  # of what keeps its name: see `newroots`
    for root in layout.roots:
        moves = [m for m in layout.moves if m.path.startswith(root + "/")]
        new_roots = {_root_of(m.to_path, m.target) for m in moves}
        if root in (".", *kept) or not moves or len(new_roots) != 1 or root in new_roots:
            continue
        new = new_roots.pop()
        if new is not None and not any(stays_in(layout, root, path) for path in layout.tree.under(root)):
            out.append(StaleRoot(root, new))
    return tuple(out)


def _root_of(path: str, module: str) -> str | None:
    inner = module.replace(".", "/")
    path = path.removesuffix(".py")
    return "." if path == inner else path[: -len(inner) - 1] if path.endswith("/" + inner) else None


def stays_in(layout: Layout, root: str, path: str) -> bool:
    if not path.endswith((".py", ".pyi")) or path[len(root) + 1 :].split("/")[0] in _NOT_IMPORTED:
        return False
    if layout.moved:
        places = [p for m in layout.moves for p in (m.path, m.to_path)]
        return not any(path == p or path.startswith(p + "/") for p in places)
    return layout.new_path(path) == path


def needles(layout: Layout) -> Callable[[bytes], bool]:
    """Whether the bytes of a file may name a stale root, or one that something leaves under its name."""
    olds = [*(r.old for r in stale_roots(layout)), *(c.old for c in layout.new_roots)]
    parts = [[p.encode() for p in old.split("/") if p != "."] for old in olds]
    return lambda data: any(all(p in data for p in names) for names in parts) and bool(SIGN.search(data))


def scan_pythonpath(layout: Layout, sink: Sink, text: str, base: int = 0) -> None:
    """`PYTHONPATH=.:libs/types`: the stale entry is replaced, or dropped if the new root is there already."""
    roots = stale_roots(layout)
    for match in PYTHONPATH.finditer(text) if roots else ():
        entries = ENTRY.findall(match["value"])
        kept: list[str] = []
        for entry in entries:
            written = next((w for r in roots if (w := replaced(entry, r)) is not None), entry)
            if written == entry or plain(written) not in {plain(e) for e in [*entries, *kept]}:
                kept.append(written)
        if kept != entries:
            start, end = match.span("value")
            reason = f"nothing is imported from {', '.join(r.old for r in roots)} any more"
            sink.edit(base + start, base + end, ":".join(kept), stage=4, rule="path.root", reason=reason)


def scan_roots(layout: Layout, sink: Sink, text: str, base: int) -> None:
    """The same for a list of roots that white space, commas or colons divide (`pythonpath` of an INI file)."""
    roots = stale_roots(layout)
    words = list(re.finditer(r"[^\s,:;]+", text)) if roots else []
    kept = {plain(w.group()) for w in words if not any(replaced(w.group(), r) is not None for r in roots)}
    for word in words:
        written = next((n for r in roots if (n := replaced(word.group(), r)) is not None), None)
        if written is None:
            continue
        start, end = word.span()
        if plain(written) in kept:  # the divider goes as well
            before = re.compile(r"[ \t,:;]*$").search(text[:start])
            start, written = (before.start() if before and text[:start].strip() else start), ""
        else:
            kept.add(plain(written))
        reason = f"nothing is imported from {word.group()} any more"
        sink.edit(base + start, base + end, written, stage=4, rule="path.root", reason=reason)


def replaced(entry: str, root: StaleRoot) -> str | None:
    clean = entry.rstrip("/")
    if clean != root.old and not clean.endswith("/" + root.old):
        return None
    prefix = clean[: -len(root.old)].rstrip("/")
    if root.new == ".":
        return prefix or ("/" if clean.startswith("/") else ".")
    return f"{prefix}/{root.new}" if prefix else root.new


def plain(entry: str) -> str:
    return entry.rstrip("/").removeprefix("./") or "."


def scan_syspath(
    context: Context, sink: Sink, offsets: Offsets, value: Callable[[ast.expr], str | None], claimed: set[int]
) -> None:
    """`sys.path.insert(0, X)` where X is a stale root; `value` says which folder an expression over `__file__` is."""
    roots = {r.old: r for r in stale_roots(context.layout)}
    if not roots:
        return
    for node in context.of(ast.Call):
        if not node.args or not isinstance(node.func, ast.Attribute):
            continue
        on_path = isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "path"
        if not (called(node) in _CALLS or (on_path and called(node) in ("insert", "append", "extend"))):
            continue
        for inner in ast.walk(node.args[-1]):
            if isinstance(inner, ast.expr):
                _rewrite(inner, roots, sink, offsets, value, claimed)


def _rewrite(
    node: ast.expr,
    roots: dict[str, StaleRoot],
    sink: Sink,
    at: Offsets,
    value: Callable[[ast.expr], str | None],
    claimed: set[int],
) -> None:
    reason = "nothing is imported from there any more"
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        start, end = at.span(node)
        for root in roots.values():
            new = replaced(node.value, root)
            if new is not None and at.source[start + 1 : end - 1] == node.value and not sink.covered(start, end):
                sink.edit(start + 1, end - 1, new, stage=4, rule="path.root", reason=reason)
                claimed.add(id(node))
        return
    found = roots.get(value(node) or "")
    if found is None or found.new != ".":
        return
    words = _last_words(node)
    wanted = found.old.split("/")
    texts = [str(w.value) for w in words]
    while texts and "/".join(texts).split("/") != wanted and len("/".join(texts).split("/")) > len(wanted):
        texts, words = texts[1:], words[1:]
    if "/".join(texts).split("/") != wanted or not words:
        return
    before = _before(node, words[0])
    if before is not None:
        start, end = at.end(before), at.end(words[-1])
        sink.edit(start, end, "", stage=4, rule="path.root", reason=reason)
        claimed.update(id(w) for w in words)


def _last_words(node: ast.expr) -> list[ast.Constant]:
    """The literals that a joined path ends with."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            parts.insert(0, left.right)
            left = left.left
    elif isinstance(node, ast.Call) and called(node) in ("join", "joinpath"):
        parts = list(node.args)
    words: list[ast.Constant] = []
    for part in reversed(parts):
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            break
        words.insert(0, part)
    return words


def _before(node: ast.expr, word: ast.Constant) -> ast.expr | None:
    """The expression after which the joined path goes on with `word`."""
    if isinstance(node, ast.BinOp):
        current = node
        while current.right is not word and isinstance(current.left, ast.BinOp):
            current = current.left
        return current.left
    if isinstance(node, ast.Call):
        place = node.args.index(word)
        return node.args[place - 1] if place else None
    return None


__all__ = [
    "ENTRY",
    "PYTHONPATH",
    "StaleRoot",
    "needles",
    "plain",
    "replaced",
    "scan_pythonpath",
    "scan_roots",
    "scan_syspath",
    "stale_roots",
    "stays_in",
]
