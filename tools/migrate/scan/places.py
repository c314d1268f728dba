"""What the place of a string in the syntax tree says about it: a module's name, a path, or nothing.

Climbs from a string through concatenation, formatting, containers, loops and local calls to what uses the value
(`import_module`, a key of `sys.modules`, a comparison with `__name__`, `Path`).  A value that goes through a variable
is followed within its file by `flows`.  Must not know: what moves.
"""

from __future__ import annotations

import ast
from collections.abc import Container, Sequence
from functools import cached_property

from ..classify import Hint
from ..options import meaning
from .calls import (
    ANY_ARGUMENT,
    CALL_KEYWORDS,
    COMMAND_CALLS,
    EVALUATING,
    FLOWING,
    GROUP_CALLS,
    GROUP_KEYWORDS,
    IDENTITY_CALLS,
    IDENTITY_VARIABLES,
    LABEL_CALLS,
    MEASURED_FLAGS,
    MEASURING_CALLS,
    MEASURING_KEYS,
    MODULE_CALLS,
    MODULE_FLAGS,
    MODULE_KEYWORDS,
    MODULE_VARIABLES,
    NAME_METHODS,
    ONLY_DOTTED,
    PASSING,
    PATH_CALLS,
    ROUTE_CALLS,
    ROUTE_KEYWORDS,
    SHELL_CALLS,
)
from .context import Context
from .failures import ERRORS, later
from .flows import Flows, is_sys_modules, last_name, names_a_module
from .joins import leads
from .keyed import asks
from .labels import is_label
from .parametrized import PARAMETRIZE, takers
from .scopes import Scopes


class Places:
    def __init__(self, context: Context, scopes: Scopes, *, moves: bool = False, follow: bool = True) -> None:
        self.context = context
        self.parents = context.parents
        self.moves = moves  # whether the file itself moves
        self._scopes = scopes
        if follow:
            self.flows.follow(lambda node: self.hint(node) == "module")

    @cached_property
    def flows(self) -> Flows:
        """Made when first asked for: most files have no string whose place matters."""
        return Flows(self.context, self._scopes)

    def hint(self, node: ast.AST) -> Hint:
        """What the place of a string (or of a variable that holds one) says about it."""
        child, parent = node, self.parents.get(node)
        index: int | None = None  # the place in the innermost tuple, for loops that take tuples apart
        for _ in range(12):
            match parent:
                case ast.Call(func=func) if child is func:
                    pass
                case ast.Call(func=ast.Attribute(attr="join", value=ast.Constant(value="."))):
                    # Of a list in a variable only the first part could be a module, and which is first is not known.
                    if isinstance(child, ast.Name) or not leads(node, self.parents):
                        return "unknown"
                case ast.Call():
                    found = self._in_call(child, parent, node)
                    if found is not None:
                        return found
                case ast.keyword(arg=name):
                    call = self.parents.get(parent)
                    if name == "name" and isinstance(call, ast.Call) and self.context.called(call) in ERRORS:
                        return "module"
                    if name in MODULE_KEYWORDS and not self.flows.defined_here(call, name):
                        return "module"  # for a function of this file it depends on what becomes of its parameter
                case ast.Attribute(attr="format" | "join" | "values" | "items" | "keys" | "get" | "copy" | "pop"):
                    pass
                case ast.Attribute(attr=attribute) if attribute in NAME_METHODS:
                    pass
                case ast.BinOp(op=ast.Div()):
                    return "path"
                case ast.BinOp() | ast.JoinedStr():
                    if not leads(node, self.parents):
                        return "unknown"
                case ast.FormattedValue() | ast.IfExp() | ast.Starred() | ast.BoolOp():
                    pass
                case ast.NamedExpr(target=target) if child is not target:
                    if self.flows.carries(target):
                        return "module"
                case ast.Subscript(value=value) if child is value:
                    pass
                case ast.Subscript(value=value):
                    return "module" if is_sys_modules(value) else "unknown"
                case ast.Compare(left=left, comparators=others):
                    named = any(names_a_module(o, self.flows.named) or is_sys_modules(o) for o in [left, *others])
                    return "module" if named else "unknown"
                case ast.MatchValue() | ast.MatchOr() | ast.match_case():
                    pass
                case ast.Match(subject=subject):
                    return "module" if names_a_module(subject, self.flows.named) else "unknown"
                case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                    position = next((n for n, i in enumerate(items) if i is child), 0)
                    if flagged := _behind_flag(items, position):
                        return flagged
                    if isinstance(parent, ast.Tuple) and isinstance(self.parents.get(parent), ast.List | ast.Tuple):
                        index = position
                case ast.Dict(keys=keys):
                    if child in keys:
                        ours = self.loggers(parent) or self._patched_modules(parent)
                        return "module" if ours or self.flows.keys_carry(parent, self.parents) else "unknown"
                case ast.For(target=target, iter=source) | ast.comprehension(target=target, iter=source) if (
                    child is source
                ):
                    return "module" if self.flows.loop_carries(target, index, child) else "unknown"
                case ast.Assign(targets=targets):
                    names = [t.id for t in targets if isinstance(t, ast.Name)]
                    known = any(n in MODULE_VARIABLES for n in names) or any(self.flows.carries(t) for t in targets)
                    known = known or any(last_name(t) == "__module__" for t in targets)
                    return "module" if known or self.application(node) else "unknown"
                case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                    known = isinstance(target, ast.Name) and target.id in MODULE_VARIABLES
                    return "module" if known or self.flows.carries(target) else "unknown"
                case ast.arguments():
                    return "module" if self.flows.default_carries(parent, child) else "unknown"
                case ast.Return():
                    return "module" if self.flows.returned(parent, self.parents) else "unknown"
                case _:
                    return "unknown"
            assert parent is not None
            child, parent = parent, self.parents.get(parent)
        return "unknown"

    def _in_call(self, child: ast.AST, call: ast.Call, node: ast.AST) -> Hint | None:
        """The hint of an argument; None if the value goes through the call, as in `sorted(names)`."""
        name = self.context.called(call)
        place = next((n for n, a in enumerate(call.args) if a is child), 0)
        if flagged := _behind_flag(call.args, place):
            return flagged
        if isinstance(call.func, ast.Attribute) and is_sys_modules(call.func.value):
            return "module"
        if name in NAME_METHODS and isinstance(call.func, ast.Attribute):
            return "module" if names_a_module(call.func.value, self.flows.named) else "unknown"
        if any(is_sys_modules(a) for a in call.args):
            return "module"
        if name in ("match", "fullmatch", "search", "sub") and any(
            names_a_module(a, self.flows.named) for a in call.args[1:]
        ):
            return "module"
        if name in MODULE_CALLS:
            first = bool(call.args) and call.args[0] is child
            named = isinstance(child, ast.keyword) and child.arg in CALL_KEYWORDS
            if not isinstance(node, ast.Constant | ast.JoinedStr):
                return "module" if name in FLOWING and (first or named) else "unknown"
            if name in ONLY_DOTTED:
                return "module" if first and "." in str(getattr(node, "value", "")) else "unknown"
            return "module" if first or named or (name in ANY_ARGUMENT and child in call.args) else "unknown"
        if name == PARAMETRIZE and any(self.flows.carries(a) for a in takers(node, self.parents)):
            return "module"
        if self.flows.argument_carries(call, child):
            return "module"
        if name == "format" and not leads(node, self.parents):
            return "unknown"
        if name in PASSING:
            return None
        return "path" if name in PATH_CALLS and isinstance(node, ast.Constant) else "unknown"

    def identity(self, node: ast.AST, _seen: set[ast.AST] | None = None) -> bool:
        """Whether the string is compared with a module's own name (a logger, `__module__`, a repr).

        That name changes when the file moves, and no shim can keep the old one, so the string changes with it.  The
        comparison may be that of a test's parameter, or of a variable in the same function.
        """
        seen = set() if _seen is None else _seen
        child, parent = node, self.parents.get(node)
        no_value = True  # of a dictionary
        if asks(node, parent, self.context.mentions):
            return True
        if later(node, self.parents, self.flows.failed):
            return False
        while parent is not None and not isinstance(parent, ast.stmt):
            match parent:
                case ast.Compare() | ast.MatchValue():
                    return True
                case ast.Subscript(value=value, ctx=ast.Store()) if child is not value and is_sys_modules(value):
                    return self.moves  # a name that the moved code gives
                case ast.Call() if child is not parent.func and self.context.called(parent) in IDENTITY_CALLS:
                    return True
                case ast.Call() if self.context.called(parent) == PARAMETRIZE:
                    return self._compared(takers(node, self.parents), seen)
                case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in NAME_METHODS:
                    if names_a_module(value, self.flows.named):
                        return True
                case ast.Call(func=func, args=[_, *others]) if child is not func:
                    if any(names_a_module(o, self.flows.named) for o in others):
                        return True
                case ast.Subscript(slice=key) if names_a_module(key, self.flows.named):
                    return True
                case ast.keyword(arg="logger" | "match" | "logger_name" | "module"):
                    return True
                case ast.Dict(keys=keys, values=values) if any(
                    v is child and _is(k, "__module__") for k, v in zip(keys, values, strict=True)
                ):
                    return True
                case ast.Dict() if self.loggers(parent):
                    return child in parent.keys
                case ast.Dict(keys=keys):
                    no_value = no_value and child in keys
            child, parent = parent, self.parents.get(parent)
        if no_value and self.flows.holds_names(parent):
            return True
        if isinstance(parent, ast.Assign):
            known = any(last_name(t) in IDENTITY_VARIABLES or last_name(t) == "__module__" for t in parent.targets)
            return known or self._compared(parent.targets, seen)
        return isinstance(parent, ast.Assert)

    def _compared(self, targets: Sequence[ast.AST], seen: set[ast.AST]) -> bool:
        """Whether a use of one of them is compared; each is looked at once, however the variables go round."""
        for use in (use for target in targets for use in self.flows.uses(target)):
            if use not in seen:
                seen.add(use)
                if self.identity(use, seen):
                    return True
        return False

    def variable(self, node: ast.AST, old: str, new: str) -> bool:
        """Whether a module's name, or the last part of it, also becomes that of a variable, and would be another."""
        if not self.flows.naming:
            return False
        keys = self.flows.behind(node, lambda each: self.hint(each) == "module") & self.flows.naming.keys()
        cut = old.rpartition(".")[2] == new.rpartition(".")[2]
        return any(self.flows.naming[key] or not cut for key in keys)

    def given(self, node: ast.AST) -> bool:
        """Whether the text is code that is run in a namespace of its own: what its names are is said there."""
        call = self.parents.get(node)
        if not isinstance(call, ast.Call) or call.args[:1] != [node]:
            return False
        name = self.context.called(call)
        spaces = call.args[1:] if name in ("eval", "exec", "runctx") else []
        spaces += [k.value for k in call.keywords if k.arg in ("globals", "locals")]
        return name in EVALUATING and not all(_is_seen(space) for space in spaces)

    def command(self, node: ast.AST) -> bool:
        """Whether the text is a command line with its arguments, as a shell takes it."""
        call = self.parents.get(node)
        ours = isinstance(call, ast.Call) and call.args[:1] == [node] and self.context.called(call) in SHELL_CALLS
        return ours and " " in str(getattr(node, "value", ""))

    def folder(self, node: ast.AST) -> bool | None:
        """Whether a text that names a tracked folder is one: True in a command, False as a route, None if unknown."""
        child, parent = node, self.parents.get(node)
        while isinstance(parent, ast.List | ast.Tuple | ast.keyword | ast.BinOp | ast.JoinedStr | ast.Starred):
            if isinstance(parent, ast.keyword) and parent.arg in ROUTE_KEYWORDS:
                return False
            child, parent = parent, self.parents.get(parent)
        if isinstance(parent, ast.Call) and child is not parent.func:
            name = self.context.called(parent)
            return True if name in COMMAND_CALLS else False if name in ROUTE_CALLS else None
        return None

    def words_before(self, node: ast.AST) -> str:
        """The words of a command before this one, each in a text of its own: `run("black", "--check", "pkg")`."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.List | ast.Tuple):
            items, outer = parent.elts, self.parents.get(parent)
        else:
            items, outer = (parent.args if isinstance(parent, ast.Call) else []), parent
        place = next((n for n, item in enumerate(items) if item is node), None)
        if place is None or not isinstance(outer, ast.Call) or self.context.called(outer) not in COMMAND_CALLS:
            return ""
        words = [str(getattr(item, "value", "_")) for item in items[:place]]
        return "".join(f"{word} " for word in words)

    def group(self, node: ast.AST) -> bool | None:
        """Whether the text is the name of a group of entry points: True where it must be, None where it may be."""
        child, parent = node, self.parents.get(node)
        if isinstance(parent, ast.keyword):
            if parent.arg in GROUP_KEYWORDS:
                return True
            child, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Subscript(value=value) | ast.Call(func=ast.Attribute(attr="get", value=value)) if (
                value is not child
            ):
                return (isinstance(value, ast.Call) and self.context.called(value) == "entry_points") or None
            case ast.Call(args=args) if self.context.called(parent) in GROUP_CALLS:
                return child in args and self.context.called(parent) != "load_entry_point"
        return False if self.hint(node) == "module" else None

    def label(self, node: ast.AST) -> bool:
        """Whether the text is an application's label and a model, as relations of an object mapper take them."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.keyword) and parent.arg == "to":
            return True
        return isinstance(parent, ast.Call) and self.context.called(parent) in LABEL_CALLS and parent.args[:1] == [node]

    def own_label(self, node: ast.AST) -> bool:
        """Whether nothing but the label of an application can stand here, see `labels`."""
        return is_label(node, self.parents)

    def measured(self, node: ast.AST) -> bool:
        """Whether the text names a measurement, a span or a topic, which others read under that name."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.List | ast.Tuple | ast.Set):
            node, parent = parent, self.parents.get(parent)
        match parent:
            case ast.Call(args=[first, *_]) if first is node:
                return self.context.called(parent) in MEASURING_CALLS
            case ast.keyword(arg=name):
                return name in MEASURING_KEYS
            case ast.Dict(keys=keys, values=values):
                return any(v is node and _is_one(k, MEASURING_KEYS) for k, v in zip(keys, values, strict=True))
        return False

    def labelled(self, node: ast.AST) -> bool:
        """Whether the class around an application's name gives it a label of its own."""
        holder = self.parents.get(self.parents.get(node, node))
        body = holder.body if isinstance(holder, ast.ClassDef) else []
        return any(last_name(s.targets[0]) == "label" for s in body if isinstance(s, ast.Assign))

    def application(self, node: ast.AST) -> bool:
        """Whether the text is an application of Django, whose label is the last part of its name."""
        parent = self.parents.get(node)
        if isinstance(parent, ast.List | ast.Tuple):
            parent = self.parents.get(parent)
            while isinstance(parent, ast.BinOp):
                parent = self.parents.get(parent)
        if not isinstance(parent, ast.Assign | ast.AugAssign):
            return False
        targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
        holder = self.parents.get(parent)
        if isinstance(holder, ast.ClassDef) and any(last_name(b).endswith("AppConfig") for b in holder.bases):
            return last_name(targets[0]) == "name"
        return any(last_name(t) == "INSTALLED_APPS" for t in targets)

    def is_key(self, node: ast.AST) -> bool:
        parent = self.parents.get(node)
        return isinstance(parent, ast.Dict) and node in parent.keys

    def loggers(self, node: ast.AST) -> bool:
        """Whether the dictionary holds the loggers of a logging configuration."""
        outer = self.parents.get(node)
        if isinstance(outer, ast.keyword):
            return outer.arg == "loggers"
        if not isinstance(outer, ast.Dict):
            return False
        key = next((k for k, v in zip(outer.keys, outer.values, strict=True) if v is node), None)
        return isinstance(key, ast.Constant) and key.value == "loggers"

    def _patched_modules(self, node: ast.Dict) -> bool:
        call = self.parents.get(node)
        if not isinstance(call, ast.Call) or not call.args or call.args[0] is node:
            return False
        first = call.args[0]
        return is_sys_modules(first) or (isinstance(first, ast.Constant) and first.value == "sys.modules")


def _is(node: ast.AST | None, value: str) -> bool:
    return _is_one(node, {value})


def _is_one(node: ast.AST | None, values: Container[object]) -> bool:
    return isinstance(node, ast.Constant) and node.value in values


def _is_seen(space: ast.expr) -> bool:
    """Whether a namespace is the one that is seen here, or none."""
    match space:
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars"), args=[]):
            return True
        case ast.Constant(value=None) | ast.Dict(keys=[]):
            return True
    return False


def _behind_flag(items: Sequence[ast.expr], position: int) -> Hint | None:
    """What the option before an argument of a command takes; None if it is none of those known."""
    values = [item.value if isinstance(item, ast.Constant) else None for item in items[:position]]
    if not values or values[-1] not in MODULE_FLAGS + MEASURED_FLAGS:
        return None
    if values[-1] in MEASURED_FLAGS:
        return "either"
    return "module" if meaning(" ".join(str(v) for v in values)) == "module" else None
