"""Which variables of one file hold the name of a module: strings followed from where they are written to their use.

A variable carries a module's name if a use of it ends where one is expected (`import_module(PKG + "." + name)`).  The
answer for one variable can depend on another (an alias, a loop, an argument of a local function), so the set grows
until nothing is added.  Names are told apart by scope; attributes (`self.package`) by their name only.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from .calls import NAME_ATTRIBUTES, NAME_KEEPERS, NAMED_AFTER_MODULES, RECORD_METHODS
from .context import Context
from .failures import failures
from .scopes import Scope, Scopes

Key = tuple[int, str]
_ROUNDS = 6


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_sys_modules(node: ast.AST) -> bool:
    """`sys.modules`, or a list, copy or view of its keys."""
    match node:
        case ast.Call(func=ast.Name(id="list" | "tuple" | "set" | "sorted" | "iter"), args=[inner]):
            return is_sys_modules(inner)
        case ast.Call(func=ast.Attribute(attr="copy" | "keys", value=inner), args=[]):
            return is_sys_modules(inner)
    return isinstance(node, ast.Attribute) and node.attr == "modules" and getattr(node.value, "id", "") == "sys"


def names_a_module(node: ast.AST, named: Mapping[int, object]) -> bool:
    """Whether the expression is a module's own name, or cut out of one; `named`: ids of uses of such variables."""
    match node:
        case ast.Name(id=name):
            return name in NAME_ATTRIBUTES or id(node) in named
        case ast.Attribute(attr=attribute, value=inner):
            after = id(node) in named or (attribute == "name" and last_name(inner) in NAMED_AFTER_MODULES)
            return attribute in NAME_ATTRIBUTES or after
        case ast.Subscript(value=ast.Call(func=ast.Attribute(attr="split" | "partition", value=_))):
            return False  # one part of the name: which one is right afterwards is not known
        case ast.Subscript(value=inner):
            return names_a_module(inner, named)
        case ast.Call(func=ast.Attribute(attr=attribute, value=inner)):
            return attribute in NAME_KEEPERS and names_a_module(inner, named)
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(attribute)), *_]):
            return attribute in NAME_ATTRIBUTES
        case ast.JoinedStr(values=values):
            return any(names_a_module(v.value, named) for v in values if isinstance(v, ast.FormattedValue))
        case ast.NamedExpr(value=inner):
            return names_a_module(inner, named)
    return False


def names_an_entry(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool | None:
    """Whether a namespace has the value of `node` for a key, as in `globals()[name] = import_module(name)`.

    False if it has a part of it (`name.rpartition(".")[2]`), None if it has nothing of it.
    """
    child, parent, whole = node, parents.get(node), True
    while parent is not None:
        match parent:
            case ast.Attribute(attr=attribute, value=value) if value is child and attribute in NAME_KEEPERS:
                whole = whole and attribute not in ("split", "rsplit", "partition", "rpartition", "removeprefix")
            case ast.Call(func=func) if func is child:
                pass
            case ast.Subscript(value=value, slice=key):
                if key is child:
                    return whole if _is_namespace(value) else None
            case ast.Call(func=ast.Name(id="setattr"), args=[_, key, *_]):
                return whole if key is child else None
            case ast.Dict(keys=keys) if child in keys:
                return whole if _updates_namespace(parents.get(parent)) else None
            case ast.DictComp(key=key) if key is child:
                return whole if _updates_namespace(parents.get(parent)) else None
            case _:
                return None
        child, parent = parent, parents.get(parent)
    return None


def _is_namespace(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars")) | ast.Attribute(attr="__dict__"):
            return True
    return False


def _updates_namespace(node: ast.AST | None) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr="update", value=space)):
            return _is_namespace(space)
    return False


class Flows:
    """`carried` holds the variables found to carry a module's name; `named` the uses of those that hold `__name__`."""

    def __init__(self, context: Context, scopes: Scopes) -> None:
        self.scopes = scopes
        self.carried: set[Key] = set()
        self.keyed: set[Key] = set()  # dictionaries whose keys are module names
        self.asked: set[Key] = set()  # containers in which a module's own name is looked up
        self.naming: dict[Key, bool] = {}  # variables that a namespace has for a key; True if with the whole text
        self.named: dict[int, object] = {}
        self._through: set[Key] = set()  # what the answer to the last question went through
        self._functions: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] = {}
        self._bound: dict[int, Key] = {}
        self._local = {id(scope) for scope in scopes.all if scope.kind == "function"}
        self._classes = {id(scope) for scope in scopes.all if scope.kind == "class"}
        for scope in scopes.all:
            for name, bindings in scope.bound.items():
                for _, node in bindings:
                    self._bound[id(node)] = _key(scope, name)
        functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = [*context.of(ast.FunctionDef)]
        functions += context.of(ast.AsyncFunctionDef)
        for node in functions:
            self._functions.setdefault(node.name, []).append(node)
        self._uses: list[tuple[ast.AST, Key]] = []
        for use in scopes.uses:
            owner = use.scope.owner(use.node.id)
            if owner is not None:
                self._uses.append((use.node, _key(owner, use.node.id)))
            self._uses += [
                (a, (0, a.attr)) for a in use.attributes if use.node.id in ("self", "cls") or a.attr.isupper()
            ]
        self._find_named(context)
        self.failed = failures(context)
        self.named |= dict.fromkeys(self.failed)
        self.asked = {key for node, key in self._uses if self._asks(node, context.parents)}
        for node, key in self._uses:
            if (whole := names_an_entry(node, context.parents)) is not None:
                self.naming[key] = whole or self.naming.get(key, False)

    def follow(self, ends_in_module: Callable[[ast.AST], bool]) -> None:
        for _ in range(_ROUNDS):
            found = {key for node, key in self._uses if key not in self.carried and ends_in_module(node)}
            if not found:
                break
            self.carried |= found

    def carries(self, target: ast.AST) -> bool:
        """Whether a value stored in `target` is used as a module's name."""
        key = (0, target.attr) if isinstance(target, ast.Attribute) else self._bound.get(id(target))
        found = {k for k in (key, self._class_attribute(key) if key else None) if k in self.carried}
        self._through |= found
        return bool(found)

    def behind(self, node: ast.AST, ends_in_module: Callable[[ast.AST], bool]) -> set[Key]:
        """The variables through which the value of `node` comes to where the name of a module is expected."""
        seen: set[Key] = set()
        queue = [node]
        for each in queue:
            self._through = set()
            if ends_in_module(each):
                new = self._through - seen
                seen |= new
                queue += [use for use, key in self._uses if key in new]
        return seen

    def loop_carries(self, target: ast.AST, index: int | None, source: ast.AST) -> bool:
        if isinstance(target, ast.Tuple):
            items = isinstance(source, ast.Call) and called(source) == "items"
            place = 1 if items or (isinstance(source, ast.Call) and called(source) == "enumerate") else index
            if items and target.elts and self.carries(target.elts[0]):
                self._note_keys(source)
            return place is not None and place < len(target.elts) and self.carries(target.elts[place])
        found = self.carries(target)
        if found:
            self._note_keys(source)
        return found

    def keys_carry(self, node: ast.Dict, parents: Mapping[ast.AST, ast.AST]) -> bool:
        """Whether the keys of a dictionary are used as module names, by a loop over the variable that holds it."""
        parent = parents.get(node)
        targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", node)]
        return any(self._bound.get(id(t)) in self.keyed | self.asked for t in targets)

    def holds_names(self, statement: ast.AST | None) -> bool:
        """Whether the statement fills a container in which the code looks up a module's own name."""
        match statement:
            case ast.Assign(targets=targets):
                return any(self._bound.get(id(t)) in self.asked for t in targets)
            case ast.AnnAssign(target=target):
                return self._bound.get(id(target)) in self.asked
        return False

    def default_carries(self, arguments: ast.arguments, default: ast.AST) -> bool:
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(reversed(positional), reversed(arguments.defaults), strict=False))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False) if d is not None]
        return any(d is default and self.carries(a) for a, d in pairs)

    def returned(self, node: ast.Return, parents: Mapping[ast.AST, ast.AST]) -> bool:
        """Whether what the enclosing function returns is used as a module's name."""
        outer: ast.AST | None = node
        while outer is not None and not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            outer = parents.get(outer)
        return outer is not None and self.carries(outer)

    def argument_carries(self, call: ast.Call, child: ast.AST) -> bool:
        """Whether the parameter of a function of this file that takes the argument is used as a module's name."""
        return any(self._takes(function, call, child) for function in self._functions.get(called(call), ()))

    def uses(self, target: ast.AST) -> list[ast.AST]:
        """Where a variable or a parameter of a function, which `target` binds, is read."""
        key = self._bound.get(id(target), (0, ""))
        return [node for node, each in self._uses if each == key] if key[0] in self._local else []

    def defined_here(self, call: ast.AST | None, keyword: str) -> bool:
        """Whether a function of this file is called, with a parameter of that name."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return False
        found = self._functions.get(call.func.id, ())
        return any(a.arg == keyword for f in found for a in [*f.args.args, *f.args.kwonlyargs])

    def _takes(self, function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call, child: ast.AST) -> bool:
        arguments = function.args
        positional = [*arguments.posonlyargs, *arguments.args]
        if isinstance(call.func, ast.Attribute) and positional and positional[0].arg in ("self", "cls"):
            positional = positional[1:]
        if isinstance(child, ast.keyword):
            return any(a.arg == child.arg and self.carries(a) for a in [*positional, *arguments.kwonlyargs])
        place = next((n for n, a in enumerate(call.args) if a is child), -1)
        if place >= len(positional):
            return arguments.vararg is not None and self.carries(arguments.vararg)
        return place >= 0 and self.carries(positional[place])

    def _asks(self, node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
        """Whether the use `node` of a variable is as in `NAMES[module.__name__]`, `NAMES.get(...)`, `... in NAMES`."""
        parent = parents.get(node)
        match parent:
            case ast.Subscript(value=value, slice=key):
                return value is node and names_a_module(key, self.named)
            case ast.Attribute(attr="get" | "pop" | "setdefault" | "index" | "count"):
                call = parents.get(parent)
                return isinstance(call, ast.Call) and any(names_a_module(a, self.named) for a in call.args[:1])
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()]):
                return left is not node and names_a_module(left, self.named)
        return False

    def _note_keys(self, source: ast.AST) -> None:
        inner = source.func.value if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) else source
        self.keyed |= {key for node, key in self._uses if node is inner}

    def _class_attribute(self, key: Key) -> Key | None:
        return (0, key[1]) if key[0] in self._classes else None

    def _find_named(self, context: Context) -> None:
        """Variables that hold `__name__` and its like, and loop variables over `sys.modules`."""
        keys: set[Key] = set()
        nodes: list[ast.AST] = [*context.of(ast.Assign), *context.of(ast.NamedExpr), *context.of(ast.For)]
        nodes += context.of(ast.comprehension)
        for _ in range(2):
            for node in nodes:
                match node:
                    case (
                        ast.Assign(targets=[ast.Name() as target], value=value)
                        | ast.NamedExpr(target=target, value=value)
                    ):
                        ours = names_a_module(value, self.named)
                    case (
                        ast.For(target=ast.Name() as target, iter=source)
                        | ast.comprehension(target=ast.Name() as target, iter=source)
                    ):
                        ours = is_sys_modules(source)
                    case _:
                        continue
                key = self._bound.get(id(target)) or self._bound.get(id(node))
                if ours and key is not None:
                    keys.add(key)
            self.named = {id(node): key for node, key in self._uses if key in keys}
        for name in RECORD_METHODS & self._functions.keys():
            for function in self._functions[name]:
                records = {a.arg for a in function.args.args[1:2]}
                for inner in ast.walk(function) if records else ():
                    match inner:
                        case ast.Attribute(attr="name", value=ast.Name(id=record)) if record in records:
                            self.named[id(inner)] = (0, "name")  # of a record of logging: that of its logger


def _key(scope: Scope, name: str) -> Key:
    return id(scope), name
