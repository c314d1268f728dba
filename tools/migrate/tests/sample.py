"""Small legacy repositories for the tests of what must never go wrong, and the way to run the command on them.

Owns the builders (`build`, `build_modules`), what counts as "the same state" (`State`), and `migrate`, which starts the
real command in a process of its own.  Knows nothing of how stages work.

The tree of `build` has what breaks naive tools: a file with CRLF line ends, an executable, symlinks out of, into and
inside the moving package, a file name that is not ASCII, untracked files and ignored caches.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TOOL = Path(__file__).resolve().parents[3]
DATE = "2026-03-01T10:00:00+00:00"

PLAN = """\
[migration]
name = "unify"
import-roots = [".", "libs/types"]

[[move]]
from = "protocol_v2"
to = "libs.types.protocol"

[[move]]
from = "alphapulse_types"
to = "libs.types.common"

[shims]
remove-by = 2030-01-01
owner = "platform team"

[gates]
tests = [{gate}]
"""

PYTEST = '"python -m pytest -q -p no:cacheprovider"'
QUICK = '"python -c \\"import services.b.app, services.a.app\\""'

FILES: dict[str, str | bytes] = {
    ".gitignore": "__pycache__/\n*.pyc\n*.log\n",
    ".git-blame-ignore-revs": b"# reformatted once, without a line end at the end",
    "conftest.py": (
        'import pathlib\nimport sys\n\nsys.path[:0] = [str(pathlib.Path(__file__).parent / "libs" / "types")]\n'
    ),
    "protocol_v2/__init__.py": '"""Wire format."""\n\nfrom .header import Header\n\n__all__ = ["Header"]\n',
    "protocol_v2/header.py": (
        "from protocol_v2.tlv.types import KIND\n\n\nclass Header:\n    kind = KIND\n\n\nNAME = __name__\n"
    ),
    "protocol_v2/tlv/__init__.py": "",
    "protocol_v2/tlv/types.py": b"# Windows\r\nfrom alphapulse_types.fixed import SCALE\r\n\r\nKIND = SCALE * 2\r\n",
    "protocol_v2/daten/größe.txt": "0\n",
    "protocol_v2/py.typed": "",
    "protocol_v2/dump.sh": "#!/bin/sh\nexec python -m protocol_v2.header\n",
    "libs/types/alphapulse_types/__init__.py": "from alphapulse_types.fixed import SCALE\n",
    "libs/types/alphapulse_types/fixed.py": "SCALE = 10**8\n",
    "services/__init__.py": "",
    "services/a/__init__.py": "",
    "services/a/app.py": (
        "import protocol_v2.header\nfrom protocol_v2 import Header\n\n\n"
        "def kind() -> int:\n    return Header.kind + protocol_v2.header.Header.kind\n"
    ),
    "services/b/__init__.py": "",
    "services/b/app.py": (
        "import sys\n\n"
        'sys.path.append("libs/types")\n\n'
        "from alphapulse_types.fixed import SCALE  # noqa: E402\n\n\ndef scale() -> int:\n    return SCALE\n"
    ),
    "services/b/legacy.py": 'import protocol_v2\n\nprint "python 2", protocol_v2.header\n',
    "docs/guide.md": "Use `from protocol_v2 import Header`.\n",
    "untouched.txt": b"nothing here\r\nat all",
    "tests/test_all.py": (
        "from unittest import mock\n\n"
        "import protocol_v2.header\nfrom alphapulse_types.fixed import SCALE\nfrom protocol_v2.tlv.types import KIND\n"
        "from services.a.app import kind\n\n\n"
        "def test_kind():\n    assert kind() == 4 * SCALE == 2 * KIND\n\n\n"
        'def test_patch():\n    with mock.patch("protocol_v2.header.NAME", "x"):\n'
        '        assert protocol_v2.header.NAME == "x"\n\n\n'
        "def test_already_broken():\n    assert SCALE == 0\n"
    ),
}
EXECUTABLE = ("protocol_v2/dump.sh",)
LINKS = {
    "protocol_v2/shared.py": "../libs/types/alphapulse_types/fixed.py",  # out of the moving package
    "protocol_v2/alias.py": "header.py",  # inside of it
    "docs/header.py": "../protocol_v2/header.py",  # into it
}
UNTRACKED = {
    "notes.txt": "mine\n",
    "protocol_v2/scratch.txt": "mine as well\n",
    "protocol_v2/__pycache__/header.cpython-311.pyc": "cache\n",
    "services/a/debug.log": "ignored\n",
}

MODULES_PLAN = """\
[migration]
name = "http"

[[move]]
from = "pkg.http"
to = "pkg.common.http"

[[move]]
from = "pkg.text"
to = "pkg.common.text"

[shims]
owner = "core"

[gates]
tests = [{gate}]
"""
MODULES_FILES: dict[str, str | bytes] = {
    "pkg/__init__.py": "from .http import get\n",
    "pkg/http.py": "from . import text\nfrom .text import clean\n\n\ndef get(x):\n    return clean(x) + text.END\n",
    "pkg/text.py": 'END = "."\n\n\ndef clean(x):\n    return x.strip()\n',
    "pkg/user.py": "from pkg import http\nimport pkg.text as t\n\nVALUE = http.get(t.END)\n",
    "tests/test_pkg.py": 'from pkg.http import get\nfrom pkg.user import VALUE\n\n\ndef test_get():\n    assert get(" a ") == "a."\n    assert VALUE == ".."\n',  # noqa: E501
}


def environment(**extra: str) -> dict[str, str]:
    """No setting of the machine or of the test run reaches the children."""
    dropped = ("GIT_", "PYTEST_", "COV_", "PYTHON", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    identity = {"NAME": "Ann Author", "EMAIL": "ann@example.org"}
    env |= {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in identity.items()}
    env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    env["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), env["PATH"]))
    return env | extra


def git(root: Path, *arguments: str, **extra: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=environment(**extra), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout.strip()


def commit(root: Path, files: dict[str, str | bytes], message: str = "work of others") -> str:
    write(root, files)
    git(root, "add", "-f", "--", *files)
    git(root, "commit", "-qm", message, GIT_AUTHOR_DATE=DATE, GIT_COMMITTER_DATE=DATE)
    return git(root, "rev-parse", "HEAD")


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)


def build(root: Path, gate: str = QUICK, extra: dict[str, str | bytes] | None = None) -> Path:
    """Two packages that move, one out of another import root; everything is committed, stage 1 may run."""
    return _build(root, {**FILES, **(extra or {})}, PLAN.format(gate=gate), links=True)


def build_modules(root: Path, gate: str = '"python -c \\"import pkg.user\\""') -> Path:
    """Two modules that move deeper inside their own regular package."""
    return _build(root, MODULES_FILES, MODULES_PLAN.format(gate=gate), links=False)


def _build(root: Path, files: dict[str, str | bytes], plan: str, *, links: bool) -> Path:
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    write(root, files)
    if links:
        for path, target in LINKS.items():
            (root / path).symlink_to(target)
        for path in EXECUTABLE:
            (root / path).chmod(0o755)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "everything", GIT_AUTHOR_DATE=DATE, GIT_COMMITTER_DATE=DATE)
    commit(root, {"migration.toml": plan}, "plan")
    if links:
        write(root, dict(UNTRACKED))
    return root


def copy(root: Path, target: Path) -> Path:
    shutil.copytree(root, target, symlinks=True)
    git(target, "update-index", "-q", "--refresh")
    return target


@dataclass(frozen=True)
class State:
    """Everything that a user could miss: files with modes and links, HEAD, all refs, the index, what git says."""

    head: str
    tree: str
    refs: str  # every one by its name, that of the current branch without its commit, which is `head`
    index: str
    status: str
    files: tuple[tuple[str, str, bytes], ...]

    def names(self) -> set[str]:
        return {path for path, _, _ in self.files}


def state(root: Path) -> State:
    files = []
    for folder, folders, names in os.walk(root):
        if Path(folder) == root and ".git" in folders:
            folders.remove(".git")
        links = [f for f in folders if os.path.islink(os.path.join(folder, f))]
        for name in [*names, *links]:
            place = Path(folder, name)
            path = place.relative_to(root).as_posix()
            if path == ".git":  # a linked worktree
                continue
            if place.is_symlink():
                files.append((path, "link", os.fsencode(os.readlink(place))))
            else:
                files.append((path, oct(place.stat().st_mode & 0o777), place.read_bytes()))
        if not folders and not names:
            files.append((Path(folder).relative_to(root).as_posix() + "/", "empty folder", b""))
    head, tree = git(root, "rev-parse", "HEAD", "HEAD^{tree}").split()
    refs = "%(HEAD) %(refname) %(if)%(HEAD)%(then)%(else)%(objectname)%(end)"
    return State(
        head,
        tree,
        git(root, "for-each-ref", f"--format={refs}"),
        git(root, "ls-files", "-s"),
        git(root, "status", "--porcelain", "--untracked-files=all"),
        tuple(sorted(files)),
    )


@dataclass(frozen=True)
class Done:
    """One run of the command; `text` is both streams as one line, for what a message must contain."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return " ".join((self.out + self.err).split())


def migrate(root: Path, *arguments: str, cwd: Path | None = None, given: str = "", **extra: str) -> Done:
    """`python -m tools.migrate` as a user starts it: in the checkout, the tool somewhere else; `given` is its input."""
    env = environment(PYTHONPATH=str(TOOL), **extra)
    done = subprocess.run(
        [sys.executable, "-m", "tools.migrate", *arguments], cwd=cwd or root, env=env, capture_output=True, text=True,
        input=given, timeout=120,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


class Server:
    """`faults.py` in a process of its own; one job after the other."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("faults.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(),
        )  # fmt: skip

    def __call__(self, root: Path, **job: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"root": str(root), **job}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def migrate(self, root: Path, *arguments: str, cwd: Path | None = None, **extra: str) -> Done:
        """As the function of that name, without waiting for a new interpreter each time."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            env = environment(PYTHONPATH=str(TOOL), **extra)
            answer = self(root, argv=arguments, cwd=str(cwd or root), out=str(out), err=str(err), env=env)
            return Done(answer["code"], out.read_bytes().decode(), err.read_text())

    def ok(self, root: Path, **job: Any) -> dict[str, Any]:
        answer = self(root, **job)
        assert answer.get("code") == 0, (job, answer)
        return answer

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@cache
def _shared() -> Server:
    """One for this process, started when the first test asks for it."""
    server = Server()
    atexit.register(server.close)
    return server


def served(root: Path, *arguments: str, cwd: Path | None = None, **extra: str) -> Done:
    """As `migrate`, in a forked child of a process that has loaded the tool already."""
    return _shared().migrate(root, *arguments, cwd=cwd, **extra)


def alive(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
