"""The folder from which a package is imported, where that becomes another one and the package keeps its name.

What puts the old root on the import path (`PYTHONPATH=.`, `sys.path.insert(0, ROOT)`, `pythonpath = .`) puts the new
one there too, in stage 3, as no shim stands in between.  What takes the old root from the working directory
(`python -m pkg`, a server's `pkg.app:app`, a script beside the package) cannot say whether the package is installed
there: it is listed, unless the same file installs it.  `pyproject.toml` and its like belong to `manifests`.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable
from itertools import pairwise

from ..layout import Layout
from ..newroots import RootChange, pytest_implies, pytest_settings
from ..oldroots import old_roots, stays_in
from .context import Context
from .flows import called
from .offsets import Offsets
from .pythonpath import ENTRY, PYTHONPATH, values
from .roots import path_changes, plain, replaced, unwrapped
from .sink import Sink

RULE, IMPLIED = "path.root", "root.implied"
# How the root of a checkout is written by those who do not write a dot.
_CHECKOUT = re.compile(
    r"\.|\$\{?PWD\}?|\$\(pwd\)|`pwd`|\$\(CURDIR\)|%cd%|\{(?:toxinidir|tox_root)\}|\$\{workspace(?:Folder|Root)\}"
    r"|\$\{?(?:GITHUB_WORKSPACE|CI_PROJECT_DIR)\}?|\$\{\{\s*github\.workspace\s*\}\}"
)
_INSTALLS = re.compile(
    r"\bpip[\d.]*\s+install\s[^\n]*(?:\s-e\b|\s--editable\b|\s[\"']?\.(?=[\s\"'\[/]|$))|\bsetup\.py\s+(?:install|develop)"
    r"|\b(?:uv|poetry|pdm|hatch|rye|pipenv)\s+(?:sync|run|install)\b|\b(?:tox|nox)\b|\bmake\s+(?:install|dev)"
)
_LISTS = re.compile(
    r"(?:\bextra_?paths\b|\bpython:[^\S\n]*\n(?:[ \t]+[^\n]*\n)*?[ \t]+paths|\"root)[\"']?[ \t]*:[ \t]*"
    r"(?P<value>\[[^\]]*\]|\"[^\"\n]*\"|(?:\s*\n[ \t]*-[ \t][^\n]*)+)",
    re.I,
)
_SERVERS = r"(?:uvicorn|gunicorn|hypercorn|daphne|celery|flask|waitress-serve|granian)"


def stays(layout: Layout, change: RootChange) -> bool:
    """Whether other code goes on being imported from the old root, as far as the tree can say."""
    return change.old == "." or any(stays_in(layout, change.old, path) for path in layout.tree.under(change.old))


def moved_entry(entry: str, change: RootChange) -> str | None:
    """What to write for the new root where `entry` is the old one; None if it is another folder."""
    if change.old != ".":
        return replaced(entry, change.old, change.new)
    clean = entry.rstrip("/")
    if not _CHECKOUT.fullmatch(clean):
        return None
    return change.new if clean == "." else f"{clean}/{change.new}"


def with_new(layout: Layout, entries: list[str]) -> list[str]:
    """The entries of an import path with the new roots in it; after the move only dead ones are replaced."""
    out = list(entries)
    for change in layout.new_roots:
        kept = stays(layout, change)
        if kept and layout.moved:
            continue
        for entry in entries:
            written = moved_entry(entry, change)
            if written is None or entry not in out:
                continue
            place = out.index(entry)
            if not kept:
                out.pop(place)
            if plain(written) not in {plain(e) for e in out}:
                out.insert(place + kept, written)
    return out


def scan_environment(layout: Layout, sink: Sink, text: str) -> None:
    """`PYTHONPATH=.:tests`."""
    for match in PYTHONPATH.finditer(text) if layout.new_roots else ():
        entries = ENTRY.findall(match["value"])
        wanted = with_new(layout, entries)
        start, end = match.span("value")
        if wanted != entries:
            sink.edit(start, end, ":".join(wanted), stage=3, rule=RULE, reason=_why(layout))
        elif not layout.moved:
            for entry in entries:
                if entry.startswith("/") and any(c.old == "." for c in layout.new_roots):
                    readings = (f"the checkout's root there: add {entry}/{layout.new_roots[0].new}", "another folder")
                    sink.list(start, IMPLIED, match.group(), readings)


def scan_setting(layout: Layout, sink: Sink, text: str, base: int, mark: str) -> None:
    """The value of a setting that is a list of roots, divided by white space, commas or colons."""
    words = list(re.finditer(r"[^\s,:;]+", text)) if layout.new_roots else []
    entries = [w.group() for w in words]
    wanted = with_new(layout, entries)
    if wanted != entries:
        mark = text[words[0].end() : words[1].start()] if len(words) > 1 else mark
        start, end = base + words[0].start(), base + words[-1].end()
        sink.edit(start, end, mark.join(wanted), stage=3, rule=RULE, reason=_why(layout))


def scan_lists(layout: Layout, sink: Sink, text: str) -> None:
    """Import roots in JSON and YAML: those of editors and type checkers, and where documentation finds its packages."""
    if layout.moved or not (layout.new_roots or old_roots(layout)):
        return
    for match in _LISTS.finditer(text):
        entries = re.findall(r"[^\s\"'\[\],]+", re.sub(r"^\s*-", " ", match["value"], flags=re.M))
        shown = " ".join(match.group().split())
        if with_new(layout, entries) != entries:
            _list(layout, sink, match.start("value"), shown)
        for root in old_roots(layout):
            if any(replaced(entry, root.old, root.new) for entry in entries):
                reading = f"the root of old names, now {root.new}"
                sink.list(match.start("value"), IMPLIED, shown, (reading,), f"add {root.new} beside it, or write that")


def scan_sections(layout: Layout, sink: Sink, path: str) -> None:
    """Settings of pytest and mypy that name no root, because the folder of the file was one by itself."""
    folder = posixpath.dirname(path) or "."
    for change in layout.new_roots:
        if change.old != folder or layout.moved:
            continue
        place, wanted = posixpath.relpath(change.new, folder), list[tuple[str, str]]()
        if path == pytest_settings(layout.tree, folder) and pytest_implies(layout.plan, layout.tree, change.old):
            wanted.append(("pytest", "pythonpath"))
        wanted.append(("mypy", "mypy_path"))
        for section, key in wanted:
            header = re.search(rf"^\[{section}\][^\n]*(?:\n|\Z)", sink.body, re.M)
            rest = re.split(r"^\[", sink.body[header.end() :], maxsplit=1, flags=re.M)[0] if header else ""
            if header is not None and not re.search(rf"^{key}\s*[=:]", rest, re.M):
                at, line = header.end(), "\r\n" if "\r\n" in sink.body else "\n"
                text = f"{key} = {place}{line}" if header.group().endswith("\n") else f"{line}{key} = {place}"
                sink.edit(at, at, text, stage=3, rule=RULE, reason=_why(layout))


def scan_commands(layout: Layout, sink: Sink, text: str) -> None:
    """Commands that import a package from the folder in which they are run."""
    names = _names(layout)
    if not names or layout.moved or _INSTALLS.search(text) or PYTHONPATH.search(text):
        return
    either = "|".join(map(re.escape, names))
    pattern = re.compile(
        rf"""(?:\bpython[\d.]*(?:[ \t]+-[\w=]+)*?[ \t]+-(?:m[ \t]*|c[ \t]*["'](?:import|from)[ \t]+)
            | ["']-m["'][ \t]*,[ \t]*["'] | \b{_SERVERS}\b[^\n]*?[\s"'=])(?P<name>{either})(?![\w/-])""",
        re.X,
    )
    for match in pattern.finditer(text):
        _list(layout, sink, match.start("name"), match.group().strip())
    for match in re.finditer(r"\bpython[\d.]*[ \t]+-m[ \t]+unittest\b[^\n]*", text):
        _list(layout, sink, match.start(), match.group().strip())


def scan_python_roots(
    context: Context, sink: Sink, at: Offsets, path: str, value: Callable[[ast.expr], str | None]
) -> None:
    """`sys.path` in code, child processes, and scripts that lie in the old root."""
    layout = context.layout
    if not layout.new_roots or layout.moved or not path:
        return
    paths = list(path_changes(context))
    for change in layout.new_roots:
        if any(_is(node, change.new, path, value) for _, node in paths):
            continue
        for statement, node in paths:
            if not _is(node, change.old, path, value):
                continue
            if statement is not None and (new := _new(node, change, path, at)) is not None:
                _put(context, sink, at, statement, node, new, f"{_why(layout)}, as nothing of it is found here now")
            else:
                reading = f"the root of what is imported, now {change.new}"
                sink.list(at.start(node), IMPLIED, at.source[slice(*at.span(node))], (reading,), "", "error")
    for node in values(context):
        if any(_holds(layout, piece, path, value) for piece in _pieces(node)):
            reading = f"the root of what is imported: {_why(layout)}"
            sink.list(
                at.start(node), IMPLIED, at.source[slice(*at.span(node))], (reading,), "add the new root beside it"
            )
    _children(context, sink, at)
    _script(context, sink, at, path)


def _pieces(node: ast.expr) -> list[ast.expr]:
    """What the value of a variable is put together from: `os.pathsep.join([A, B])`, `A + ":" + B`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_pieces(node.left), *_pieces(node.right)]
    listed = node.args[0] if isinstance(node, ast.Call) and called(node) == "join" and len(node.args) == 1 else None
    return list(listed.elts) if isinstance(listed, ast.List | ast.Tuple) else [node]


def _holds(layout: Layout, node: ast.expr, path: str, value: Callable[[ast.expr], str | None]) -> bool:
    if isinstance(node, ast.Constant):
        entries = ENTRY.findall(node.value) if isinstance(node.value, str) else []
        return with_new(layout, entries) != entries
    return any(_is(node, change.old, path, value) for change in layout.new_roots)


def _is(node: ast.expr, root: str, path: str, value: Callable[[ast.expr], str | None]) -> bool:
    """Whether an expression is that folder: by `__file__`, or as a text from the root or from the file's own folder."""
    text = _text(node)
    if text is not None:
        folder = posixpath.dirname(path)
        return root in {posixpath.normpath(text), posixpath.normpath(posixpath.join(folder, text))}
    if ast.unparse(node) in ("os.getcwd()", "os.curdir", "str(Path.cwd())", "str(pathlib.Path.cwd())"):
        return root == "."
    return value(node) == root


def _text(node: ast.expr) -> str | None:
    """The literal of `"../x"`, `os.path.abspath("../x")` or `str(Path("../x").resolve())`."""
    inner = unwrapped(node)
    return inner.value if isinstance(inner, ast.Constant) and isinstance(inner.value, str) else None


def _new(node: ast.expr, change: RootChange, path: str, at: Offsets) -> str | None:
    """The source of the new root, put together from that of the old one; None if it is not below that."""
    source = at.source[slice(*at.span(node))]
    below = posixpath.relpath(change.new, change.old)
    text = _text(node)
    if text is not None:
        literal = next(n for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value == text)
        start, end = (p - at.start(node) for p in at.span(literal))
        quote = source[end - 1]
        written = posixpath.normpath(posixpath.join(text, below))
        return source[:start] + quote + written + quote + source[end:] if source[start + 1 : end - 1] == text else None
    if below.startswith(".."):
        return None
    if isinstance(node, ast.Call) and called(node) == "str" and len(node.args) == 1:
        inner = at.source[slice(*at.span(node.args[0]))]
        simple = isinstance(node.args[0], ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp)
        return f'str({inner if simple else f"({inner})"} / "{below}")'
    if isinstance(node, ast.Call) and ".path." in ast.unparse(node.func):
        function = at.source[slice(*at.span(node.func))]
        return f'{function.rpartition(".")[0]}.join({source}, "{below}")'
    return f'{source} + "/{below}"' if isinstance(node, ast.Name | ast.Attribute | ast.Call) else None


def _put(context: Context, sink: Sink, at: Offsets, statement: ast.stmt, node: ast.expr, new: str, reason: str) -> None:
    """Add the new root: as one more item of a list, or by the statement once more."""
    if isinstance(context.parents.get(node), ast.List | ast.Tuple):
        end = at.end(node)
        sink.edit(end, end, f", {new}", stage=3, rule=RULE, reason=reason)
        return
    start, end = at.span(statement)
    line = at.source.rfind("\n", 0, start) + 1
    indent, rest = at.source[line:start], at.source[end:].partition("\n")[0]
    first, last = (p - start for p in at.span(node))
    text = at.source[start:end]
    again = text[:first] + new + text[last:]
    if indent.strip() or rest.strip().startswith(";"):
        sink.edit(end, end, f"; {again}", stage=3, rule=RULE, reason=reason)
        return
    stop = end + len(rest.rstrip("\r"))
    ends = "\r\n" if "\r\n" in at.source else "\n"
    sink.edit(stop, stop, f"{ends}{indent}{again}", stage=3, rule=RULE, reason=reason)


def _children(context: Context, sink: Sink, at: Offsets) -> None:
    """`[sys.executable, "-m", "pkg"]`: a child process has the folder it runs in on its path, not what pytest adds."""
    names = _names(context.layout)
    rows = [n.elts for n in context.of(ast.List)] + [n.elts for n in context.of(ast.Tuple)]
    for items in [*rows, *(n.args for n in context.of(ast.Call))]:
        for before, item in pairwise(items):
            text = item.value if isinstance(item, ast.Constant) and isinstance(item.value, str) else ""
            if getattr(before, "value", None) == "-m" and text.split(".")[0] in names:
                _list(context.layout, sink, at.start(item), f"-m {text}")


def _script(context: Context, sink: Sink, at: Offsets, path: str) -> None:
    """A file in the old root that is run has that folder on its path."""
    layout, folder = context.layout, posixpath.dirname(path) or "."
    if folder not in {c.old for c in layout.new_roots} or layout.new_path(path) != path:
        return
    run = at.source.startswith("#!") or "__main__" in context.string_values or path.endswith(("setup.py", "manage.py"))
    names = _names(layout)
    imports: list[ast.Import | ast.ImportFrom] = [*context.of(ast.Import), *context.of(ast.ImportFrom)]
    for node in imports if run else ():
        wanted = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        if any(w.split(".")[0] in names for w in wanted) and not getattr(node, "level", 0):
            _list(layout, sink, at.start(node), at.source[slice(*at.span(node))])
            return


def _names(layout: Layout) -> list[str]:
    return sorted({m.source.split(".")[0] for m in layout.moves if m.keeps_name})


def _list(layout: Layout, sink: Sink, offset: int, text: str) -> None:
    readings = ("found because it is installed, as before", f"found in the folder it runs in: {_why(layout)}")
    sink.list(offset, IMPLIED, text, readings, "install it there, or set PYTHONPATH")


def _why(layout: Layout) -> str:
    return ", ".join(f"what was imported from {c.old} is imported from {c.new}" for c in layout.new_roots)
