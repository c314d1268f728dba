"""Checks that the history of moved files can be followed.

Owns: the questions to git about renames.  It must not change anything, and must not know why a file moved.

Two checks.  One `git log` over the new commits must show each moved file as an exact rename (R100), in one step or
several; files with the same content may be paired by git in another order, which loses nothing.  And `git log
--follow`, as people use it, must come out at a commit that is not one of the new ones.  The second costs one git call
for each file, so it looks at a sample when there are many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import git

from tools.migrate.model import Finding

FOLLOW_LIMIT = 200
_RULE = "history"


def check_history(root: Path, base: str, moved: Mapping[str, str]) -> list[Finding]:
    """Findings for the files of `moved` (old path -> new path) whose history cannot be followed from HEAD to `base`.

    Raises nothing: a commit that is not in this clone (a shallow one, say) is a finding as well.
    """
    if not moved:
        return []
    with git.Repo(root) as repo:
        repo.git.update_environment(GIT_LITERAL_PATHSPECS="1")  # a file may be called `[id].py`
        try:
            new_commits = str(repo.git.rev_list(f"{base}..HEAD", "--")).split()
            return [*_exact(repo, base, moved), *_followed(repo, set(new_commits), moved)]
        except git.GitCommandError as error:
            reason = " ".join(str(error.stderr).split())
            return [_finding("", f"the history since {base} cannot be read: {reason}", "fetch the whole history")]


def _exact(repo: git.Repo, base: str, moved: Mapping[str, str]) -> Iterator[Finding]:
    sources: dict[str, tuple[str, str]] = {}  # where each path came from first, and the content it was moved with
    contents: dict[str, set[str]] = {}
    for old, new, content in _renames(repo, base):
        sources[new] = (sources.pop(old, (old, ""))[0], content)
        contents.setdefault(sources[new][0], set()).add(content)
    for old, new in sorted(moved.items()):
        source, content = sources.get(new, ("", ""))
        if source == old or (source and content in contents.get(old, ())):
            continue
        said = f"git shows {source} as its source" if source else "no commit shows an exact rename to it"
        hint = "move it with git mv in a commit of its own, without a change of content"
        yield _finding(new, f"{new} was moved from {old}, but {said}", hint)


def _renames(repo: git.Repo, base: str) -> Iterator[tuple[str, str, str]]:
    """(old path, new path, content id) of each exact rename after `base`, the oldest first."""
    output = str(
        repo.git.log(
            "--reverse",
            "--topo-order",
            "--diff-filter=R",
            "-M100%",
            "--raw",
            "-z",
            "--no-abbrev",
            "--no-color",
            "--no-show-signature",
            "--format=",
            f"{base}..HEAD",
            "--",
        )
    )
    # ":mode mode content content R100", old path, new path, again and again; an empty field where a commit ends
    fields = iter([f for f in output.split("\0") if f.strip("\n")])
    for meta in fields:
        old, new = next(fields), next(fields)
        parts = meta.strip("\n").split(" ")
        if parts[-1] == "R100":
            yield old, new, parts[3]


def _followed(repo: git.Repo, new_commits: set[str], moved: Mapping[str, str]) -> Iterator[Finding]:
    files = sorted(moved.values())
    if len(files) > FOLLOW_LIMIT:
        step = len(files) / FOLLOW_LIMIT
        text = f"`git log --follow` was tried for {FOLLOW_LIMIT} of {len(files)} moved files"
        yield Finding("", 0, _RULE, text, severity="note")
        files = [files[int(index * step)] for index in range(FOLLOW_LIMIT)]
    # No file can show more new commits than there are, so the walk may stop one after that.
    enough = f"--max-count={len(new_commits) + 1}"
    for file in files:
        output = repo.git.log("--follow", "--no-show-signature", "--format=%H", enough, "HEAD", "--", file)
        reached = str(output).split()
        if all(commit in new_commits for commit in reached):
            what = (
                f"`git log --follow {file}` ends at {reached[-1][:10]}" if reached else f"git has no history of {file}"
            )
            yield _finding(file, f"{what}, before it reaches the history from before the move", "keep the move commit")


def _finding(path: str, text: str, hint: str) -> Finding:
    return Finding(path, 0, _RULE, text, (), hint, severity="error")
