"""What git's index holds of a merge that is not finished, and the merging of single files.

Owns the index's stages: base, ours, theirs.  Must not know of moves; `carry` says which file goes where.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .model import MigrateError
from .repo import Repo


@dataclass(frozen=True, slots=True)
class Unmerged:
    """What the index holds of a file with a conflict: base, ours, theirs; "" where one of them has no such file."""

    modes: tuple[str, str, str]
    blobs: tuple[str, str, str]


def unmerged(repo: Repo) -> dict[str, Unmerged]:
    """The files that a merge left open."""
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in repo.run("ls-files", "-z", "-u").split("\0"):
        if entry:
            meta, path = entry.split("\t", 1)
            mode, blob, stage = meta.split(" ")
            found.setdefault(path, [("", "")] * 3)[int(stage) - 1] = (mode, blob)
    return {p: Unmerged((a[0], b[0], c[0]), (a[1], b[1], c[1])) for p, (a, b, c) in found.items()}


def renamed_by_branch(open_files: Mapping[str, Unmerged]) -> list[str]:
    """Files that both sides have given another name, each its own: git keeps the two, and of the old one the base."""
    return [path for path, file in open_files.items() if file.blobs[0] and not any(file.blobs[1:])]


def content(repo: Repo, blob: str, path: str) -> bytes:
    """A content of git's as a checkout would write it at `path`; empty for none."""
    return repo.read("cat-file", "--filters", f"--path={path}", blob) if blob else b""


def holds(repo: Repo, revision: str, path: str) -> bool:
    try:
        repo.run("cat-file", "-e", f"{revision}:{path}")
    except MigrateError:
        return False
    return True


def merged(repo: Repo, current: bytes, base: bytes, other: bytes, *, union: bool = False) -> tuple[bytes, bool]:
    """`current` with what changed from `base` to `other`, and whether that went without a conflict.

    With `union` the lines of both sides are kept where they conflict.
    """
    with tempfile.TemporaryDirectory(prefix="migrate-", dir=repo.git_dir) as folder:
        places = [Path(folder, name) for name in ("current", "base", "other")]
        for place, data in zip(places, (current, base, other), strict=True):
            place.write_bytes(data)
        labels = [word for label in ("moved", "before the move", "late branch") for word in ("-L", label)]
        status, out = repo.feed(b"", "merge-file", "-p", *(["--union"] if union else []), *labels, *map(str, places))
    if 0 <= status <= 127:  # the number of conflicts, or an error
        return out, status == 0
    return current, current == other  # binary


def mark_unmerged(
    repo: Repo, path: str, base: str, late: str, *, late_is_theirs: bool, held: str | None = None
) -> None:
    """Let git know that this file waits for a person: it gets a base, and as ours and theirs the index's and `late`.

    `held` stands for what the index has, where that is not one side's.
    """
    entries = [e for e in repo.run("ls-files", "-z", "-s", "--", path).split("\0") if e]
    if len(entries) != 1:
        return  # it is unmerged already
    mode, indexed, _ = entries[0].split("\t", 1)[0].split(" ")
    held = indexed if held is None else held
    stages = (base, held, late) if late_is_theirs else (base, late, held)
    lines = [f"0 {'0' * len(indexed)}\t{path}"]
    lines += [f"{mode} {blob} {stage}\t{path}" for stage, blob in enumerate(stages, 1) if blob]
    repo.feed(
        "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape"), "update-index", "-z", "--index-info"
    )
