"""Paths that climb out of what moves: `.parent`, `.parents[n]`, `dirname`, `..`; and the names of folders on the way.

`Path(__file__).parents[1]` in a file that moves deeper, and `Path(pkg.__file__).parent.parent` in any file, mean
another folder afterwards.  The number of steps is corrected where the folder meant is sure, else the place is listed.
What stays within the code that moves together needs nothing.  A folder's or file's own name that becomes another one
is listed, because only a person knows what it is for.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .calls import IMPORTING
from .filepaths import SAME, FilePaths
from .flows import last_name

_SIGN = re.compile(r"\.parents?\b|dirname|\.\.|pardir|\.name\b|\.stem\b|basename|\.parts\b|with_name|split|rpartition")
_UP, _STOP = "..", ""
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One expression around a path: the parts it adds ("..": up), and the node by which they can be changed, if any."""

    outer: ast.AST
    parts: tuple[str, ...]
    spot: ast.AST | None = None


class Climbs:
    def __init__(self, paths: FilePaths) -> None:
        self.paths, self.sink, self.at = paths, paths.sink, paths.at
        self.layout, self.path = paths.layout, paths.path
        self.new_path = self.layout.new_path(paths.path)
        self.parents = paths.context.parents
        self._start: ast.expr = ast.Constant(None)
        self._late = self._unsure = False

    def scan(self) -> None:
        """To be called when literal parts have been rewritten: a path joined of them moves only if they do."""
        if not self._may_climb() or not _SIGN.search(self.at.source):
            return
        for node, here, sure in self._starts():
            there = self._moves_along(here)
            entry = self._entry(node) if there is not None and there != here else None
            if there is not None and entry is not None:
                self._start, self._late = node, id(entry) in self.paths.origins.late
                self._unsure = not sure or self.layout.moved
                self._follow(node, here, there)

    def _may_climb(self) -> bool:
        """Whether any path gets into what moves (`_entry`): most files have none, and are not looked at again."""
        own = self.new_path != self.path and "__file__" in self.at.source
        return own or bool(self.paths.origins.found) or self.sink.has_rule("path.")

    def _starts(self) -> Iterator[tuple[ast.expr, str, bool]]:
        """(expression, the path before the move that it denotes, whether that is sure)"""
        context, found = self.paths.context, self.paths.origins.found
        for node, path, module in found.values():
            if not self.layout.moved:
                yield node, path, True
            elif self.layout.new_module(module) not in (None, module):  # written before the move
                yield node, self._before(path), False
        if self.layout.moved:
            return
        held: list[ast.expr] = [n for n in context.of(ast.Name) if isinstance(n.ctx, ast.Load)]
        held += [n for n in context.of(ast.Attribute) if getattr(n.value, "id", "") in ("self", "cls")]
        held += [n for n in context.of(ast.Call) if isinstance(n.func, ast.Name) and not n.args]
        for node in held:
            if isinstance(node, ast.Name) and node.id == "__file__":
                yield node, self.path, True
            elif id(node) not in found:
                values = self.paths.behind(node)
                for path in sorted(v for v in values if v is not None):
                    yield node, path, len(values) == 1
        joined: list[ast.expr] = [n for n in context.of(ast.BinOp) if isinstance(n.op, ast.Div)]
        joined += [n for n in context.of(ast.Call) if context.called(n) in ("join", "joinpath", "Path", "PurePath")]
        for node in joined:
            whole, base = self.paths.value(node), _base(node)
            if whole is not None and (base is None or self._moves_along(self.paths.value(base) or ".") is None):
                yield node, whole, True

    def _entry(self, node: ast.expr, depth: int = 0) -> ast.expr | None:
        """Where a path gets into what moves: at the file of a module, or at literal parts that are rewritten."""
        if id(node) in self.paths.origins.found or (isinstance(node, ast.Name) and node.id == "__file__"):
            return node
        values = self.paths.assigned.behind(node) if depth < _DEPTH else []
        if values:
            return next((e for v in values if (e := self._entry(v, depth + 1)) is not None), None)
        base = _base(node)
        held = self.paths.value(base) if base is not None else None
        if base is not None and held is not None and self._moves_along(held) is not None and depth < _DEPTH:
            return self._entry(base, depth + 1)
        literals: list[ast.expr] = [node.right] if isinstance(node, ast.BinOp) else []
        literals += node.args if isinstance(node, ast.Call) else []
        written = (n for n in literals if isinstance(n, ast.Constant) and self.sink.covered(*self.at.span(n)))
        return next(written, None)

    def _before(self, path: str) -> str:
        """Where a file of a tree from after the move was before it."""
        for move in self.layout.moves:
            if path == move.to_path or path.startswith(f"{move.to_path}/"):
                return move.path + path[len(move.to_path) :]
        return path

    def _follow(self, node: ast.expr, here: str, there: str) -> None:
        """Follow a path outward from `here`, step by step, to the step at which it leaves what moves along."""
        current: ast.AST = node
        while True:
            self._own_name(current, here, there)
            step = self._step(current)
            if step is None:
                return
            for number, part in enumerate(step.parts):
                if part == _STOP:
                    self._list()  # nobody knows how far it goes
                    return
                before = here, there
                here, there = _joined(here, part), _joined(there, part)
                if self.layout.old_to_new_path(here) == there or self._same_parent(here, there):
                    continue
                if part == _UP:
                    self._leaves(step, number, before)
                elif self.layout.tree.exists(here):
                    self._list()  # a file that does not go along
                return
            current = step.outer

    def _moves_along(self, held: str) -> str | None:
        """Where a folder or file that an expression denotes will be; None if it stays."""
        new = self.layout.old_to_new_path(held)
        if new is None and held == posixpath.dirname(self.path) and self.new_path != self.path:
            new = posixpath.dirname(self.new_path)
            return new if self._same_parent(held, new) else None
        return new

    def _same_parent(self, here: str, there: str) -> bool:
        """Folders whose contents move together: every tracked file below `here` goes below `there`."""
        if here == ".":
            return False
        files = [p for p in self.layout.tree.under(here) if p not in self.layout.kept]
        return bool(files) and all(self.layout.new_path(p) == there + p[len(here) :] for p in files)

    # steps

    def _step(self, node: ast.AST) -> Step | None:
        parent = self.parents.get(node)
        match parent:
            case ast.Attribute(attr="parent"):
                return Step(parent, (_UP,), parent)
            case ast.Attribute(attr="parents"):
                outer = self.parents.get(parent)
                if not isinstance(outer, ast.Subscript):
                    return None
                count = outer.slice.value if isinstance(outer.slice, ast.Constant) else None
                if isinstance(count, int) and count >= 0:
                    return Step(outer, (_UP,) * (count + 1), outer.slice)
                return Step(outer, (_STOP,))
            case ast.Attribute(attr="joinpath" | "with_name" as name) if isinstance(self._call_of(parent), ast.Call):
                call = self._call_of(parent)
                assert call is not None
                return Step(call, (_UP,)) if name == "with_name" else _parts(call, call.args)
            case ast.Attribute(attr="rsplit" | "rpartition" as name):
                outer = self.parents.get(self.parents.get(parent, parent))
                count = 1
                if isinstance(outer, ast.Subscript) and isinstance(outer.value, ast.Call) and name == "rsplit":
                    last = outer.value.args[-1] if len(outer.value.args) == 2 else None
                    count = last.value if isinstance(last, ast.Constant) and isinstance(last.value, int) else 1
                first = isinstance(outer, ast.Subscript) and getattr(outer.slice, "value", None) == 0
                return Step(outer, (_UP,) * count) if outer is not None and first else None
            case ast.Attribute(attr=name) if name in SAME:
                call = self._call_of(parent)
                return Step(call, ()) if call is not None else None
            case ast.Call(func=func, args=[first, *rest]) if first is node:
                name = last_name(func)
                outer = self.parents.get(parent)
                if name == "dirname":
                    return Step(parent, (_UP,), parent)
                if name == "split" and isinstance(outer, ast.Subscript) and getattr(outer.slice, "value", 1) == 0:
                    return Step(outer, (_UP,))
                if name == "join" or (name in SAME and rest):
                    return _parts(parent, rest)
                return Step(parent, ()) if name in SAME else None
            case ast.Call(func=func, args=[_, second]) if second is node and last_name(func) == "cast":
                return Step(parent, ())
            case ast.BinOp(op=ast.Div(), left=left, right=right) if left is node:
                return _parts(parent, [right])
            case ast.BinOp(op=ast.Add(), left=left, right=ast.Constant(value=str(text)) as right) if left is node:
                return _parts(parent, [right]) if text.startswith("/") else None
            case ast.BoolOp(op=ast.Or(), values=[first, *_]) if first is node:
                return Step(parent, ())
            case ast.FormattedValue():
                return self._formatted(parent)
        return None

    def _call_of(self, attribute: ast.AST) -> ast.Call | None:
        outer = self.parents.get(attribute)
        return outer if isinstance(outer, ast.Call) and outer.func is attribute else None

    def _formatted(self, node: ast.FormattedValue) -> Step | None:
        """What follows a path in an f-string: it is read, and never edited."""
        string = self.parents.get(node)
        values = string.values if isinstance(string, ast.JoinedStr) else []
        after = next((values[n + 1] for n, v in enumerate(values[:-1]) if v is node), None)
        if string is None or not (isinstance(after, ast.Constant) and str(after.value).startswith("/")):
            return None
        return Step(string, tuple(p for p in str(after.value).split("/") if p not in ("", ".")))

    # what is done where a path leaves

    def _leaves(self, step: Step, number: int, before: tuple[str, str]) -> None:
        """The two trees part at part `number` of the step; what follows starts from the folder meant as before."""
        target, taken = before[0], 0
        for part in step.parts[number:]:
            if part != _UP:
                break
            target, taken = _joined(target, part), taken + 1
        rest = step.parts[number + taken :]
        kept = number if isinstance(step.spot, ast.Constant) and isinstance(step.spot.value, int) else 0
        spot, current = step.spot, step.outer
        # The folder meant may be further up than where the old and the new place part.
        while not _is_ancestor(target, before[1]) and not rest:
            onward = self._step(current)
            if onward is None or onward.parts not in ((_UP,), ()):
                break
            if onward.parts:
                target, taken, spot, kept = _joined(target, _UP), taken + 1, onward.spot, 0
            current = onward.outer
        if (
            self._unsure
            or self.layout.old_to_new_path(target) is not None
            or not _is_ancestor(target, before[1])
            or (rest and self.layout.old_to_new_path(posixpath.normpath("/".join([target, *rest]))) is not None)
        ):
            self._list()
            return
        wanted = _steps_up(before[1], target)
        if not self._correct(spot, wanted - taken, kept + wanted):
            self._list()

    def _correct(self, spot: ast.AST | None, extra: int, steps: int) -> bool:
        if spot is None or (extra and isinstance(spot, ast.Constant) and self.sink.covered(*self.at.span(spot))):
            return extra == 0
        if isinstance(spot, ast.Constant) and isinstance(spot.value, int):
            self._edit(*self.at.span(spot), str(steps - 1), "file.parents")
            return True
        if extra < 0:
            return False
        if isinstance(spot, ast.expr) and last_name(spot) == "pardir":
            between = {ast.Call: ", ", ast.BinOp: " / "}.get(type(self.parents.get(spot)))
            start, end = self.at.span(spot)
            if extra and between is None:
                return False
            self._edit(end, end, f"{between}{self.at.source[start:end]}" * extra, "file.dots")
        elif isinstance(spot, ast.Attribute):
            end = self.at.end(spot)
            self._edit(end, end, ".parent" * extra, "file.parent")
        elif isinstance(spot, ast.Call) and last_name(spot.func) == "dirname":
            start, end = self.at.span(spot)
            function = self.at.source[start : self.at.end(spot.func)]
            self._edit(start, start, f"{function}(" * extra, "file.dirname")
            self._edit(end, end, ")" * extra, "file.dirname")
        elif isinstance(spot, ast.Constant):
            start, end = self.at.span(spot)
            text = self.at.source[start + 1 : end - 1]
            if extra and text != spot.value:
                return False
            place = start + 1 + text.index("..")
            self._edit(place, place, "../" * extra, "file.dots")
        return True

    def _edit(self, start: int, end: int, new: str, rule: str) -> None:
        reason = f"{self._moved_from()}, and the path climbs out of it"
        self.sink.edit(start, end, new, stage=4 if self._late else 3, rule=rule, reason=reason)

    def _moved_from(self) -> str:
        here = self.paths.value(self._start) or ""
        old = self._before(here) if self.layout.moved else here
        return f"{old} moves to {self._moves_along(old)}"

    def _list(self) -> None:
        start = self.at.start(self._start)
        line = self.at.lines.text(self.at.lines.line(start)).strip()
        readings = ("a folder that moves along", "a folder that stays")
        hint = f"{self._moved_from()}: check what the path is afterwards"
        self.sink.list(start, "file.depth", line, readings, hint, "warning" if self.layout.moved else "error")

    def _own_name(self, node: ast.AST, here: str, there: str) -> None:
        """`.name`, `.stem`, `basename()`, `.parts[-2]`: the name of a folder or file that becomes another one."""
        parent = self.parents.get(node)
        if here == "." or there == ".":
            return
        back, only_stem, last = 1, False, parent
        match parent:
            case ast.Attribute(attr="name" | "stem" as name):
                only_stem = name == "stem"
            case ast.Call(func=func, args=[first]) if first is node and last_name(func) == "basename":
                pass
            case ast.Attribute(attr="parts"):
                last = self.parents.get(parent)
                back = _from_end(last.slice) if isinstance(last, ast.Subscript) else 0
            case ast.Attribute(attr="split"):
                call = self._call_of(parent)
                last = self.parents.get(call) if call else None
                back = _from_end(last.slice) if isinstance(last, ast.Subscript) else 0
            case _:
                return
        old, new = _part(here, back, only_stem), _part(there, back, only_stem)
        if last is None or not old or (old == new and not self._imports(last)):
            return
        start = self.at.start(self._start)
        line = self.at.lines.text(self.at.lines.line(start)).strip()
        readings = (f"{new}, the name it will have", f"{old}, the name it has today")
        hint = f"{self._moved_from()}: write what the name is for"
        self.sink.list(start, "file.name", line, readings, hint)

    def _imports(self, node: ast.AST) -> bool:
        """Whether the name is made into that of a module, which has more parts than its last."""
        for _ in range(6):
            outer = self.parents.get(node)
            if outer is None or isinstance(outer, ast.stmt):
                return False
            if isinstance(outer, ast.Call) and outer.args[:1] == [node]:
                return self.paths.context.called(outer) in IMPORTING
            node = outer
        return False


def _base(node: ast.expr) -> ast.expr | None:
    """The path that an expression goes on from."""
    match node:
        case ast.BinOp(left=inner) | ast.Attribute(value=inner) | ast.NamedExpr(value=inner):
            return inner
        case ast.Subscript(value=ast.Attribute(value=inner)):
            return inner
        case ast.BoolOp(values=[inner, *_]) | ast.Call(func=ast.Name(id="cast"), args=[_, inner]):
            return inner
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name == "joinpath" or (
            name in SAME and not node.args
        ):
            return inner
        case ast.Call(args=[inner, *_]) if not isinstance(inner, ast.Constant):
            return inner
    return None


def _parts(outer: ast.AST, literals: list[ast.expr]) -> Step | None:
    """A step by literal parts; where another part follows them, it is a step to an unknown place below."""
    parts: list[str] = []
    spot: ast.expr | None = None
    for literal in literals:
        if last_name(literal) == "pardir":
            parts.append(_UP)
            spot = spot or literal
            continue
        if not (isinstance(literal, ast.Constant) and isinstance(literal.value, str)):
            return Step(outer, (*parts, "*"), spot) if _UP in parts else None
        inner = [p for p in literal.value.split("/") if p not in ("", ".")]
        if _UP in inner and spot is None:
            spot = literal
        parts += inner
    return Step(outer, tuple(parts), spot)


def _joined(folder: str, part: str) -> str:
    if part == _UP:
        return posixpath.dirname(folder) or "."
    return part if folder == "." else f"{folder}/{part}"


def _from_end(node: ast.expr) -> int:
    """2 for the index -2."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(count))):
            return count
    return 0


def _part(path: str, back: int, only_stem: bool) -> str:
    parts = path.split("/")
    name = parts[-back] if 0 < back <= len(parts) else ""
    return posixpath.splitext(name)[0] if only_stem else name


def _is_ancestor(folder: str, path: str) -> bool:
    return folder == "." or path.startswith(folder + "/")


def _steps_up(path: str, folder: str) -> int:
    count = 0
    while path not in (folder, "."):
        path = posixpath.dirname(path) or "."
        count += 1
    return count
