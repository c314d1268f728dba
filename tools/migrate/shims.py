"""Makes the text of the shim that stands at an old name, and recognises one.

Owns: what a shim says and does.  Must not know: the file system, git, the lock, the clock.

A shim is one small file of standard-library Python that lets the old import name be the *same module object* as the
new one: it loads the new module and puts it into `sys.modules` under the old name too.  A package's shim also puts a
finder in front of `sys.meta_path`, so that every module below the old name is the one below the new name.  Copies
would break classes, registries, `isinstance`, pickles and `mock.patch`; an alias can't.

The text is put together from the fixed pieces of `shimtext` and one block of data.  A piece that a shim does not need
is left out.
"""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tools.migrate import shimtext
from tools.migrate.model import PlanError

MARK = "# tools.migrate shim:"


@dataclass(frozen=True, slots=True)
class ShimMark:
    """What the mark line of a shim says, and the line it stands on."""

    old: str
    new: str
    plan: str
    line: int


def parse_mark(text: str) -> ShimMark | None:
    """Read the mark line; None if `text` is no shim.  A mark inside a string (as in this file) is none."""
    if MARK not in text:
        return None
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and token.start[1] == 0 and token.string.startswith(MARK):
                return _mark_of(token.string, token.start[0])
    except (tokenize.TokenError, SyntaxError):
        pass  # a broken file is no working shim, but a mark seen before the fault has been returned
    return None


def is_shim(text: str) -> bool:
    """True if `text` carries a mark line."""
    return parse_mark(text) is not None


def said_in(text: str, name: str) -> object:
    """What a shim gives to one of its names, in whatever quotes somebody's formatter has put it; None if nothing."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=value)) if found == name:
                return value
            case _:
                pass
    return None


def is_whole(text: str, old: str) -> bool:
    """Whether a shim of `old` is still one: its code is there, and nobody's code stands beside it."""
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    bound = {name for node in body for name in _bound(node)}
    ours = all(name.startswith("_") or name == "TYPE_CHECKING" for name in bound)
    return ours and "__all__" not in bound and {"_NAMES", "_alias"} <= bound and said_in(text, "_OLD") == old


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement at the top binds."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [t.id if isinstance(t, ast.Name) else "?" for t in node.targets]
        case ast.AnnAssign():
            return [node.target.id if isinstance(node.target, ast.Name) else "?"]
        case ast.Import() | ast.ImportFrom():
            return [alias.asname or alias.name for alias in node.names]
        case _:
            return []


def _mark_of(comment: str, line: int) -> ShimMark | None:
    rest, found, plan = comment.removeprefix(MARK).partition(" plan=")
    fields = {name: value for name, _, value in (part.partition("=") for part in rest.split())}
    if not found or fields.keys() != {"old", "new"}:
        return None
    return ShimMark(fields["old"], fields["new"], plan.strip(), line)


def removal_phrase(remove_by: date | None, remove_in: str | None) -> str:
    """Say in words when an old name goes: `on 2027-03-31`, `in version 0.3`, both, or `with the cleanup`."""
    parts = [f"on {remove_by.isoformat()}"] if remove_by else []
    parts += [f"in version {remove_in}"] if remove_in else []
    return " or ".join(parts) or "with the cleanup"


def goes_phrase(goes: str, owner: str) -> str:
    """What a warning says of the end: `the old name goes on 2027-03-31 (owner: platform team)`."""
    return f"the old name goes {goes}" + (f" (owner: {owner})" if owner else "")


def mark_line(old: str, new: str, plan: str) -> str:
    """The line that says what a file is, as `parse_mark` reads it."""
    return f"{MARK} old={old} new={new} plan={plan}\n"


def reexports(new: str, names: Sequence[str], indent: str) -> str:
    """Import statements that give type checkers all of `new`: what its star gives, and `names`."""
    text = f"{indent}from {new} import *\n"
    known = sorted({name for name in names if name.isidentifier() and not keyword.iskeyword(name)})
    if known:
        rows = "".join(f"{indent}    {name} as {name},\n" for name in known)
        text += f"{indent}from {new} import (\n{rows}{indent})\n"
    return text


def shim_text(
    old: str,
    new: str,
    *,
    is_package: bool,
    routes: Mapping[str, str],
    public: Sequence[str],
    pending: Sequence[str],
    depth: int,
    remove_by: date | None,
    remove_in: str | None,
    owner: str,
    plan: str,
) -> str:
    """Return the shim that stands at `old` and is `new`.

    `routes` overrides where a module below `old` is found (longest prefix wins; the same name means "did not move"),
    `public` are names that a type checker must see besides those of `*`, `pending` are files (relative to the
    checkout's root, forward slashes) that may still use the old name without a warning, `depth` is the number of
    folders from the root to the shim's own.  Equal arguments give equal text.

    Raises `PlanError` for a name or route that no alias can serve.
    """
    _check_names(old, new, routes, is_package)
    owner, plan = " ".join(owner.split()), " ".join(plan.split())
    goes = removal_phrase(remove_by, remove_in)
    when = goes_phrase(goes, owner)
    stays = is_package and any(source == target for source, target in routes.items())
    pieces = [_header(old, new, goes, owner, plan), _imports(is_package, bool(pending) or stays), _typing(new, public)]
    pieces.append(_data(old, new, routes if is_package else {}, when))
    pieces += [shimtext.FOLDERS] if stays else []
    pieces += [_pending_data(pending, depth)] if pending else []
    caller = shimtext.CALLER + (shimtext.CALLER_IS_PENDING if pending else "") + shimtext.CALLER_WARNS
    pieces += [shimtext.NEW_NAME, caller, shimtext.WAITING, shimtext.ALIAS, shimtext.HOOK]
    pieces += [shimtext.IS_PENDING] if pending else []
    pieces += [shimtext.FINDER.replace("    STAYS\n", shimtext.STAYS if stays else "")] if is_package else []
    pieces += [shimtext.FORWARD, shimtext.MAIN + (shimtext.INSERT if is_package else "") + shimtext.LOAD]
    return "\n".join(pieces)  # a piece that is a function or class starts with a second empty line


def _check_names(old: str, new: str, routes: Mapping[str, str], is_package: bool) -> None:
    for name in (old, new, *routes, *routes.values()):
        if not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split(".")):
            raise PlanError(f"{name!r} is not a dotted import name", where=f"shim of {old}")
    if f"{new}.".startswith(f"{old}."):
        what = f"{new} is {old} or lies below it, so {old} can't be an alias of it"
        raise PlanError(what, where=f"shim of {old}", next_step="move in two steps, through a name elsewhere")
    for source, target in routes.items():
        if not is_package or not source.startswith(f"{old}."):
            raise PlanError(f"the route {source} -> {target} does not start below a package", where=f"shim of {old}")
        if source != target and f"{target}.".startswith(f"{old}."):
            raise PlanError(f"the route {source} -> {target} ends at an old name", where=f"shim of {old}")


def _header(old: str, new: str, goes: str, owner: str, plan: str) -> str:
    docstring = (
        f"The old name `{old}`: an alias of `{new}`; it goes {goes}.\n\n"
        f"Generated by tools.migrate (plan {plan}); a change made here is lost.  Owner: {owner or 'nobody named'}.\n"
        "Both names give the same module objects.  New code imports the new name; the old one warns its importer.\n"
    )
    docstring = docstring.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'"""{docstring}"""\n{mark_line(old, new, plan)}'
        "# ruff: noqa\n# flake8: noqa\n# mypy: ignore-errors\n# pyright: basic\n"
    )


def _imports(is_package: bool, needs_os: bool) -> str:
    lines = ["import os as _os"] if needs_os else []
    lines += ["import sys as _sys"]
    # Some packages test what their import loads; this is importlib.machinery's class without importing that.
    lines += ["", "_ModuleSpec = type(_sys.__spec__)"] if is_package else []
    return "\n".join(lines) + "\n"


def _typing(new: str, public: Sequence[str]) -> str:
    text = "TYPE_CHECKING = False  # type checkers take it for true; `typing` is slow to import\n"
    return text + "if TYPE_CHECKING:\n" + reexports(new, public, "    ")


def _data(old: str, new: str, routes: Mapping[str, str], when: str) -> str:
    names = {**routes, old: new}
    for source, target in routes.items():
        # `from old import far` asks importlib for far below the *new* package, as that is the package's name now
        parent, _, child = source.rpartition(".")
        names.setdefault(f"{_resolve(parent, names)}.{child}", target)
    rows = "".join(f"    {source!a}: {target!a},\n" for source, target in sorted(names.items()))
    return f"_OLD = {old!a}\n_NAMES = {{\n{rows}}}\n_WHEN = {when!a}\n" + shimtext.VIA


def _resolve(name: str, names: Mapping[str, str]) -> str:
    """What `_new_name` of the shim answers."""
    head = max((known for known in names if f"{name}.".startswith(f"{known}.")), key=len)
    return names[head] + name[len(head) :]


def _pending_data(pending: Sequence[str], depth: int) -> str:
    up = "/".join([".."] * (depth + 1))
    rows = "".join(f"    {path!a},\n" for path in sorted(set(pending)))
    return (
        "# Files still to be rewritten; they get no warning, as their tests may turn warnings into errors.\n"
        f'_ROOT = _os.path.normpath(_os.path.join(_os.path.realpath(__file__), "{up}"))\n'
        f"_PENDING = frozenset((\n{rows}))\n"
    )
