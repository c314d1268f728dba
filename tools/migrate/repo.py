"""The only file that runs git: the state of a checkout, moves, commits, and the way back.

Everything here is mechanism.  It never decides what to move or whether a state is acceptable; it answers questions
(`dirty`, `is_shallow`, `tree`) and does single things (`move`, `commit`, `reset_index`).  Commits get their date from
the commit they stand on, so that the same plan on the same commit always gives the same hashes.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import git
from git.exc import GitCommandError, GitCommandNotFound, GitError, InvalidGitRepositoryError, NoSuchPathError

from .model import MigrateError, PlanError, Refused
from .tree import LINK, REGULAR, SUBMODULE, Tree

# What the user's settings may not change: no hook runs (not even those that --no-verify leaves on), no signature or
# colour gets into what is read, no background process fights for the index, and paths are names, not patterns.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.safecrlf": "false",
    "log.showSignature": "false",
    "color.ui": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_GIT = ["git", "--literal-pathspecs", *(word for k, v in _SETTINGS.items() for word in ("-c", f"{k}={v}"))]
_BATCH = 400  # paths a command line; well below the limits of every system


class Repo:
    def __init__(self, root: Path) -> None:
        if not root.exists():
            raise PlanError("no such folder", where=str(root), next_step="name a git checkout with --root")
        try:
            self._repo = git.Repo(root, search_parent_directories=True)
        except (InvalidGitRepositoryError, NoSuchPathError):
            raise Refused(
                "not a git repository", where=str(root), next_step="run 'git init' and commit everything first"
            ) from None
        if self._repo.bare or self._repo.working_tree_dir is None:
            raise Refused("a bare repository has no files to move", where=str(root), next_step="use a checkout")
        self.root = Path(self._repo.working_tree_dir)
        self.git_dir = Path(self._repo.git_dir).resolve()
        # Nothing of ours may ask a question, page, or run a hook of the user's.
        # A question leaves no lock behind either, should it be killed.
        self._repo.git.update_environment(
            GIT_TERMINAL_PROMPT="0", GIT_EDITOR="true", GIT_PAGER="cat", LC_ALL="C.UTF-8", GIT_OPTIONAL_LOCKS="0"
        )

    def run(self, *arguments: str, **environment: str) -> str:
        try:
            out = self._repo.git.execute([*_GIT, *arguments], env=environment or None, strip_newline_in_stdout=True)
        except GitCommandNotFound:
            raise Refused("git cannot be started", where="PATH", next_step="install git") from None
        except GitCommandError as error:
            raise MigrateError(_reason(error), where=f"git {' '.join(arguments[:2])}") from None
        return str(out)

    def read(self, *arguments: str) -> bytes:
        """The output of a git command as it is."""
        try:
            out = self._repo.git.execute([*_GIT, *arguments], stdout_as_string=False, strip_newline_in_stdout=False)
        except GitCommandError as error:
            raise MigrateError(_reason(error), where=f"git {' '.join(arguments[:2])}") from None
        assert isinstance(out, bytes)
        return out

    def feed(self, data: bytes, *arguments: str, **environment: str) -> tuple[int, bytes]:
        """Exit code and output of a git command that reads `data`."""
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            status, out, _ = self._repo.git.execute(
                [*_GIT, *arguments], istream=file, with_extended_output=True, with_exceptions=False,
                stdout_as_string=False, strip_newline_in_stdout=False, env=environment or None,
            )  # fmt: skip
        return status, out if isinstance(out, bytes) else out.encode()

    # questions

    def head(self) -> str:
        try:
            return self.run("rev-parse", "--verify", "-q", "HEAD^{commit}")
        except MigrateError as error:
            if error.what != _SILENT:  # not ours to read, a damaged repository
                raise self._unreadable(error) from None
            where = str(self.root)
            raise Refused("the repository has no commit yet", where=where, next_step="commit the tree") from None

    def _unreadable(self, error: MigrateError) -> Refused:
        mend = "'git status' there must work first"
        if "dubious ownership" in error.what:  # the checkout of a CI job, mostly, in a container
            mend = f"if you trust it, run 'git config --global --add safe.directory {self.root}'"
        return Refused(error.what, where=str(self.root), next_step=mend)

    def standing(self) -> tuple[str, str]:
        """The commit and the tree of HEAD."""
        try:
            commit, tree = self.run("rev-parse", "HEAD^{commit}", "HEAD^{tree}").split("\n")
        except MigrateError:
            self.head()  # says it in words if there is none
            raise
        return commit, tree

    def tree_hash(self, revision: str = "HEAD") -> str:
        return self.run("rev-parse", f"{revision}^{{tree}}")

    def has(self, commit: str) -> bool:
        try:
            self.run("cat-file", "-e", f"{commit}^{{commit}}")
        except MigrateError:
            return False
        return True

    def branch(self) -> str | None:
        try:
            return self.run("symbolic-ref", "-q", "--short", "HEAD") or None
        except MigrateError:
            return None

    def is_shallow(self) -> bool:
        return self.run("rev-parse", "--is-shallow-repository") == "true"

    def dirty(self) -> list[str]:
        """Tracked files that differ from HEAD, in the index or in the working tree; untracked files do not count."""
        out = self.run("status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
        names, fields = [], out.split("\0")
        while fields:
            entry = fields.pop(0)
            if len(entry) > 3:
                names.append(entry[3:])
                if entry[0] in "RC" and fields:
                    fields.pop(0)
        return sorted(names)

    def sparse_or_skipped(self) -> list[str]:
        """Tracked files that are not checked out, or that git was told to overlook; they cannot be read here."""
        out = self.run("ls-files", "-z", "-t", "-v")
        return sorted(f[2:] for f in out.split("\0") if f and (f[0] == "S" or f[0].islower()))

    def untracked(self, folders: Iterable[str] = ()) -> list[str]:
        paths = [p for p in folders if (self.root / p).exists()]
        out = self.run("ls-files", "-z", "--others", "--", *(paths or ["."])) if paths or not folders else ""
        return sorted(p for p in out.split("\0") if p)

    def tree(self, revision: str = "HEAD") -> Tree:
        """The tracked files at HEAD, read from the (clean) working tree; of another revision, read from git."""
        entries = self.run("ls-tree", "-r", "-z", "--full-tree", revision)
        modes, blobs = {}, {}
        for entry in entries.split("\0"):
            if entry:
                meta, path = entry.split("\t", 1)
                modes[path], _, blobs[path] = meta.split(" ")
        live, root = revision == "HEAD", os.fspath(self.root)

        def read(path: str) -> bytes:
            if modes[path] == SUBMODULE:
                return b""
            if live:
                return read_place(f"{root}/{path}", modes[path])
            if modes[path] == LINK:
                return self.read("cat-file", "blob", blobs[path])
            # As a checkout would write it: line ends and filters of this repository applied.
            return self.read("cat-file", "--filters", f"{revision}:{path}")

        def digest(path: str) -> str:
            # The working tree is clean, so git's hash stands for the content, and the size for the line ends and
            # filters with which it was checked out.
            size = os.lstat(f"{root}/{path}").st_size if live and modes[path] != SUBMODULE else 0
            return f"{blobs[path]} {size}"

        return Tree(modes, read, digest)

    def blobs(self, revision: str) -> dict[str, str]:
        """The hash of every file's content, as git stores it."""
        entries = (e.split("\t", 1) for e in self.run("ls-tree", "-r", "-z", "--full-tree", revision).split("\0") if e)
        return {path: meta.split(" ")[2] for meta, path in entries}

    def index_tree(self, hidden: Callable[[str], bool] = lambda path: False) -> Tree:
        """The files in the index, with their content in the working tree; what a hook or a shallow clone can see.

        Of the files that a sparse checkout leaves out, those that are `hidden` count as well, as the index has them.
        """
        modes, blobs, root = {}, {}, os.fspath(self.root)
        try:
            entries = self.run("ls-files", "-z", "-s", "-t").split("\0")
        except MigrateError as error:
            raise self._unreadable(error) from None
        for entry in entries:
            if entry:
                meta, path = entry.split("\t", 1)
                tag, mode, blob, _ = meta.split(" ")
                if os.path.lexists(f"{root}/{path}"):
                    modes[path] = mode
                elif tag == "S" and hidden(path):
                    modes[path], blobs[path] = mode, blob

        def read(path: str) -> bytes:
            if path in blobs:
                return self.read("cat-file", "blob", blobs[path])
            return b"" if modes[path] == SUBMODULE else read_place(f"{root}/{path}", modes[path])

        return Tree(modes, read)

    def take_out(self, revision: str, folder: Path, paths: Iterable[str] | None = None) -> None:
        """Write a revision, or these paths of it, into a folder; the checkout and its index stay as they are."""
        index = str(folder / ".index-of-tools-migrate")
        self.run("read-tree", revision, GIT_INDEX_FILE=index)
        which = ["-a"] if paths is None else ["-z", "--stdin"]
        data = b"".join(os.fsencode(p) + b"\0" for p in paths or ())
        status, _ = self.feed(data, "checkout-index", "-f", f"--prefix={folder}/", *which, GIT_INDEX_FILE=index)
        if status:
            raise MigrateError(f"git could not write {revision[:12]} out", where=str(folder))
        os.unlink(index)

    def line_commit(self, path: str, line: int) -> str:
        """The commit that last changed a line of a file at HEAD."""
        # The empty name clears blame.ignoreRevsFile, which would hide the very commits that are looked for.
        place = ("-L", f"{line},{line}", "HEAD", "--", path)
        return self.run("blame", "-l", "-s", "--ignore-revs-file=", *place).split(" ")[0].lstrip("^")

    def message(self, revision: str) -> str:
        return self.run("log", "-1", "--format=%B", revision)

    def commits(self, base: str, end: str = "HEAD") -> list[str]:
        """Hashes from the oldest to the newest commit in base..end, along the first parent."""
        out = self.run("rev-list", "--reverse", "--first-parent", f"{base}..{end}")
        return out.split()

    def is_ancestor(self, older: str, newer: str = "HEAD") -> bool:
        try:
            self.run("merge-base", "--is-ancestor", older, newer)
        except MigrateError:
            return False
        return True

    def on_remote(self, commit: str) -> bool:
        return bool(self.run("branch", "-r", "--contains", commit).strip())

    def subject(self, commit: str) -> str:
        return self.run("log", "-1", "--format=%s", commit)

    def messages(
        self, line: str, since: str = "", tips: Sequence[str] = ("HEAD",), also: Sequence[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(hash, message) of commits in HEAD's history (after `since`) with `line`, or one of `also`; parents first."""
        out = self.run(
            "log", "--topo-order", "--reverse", "--format=%H%n%B%x00", "--fixed-strings",
            *(f"--grep={word}" for word in (line, *also)), *tips, *([f"^{since}"] if since else []),
        )  # fmt: skip
        for entry in out.split("\0"):
            commit, _, message = entry.strip("\n").partition("\n")
            if commit:
                yield commit, message

    def all_commits(self, base: str, end: str = "HEAD") -> list[str]:
        """Every commit in base..end, on merged branches as well, parents first."""
        return self.run("rev-list", "--topo-order", "--reverse", f"{base}..{end}").split()

    def changed(self, old: str, new: str) -> list[str]:
        """Paths that two revisions have differently, one of them perhaps not at all."""
        out = self.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new)
        return [p for p in out.split("\0") if p]

    def is_unchanged(self, path: str, revision: str) -> bool:
        """Whether the file is what a checkout of `revision` may hold there, whatever its line ends or filters."""
        place = self.root / path
        if place.is_symlink() or not place.is_file():
            return False
        try:
            return self.run("hash-object", "--", path) == self.run("rev-parse", f"{revision}:{path}")
        except MigrateError:
            return False

    # single things

    @cached_property
    def _wide(self) -> tuple[str, ...]:
        """What lets git change files that a sparse checkout leaves out; stages refuse one, `check-shims` does not."""
        sparse = self.run("config", "--type=bool", "--default=false", "--get", "core.sparseCheckout")
        return ("--sparse",) if sparse == "true" else ()

    def remove(self, paths: Sequence[str]) -> None:
        """Delete these files, in the index as well."""
        for start in range(0, len(paths), _BATCH):
            self.run("rm", "-q", "-f", *self._wide, "--", *paths[start : start + _BATCH])

    def move(self, pairs: Mapping[str, str]) -> None:
        """`git mv` of files, those that go to one folder under their own names together."""
        groups: dict[str, list[str]] = {}
        for old, new in pairs.items():
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            if old.rpartition("/")[2] == new.rpartition("/")[2]:
                groups.setdefault(new.rpartition("/")[0] or ".", []).append(old)
            else:
                self.run("mv", *self._wide, "--", old, new)
        for folder, files in groups.items():
            for start in range(0, len(files), _BATCH):
                self.run("mv", *self._wide, "--", *files[start : start + _BATCH], folder)

    def stage(self, paths: Sequence[str]) -> None:
        """Put the state of these paths, deleted ones included, into the index; ignored files as well."""
        for start in range(0, len(paths), _BATCH):
            self.run("add", "-A", "-f", *self._wide, "--", *paths[start : start + _BATCH])

    def set_executable(self, path: str, mode: str) -> None:
        if mode in (REGULAR, "100755"):
            self.run("update-index", f"--chmod={'+' if mode == '100755' else '-'}x", "--", path)

    def commit(self, message: str) -> str:
        """Commit the index without hooks; dated one second after the commit it stands on.  Returns the hash."""
        seconds, zone = self.run("log", "-1", "--format=%cd", "--date=raw").split(" ")
        date = f"@{int(seconds) + 1} {zone}"  # without the sign git takes a small number for something else
        self.run(
            "commit",
            "-q",
            "--no-verify",
            "--allow-empty",
            "--cleanup=verbatim",
            "-m",
            message,
            GIT_AUTHOR_DATE=date,
            GIT_COMMITTER_DATE=date,
        )
        return self.head()

    def has_staged(self) -> bool:
        return bool(self.run("diff", "--cached", "--name-only", "--no-renames"))

    def point_branch_at(self, commit: str) -> None:
        """Move the branch, neither the index nor the working tree."""
        self.run("reset", "-q", "--soft", commit)

    def reset_index(self) -> None:
        """Make the index that of HEAD; the working tree stays."""
        self.run("reset", "-q", "--mixed")
        try:
            self.run("update-index", "-q", "--really-refresh")
        except MigrateError:
            return  # it exits with 1 where a file differs; the caller looks at that itself

    def checkout(self, paths: Sequence[str], revision: str = "HEAD") -> None:
        """Take these files from HEAD again, or from another revision."""
        for start in range(0, len(paths), _BATCH):
            self.run("checkout", "-q", revision, "--", *paths[start : start + _BATCH])

    def clear_stale_locks(self) -> None:
        """Remove lock files that a killed git left behind.  Only called when a run of ours was cut off here."""
        branch = self.branch()
        names = ["index.lock", "HEAD.lock", *([f"refs/heads/{branch}.lock"] if branch else [])]
        common = Path(self.run("rev-parse", "--git-common-dir"))
        common = common if common.is_absolute() else (self.root / common)
        for name in names:
            for folder in {self.git_dir, common.resolve()}:
                (folder / name).unlink(missing_ok=True)


def read_place(place: str, mode: str) -> bytes:
    """A tracked file's content, or a link's target."""
    if mode == LINK:
        return os.fsencode(os.readlink(place))
    with open(place, "rb") as file:  # by text: a Path costs as much as the reading does
        return file.read()


def file_mode(place: Path) -> str:
    if place.is_symlink():
        return LINK
    return "100755" if place.stat().st_mode & stat.S_IXUSR else REGULAR


_SILENT = "git failed"


def _reason(error: GitError) -> str:
    text = str(getattr(error, "stderr", ""))  # empty after `-q`; the command itself says nothing to a user
    text = re.sub(r"^\s*stderr:\s*'|'\s*$", "", text.strip())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else _SILENT
