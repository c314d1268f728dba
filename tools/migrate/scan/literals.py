"""String literals of a Python file: which of them name moving code.

Position in the syntax tree gives the hint (an argument of `import_module`, a key of `sys.modules`, the word after "-m",
a part of a path); the `Judge` gives the evidence.  Quoted annotations and code inside strings are scanned as code,
docstrings as documents.  A bare package name without a hint is listed, not changed.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from ..classify import Hint
from ..rewrite import string_parts
from .documents import scan_docstring
from .sink import Sink
from .words import scan_words

if TYPE_CHECKING:
    from .offsets import Offsets
    from .python import Context
    from .scopes import Scope, Scopes

_TOKEN = re.compile(r"(?P<prefix>[A-Za-z]{0,3})(?P<quote>'''|\"\"\"|'|\")")

MODULE_CALLS = frozenset(
    [
        "import_module",
        "__import__",
        "find_spec",
        "find_loader",
        "run_module",
        "run_path_module",
        "importorskip",
        "files",
        "get_data",
        "resource_filename",
        "resource_string",
        "resource_stream",
        "resource_exists",
        "resource_listdir",
        "open_text",
        "open_binary",
        "read_text",
        "read_binary",
        "contents",
        "is_resource",
        "as_file",
        "path_for",
        "patch",
        "object",
        "setattr",
        "delattr",
        "getLogger",
        "get_logger",
        "at_level",
        "set_level",
        "resolve_name",
        "import_string",
        "import_object",
        "locate",
        "load_object",
        "import_from_string",
        "get_class",
        "import_class",
        "find_package_path",
        "walk_packages",
        "iter_modules",
        "import_by_path",
        "load_module",
        "import_attr",
        "symbol_by_name",
        "PackageLoader",
        "autodiscover_tasks",
        "find_module",
        "config_from_object",
        "multiple",
        "loads_module",
        "record_tuples",
        "assertLogs",
        "assertNoLogs",
        "include",
        "module_available",
        "import_path",
        "lazy_import",
    ]
)
_ONLY_DOTTED = frozenset(["patch", "setattr", "delattr", "object", "multiple", "include", "read_text", "contents"])
_MODULE_KEYWORDS = frozenset(
    [
        "logger",
        "package",
        "anchor",
        "module",
        "mod_name",
        "modname",
        "module_name",
        "dotted_path",
        "target_module",
        "import_name",
    ]
)
_DISTRIBUTION_CALLS = frozenset(["version", "distribution", "metadata", "requires", "get_distribution", "require"])
_PATH_CALLS = frozenset(
    [
        "Path",
        "PurePath",
        "PosixPath",
        "open",
        "exists",
        "isfile",
        "isdir",
        "listdir",
        "glob",
        "rglob",
        "iglob",
        "chdir",
        "joinpath",
        "join",
        "copytree",
        "copy",
        "copyfile",
        "rmtree",
        "walk",
        "scandir",
        "mkdir",
        "makedirs",
        "load_source",
        "spec_from_file_location",
        "is_file",
        "is_dir",
    ]
)
_IDENTITY_CALLS = frozenset(
    [
        "getLogger",
        "get_logger",
        "at_level",
        "set_level",
        "assertLogs",
        "assertNoLogs",
        "assertEqual",
        "assertIn",
        "assertRegex",
        "assertRaisesRegex",
        "raises",
        "warns",
        "filterwarnings",
        "startswith",
        "endswith",
        "removeprefix",
    ]
)
_NAME_ATTRIBUTES = frozenset(["__name__", "__module__", "__package__", "__qualname__"])
_CODE = re.compile(r"(?:^|[\n;])[ \t]*(?:import|from)[ \t]+[\w.]+")


class Literals:
    def __init__(self, context: Context, sink: Sink, scopes: Scopes, offsets: Offsets, path: str) -> None:
        self.context, self.sink, self.scopes, self.at, self.path = context, sink, scopes, offsets, path
        self.judge = context.judge
        self.flows = _names_in_module_calls(context.tree)
        self.bare = 0

    def scan(self, docstrings: set[int], claimed: set[int]) -> int:
        for node, scope in self.scopes.annotations:
            if self.judge.mentioned(str(node.value)):
                self._annotation(node, scope)
        for node, _ in self.scopes.strings:
            if id(node) in claimed or not self.judge.mentioned(str(node.value)):
                continue
            if id(node) in docstrings:
                self.bare += scan_docstring(self.context, self.sink, self.at, node, self.path)
            else:
                self._literal(node)
        for joined in self.scopes.fstrings:
            self._fstring(joined)
        return self.bare

    # literals

    def _literal(self, node: ast.Constant) -> None:
        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        hint, early = self.hint(node), self._identity(node)
        if self._distribution(node, start, pieces):
            return
        whole = len(pieces) == 1 and self.at.source[start + pieces[0][0] : start + pieces[0][1]] == node.value
        if whole:
            first = start + pieces[0][0]
            text = str(node.value)
            verdict = self.judge.value(text, self.path, hint)
            if verdict is not None:
                if verdict.rule in ("string.bare", "string.dynamic") and text.endswith(".") and hint != "module":
                    verdict = None
                elif verdict.kind == "change":
                    stage = 3 if early else verdict.stage
                    self.sink.edit(
                        first, first + len(text), verdict.new, stage=stage, rule=verdict.rule, reason=verdict.reason
                    )
                    return
                elif verdict.kind == "list" or verdict.rule == "string.missing":
                    note = verdict.kind == "none" or self._is_key(node)
                    self.sink.list(first, verdict.rule, text, verdict.readings, severity="note" if note else "warning")
                    return
                else:
                    return
            if _CODE.search(text) and self._embedded(text, first):
                return
        for a, b, raw in pieces:
            self._piece(self.at.source[start + a : start + b], start + a, raw, hint, 3 if early else None)

    def _piece(self, text: str, base: int, raw: bool, hint: Hint, stage: int | None) -> None:
        """One quoted piece as free text: prefixes of computed names, escaped dots of patterns, and words."""
        for match in re.finditer(r"(?<![\w.])([^\W\d]\w*(?:\\\.[^\W\d]\w*)*)\\\.", text) if "\\." in text else ():
            name = match[1].replace("\\.", ".")
            new = self.context.layout.new_module(name)
            if new and (self.context.resolver.is_module(name)):
                self.sink.edit(
                    base + match.start(1),
                    base + match.end(1),
                    new.replace(".", "\\."),
                    stage=stage or 4,
                    rule="string.pattern",
                    reason=f"a pattern for names below {name}",
                )
        shown = text if raw else re.sub(r"\\.", "  ", text, flags=re.S)
        for match in re.finditer(r"(?<![\w./@-])([^\W\d]\w*(?:\.[^\W\d]\w*)*)\.(?=$|[%{])", shown):
            name = match[1]
            new = self.context.layout.new_module(name)
            if (
                new
                and self.context.resolver.is_module(name)
                and not self.sink.covered(base + match.start(1), base + match.end(1))
            ):
                if hint == "module":
                    self.sink.edit(
                        base + match.start(1),
                        base + match.end(1),
                        new,
                        stage=stage or 4,
                        rule="string.prefix",
                        reason=f"the beginning of a module's name below {name}",
                    )
                else:
                    self.sink.list(
                        base + match.start(1),
                        "string.prefix",
                        text,
                        (f"the beginning of a name in {name}, now {new}", "data that only looks like one"),
                    )
                    shown = shown[: match.start(1)] + " " * len(name) + shown[match.end(1) :]
        self.bare += scan_words(
            shown, base, self.sink, self.judge, self.path, "literal", module_hint=hint == "module", stage=stage
        )

    def _embedded(self, text: str, base: int) -> bool:
        """Code inside a string (a script for `python -c`, a file that a test writes)."""
        from .python import scan_snippet

        return scan_snippet(self.context, self.sink, [(text, base)], dedent=True)

    def _annotation(self, node: ast.Constant, scope: Scope) -> None:
        from .python import scan_annotation

        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        if len(pieces) != 1 or self.at.source[start + pieces[0][0] : start + pieces[0][1]] != node.value:
            self._literal(node)
            return
        if not scan_annotation(self.context, self.sink, str(node.value), start + pieces[0][0], scope):
            self._literal(node)

    def _fstring(self, node: ast.JoinedStr) -> None:
        start, end = self.at.span(node)
        segment = self.at.source[start:end]
        if not self.judge.mentioned(segment):
            return
        hint = self.hint(node)
        for a, b in string_parts(segment) or []:
            if self.judge.mentioned(segment[a:b]):
                # What follows a part is a computed value, so a trailing dot begins a computed name.
                self._piece(segment[a:b], start + a, False, hint, 3 if self._identity(node) else None)

    def _distribution(self, node: ast.Constant, start: int, pieces: list[tuple[int, int, bool]]) -> bool:
        call = self.context.parents.get(node)
        if not (isinstance(call, ast.Call) and call.args and call.args[0] is node and len(pieces) == 1):
            return False
        target = self.context.layout.plan.target
        if _called(call) not in _DISTRIBUTION_CALLS or target is None:
            return False
        name = re.sub(r"[-_.]+", "-", str(node.value)).lower()
        merged = {re.sub(r"[-_.]+", "-", m.distribution).lower() for m in self.context.layout.moves if m.distribution}
        if name not in merged:
            return False
        a, b, _ = pieces[0]
        self.sink.edit(
            start + a,
            start + b,
            target.distribution,
            stage=4,
            rule="string.distribution",
            reason=f"the distribution {node.value!r} is now part of {target.distribution}",
        )
        return True

    def _identity(self, node: ast.AST) -> bool:
        """Whether the string is compared with a module's own name (a logger, `__module__`, a repr).

        That name changes when the file moves, and no shim can keep the old one, so the string changes with it.
        """
        parents = self.context.parents
        child, parent = node, parents.get(node)
        while parent is not None and not isinstance(parent, ast.stmt):
            match parent:
                case ast.Compare():
                    return True
                case ast.Call() if child is not parent.func and _called(parent) in _IDENTITY_CALLS:
                    return True
                case ast.keyword(arg="logger" | "match" | "logger_name"):
                    return True
                case ast.Dict() if self._loggers(parent):
                    return child in parent.keys
            child, parent = parent, parents.get(parent)
        return isinstance(parent, ast.Assert)

    # hints

    def hint(self, node: ast.AST) -> Hint:
        """What the place of a string says about it."""
        parents = self.context.parents
        child, parent = node, parents.get(node)
        # Through concatenation, formatting and containers to the call or statement that uses it.
        for _ in range(6):
            match parent:
                case ast.Call(func=func) if child is func:
                    child, parent = parent, parents.get(parent)
                    continue
                case ast.Call():
                    return self._in_call(child, parent, node)
                case ast.keyword(arg=name):
                    if name in _MODULE_KEYWORDS:
                        return "module"
                    child, parent = parent, parents.get(parent)
                    continue
                case ast.Attribute(attr="format" | "join"):
                    child, parent = parent, parents.get(parent)
                    continue
                case ast.BinOp(op=ast.Div()):
                    return "path"
                case ast.BinOp() | ast.JoinedStr() | ast.FormattedValue() | ast.IfExp() | ast.Starred():
                    child, parent = parent, parents.get(parent)
                    continue
                case ast.Subscript(value=value) if child is not value:
                    return "module" if _is_sys_modules(value) else "unknown"
                case ast.Compare(left=left, comparators=others):
                    rest = [left, *others]
                    named = any(_names_a_module(other) for other in rest)
                    return "module" if named or any(_is_sys_modules(o) for o in rest) else "unknown"
                case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                    place = next((n for n, item in enumerate(items) if item is child), 0)
                    before = items[place - 1] if place else None
                    if isinstance(before, ast.Constant) and before.value in ("-m", "--cov", "--pyargs", "-p"):
                        return "module"
                    child, parent = parent, parents.get(parent)
                    continue
                case ast.Dict(keys=keys):
                    if child in keys:
                        return "module" if self._loggers(parent) or self._patched_modules(parent) else "unknown"
                    return "unknown"
                case ast.Assign(targets=[ast.Name(id=name), *_]) | ast.AnnAssign(target=ast.Name(id=name)):
                    return "module" if name == "pytest_plugins" or name in self.flows else "unknown"
                case _:
                    return "unknown"
        return "unknown"

    def _in_call(self, child: ast.AST, call: ast.Call, node: ast.AST) -> Hint:
        name = _called(call)
        if isinstance(call.func, ast.Attribute) and _is_sys_modules(call.func.value):
            return "module"
        if name in ("startswith", "endswith", "removeprefix", "split", "partition") and isinstance(
            call.func, ast.Attribute
        ):
            return "module" if _names_a_module(call.func.value) else "unknown"
        if any(_is_sys_modules(a) for a in call.args):
            return "module"
        if name in MODULE_CALLS:
            first = bool(call.args) and call.args[0] is child
            if name in _ONLY_DOTTED:
                return "module" if first and isinstance(node, ast.Constant) and "." in str(node.value) else "unknown"
            if first or isinstance(child, ast.keyword):
                return "module"
            if name in ("import_module", "__import__", "resolve_name", "at_level", "set_level", "find_spec"):
                return "module"
            return "unknown"
        return "path" if name in _PATH_CALLS and "/" not in str(getattr(node, "value", "/")) else "unknown"

    def _is_key(self, node: ast.AST) -> bool:
        parent = self.context.parents.get(node)
        return isinstance(parent, ast.Dict) and node in parent.keys

    def _loggers(self, node: ast.Dict) -> bool:
        outer = self.context.parents.get(node)
        if not isinstance(outer, ast.Dict) or node not in outer.values:
            return False
        key = outer.keys[outer.values.index(node)]
        return isinstance(key, ast.Constant) and key.value == "loggers"

    def _patched_modules(self, node: ast.Dict) -> bool:
        call = self.context.parents.get(node)
        if not isinstance(call, ast.Call) or not call.args or call.args[0] is node:
            return False
        first = call.args[0]
        return _is_sys_modules(first) or (isinstance(first, ast.Constant) and first.value == "sys.modules")


def string_tokens(segment: str) -> list[tuple[int, int, bool]]:
    """(start, end, raw) of the inner text of each quoted piece in the source of one string constant."""
    out: list[tuple[int, int, bool]] = []
    position = 0
    while position < len(segment):
        match = _TOKEN.match(segment, position)
        if match is None:
            if segment[position] == "#":
                position = min(
                    (i for i in (segment.find("\n", position), segment.find("\r", position)) if i >= 0),
                    default=len(segment),
                )
            position += 1
            continue
        quote, raw = match["quote"], "r" in match["prefix"].lower()
        cursor = match.end()
        while cursor < len(segment) and not segment.startswith(quote, cursor):
            cursor += 2 if segment[cursor] == "\\" else 1
        out.append((match.end(), cursor, raw))
        position = cursor + len(quote)
    return out


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_sys_modules(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "modules" and getattr(node.value, "id", "") == "sys"


def _names_a_module(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id in _NAME_ATTRIBUTES) or (
        isinstance(node, ast.Attribute) and node.attr in (*_NAME_ATTRIBUTES, "name") and node.attr != "name"
    )


def _names_in_module_calls(tree: ast.Module) -> set[str]:
    """Local names that end in an argument of an import call: what is assigned to them names a module."""
    out: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in (
            "import_module",
            "__import__",
            "find_spec",
            "run_module",
            "importorskip",
        ):
            for argument in node.args[:1]:
                out.update(n.id for n in ast.walk(argument) if isinstance(n, ast.Name))
        elif (
            isinstance(node, ast.For | ast.comprehension)
            and isinstance(node.target, ast.Name)
            and isinstance(node.iter, ast.Name)
        ):
            out.add(f"{node.target.id}<-{node.iter.id}")
    for arrow in [a for a in out if "<-" in a]:
        target, _, source = arrow.partition("<-")
        out.discard(arrow)
        if target in out:
            out.add(source)
    return out
