"""What planned operations make of a tree, and edits of what earlier ones leave: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from .executor import Group
from .model import Edit
from .operations import EditFile, RemoveFile, WriteFile, apply_edits
from .tree import Content, Tree, given, sha


def shifted_by(edits: Sequence[Edit], earlier: Sequence[Edit]) -> tuple[Edit, ...]:
    """`edits` with their offsets moved to the text that `earlier` has already changed, maybe in the same span."""
    out = []
    for edit in edits:
        delta = sum(len(e.new) - (e.end - e.start) for e in earlier if e.end <= edit.start)
        start, end, old = edit.start + delta, edit.end + delta, edit.old
        same = next((e for e in earlier if e.start < e.end and (e.start, e.end) == (edit.start, edit.end)), None)
        if same is not None:
            end, old = start + len(same.new), same.new
        out.append(replace(edit, start=start, end=end, old=old))
    return tuple(out)


def tree_after(
    tree: Tree,
    groups: Sequence[Group],
    known: Mapping[str, Content] = MappingProxyType({}),
    others: Collection[str] | None = None,
) -> Tree:
    """The tree after these operations (moves excepted); `known` are contents that edits may have given already.

    With `others` they have, but for those files; else their hashes tell.
    """
    written: dict[str, Content] = {}
    removed: set[str] = set()
    for operation in (o for g in groups for o in g.operations):
        match operation:
            case WriteFile(path=path, content=content):
                written[path] = content
            case EditFile(path=path, after=after) if (
                path in known
                and path not in written
                and (sha(given(known[path])) == after if others is None else path not in others)
            ):
                written[path] = known[path]
            case EditFile(path=path, edits=edits, link=link):
                before = given(written[path]) if path in written else tree.read(path)
                written[path] = apply_edits(before, edits, "link" if link else path)
            case RemoveFile(path=path):
                removed.add(path)
                written.pop(path, None)
            case _:
                pass
    return tree.replaced(written=written, removed=removed)
