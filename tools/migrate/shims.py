"""Makes the text of the shim that stands at an old name, and recognises one.

Owns: what a shim says and does.  Must not know: the file system, git, the lock, the clock.

A shim is one small file of standard-library Python that lets the old import name be the *same module object* as the
new one: it loads the new module and puts it into `sys.modules` under the old name too.  A package's shim also puts a
finder in front of `sys.meta_path`, so that every module below the old name is the one below the new name.  Copies
would break classes, registries, `isinstance`, pickles and `mock.patch`; an alias can't.

The text is put together from fixed pieces (below, as they are written out) and one block of data.  A piece that a shim
does not need is left out.  The pieces must run on Python 3.10 to 3.14, import quickly, and leave the new module
untouched: they never write to it, and mend the one binding that the import system makes behind their back.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

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
    when = f"the old name goes {goes}" + (f" (owner: {owner})" if owner else "")
    stays = is_package and any(source == target for source, target in routes.items())
    pieces = [_header(old, new, goes, owner, plan), _imports(is_package, bool(pending) or stays), _typing(new, public)]
    pieces.append(_data(old, new, routes if is_package else {}, when))
    pieces += [_FOLDERS] if stays else []
    pieces += [_pending_data(pending, depth)] if pending else []
    pieces += [_NEW_NAME, _CALLER + (_CALLER_IS_PENDING if pending else "") + _CALLER_WARNS, _ALIAS]
    pieces += [_IS_PENDING] if pending else []
    pieces += [_FINDER.replace("    STAYS\n", _STAYS if stays else "")] if is_package else []
    pieces += [_FORWARD, _MAIN + (_INSERT if is_package else "") + _LOAD]
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
        f'"""{docstring}"""\n{MARK} old={old} new={new} plan={plan}\n'
        "# ruff: noqa\n# flake8: noqa\n# mypy: ignore-errors\n# pyright: basic\n"
    )


def _imports(is_package: bool, needs_os: bool) -> str:
    lines = ["import os as _os"] if needs_os else []
    lines += ["import sys as _sys"]
    # Some packages test what their import loads; this is importlib.machinery's class without importing that.
    lines += ["", "_ModuleSpec = type(_sys.__spec__)"] if is_package else []
    return "\n".join(lines) + "\n"


def _typing(new: str, public: Sequence[str]) -> str:
    names = sorted({name for name in public if name.isidentifier() and not keyword.iskeyword(name)})
    text = "TYPE_CHECKING = False  # type checkers take it for true; `typing` is slow to import\n"
    text += f"if TYPE_CHECKING:\n    from {new} import *\n"
    if names:
        rows = "".join(f"        {name} as {name},\n" for name in names)
        text += f"    from {new} import (\n{rows}    )\n"
    return text


def _data(old: str, new: str, routes: Mapping[str, str], when: str) -> str:
    names = {**routes, old: new}
    for source, target in routes.items():
        # `from old import far` asks importlib for far below the *new* package, as that is the package's name now
        parent, _, child = source.rpartition(".")
        names.setdefault(f"{_resolve(parent, names)}.{child}", target)
    rows = "".join(f"    {source!a}: {target!a},\n" for source, target in sorted(names.items()))
    return f"_OLD = {old!a}\n_NAMES = {{\n{rows}}}\n_WHEN = {when!a}\n" + _VIA


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


_VIA = """\
_VIA = {  # import on behalf of someone else, who is the one to tell
    "importlib", "_frozen_importlib", "_frozen_importlib_external", "runpy", "pkgutil", "pickle",
    "unittest", "contextlib", "_pytest", "pluggy",
}
"""

_NEW_NAME = '''
def _new_name(name):
    """The new name of an old one: the longest entry of `_NAMES` that fits, and the rest as it is."""
    head, rest = name, ""
    while head and head not in _NAMES:
        head, _, last = head.rpartition(".")
        rest = f".{last}{rest}"
    return _NAMES[head] + rest if head else name
'''

_CALLER = '''
def _warn(name):
    """Warn at the line that asked for the old name, once for one line."""
    frame, asked, file, line = _sys._getframe(1), name, "<command line>", 1
    space: dict = {"__name__": "__main__"}
    while frame is not None:
        code, file_space = frame.f_code, frame.f_globals
        if file_space is not globals() and str(file_space.get("__name__")).partition(".")[0] not in _VIA:
            file, line, space = code.co_filename, frame.f_lineno, file_space
            break
        if code.co_name == "_find_and_load" and f"{frame.f_locals.get('name')}.".startswith(f"{_OLD}."):
            asked = frame.f_locals["name"]
        if code.co_name == "patched" and hasattr(frame.f_locals.get("func"), "__code__"):
            func = frame.f_locals["func"]  # @mock.patch("..."): its own line is not on the stack
            file, line, space = func.__code__.co_filename, func.__code__.co_firstlineno, func.__globals__
            break
        frame = frame.f_back
    new = _new_name(asked)
    if asked != name or asked == new:
        return  # a parent on the way to what was asked for, which warns itself; or what has not moved
'''

_CALLER_IS_PENDING = """\
    if _is_pending(file) or _is_pending(space.get("__file__")):
        return
"""

_CALLER_WARNS = """\
    import warnings

    warnings.warn_explicit(
        f"{asked} has moved to {new}; {_WHEN}", DeprecationWarning, file, line,
        module=str(space.get("__name__")), registry=space.setdefault("__warningregistry__", {}),
    )
"""

_IS_PENDING = """
def _is_pending(file):
    path = _os.path.realpath(file) if isinstance(file, str) else ""
    return path.startswith(_os.path.join(_ROOT, "")) and path[len(_ROOT):].replace(_os.sep, "/").strip("/") in _PENDING
"""

_ALIAS = '''
def _alias(old, new):
    """Load `new`, and let `old` be the very same module."""
    parent = new.rpartition(".")[0]
    if parent:
        __import__(parent)
    if new in _sys.modules:
        _sys.modules[old] = _sys.modules[new]
    else:  # without the half-made entry, code that imports the old name while `new` loads comes here again
        _sys.modules.pop(old, None)
    __import__(new)  # also waits for a thread that is just loading it
    _sys.modules[old] = _sys.modules[new]
    if not hasattr(_sys.modules[new], "__path__"):  # then it put what is below it there itself; no finder is asked
        for name, module in list(_sys.modules.items()):
            if name.startswith(f"{new}."):
                _sys.modules.setdefault(old + name[len(new):], module)
                _warn(old + name[len(new):])
'''

_FINDER = '''
def _search(name, path):
    """Ask the other finders."""
    for finder in _sys.meta_path:
        find = None if getattr(finder, "shim_of", None) == _OLD else getattr(finder, "find_spec", None)
        spec = find and find(name, path)
        if spec:
            return spec


class _Finder:
    """Finds what is below the old name: the modules below the new one."""

    shim_of = _OLD

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith(f"{_OLD}.") and (name == _OLD or name not in _NAMES or _search(name, path)):
            return None
        new = _new_name(name)
    STAYS
        parent = new.rpartition(".")[0]
        if parent and parent not in _sys.modules:
            known = name in _sys.modules
            try:
                __import__(parent)
            except ModuleNotFoundError as error:
                if f"{parent}.".startswith(f"{error.name}."):
                    return None
                raise
            if not known:
                _sys.modules.pop(name, None)  # came in a circle; importlib would load it anew from its own spec
        module = _sys.modules.get(new)
        if module is not None:
            real = getattr(module, "__spec__", None) or _ModuleSpec(new, None, is_package=hasattr(module, "__path__"))
        elif new in _sys.modules:  # None: blocked on purpose
            raise ModuleNotFoundError(f"import of {name} halted; None in sys.modules", name=name)
        else:
            path = getattr(_sys.modules[parent], "__path__", None) if parent else None
            real = _search(new, path) if path is not None or not parent else None
        return real and _Spec(name, new, real)


class _Spec(_ModuleSpec):
    """How importlib sees a module under its old name, for the time of one import."""

    undo: tuple = ()

    def __init__(self, name, new, real):
        super().__init__(name, _Loader(name, new, real), origin=real.origin)  # type: ignore
        self.real = real
        self.submodule_search_locations = real.submodule_search_locations
        self.has_location = real.has_location

    @property
    def parent(self):  # `python -m old.module` takes relative imports from here
        return self.real.parent

    def __del__(self):
        # importlib binds what it loaded on the parent, and drops the spec right after.  Where the parent uses that
        # name for something else (a function named as its module), it must keep it.
        if self.undo:
            holder, child, before, module = self.undo
            if holder.get(child) is module:
                del holder[child]
                holder.update(before)


class _Loader:
    """Gives the module of the new name; all else is asked of that one's own loader."""

    def __init__(self, old, new, real):
        self.old, self.new, self.real = old, new, real

    def create_module(self, spec):
        return None  # an empty one, that exec_module replaces: importlib would write to the real one

    def exec_module(self, module):
        if self.old.startswith(f"{_OLD}."):
            _warn(self.old)
        spec, real, (parent, _, child) = module.__spec__, _sys.modules.get(self.new), self.old.rpartition(".")
        if real is not None and parent in _sys.modules:
            holder = vars(_sys.modules[parent])
            before = {child: holder[child]} if child in holder else {}
            if before or _new_name(parent) == self.new.rpartition(".")[0]:
                spec.undo = holder, child, before, real
        _alias(self.old, self.new)
        vars(module).update(vars(_sys.modules[self.new]))  # for one who runs the spec by hand

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.real.loader, name)
        if name in ("get_code", "get_source", "is_package", "get_filename", "get_resource_reader", "load_module"):
            return lambda fullname=None: value(self.new)
        return value
'''

_FOLDERS = """\
# Some modules did not move.  They are still beside this file, where the new package's own path does not lead.
_FOLDERS = list(globals().get("__path__") or [__file__.rpartition(".")[0]])
"""

_STAYS = """\
        if new == name:
            parent = name.rpartition(".")[0]
            if _new_name(parent) == parent:
                return None  # it has not moved either, and knows where to look
            below = parent.split(".")[_OLD.count(".") + 1:]
            return _search(name, [_os.path.join(folder, *below) for folder in _FOLDERS])
"""

_MAIN = """
if __name__ == "__main__":
    import runpy as _runpy

    _warn(_OLD)
    _runpy.run_module(_NAMES[_OLD], run_name="__main__", alter_sys=True)
else:
"""

_FORWARD = '''
if not TYPE_CHECKING:

    def __getattr__(name):
        """For whoever holds this file's own module: a thread that came halfway, a loader that went by the path."""
        return getattr(_sys.modules.get(_NAMES[_OLD]), name)
'''

_LOAD = """\
    _warn(_OLD)
    _alias(_OLD, _NAMES[_OLD])
    _sys.modules[__name__] = _sys.modules[_OLD]
"""

_INSERT = """\
    if not any(getattr(finder, "shim_of", None) == _OLD for finder in _sys.meta_path):
        _sys.meta_path.insert(0, _Finder)
"""
