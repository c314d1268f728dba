"""The pieces that a shim is put together from, as they are written out: standard-library Python, 3.10 to 3.15.

Owns: what a shim does when it runs.  Must not know: which piece a shim needs, and with which data; that is `shims`.

Nothing here runs in the tool.  A piece that is a function or a class starts with an empty line.  They import quickly
and leave the new module untouched: they never write to it, and mend the one binding that the import system makes
behind their back.

Who is told of an old name: the shim tells its first importer when it runs, the finder that of a module below it; and
those who wait for that import, because their own one loads the package first that asks for the name.
After that the name is in `sys.modules`, and nobody is asked any more; so one hook, shared by all shims, stands in front
of `__import__` and of `importlib.import_module`, and tells every other place (docs/adr/0008).
"""

VIA = """\
_VIA = {  # import on behalf of someone else, who is the one to tell
    "importlib", "_frozen_importlib", "_frozen_importlib_external", "runpy", "pkgutil", "pickle",
    "unittest", "contextlib", "_pytest", "pluggy",
}
"""

NEW_NAME = '''
def _new_name(name):
    """The new name of an old one: the longest entry of `_NAMES` that fits, and the rest as it is."""
    head, rest = name, ""
    while head and head not in _NAMES:
        head, _, last = head.rpartition(".")
        rest = f".{last}{rest}"
    return _NAMES[head] + rest if head else name
'''

CALLER = '''
_COMMAND: dict = {"__name__": "__main__"}  # who typed `python -m`


def _passes_on(code, space):
    """Whether a function of the moved code imports what it was given: it names no old name, so its caller does."""
    shims = getattr(_sys.modules["builtins"].__import__, "shims", {})
    new = [again.__globals__.get("_NAMES", {}).get(old, old) for old, again in tuple(shims.items())]
    ours = f"{space.get('__name__')}.".startswith(tuple(f"{name}." for name in [_NAMES[_OLD], *new]))
    words = code.co_names + code.co_consts if ours and code.co_name != "<module>" else (_OLD,)
    return not any(isinstance(word, str) and f"{word}.".startswith(f"{_OLD}.") for word in words)


def _warn(name, frame=None):
    """Warn at the line that asked for the old name, once for one line; it is further out than `frame`."""
    frame, asked, nearest = frame or _sys._getframe(1), name, None
    file, line, space = "<command line>", 1, _COMMAND
    importer = getattr(_sys.modules["builtins"].__import__, "__code__", None)  # perhaps somebody else's
    while frame is not None:
        code, file_space = frame.f_code, frame.f_globals
        own = file_space is globals() or code is importer or code.co_name == "_moved_away"
        if not own and str(file_space.get("__name__")).partition(".")[0] not in _VIA:
            file, line, space = code.co_filename, frame.f_lineno, file_space
            nearest = nearest or (file, line, space)
            if not _passes_on(code, file_space):
                break
        if not nearest and code.co_name == "_find_and_load" and f"{frame.f_locals.get('name')}.".startswith(f"{_OLD}."):
            asked = frame.f_locals["name"]
        if code.co_name == "patched" and hasattr(frame.f_locals.get("func"), "__code__"):
            func = frame.f_locals["func"]  # @mock.patch("..."): its own line is not on the stack
            file, line, space = func.__code__.co_filename, func.__code__.co_firstlineno, func.__globals__
            break
        frame = frame.f_back
    else:
        file, line, space = nearest or (file, line, space)
    new = _new_name(asked)
    if asked != name or asked == new:
        return  # a parent on the way to what was asked for, which warns itself; or what has not moved
'''

CALLER_IS_PENDING = """\
    if any(map(_is_pending, (file, space.get("__file__"), (nearest or (file,))[0]))):
        return
"""

CALLER_WARNS = """\
    import warnings

    said, registry = f"{asked} has moved to {new}; {_WHEN}", space.setdefault("__warningregistry__", {})
    warnings.warn_explicit(said, DeprecationWarning, file, line, module=str(space.get("__name__")), registry=registry)
    registry[said, DeprecationWarning, line] = True  # as the filter "default" does; "always" is once a place as well
"""

WAITING = '''
def _warn_who_waits(name):
    """Warn those further out who asked first, where a package that is loaded on the way asks for the name itself.

    When that is through, the name is in `sys.modules`, and nobody is asked for it again.
    """
    frame, waiting, (parent, _, last) = _sys._getframe(1), [], name.rpartition(".")
    while frame is not None:
        asked = frame.f_code.co_name == "_find_and_load" and frame.f_locals.get("name")
        asker = frame if asked and asked == parent else None
        while asker is not None and str(asker.f_globals.get("__name__")).partition(".")[0] in _VIA:
            asker = asker.f_back
        # `from parent import last`: its list of names is what the import statement was given last
        consts = asker.f_code.co_consts if asker else ()
        at = asker.f_code.co_code[asker.f_lasti - 1] if asker else 0
        listed = consts[at] if at < len(consts) else ()
        if asked == name or isinstance(listed, tuple) and last in listed:
            waiting.append(frame)
        frame = frame.f_back
    for frame in waiting[1:]:  # the first one is what loads it now
        _warn(name, frame)
'''

IS_PENDING = """
def _is_pending(file, known={}):  # they import old names again and again, and paths are slow
    if file not in known:
        path = _os.path.realpath(file) if isinstance(file, str) else ""
        inside = path.startswith(_os.path.join(_ROOT, ""))
        known[file] = inside and path[len(_ROOT):].replace(_os.sep, "/").strip("/") in _PENDING
    return known[file]
"""

ALIAS = '''
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

HOOK = '''
def _again(name, parts=()):
    """Warn of an old name that is loaded already; no finder is asked for it.  `parts` is what is imported from it."""
    module, new = _sys.modules.get(name), _new_name(name)
    if new == name or module is None or module is not _sys.modules.get(new):
        return
    if not parts or any(f"{name}.{part}" != _new_name(f"{name}.{part}") for part in parts):
        _warn(name)


def _asking(call, takes_globals, shims, others):
    """`call`, which imports, with a look at the name first."""
    modules = _sys.modules

    def look(name, package, fromlist, level):
        if level:
            if isinstance(package, dict):
                package = package.get("__package__") or getattr(package.get("__spec__"), "parent", None)
            if not isinstance(package, str):
                return
            package = package.rsplit(".", level - 1)[0]
            name = f"{package}.{name}" if name else package
        if not isinstance(name, str) or name in others:
            return
        concerned = False
        for old, again in tuple(shims.items()):
            above, _, last = old.rpartition(".")
            if f"{name}.".startswith(f"{old}."):
                concerned = True
                again(name, fromlist)
            elif above == name:
                concerned = True
                holder = getattr(modules.get(name), "__dict__", {})
                names = holder.get("__all__", ()) if fromlist and "*" in fromlist else fromlist
                if names and last in names and holder.get(last) is modules.get(old):
                    again(old)
        if not concerned:
            if len(others) > 9999:
                others.clear()
            others.add(name)

    def statement(name, globals=None, locals=None, fromlist=(), level=0):
        if level or name not in others:
            look(name, globals, fromlist, level)
        return call(name, globals, locals, fromlist, level)

    def function(name, package=None, level=0):
        if level or name not in others:
            look(name, package, (), level)
        return call(name, package, level)

    def hidden(asks):  # warnings and tracebacks pass over the frames of importlib; these belong to it
        code = asks.__code__.replace(co_filename="<frozen importlib._bootstrap>", co_name="_call_with_frames_removed")
        space = {"__name__": "importlib._bootstrap", "__builtins__": __builtins__}
        return type(asks)(code, space, name, asks.__defaults__, asks.__closure__)

    name = "__import__" if takes_globals else "_gcd_import"
    look = hidden(look)
    asks = hidden(statement if takes_globals else function)
    asks.__qualname__, asks.__module__ = name, "builtins" if takes_globals else "_frozen_importlib"
    asks.__doc__, asks.__wrapped__, asks.shims, asks.others = call.__doc__, call, shims, others
    return asks


def _hook():
    """Hear of every import.  `__import__.shims`, one for all shims, says whom to ask: old name -> function."""
    import builtins

    frozen = vars(_sys.modules["_frozen_importlib"])  # importlib.import_module asks it, whoever has a copy of that
    statement, function = builtins.__import__, frozen.get("_gcd_import")
    hooks: list = [call for call in (statement, function) if isinstance(getattr(call, "shims", None), dict)]
    shims, others = (hooks[0].shims, hooks[0].others) if hooks else ({}, set())
    heard = [statement] if statement in hooks else []
    if hooks and not heard:  # somebody else's is in front: is ours behind it?
        shims["sys"] = lambda *_: heard.append(statement)
        others.clear()
        try:
            statement("sys")
        except Exception:  # a mock, perhaps
            pass
        del shims["sys"]
    if not heard:
        builtins.__import__ = _asking(statement, True, shims, others)
    if function is not None and function not in hooks:
        frozen["_gcd_import"] = _asking(function, False, shims, others)
    shims[_OLD] = _again
    others.clear()
'''

FINDER = '''
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
        _hook()  # again, if somebody took it away
        if self.old.startswith(f"{_OLD}."):
            _warn(self.old)
            _warn_who_waits(self.old)
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

FOLDERS = """\
# Some modules did not move.  They are still beside this file, where the new package's own path does not lead.
_FOLDERS = list(globals().get("__path__") or [__file__.rpartition(".")[0]])
"""

STAYS = """\
        if new == name:
            parent = name.rpartition(".")[0]
            if _new_name(parent) == parent:
                return None  # it has not moved either, and knows where to look
            below = parent.split(".")[_OLD.count(".") + 1:]
            return _search(name, [_os.path.join(folder, *below) for folder in _FOLDERS])
"""

MAIN = """
if __name__ == "__main__":
    import runpy as _runpy

    _warn(_OLD)
    _runpy.run_module(_NAMES[_OLD], run_name="__main__", alter_sys=True)
else:
"""

FORWARD = '''
if not TYPE_CHECKING:

    def __getattr__(name):
        """For whoever holds this file's own module: a thread that came halfway, a loader that went by the path."""
        return getattr(_sys.modules.get(_NAMES[_OLD]), name)
'''

LOAD = """\
    _warn(_OLD)
    _warn_who_waits(_OLD)
    _alias(_OLD, _NAMES[_OLD])
    _sys.modules[__name__] = _sys.modules[_OLD]
    _hook()
"""

INSERT = """\
    if not any(getattr(finder, "shim_of", None) == _OLD for finder in _sys.meta_path):
        _sys.meta_path.insert(0, _Finder)
"""
