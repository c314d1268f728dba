"""Files that a late branch put, or changed, at the old place of what has moved: carried over to the new one.

Owns what git itself cannot know when a branch that was cut before the migration is merged after it: a new file in a
folder whose package has moved; a change of a file at whose place a shim stands now (git sees a conflict between the
two); a file that git has put at the new place and asks about.  Works from the layout of `migration.lock` and the index,
on either side of the merge, and while it is under way.  Must not know how names in files are rewritten (`late`).

A carried file is moved in the index as well, so that the commit shows a rename; a file that both sides changed on the
same lines is left unmerged at its new place, with the marks of git, for a person.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .layout import Layout, ModuleName
from .lock import Lock
from .merges import content, holds, mark_unmerged, merged, renamed_by_branch, unmerged
from .model import Edit, Finding
from .operations import MoveFiles, apply_edits
from .plan import LOCK_FILE
from .recovery import BLAME_FILE
from .repo import Repo
from .shims import is_shim
from .syntax import parse
from .tree import LINK, REGULAR, Lines, Tree, decode
from .workplace import Disk

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in")  # of the old distribution: they stay
RULE = "late-file"
Rename = Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Late:
    """One file at an old place; `stages` are its blobs in the index (base, ours, theirs) while it is unmerged.

    Without a new place it is the tool's own, for an old name, which git has taken along with a folder.
    """

    path: str
    new: str
    stages: tuple[str, str, str] | None = None
    modes: tuple[str, str, str] = ("", "", "")

    def finding(self) -> Finding:
        what = "a merge left this at the old place of" if self.stages else "this came to the old place of"
        if not self.new:
            what, hint = "a merge took this along with a folder, and it is for an old name", "'--fix' puts it back"
        elif self.path == self.new:
            what, hint = "a merge put this to its new place and asks:", "look at it, then 'git add' it"
        else:
            hint = f"'check-shims --fix' carries it to {self.new}"
        return Finding(self.path, 1, RULE, f"{what} {self.new}".rstrip(), (), hint, "error")


def find(repo: Repo, layout: Layout, lock: Lock, tree: Tree) -> list[Late]:
    """Every tracked file that belongs to moved code and is not where that is now."""
    open_files = unmerged(repo)
    homes = [move.to_path for move in layout.moves]
    renamed = {layout.old_to_new_path(path) for path in renamed_by_branch(open_files)}
    out = []
    for path in tree:
        stages = open_files.get(path)
        new = layout.old_to_new_path(path)
        if new is None or _is_in(path, homes):
            guessed = stages and not stages.blobs[0] and not all(stages.blobs[1:])
            if stages and guessed and _is_in(path, homes) and path not in renamed:
                out.append(Late(path, path, stages.blobs, stages.modes))  # git guessed that the folder was renamed
            continue
        if path not in lock.files and is_shim_file(tree, path):
            out.append(Late(path, "", stages.blobs if stages else None))
        elif stages is not None:
            out.append(Late(path, new, stages.blobs, stages.modes))
        elif path not in lock.files and not _stays(path, layout):
            out.append(Late(path, new))
    return out


def is_shim_file(tree: Tree, path: str) -> bool:
    return path.endswith((".py", ".pyi")) and is_shim(tree.read(path).decode("utf-8", "replace"))


def waiting(repo: Repo, layout: Layout) -> list[Finding]:
    """Files at the new places, and manifests of what moved, that a merge has left open, for a person to look at."""
    open_files, homes = unmerged(repo), [move.to_path for move in layout.moves]
    shipping = {f"{folder}/{m}" for folder in _above(layout) for m in _MANIFESTS} | set(_MANIFESTS)
    renamed = {layout.old_to_new_path(path): path for path in renamed_by_branch(open_files)}
    out = []
    for path in sorted(open_files):
        if _is_in(path, homes):
            text, hint = "a merge left this open", "solve the conflict there, then 'git add' it"
            if path in renamed:
                text = f"the late branch has given {renamed[path]}, which has moved here, another name"
                hint = "keep one of the two, 'git rm -f' the other, then 'git add -u'"
            out.append(Finding(path, 1, RULE, text, (), hint, "error"))
        elif path in shipping:
            hint = "solve the conflict there with the new names; what old distributions were given is the target's now"
            out.append(Finding(path, 1, RULE, "a merge left this open", (), hint, "error"))
    return out


def _above(layout: Layout) -> set[str]:
    """The folders of moved packages, old and new, and those above them."""
    places = [place for move in layout.moves for place in (move.path, move.to_path)]
    return {p.rsplit("/", n)[0] for p in places for n in range(p.count("/") + 1)}


def _is_in(path: str, homes: list[str]) -> bool:
    return any(path == home or path.startswith(home + "/") for home in homes)


def _stays(path: str, layout: Layout) -> bool:
    folder, _, name = path.rpartition("/")
    return name in _MANIFESTS and any(m.is_package and m.path == folder for m in layout.moves)


def carry(repo: Repo, layout: Layout, lock: Lock, late: list[Late], place: Disk, rename: Rename) -> list[Finding]:
    """Move each file to its new place, in the tree and in the index; returns what a person has to do.

    `rename` gives the content of a file at its new place with the old names in it rewritten.
    """
    left: list[Finding] = []
    waiting = unmerged(repo)
    if strays := [file.path for file in late if not file.new]:
        repo.remove(strays)
        _bring_back(repo, sorted(lock.files), place)
    for file in late:
        if not file.new:
            continue
        if file.path == file.new:
            repo.stage([file.path])
        elif not place.holds(file.path):
            text = f"this came to the old place of {file.new}, and is not checked out"
            left.append(Finding(file.path, 1, RULE, text, (), "check it out ('git sparse-checkout disable')", "error"))
        elif file.stages is not None and file.new in waiting:
            text = f"this and {file.new} are both unmerged"
            left.append(Finding(file.path, 1, RULE, text, (), "solve the conflict there first", "error"))
        elif file.stages is not None:
            left += _merge(repo, layout, file, place, rename)
        elif place.holds(file.new):
            if place.read(file.new) == place.read(file.path):
                repo.remove([file.path])
            else:
                text = f"there is a {file.new} already, and it says something else"
                left.append(Finding(file.path, 1, RULE, text, (), "merge the two by hand", "error"))
        else:
            MoveFiles(3, file.path, file.new, ((file.path, file.new),)).apply(place)
            data = place.read(file.new)
            mended = _mended(layout, file, data)
            if mended != data:
                place.write(file.new, mended, None)
                repo.stage([file.new])
    solved = [p for p in renamed_by_branch(waiting) if (new := layout.old_to_new_path(p)) and new not in waiting]
    repo.remove([p for p in solved if not place.holds(p)])
    return left


def _bring_back(repo: Repo, paths: list[str], place: Disk) -> None:
    """Take these files, where they are missing, from the side of a merge that has been migrated."""
    for revision in ("HEAD", "MERGE_HEAD", "HEAD^1", "HEAD^2"):
        repo.checkout([p for p in paths if not place.holds(p) and holds(repo, revision, p)], revision)


def _merge(repo: Repo, layout: Layout, file: Late, place: Disk, rename: Rename) -> Iterator[Finding]:
    """A file that the branch changed, at whose place something else stands now: its change goes to the new place."""
    assert file.stages is not None
    base, ours, theirs = file.stages
    late, standing = (theirs, ours) if _trunk_is_ours(repo) else (ours, theirs)
    mode = file.modes[2 if standing == ours else 1] or REGULAR
    clean = True

    def at_new_place(blob: str) -> bytes:
        return rename(file.new, _mended(layout, file, content(repo, blob, file.new)))

    gone = late and not place.holds(file.new)
    if gone:
        place.write(file.new, at_new_place(late), None)
        repo.stage([file.new])
        repo.set_executable(file.new, mode)
        if base and not standing:
            mark_unmerged(repo, file.new, base, late, late_is_theirs=late == theirs, held="")
    elif late:
        before = place.read(file.new)
        both, clean = merged(repo, before, at_new_place(base), at_new_place(late))
        place.write(file.new, both, None)
        if not clean:
            mark_unmerged(repo, file.new, base, late, late_is_theirs=late == theirs)
        elif both != before:
            repo.stage([file.new])
    if standing:
        place.write(file.path, content(repo, standing, file.path), None)
        repo.stage([file.path])
    else:
        repo.remove([file.path])
    if not late:
        text = f"the late branch deleted {file.path}, which has moved here"
        yield Finding(file.new, 1, RULE, text, (), "delete it here as well, if that is still wanted", "error")
    elif gone and base and not standing:
        text = f"the late branch has changed {file.path}, or given it that name, and here it was deleted"
        yield Finding(file.new, 1, RULE, text, (), "'git add' it if it stays, else 'git rm' it", "error")
    elif not clean:
        text = f"both sides changed the same lines; they came from {file.path}"
        yield Finding(file.new, 1, RULE, text, (), "solve the conflict there, then 'git add' it", "error")


def settle(repo: Repo, place: Disk, rename: Rename, tried: set[str]) -> list[str]:
    """Merge once more what git could not, with the new names on both sides; returns what went without a conflict.

    `tried` are files that `carry` has left to a person already.  Most conflicts with a branch from before the migration
    are lines beside an import that was rewritten.  The list of commits for blame, to which each slice appends, keeps
    the lines of both sides.
    """
    out = []
    late, trunk = (2, 1) if _trunk_is_ours(repo) else (1, 2)
    for path, file in unmerged(repo).items():
        if path == BLAME_FILE and all(file.blobs[1:]):
            base, ours, theirs = (content(repo, blob, path) for blob in file.blobs)
            both, clean = merged(repo, ours, base, theirs, union=True)
        elif path in tried or not all(file.blobs) or len(set(file.modes)) > 1 or file.modes[0] == LINK:
            continue
        else:
            base, branch = (rename(path, content(repo, file.blobs[n], path)) for n in (0, late))
            both, clean = merged(repo, content(repo, file.blobs[trunk], path), base, branch)
        if clean:
            place.write(path, both, None)
            repo.stage([path])
            out.append(path)
    return out


def _trunk_is_ours(repo: Repo) -> bool:
    """Whose side has been migrated: merging the branch into the trunk it is ours, the other way round theirs."""
    return holds(repo, "HEAD", LOCK_FILE)


def _mended(layout: Layout, file: Late, data: bytes) -> bytes:
    """Relative imports that would lead elsewhere from the new place are written out."""
    text = decode(data, python=True) if file.new.endswith((".py", ".pyi")) else None
    now, before = layout.module_of(file.new), _old_name(layout, file.path)
    if text is None or now is None or before is None:
        return data
    return apply_edits(data, tuple(relative_edits(text.body, before, now, layout.new_module)), file.new)


def _old_name(layout: Layout, path: str) -> ModuleName | None:
    for move in sorted(layout.moves, key=lambda m: -len(m.path)):
        if path.removesuffix("i") == move.path:
            return ModuleName(move.source, False)
        if path.startswith(move.path + "/"):
            parts = path[len(move.path) + 1 :].rpartition(".")[0].split("/")
            is_package = parts[-1] == "__init__"
            return ModuleName(".".join([move.source, *(parts[:-1] if is_package else parts)]), is_package)
    return None


def relative_edits(
    body: str, before: ModuleName, now: ModuleName, new_module: Callable[[str], str | None]
) -> Iterator[Edit]:
    """Edits for the relative imports of a module called `before` that mean something else when it is called `now`."""
    parsed = parse(body)
    if parsed is None:
        return
    lines = Lines(body)
    for node in ast.walk(parsed):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        meant, leads = _absolute(before, node), _absolute(now, node)
        wanted = new_module(meant) or meant if meant else None
        if not node.module and leads:  # the names may be modules, which know better than their package
            names = [alias.name for alias in node.names if alias.name != "*"]
            if names and all((new_module(f"{meant}.{n}") or f"{meant}.{n}") == f"{leads}.{n}" for n in names):
                continue
        start = lines.offset(node.lineno, node.col_offset)
        found = re.compile(r"from\s*((?:\.\s*)+(?!import\b)[\w.]*)").match(body, start)
        if wanted and wanted != leads and found:
            old = found[1].rstrip()
            reason = f"from the new place it would lead to {leads or 'nowhere'}"
            begin = found.start(1)
            space = "" if body[begin - 1].isspace() else " "
            yield Edit(begin, begin + len(old), old, space + wanted, node.lineno, 4, "import.relative", reason)


def _absolute(module: ModuleName, node: ast.ImportFrom) -> str:
    """What a relative import in `module` names; "" beyond the top."""
    parts = module.package.split(".") if module.package else []
    if node.level > len(parts):
        return ""
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)
