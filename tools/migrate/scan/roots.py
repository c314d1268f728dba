"""Import roots that only old names need (`oldroots`), in lists of folders and in `sys.path` calls.

The new root is put beside the old one as soon as new names are asked for, and the old one goes with the last name that
needs it; so each slice of stage 4, and what arrives late, finds both.  Lists of roots in `pyproject.toml` and its like
belong to `manifests`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..layout import Layout
from ..oldroots import OldRoot, old_roots
from .context import Context
from .flows import called
from .offsets import Offsets
from .sink import Draft, Sink, Snippet

RULE, LISTED = "path.root", "root.implied"
_CALLS = {"addsitedir", "syspath_prepend"}
_ADDING = {"insert", "append", "extend"}
_SAME = {"abspath", "realpath", "normpath", "fspath", "str", "Path", "PurePath", "resolve", "absolute", "as_posix"}
SIGN = re.compile(
    rb"sys\.path|(?i:pythonpath|mypy_path|extra_?paths|mkdocstrings|executionEnvironments)|addsitedir|syspath_prepend"
)
_ADDED = "the new names are imported from there"
_GONE = "nothing is imported from {} any more"


def needles(layout: Layout) -> Callable[[bytes], bool]:
    """Whether the bytes of a file may name such a root, or one that something leaves under its name."""
    olds = [*(r.old for r in old_roots(layout)), *(c.old for c in layout.new_roots)]
    parts = [[p.encode() for p in old.split("/") if p != "."] for old in olds]
    return lambda data: any(all(p in data for p in names) for names in parts) and bool(SIGN.search(data))


def scan_roots(layout: Layout, sink: Sink, text: str, base: int, mark: str) -> None:
    """The same for a list of roots that white space, commas or colons divide (`pythonpath` of an INI file)."""
    if old_roots(layout):
        words = [(base + w.start(), base + w.end()) for w in re.finditer(r"[^\s,:;]+", text)]
        exchange_words(layout, sink, words, mark)


def exchange_words(layout: Layout, sink: Sink, words: Sequence[tuple[int, int]], mark: str) -> None:
    """Entries of a list: an old root is exchanged, or goes with a divider if the new one is there already."""
    text = sink.body
    found = [_stale(layout, text[start:end]) for start, end in words]
    known = {plain(text[start:end]) for (start, end), stale in zip(words, found, strict=True) if stale is None}
    mark = text[words[0][1] : words[1][0]] if len(words) > 1 else mark
    doubled: list[int] = []
    for number, ((start, end), stale) in enumerate(zip(words, found, strict=True)):
        if stale is None:
            continue
        root, new = stale
        if plain(new) in known:
            doubled.append(number)
        else:
            known.add(plain(new))
            put(sink, start, end, f"{text[start:end]}{mark}{new}", new, root)
    for first, last in _runs(doubled):
        start = words[first - 1][1] if first else words[0][0]
        end = words[last][1] if first else words[last + 1][0]
        roots = [stale[0] for stale in found[first : last + 1] if stale is not None]
        root = max(roots, key=lambda r: r.last)
        drop(sink, start, end, root)


def put(sink: Sink, start: int, end: int, both: str, new: str, root: OldRoot) -> None:
    """Write `both` at the stage that adds the new root, and `new` at the one that drops the old root."""
    gone = Draft(new, root.last, _GONE.format(root.old))
    if root.first < root.last:
        sink.exchange(start, end, Draft(both, root.first, _ADDED), gone, RULE)
    else:
        sink.edit(start, end, new, stage=gone.stage, rule=RULE, reason=gone.reason)


def drop(sink: Sink, start: int, end: int, root: OldRoot) -> None:
    """Take an old root out at the stage at which it goes; the new one is there already."""
    sink.edit(start, end, "", stage=root.last, rule=RULE, reason=_GONE.format(root.old))


def _stale(layout: Layout, entry: str) -> tuple[OldRoot, str] | None:
    """The old root that an entry is, and what to write for the new one."""
    found = ((r, replaced(entry, r.old, r.new)) for r in old_roots(layout))
    return next(((root, new) for root, new in found if new is not None), None)


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of numbers that follow each other."""
    start = None
    for number in numbers:
        start = number if start is None else start
        if number + 1 not in numbers:
            yield start, number
            start = None


def replaced(entry: str, old: str, new: str) -> str | None:
    """What to write for the root `new` where the entry is the root `old`; None if it is another folder."""
    clean = entry.rstrip("/")
    if clean != old and not clean.endswith("/" + old):
        return None
    prefix = clean[: -len(old)].rstrip("/")
    if new == ".":
        return prefix or ("/" if clean.startswith("/") else ".")
    return f"{prefix}/{new}" if prefix or clean.startswith("/") else new


def plain(entry: str) -> str:
    return entry.rstrip("/").removeprefix("./") or "."


# sys.path in code


@dataclass(frozen=True, slots=True)
class Cut:
    """A span of source to replace, so that an expression for an old root becomes one for the new root."""

    start: int
    end: int
    new: str
    root: OldRoot
    words: tuple[ast.expr, ...]


def scan_syspath(
    context: Context, sink: Sink, at: Offsets, value: Callable[[ast.expr], str | None], claimed: set[int]
) -> None:
    """`sys.path.insert(0, X)` where X is an old root; `value` says which folder an expression over `__file__` is."""
    roots = {r.old: r for r in old_roots(context.world.layout)}
    changes = list(path_changes(context)) if roots else []
    written = {at.source[slice(*at.span(node))] for _, node in changes}
    for statement, node in changes:
        cut = cut_of(node, roots, at, value)
        for item in _meant(context, node) if cut is None else ():
            if (named := named_root(item, roots, value(item))) is not None:
                list_root(sink, at, item, named, "warning")
        if cut is None or sink.covered(cut.start, cut.end):
            continue
        claimed.update(id(word) for word in cut.words)
        if isinstance(sink, Snippet):  # a line more would need the marks, or the quotes, of what is around it
            sink.edit(cut.start, cut.end, cut.new, stage=4, rule=RULE, reason=_GONE.format(cut.root.old))
            continue
        start, end = at.span(node)
        new = with_cut(cut, at.source, start, end)
        gap = alone(context, at, statement, node) if new in written else None
        if gap is not None:
            drop(sink, *gap, cut.root)
            continue
        both = f"{at.source[start:end]}, {new}"
        if statement and not isinstance(context.parents.get(node), ast.List | ast.Tuple):
            start, end = at.span(statement)
            new = with_cut(cut, at.source, start, end)
            both = f"{at.source[start:end]}{_between(at.source, start, end)}{new}"
        if statement is None or context.world.judge.mentioned(at.source[start:end]):
            list_root(sink, at, statement or node, cut.root, "error")
        else:
            put(sink, start, end, both, new, cut.root)


def list_root(
    sink: Sink, at: Offsets, node: ast.stmt | ast.expr, root: OldRoot, severity: Literal["error", "warning"]
) -> None:
    start, end = at.span(node)
    hint = f"add {root.new}, and drop {root.old} with the shims"
    sink.list(start, LISTED, at.source[start:end], (f"the root of old names, now {root.new}",), hint, severity)


def alone(context: Context, at: Offsets, statement: ast.stmt | None, node: ast.expr) -> tuple[int, int] | None:
    """The span to drop where the new root is put on the path beside this one; None if it cannot go by itself."""
    around = context.parents.get(node)
    if isinstance(around, ast.List | ast.Tuple):
        items = around.elts
        number = items.index(node)
        if number + 1 < len(items):
            return at.start(node), at.start(items[number + 1])
        return (at.end(items[number - 1]), at.end(node)) if number else None
    if statement is None:
        return None
    start, end = at.span(statement)
    begin = at.source.rfind("\n", 0, start) + 1
    rest = at.source[end:].partition("\n")[0]
    body = next((b for b in _bodies(context.parents.get(statement)) if statement in b), [])
    if len(body) < 2:
        return None
    if rest.strip().startswith(";") and statement is not body[-1]:
        return start, at.start(body[body.index(statement) + 1])
    if at.source[begin:start].strip() or rest.strip().startswith(";"):
        return None
    return begin, min(end + len(rest) + 1, len(at.source))


def _bodies(node: ast.AST | None) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])


def path_changes(context: Context) -> Iterator[tuple[ast.stmt | None, ast.expr]]:
    """(statement, what it puts on `sys.path`); without a statement where that is a part of an expression"""
    for node in context.of(ast.Call):
        on_path = isinstance(node.func, ast.Attribute) and _is_path(node.func.value)
        named = called(node) in _CALLS
        if not (node.args and (named or (on_path and called(node) in _ADDING))):
            continue
        parent, last = context.parents.get(node), node.args[-1]
        for item in last.elts if isinstance(last, ast.List | ast.Tuple) else [last]:
            yield parent if isinstance(parent, ast.Expr) else None, item
    both: list[ast.Assign | ast.AugAssign] = [*context.of(ast.Assign), *context.of(ast.AugAssign)]
    for assigned in both:
        targets = assigned.targets if isinstance(assigned, ast.Assign) else [assigned.target]
        if any(_is_path(t.value if isinstance(t, ast.Subscript) else t) for t in targets):
            for inner in ast.walk(assigned.value):
                for item in inner.elts if isinstance(inner, ast.List) else ():
                    yield assigned, item


def _is_path(node: ast.expr) -> bool:
    """`sys.path`, by the name that people give to `sys` where it must not be seen, too."""
    return ast.unparse(node).lstrip("_") == "sys.path"


def _between(source: str, start: int, end: int) -> str:
    """What divides the statement at [start, end) from one more that does the same: a line end, if it has its line."""
    line = source.rfind("\n", 0, start) + 1
    if source[line:start].strip() or source[end:].partition("\n")[0].strip().startswith(";"):
        return "; "
    return ("\r\n" if "\r\n" in source else "\n") + source[line:start]


def with_cut(cut: Cut, source: str, start: int, end: int) -> str:
    """The source at [start, end) with the new root in place of the old one."""
    return source[start : cut.start] + cut.new + source[cut.end : end]


def cut_of(
    item: ast.expr, roots: Mapping[str, OldRoot], at: Offsets, value: Callable[[ast.expr], str | None]
) -> Cut | None:
    node, known = unwrapped(item), value(item)
    if known is not None and known not in roots:
        return None
    words = [node] if isinstance(node, ast.Constant) and isinstance(node.value, str) else _last_words(node)
    for root in roots.values() if known is None else [roots[known]]:
        for count in range(1, len(words) + 1):
            ours = words[-count:]
            start, end = at.start(ours[0]), at.end(ours[-1])
            text, quote = "/".join(str(w.value) for w in ours), at.source[end - 1]
            before = _before(node, ours[0])
            if text == root.old and before is not None:
                if root.new == ".":
                    return Cut(at.end(before), end, "", root, tuple(ours))
                return Cut(start, end, f"{quote}{root.new}{quote}", root, tuple(ours))
            new = replaced(text, root.old, root.new)
            if count == 1 and new is not None and at.source[start + 1 : end - 1] == text:
                return Cut(start + 1, end - 1, new, root, tuple(ours))
    return None


def _meant(context: Context, node: ast.expr) -> list[ast.expr]:
    """The expression itself, or what a loop gives to the name that it is."""
    inner = unwrapped(node)
    loops: list[ast.For | ast.comprehension] = [*context.of(ast.For), *context.of(ast.comprehension)]
    over = [n.iter for n in loops if isinstance(n.target, ast.Name) and n.target.id == getattr(inner, "id", "")]
    return [e for each in over if isinstance(each, ast.List | ast.Tuple | ast.Set) for e in each.elts] or [node]


def named_root(item: ast.expr, roots: Mapping[str, OldRoot], known: str | None) -> OldRoot | None:
    """The old root that an expression is, or that a text in it names where nobody knows what the whole is."""
    if known is not None:
        return roots.get(known)
    texts = [n.value for n in ast.walk(item) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return next((r for r in roots.values() for text in texts if replaced(text, r.old, r.new) is not None), None)


def unwrapped(node: ast.expr) -> ast.expr:
    """What is inside of calls that give the same folder: `str(Path(x).resolve())` is x."""
    while isinstance(node, ast.Call) and called(node) in _SAME:
        if not node.args and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif len(node.args) == 1:
            node = node.args[0]
        else:
            break
    return node


def _last_words(node: ast.expr) -> list[ast.Constant]:
    """The literals that a joined path ends with."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.right]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
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
