"""One Python source: parse it once, then imports, names, strings, paths and comments, each by its own scanner.

A source that does not parse is searched as text and reported, never edited.  Snippets (doctests, fenced blocks,
notebook cells, code in strings) come through `scan_code` as well, with their offsets mapped back by their sink.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize

from ..layout import ModuleName
from ..newer import Older
from .climbs import Climbs
from .context import Context, World, parse
from .distributions import scan_distributions
from .dynamic import Dynamic
from .filepaths import FilePaths
from .flows import is_sys_modules
from .globs import Globs
from .glued import Glued
from .hiding import scan_hidden_patches
from .imports import Imports
from .leaving import Leaving
from .literals import Literals
from .nameparts import NameParts
from .newroots import scan_python_roots
from .offsets import Offsets
from .patches import scan_patches
from .pythonpath import scan_pythonpath_code, scan_pythonpath_texts
from .roots import scan_syspath
from .scopes import analyse
from .sink import Sink
from .spelled import Spelled
from .unparsed import scan_unparsed, scan_unseen
from .urls import scan_urls
from .words import note_bare, scan_words


def scan_python(world: World, sink: Sink, path: str, here: ModuleName | None, there: ModuleName | None) -> None:
    scan_urls(world, sink)
    tree = parse(sink.body)
    if tree is None:
        scan_unparsed(world, sink, path, here, there)
        return
    bare = scan_code(world, sink, tree, sink.body, path, here, there, whole=True)
    if isinstance(tree, Older):
        scan_unseen(world, sink, tree, path)
    if bare:
        note_bare(sink, bare)


def scan_code(
    world: World,
    sink: Sink,
    tree: ast.Module,
    source: str,
    path: str,
    here: ModuleName | None,
    there: ModuleName | None,
    *,
    whole: bool,
    outer: Context | None = None,
) -> int:
    """Run all scanners over one parsed source; returns the number of bare mentions in prose."""
    context = Context(world, tree)
    scopes = analyse(tree)
    offsets = Offsets(source)
    imports = context.imports = Imports(context, sink, scopes, here, there, offsets)
    imports.scan()
    if here is None and not path:
        imports.unbound(outer.imports if outer else None)
    _fstring_names(context, sink, offsets)
    paths = FilePaths(context, sink, scopes, offsets, path, here)
    scan_syspath(context, sink, offsets, paths.value, paths.claimed)
    scan_pythonpath_code(context, sink, offsets, paths.value, paths.claimed)
    scan_python_roots(context, sink, offsets, path if whole else "", paths.value)
    paths.scan()
    Glued(context, sink, offsets, paths).scan()
    literals = Literals(context, sink, scopes, offsets, path)
    paths.claimed |= scan_patches(context, sink, offsets, paths.origins)
    paths.claimed |= scan_hidden_patches(context, sink, offsets)
    bare = literals.scan(_docstrings(context), paths.claimed)
    scan_pythonpath_texts(context, sink, offsets)
    Dynamic(context, sink, offsets, here, there).scan()
    Leaving(context, sink, offsets, paths, here).scan()
    imports.finish()
    Climbs(paths).scan()
    Spelled(context, sink, offsets, paths.assigned, path).scan()
    NameParts(context, sink, offsets, paths.origins, paths.assigned, here).scan()
    _bytes(context, sink, offsets)
    if whole:
        Globs(context, sink, offsets, paths, path).scan()
        bare += _comments(context, sink, source, path)
    if path and any(_drops(node) for node in [*context.of(ast.Delete), *context.of(ast.Call)]):
        sink.with_the_move()
    context.imports = None  # the two hold each other, and nobody collects circles while files are scanned
    return bare


def _fstring_names(context: Context, sink: Sink, offsets: Offsets) -> None:
    if not context.in_fstrings:
        return
    from ..rewrite import rename_in_expression  # libcst takes a quarter of a second to load

    groups: dict[int, tuple[ast.JoinedStr, list[tuple[str, str]]]] = {}
    for node, old, new in context.in_fstrings:
        groups.setdefault(id(node), (node, []))[1].append((old, new))
    for node, renames in groups.values():
        start, end = offsets.span(node)
        found = rename_in_expression(offsets.source[start:end], renames)
        for old, new in renames:
            if re.search(rf"\{{\s*{re.escape(old)}[^{{}}!:=]*=\s*[}}!:]", offsets.source[start:end]):
                readings = (f"it prints {new}, as the expression is written then", f"{old} is to be printed as before")
                sink.list(start, "name.fstring", f"{old}=", readings, severity="note")
        if found is None or len(found) != len(renames):
            for old, new in renames:
                sink.list(
                    start, "name.fstring", old, (f"{old}, now {new}",), "inside an f-string; edit it by hand", "error"
                )
            continue
        for begin, finish, new in found:
            sink.edit(
                start + begin,
                start + finish,
                new,
                stage=4,
                rule="name",
                reason=f"{offsets.source[start + begin : start + finish]} moves to {new}",
            )


def _drops(node: ast.AST) -> bool:
    """Whether this takes a module out of `sys.modules`, to import it anew: one that is still there under its other
    name would be handed out as it was.  So what the file imports changes together with what it drops.
    """
    match node:
        case ast.Delete(targets=targets):
            return any(isinstance(t, ast.Subscript) and is_sys_modules(t.value) for t in targets)
        case ast.Call(func=ast.Attribute(attr="pop", value=modules)):
            return is_sys_modules(modules)
        case ast.Call(func=ast.Attribute(attr="delitem"), args=[modules, *_]):
            return is_sys_modules(modules)
    return False


def _docstrings(context: Context) -> set[int]:
    """Ids of the constants that are docstrings, or bare strings used as comments."""
    return {
        id(n.value)
        for n in context.of(ast.Expr)
        if isinstance(n.value, ast.Constant) and isinstance(n.value.value, str)
    }


def _bytes(context: Context, sink: Sink, offsets: Offsets) -> None:
    for node in context.of(ast.Constant):
        if isinstance(node.value, bytes):
            text = node.value.decode("latin-1")
            # In a pickle, an opcode that is a letter may stand before a name.
            if any(True for _ in context.judge.tokens(text)) or any(
                True for _ in context.judge.tokens(re.sub(r"(?<!\w)c(?=\w)", " ", text))
            ):
                start, end = offsets.span(node)
                sink.list(
                    start,
                    "bytes",
                    offsets.source[start:end],
                    ("data that names the code, such as a pickle", "other data"),
                    "bytes are never rewritten; the shim serves old pickles until cleanup",
                    "warning" if re.search(r"(?m)^[ \t]*(?:import|from)[ \t]", text) else "note",  # a script in bytes
                )


def _comments(context: Context, sink: Sink, source: str, path: str) -> int:
    if not context.judge.in_comment(source) and "/// script" not in source:
        return 0
    lines = Offsets(source).lines
    bare = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and "/// script" in source:
                scan_distributions(
                    context.layout, sink, token.string, lines.starts[token.start[0] - 1] + token.start[1]
                )
            if token.type == tokenize.COMMENT and context.judge.mentioned(token.string):
                offset = lines.starts[token.start[0] - 1] + token.start[1]
                bare += scan_words(token.string, offset, sink, context.judge, path, "prose")
    except (tokenize.TokenError, SyntaxError, IndexError):
        return bare
    return bare
