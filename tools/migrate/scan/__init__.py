"""Finding every reference to moving code in one tree.

`scan_tree` reads the tracked files that contain a moving word at all (a byte search, so that most files are never
parsed), in worker processes where that pays, and returns one `FileScan` for each file with something to say.  The
scanners themselves are loaded with the first file that one of them reads: a scan that remembers all has none.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Collection
from typing import Any

from .. import syntax
from ..classify import Judge
from ..layout import Layout
from ..model import Edit, Finding
from ..plan import is_plan
from ..resolve import Resolver
from ..tree import LINK
from .context import World
from .distributions import groups
from .memory import Memory
from .sink import FileScan, Sink
from .survey import PYTHON, Look, Mentions, Survey, excluded, look_at, stub_package
from .urls import repositories

__all__ = ["FileScan", "Memory", "World", "excluded", "make_world", "scan_file", "scan_tree"]

_PICKLES = (".pkl", ".pickle", ".joblib", ".pyc")  # an old pickle may be all letters


def make_world(layout: Layout) -> World:
    resolver = Resolver(layout)
    judge, tree = Judge(layout, resolver), layout.tree
    return World(layout, resolver, judge, _scan_code, groups=groups(tree), repositories=repositories(tree))


def _scan_code(*arguments: Any, **options: Any) -> int:
    """`python.scan_code`, which is a `CodeScanner`."""
    from .python import scan_code

    return scan_code(*arguments, **options)


def scan_tree(
    world: World,
    *,
    skip: Callable[[str], bool] = lambda _: False,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    memory: Memory | None = None,
    edits_only: bool = False,
    only: Collection[str] | None = None,
) -> list[FileScan]:
    """Scan every tracked file; `skip` leaves out files that another part of the tool rewrites as a whole.

    With `edits_only` all edits are found, and files that may have findings and nothing else are passed over.  With
    `only` those files are enough; where one of them depends on what others reach into, all are scanned.
    Each file is parsed once.  What others reach into is known only after that, so the few files that asked for it and
    got the wrong answer are looked at again.
    """
    survey = Survey(world, skip, scan_file, edits_only=edits_only)
    paths = every = list(world.layout.tree)
    if only is not None:
        paths = [p for p in every if p in only]
    # Syntax trees are many small objects in no circles: the collector would walk them again and again for nothing.
    collecting = gc.isenabled()
    gc.disable()
    try:
        looks: dict[str, Look] = memory.recall(world) if memory else {}
        world.mentions = Mentions()
        new = [p for p in paths if p not in looks]
        looks.update(look_at(survey, new, jobs, progress))
        if any(looks[p].mentions for p in paths) and len(paths) < len(every):
            paths, new = every, [p for p in every if p not in looks]
            looks.update(look_at(survey, new, jobs, progress))
        known = survey.reaches.together(look.reach for look in looks.values())
        world.mentions = Mentions(known)
        wrong = [p for p in paths if not looks[p].holds(known)]
        looks.update(look_at(survey, wrong, jobs))
        if memory and (new or wrong) and paths is every:
            memory.keep(world, looks)
    finally:
        world.mentions = frozenset()
        syntax.forget()
        if collecting:
            gc.enable()
    scans = (looks[path].scan for path in paths)
    return [s for s in scans if s is not None and (s.edits or s.findings or s.imports)]


def is_python(path: str, body: str) -> bool:
    """Whether the file is Python: by its ending, by its first line, or because it imports and is nothing else.

    So are `site.wsgi`, `app.tac`, `master.cfg`, `SConstruct`; documents are read for the code in them.
    """
    if path.endswith(PYTHON) or re.match(r"#!.*\bpython", body):
        return True
    if path.endswith(_NEVER_PYTHON) or body.startswith("#!"):
        return False
    return _IMPORT.search(body) is not None and syntax.parse(body) is not None


_NEVER_PYTHON = (
    ".md",
    ".markdown",
    ".mdx",
    ".rst",
    ".ipynb",
    ".json",
    ".toml",
    ".yml",
    ".yaml",
    ".pyx",
    ".pxd",
    ".pxi",
)
_IMPORT = re.compile(r"^(?:from[ \t]+[\w.]+[ \t]+import\b|import[ \t]+[A-Za-z_])", re.M)


def scan_file(world: World, path: str) -> FileScan:
    """Everything one file says about moving code.  Never raises for what is in the file: a fault becomes a finding."""
    layout = world.layout
    if layout.tree.modes[path] == LINK:
        return _link(world, path)
    read = layout.tree.text(path)
    if read is None or path.endswith(_PICKLES):
        return FileScan(path, findings=_binary(world, path))
    if path.endswith(".toml") and is_plan(read.body):
        return FileScan(path)  # of another migration: it says what was
    sink = Sink(path, read.body)
    stubs = stub_package(layout, path)
    if stubs is not None:
        readings = (f"stubs of {stubs.source}", "a folder that only has this name")
        sink.list(0, "stubs.package", path, readings, f"rename the folder by hand, after {stubs.target}")
    try:
        if is_python(path, read.body):
            from .python import scan_python

            scan_python(world, sink, path, layout.module_of(path), layout.new_module_of(path))
        else:
            from .text import scan_text

            scan_text(world, sink, path)
    except RecursionError:
        broken = Sink(path, read.body)
        broken.list(0, "file.unparsed", path, (), "too deeply nested to be read; look for references by hand", "error")
        return broken.finish()
    second = (name for name, move in layout.aliases.items() if move.keeps_name)
    early = excluded(path, layout.plan.with_the_move)
    if early or any(name.partition(".")[0] in read.body for name in second):
        sink.with_the_move()  # `src.pkg` is gone with the files, and no shim stands there
    return sink.finish()


def _link(world: World, path: str) -> FileScan:
    from .text import scan_link

    target = world.layout.tree.read(path).decode("utf-8", "surrogateescape")
    new = scan_link(world, path, target)
    if new is None:
        return FileScan(path)
    edit = Edit(0, len(target), target, new, 1, 3, "link", f"the link would no longer lead to {target}")
    return FileScan(path, [edit])


def _binary(world: World, path: str) -> list[Finding]:
    data = world.layout.tree.read(path)
    for old in world.layout.old_names:
        # What stands before a name can be an opcode or a length that looks like a letter.
        if re.search(re.escape(old.encode()) + rb"(?!\w)", data):
            readings = ("data that names the code, such as a pickle or a compiled file", "other data")
            return [Finding(path, 0, "file.binary", old, readings, "binary files are never edited", "note")]
    return []
