"""Where every module and file is today, and where it will be: the plan's moves laid over one tree.

Owns the two maps that everything else asks: dotted name -> dotted name, and path -> path (longest prefix wins).  Works
on a tree from before the move and on one from after it (`moved=True`), so a branch that arrives late can be read with
the same code.  Says nothing about what a file contains; that is `resolve` and the scanners.
"""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from .buildfiles import build_scripts
from .model import Move, PlanError, Refused
from .newroots import RootChange, changes_of, check_roots
from .plan import MoveEntry, Plan
from .tree import SUBMODULE, Tree

_SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class ModuleName:
    """`name` as imported, `package` what relative imports in it start from."""

    name: str
    is_package: bool

    @property
    def package(self) -> str:
        return self.name if self.is_package else self.name.rpartition(".")[0]


class Layout:
    """The maps for one plan and one tree.  Build it with `resolve_layout`."""

    def __init__(self, plan: Plan, tree: Tree, moves: Sequence[Move], *, moved: bool) -> None:
        self.plan, self.tree, self.moved = plan, tree, moved
        self.moves = tuple(sorted(moves, key=lambda m: -len(m.source)))
        self._by_path = sorted(moves, key=lambda m: -len(m.path))
        self.roots = tuple(sorted(plan.import_roots, key=lambda r: -len("" if r == "." else r)))
        self.aliases = self._second_names()
        # What goes to another source root keeps its name: only its paths are old ones.
        self.old_names = {**{m.source: m for m in self.moves if not m.keeps_name}, **self.aliases}
        self.new_roots: tuple[RootChange, ...] = changes_of(moves)
        self.scripts = {} if moved else build_scripts(plan, tree, self.moves)
        self.kept = self._kept_manifests()
        self._moved_files: dict[str, str] | None = None

    # names

    def new_module(self, name: str) -> str | None:
        """The name after the move of what `name` means before it; None if it does not move."""
        best: tuple[int, str] | None = None
        for old, move in self.old_names.items():
            if (name == old or name.startswith(old + ".")) and (best is None or len(old) > best[0]):
                best = (len(old), move.target + name[len(old) :])
        return best[1] if best else None

    def current_module(self, name: str) -> str:
        """The name under which the module index of this tree knows the code that `name` meant before the move."""
        return (self.new_module(name) or name) if self.moved else name

    def mentions(self, name: str) -> bool:
        """Whether some moving name lies at or below `name` (so `import name` can reach moved code by attributes)."""
        return any(old == name or old.startswith(name + ".") for old in self.old_names)

    # paths

    def new_path(self, path: str) -> str:
        """Where the file or folder `path` of this tree will be."""
        if self.moved or path in self.kept:
            return path
        if path in self.scripts:
            return self.scripts[path]
        for move in self._by_path:
            if path == move.path:
                return move.to_path
            if move.is_package and path.startswith(move.path + "/"):
                return move.to_path + path[len(move.path) :]
            if not move.is_package and path == move.path + "i":  # the stub beside a module
                return move.to_path + "i"
        return path

    def old_to_new_path(self, path: str) -> str | None:
        """As `new_path`, but for a path as it was before the move, whatever state this tree is in; None if it stays."""
        if path in self.scripts:
            return self.scripts[path]
        for move in self._by_path:
            if path == move.path:
                return move.to_path
            if move.is_package and path.startswith(move.path + "/"):
                return None if path in self.kept else move.to_path + path[len(move.path) :]
            if not move.is_package and path == move.path + "i":
                return move.to_path + "i"
        return None

    def existed(self, path: str) -> bool:
        """Whether `path`, as written before the move, names a tracked file or folder."""
        if self.tree.exists(path):
            return True
        new = self.old_to_new_path(path) if self.moved else None
        return new is not None and self.tree.exists(new)

    def scripts_of(self, move: Move) -> list[str]:
        """Build scripts beside or above the moving code that go along with it."""
        return [p for p in sorted(self.scripts) if f"{move.path}/".startswith(posixpath.dirname(p) + "/")]

    def moved_files(self) -> dict[str, str]:
        """Old path -> new path of every tracked file that moves."""
        if self._moved_files is None:
            pairs = () if self.moved else ((p, self.new_path(p)) for p in self.tree)
            self._moved_files = {p: new for p, new in pairs if new != p}
        return dict(self._moved_files)

    # modules of files

    def module_of(self, path: str) -> ModuleName | None:
        """The import name of a Python file of this tree, by the deepest import root that holds it."""
        return self._module(path, self.roots)

    def new_module_of(self, path: str) -> ModuleName | None:
        """The import name that the file will have after the move."""
        today = self.module_of(path)
        if today is None or self.moved:
            return today
        if path in self.scripts:
            return self._module(self.scripts[path], self.roots)
        new = self.new_module(today.name) if self.new_path(path) != path else None
        return ModuleName(new, today.is_package) if new else today

    def _module(self, path: str, roots: Sequence[str]) -> ModuleName | None:
        if not path.endswith(_SUFFIXES):
            return None
        if self.moved:  # a moved package is known by its new name, whichever root would hold it
            for move in self._by_path:
                if path == move.to_path or path == move.to_path + "i":
                    return ModuleName(move.target, False)
                if move.is_package and path.startswith(move.to_path + "/"):
                    return _named(path[len(move.to_path) + 1 :], move.target)
        for root in roots:
            if root == "." or path.startswith(root + "/"):
                return _named(path if root == "." else path[len(root) + 1 :], "")
        return _named(path, "")

    def _second_names(self) -> dict[str, Move]:
        """A package under one import root can be imported from another root by a longer name: two names, one folder."""
        found: dict[str, Move] = {}
        for move in self.moves:
            for root in self.roots:
                if root != "." and not move.path.startswith(root + "/"):
                    continue
                inner = move.path if root == "." else move.path[len(root) + 1 :]
                name = inner.removesuffix(".py").replace("/", ".")
                if name != move.source and all(p.isidentifier() for p in name.split(".")):
                    found[name] = move
        return {
            n: m for n, m in found.items() if n not in {x.source for x in self.moves} | {x.target for x in self.moves}
        }

    def _kept_manifests(self) -> frozenset[str]:
        """Manifests inside a moving folder belong to the old distribution: they stay until cleanup.

        Except for build scripts that go along to the target (`scripts`).
        """
        if self.plan.target is None:
            return frozenset()
        names = ("pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in")
        return frozenset(
            path
            for m in self.moves
            if m.is_package
            for n in names
            if (path := f"{m.path}/{n}") in self.tree and path not in self.scripts
        )


def _named(inner: str, prefix: str) -> ModuleName | None:
    parts = inner.rpartition(".")[0].split("/")
    is_package = parts[-1] == "__init__"
    if is_package:
        parts.pop()
    parts = [*prefix.split("."), *parts] if prefix else parts
    if not parts:
        return None
    return ModuleName(".".join(parts), is_package)


def resolve_layout(plan: Plan, tree: Tree, *, moved: bool = False) -> Layout:
    """Find every move's folder and file.  Raises PlanError for a `from` that does not exist or a `to` that does."""
    moves = [_resolve(plan, tree, entry, moved) for entry in plan.moves]
    layout = Layout(plan, tree, moves, moved=moved)
    if not moved:
        check_roots(plan, tree, moves)
        _check_names(layout)
        _check_collisions(layout)
    return layout


def _resolve(plan: Plan, tree: Tree, entry: MoveEntry, moved: bool) -> Move:
    inner = entry.source.replace(".", "/")
    candidates: list[tuple[str, bool]] = []
    if entry.path:
        candidates = [(entry.path, not entry.path.endswith(".py"))]
    elif not moved:
        for root in plan.import_roots:
            base = inner if root == "." else f"{root}/{inner}"
            if f"{base}.py" in tree and f"{base}/__init__.py" not in tree:  # as Python: before a folder of files
                candidates.append((f"{base}.py", False))
            elif base in tree.dirs:
                candidates.append((base, True))
    to_root = _target_root(plan, tree, entry, candidates[0][0] if candidates else "")
    if moved:
        to_inner = entry.target.replace(".", "/")
        to_base = entry.to_path or (to_inner if to_root == "." else f"{to_root}/{to_inner}")
        is_package = f"{to_base.removesuffix('.py')}.py" not in tree
        to_path = to_base.removesuffix(".py") + ("" if is_package else ".py")
        held = next((r for r in plan.import_roots if r != "." and tree.exists(f"{r}/{inner}")), None)
        place = entry.path or (f"{held}/{inner}" if held else inner)
        old_path = place.removesuffix(".py") + ("" if is_package else ".py")
        return Move(entry.source, entry.target, old_path, to_path, is_package, entry.distribution)
    if not candidates or not tree.exists(candidates[0][0]):
        raise PlanError(
            f"no package or module {entry.source!r} under the import roots {', '.join(plan.import_roots)}",
            where=plan.file,
            next_step=_nearest(plan, tree, entry.source),
        )
    if len(candidates) > 1:
        regular = [c for c in candidates if not c[1] or f"{c[0]}/__init__.py" in tree]
        if len(regular) != 1:
            places = ", ".join(c[0] for c in candidates)
            raise PlanError(
                f"{entry.source} is found twice: {places}", where=plan.file, next_step='say which with path = "..."'
            )
        candidates = regular
    path, is_package = candidates[0]
    to_inner = entry.target.replace(".", "/") + ("" if is_package else ".py")
    to_path = entry.to_path or (to_inner if to_root == "." else f"{to_root}/{to_inner}")
    if not is_package and not to_path.endswith(".py"):
        to_path = f"{to_path}/{to_inner.rpartition('/')[2]}"
    return Move(entry.source, entry.target, path, to_path, is_package, entry.distribution)


def _target_root(plan: Plan, tree: Tree, entry: MoveEntry, source_path: str) -> str:
    """The import root under which the new name lies: the target's, else the one that has most of its folders."""
    if plan.target is not None:
        return plan.target.import_root
    inner, new_inner = entry.source.replace(".", "/"), entry.target.split(".")[:-1]
    base = source_path.removesuffix(".py")
    today = base[: -len(inner) - 1] if base.endswith("/" + inner) else "."

    def known(root: str) -> int:
        """How many leading folders of the new name are there already below this root."""
        prefix = "" if root == "." else root + "/"
        return sum(prefix + "/".join(new_inner[: n + 1]) in tree.dirs for n in range(len(new_inner)))

    return max(dict.fromkeys([today, *plan.import_roots]), key=lambda root: (known(root), root == today))


def _nearest(plan: Plan, tree: Tree, name: str) -> str:
    known: set[str] = set()
    for path in tree:
        for root in plan.import_roots:
            if path.endswith(".py") and (root == "." or path.startswith(root + "/")):
                module = _named(path if root == "." else path[len(root) + 1 :], "")
                if module:
                    known.update(module.name.rsplit(".", n)[0] for n in range(module.name.count(".") + 1))
    near = difflib.get_close_matches(name, sorted(known), 1, 0.6)
    return f"did you mean {near[0]!r}?" if near else "check the name and import-roots"


def _check_names(layout: Layout) -> None:
    """A new name that is also an old one could not be told from it, and a shim would have to stand in its place."""
    sources = {m.source for m in layout.moves}
    for move in layout.moves:
        if move.target in sources and not move.keeps_name:
            raise PlanError(
                f"{move.source} would move to {move.target}, which is an old name as well",
                where=layout.plan.file,
                next_step=f"move {move.target} away in a migration of its own first, up to its cleanup",
            )
        if move.is_package and move.to_path.endswith((".py", ".pyi")):
            raise PlanError(
                f"{move.source} is a package, and to-path = {move.to_path!r} is a file",
                where=layout.plan.file,
                next_step="name a folder",
            )


def _check_collisions(layout: Layout) -> None:
    tree, moved = layout.tree, layout.moved_files()
    taken: dict[str, str] = {}
    for old, new in moved.items():
        if (new in tree and new not in moved) or new in taken:
            other = taken.get(new, new)
            raise PlanError(
                f"{old} would move to {new}, which {'is there already' if new in tree else f'{other} also takes'}",
                where=layout.plan.file,
                next_step="choose another 'to', or merge the two by hand first",
            )
        taken[new] = old
    lower = {p.lower(): p for p in tree if p not in moved}
    for move in layout.moves:
        base = move.to_path.removesuffix(".py")
        rival = f"{base}.py" if move.is_package else base
        if (rival in tree and rival not in moved) or (
            not move.is_package and rival in tree.dirs and not all(p in moved for p in tree.under(rival))
        ):
            raise PlanError(
                f"{move.target} exists already as {rival}", where=layout.plan.file, next_step="choose another 'to'"
            )
        if move.is_package and f"{move.to_path}/__init__.py" in tree and f"{move.to_path}/__init__.py" not in moved:
            raise PlanError(
                f"{move.target} exists already as {move.to_path}/",
                where=layout.plan.file,
                next_step="choose another 'to'",
            )
        clash = lower.get(move.to_path.lower())
        if clash and clash != move.to_path:
            raise PlanError(f"{move.to_path} differs from {clash} by case only", where=layout.plan.file)
    for path in moved:
        if tree.modes[path] == SUBMODULE:
            raise Refused(
                "a git submodule lies inside a moving package",
                where=path,
                next_step="move the submodule with git yourself first, or leave it out of the move",
            )


def relative_to(path: str, folder: str) -> str:
    """`path` as written from inside `folder` (both relative to the root)."""
    return posixpath.relpath(path, folder or ".")
