"""What earlier runs found out about single files, kept in one file of the tool's state, so that the next need not look.

A look is used again only if everything it depends on is the same: the file's content; the world, that is the tool, the
plan, the paths and their modes, and the content of every manifest; and the names of each module that was asked for,
compared by their hash.  Whether others reach into the file is checked by `scan_tree`.  A file that is damaged, or was
written by anything else, fails its checksum and counts as none: the memory can save time, and never change a result.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from .. import __version__
from ..checked import load_document, store_document
from ..model import Edit, Finding
from ..resolve import EVERYTHING, ClassShape, Index, ModuleNames
from .context import World
from .reach import Reach
from .sink import FileScan
from .survey import Look

_FORMAT = 3
_SILENT: list[Any] = [None, [[], []], {}, {}]  # a file that says nothing and asked nothing; most are so


class Memory:
    """`place` is the file; `fixed` says which files the world itself was read from (manifests)."""

    def __init__(self, place: Path, fixed: Callable[[str], bool]) -> None:
        self.place, self._fixed = place, fixed
        self._document: dict[str, Any] = {}
        self._key = ""
        self._names: _Hashes | None = None
        self._recalled: dict[str, tuple[Look, list[Any]]] = {}  # as they were written

    def recall(self, world: World) -> dict[str, Look]:
        """The looks that still hold, but for what others reach into.  Also tells the index the names it knew."""
        self._document = load_document(self.place)
        self._key = _world_key(world, self._fixed)
        if self._document.get("world") != self._key:
            self._document = {}
            return {}
        tree, index = world.layout.tree, world.resolver.index
        names = self._names = _Hashes(index)
        for module, (digest, hashed, packed) in self._document["modules"].items():
            path = index.files.get(module)
            if path is not None and tree.digest(path) == digest:
                index.known[module] = _unpack_names(packed)
                names.known[module] = hashed
        nothing = Look()
        out = {p: nothing for p, digest in self._document["silent"].items() if tree.digest(p) == digest}
        for path, entry in self._document["files"].items():
            digest, scan, reach, asked, mentions = entry
            if tree.digest(path) == digest and all(names.of(m) == h for m, h in asked.items()):
                found = None if scan is None else _unpack_scan(path, scan)
                look = out[path] = Look(found, Reach(set(reach[0]), reach[1]), tuple(asked), mentions)
                self._recalled[path] = look, entry
        return out

    def keep(self, world: World, looks: Mapping[str, Look]) -> None:
        """Write what is known now, after `recall`.  If it cannot be written, the next run is slower, nothing else."""
        tree, index = world.layout.tree, world.resolver.index
        names = self._names or _Hashes(index)
        files, silent = {}, {}
        for path, look in looks.items():
            if path in self._recalled and self._recalled[path][0] is look:
                files[path] = self._recalled[path][1]
            elif EVERYTHING not in look.modules:
                asked = {m: names.of(m) for m in look.modules}
                reach = [sorted(look.reach.names), look.reach.stars]
                entry = [None if look.scan is None else _pack_scan(look.scan), reach, asked, look.mentions]
                if entry == _SILENT:
                    silent[path] = tree.digest(path)
                else:
                    files[path] = [tree.digest(path), *entry]
        for module in index.files:
            if world.layout.new_module(module) is not None:
                index.names(module)  # design asks for these, so that the next run need not parse them
        known = {m: n for m, n in sorted(index.known.items()) if m in index.files and _is_plain(n)}
        modules = {m: [tree.digest(index.files[m]), names.of(m), _pack_names(n)] for m, n in known.items()}
        document = {"world": self._key, "silent": silent, "files": files, "modules": modules}
        if document != self._document:
            store_document(self.place, document)


def _world_key(world: World, fixed: Callable[[str], bool]) -> str:
    """Everything that a look may depend on and that is no single file's content."""
    layout, tree = world.layout, world.layout.tree
    parts: list[Any] = [_FORMAT, tool_state(), sys.version, repr(layout.plan), repr(layout.moves), layout.moved]
    parts += [
        sorted(world.groups),
        sorted(world.repositories),
        sorted(world.judge.settings),
        sorted(world.resolver.index.compiled),
        tree.shape,
        # A template of messages speaks for its translations.
        [[p, tree.digest(p)] for p in tree if fixed(p) or p.endswith(".pot")],
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=32).hexdigest()


@cache
def tool_state() -> list[Any]:
    """What stands for the tool: the version, and for a tool that runs from a checkout the state of its files."""
    home = Path(__file__).resolve().parents[1]
    places = sorted([*home.glob("*.py"), *home.glob("scan/*.py"), *home.glob("manifests/*.py")])
    return [__version__, *([p.name, (s := p.stat()).st_size, s.st_mtime_ns] for p in places)]


class _Hashes:
    """Hashes of modules' names, each worked out once."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.known: dict[str, str] = {}

    def of(self, module: str) -> str:
        if module not in self.known:
            text = json.dumps(_pack_names(self.index.names(module)), default=repr)
            self.known[module] = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return self.known[module]


def _pack_names(names: ModuleNames) -> list[Any]:
    classes = {n: [sorted(c.members), list(c.bases), c.derived] for n, c in names.classes.items()}
    exported = None if names.exported is None else list(names.exported)
    return [names.names, names.stars, classes, exported, names.dynamic, names.parsed]


def _unpack_names(packed: list[Any]) -> ModuleNames:
    names, stars, classes, exported, dynamic, parsed = packed
    shapes = {n: ClassShape(frozenset(m), tuple(b), d) for n, (m, b, d) in classes.items()}
    return ModuleNames(names, stars, shapes, None if exported is None else tuple(exported), dynamic, parsed)


def _is_plain(names: ModuleNames) -> bool:
    """Whether JSON gives the names back as they are (`__all__` may hold anything)."""
    return all(isinstance(name, str) for name in names.exported or ())


def _pack_scan(scan: FileScan) -> list[Any]:
    edits = [[e.start, e.end, e.old, e.new, e.line, e.stage, e.rule, e.reason] for e in scan.edits]
    findings = [[f.line, f.rule, f.text, list(f.readings), f.hint, f.severity, f.column] for f in scan.findings]
    return [edits, findings, sorted(scan.imports)]


def _unpack_scan(path: str, packed: list[Any]) -> FileScan:
    edits, findings, imports = packed
    listed = [Finding(path, line, rule, text, tuple(r), *rest) for line, rule, text, r, *rest in findings]
    return FileScan(path, [Edit(*e) for e in edits], listed, set(imports))
