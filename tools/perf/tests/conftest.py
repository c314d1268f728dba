"""What these tests share: a small repository that is a copy of this one, and ways to make it slower on purpose.

Owns the two slow-downs.  Neither depends on how the codec is written: one is put before everything that is compiled,
the other behind everything that is imported.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.perf.trees import copy_working_tree, layout_of

ROOT = Path(__file__).resolve().parents[3]
NATIVE = os.environ.get("ALPHAPULSE_REQUIRE_C") == "1" or shutil.which("cc") is not None
needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
needs_compiler = pytest.mark.skipif(not NATIVE, reason="no C compiler")

# Whenever the codec goes to the bytes of a new object, as it does to fill a message in, the first of them are copied
# into a place that the compiler must believe is read: about 2 % of what a trade costs.
_COPY = """
#include <string.h>
static inline char *copied_once_more(PyObject *object)
{
    static unsigned char spare[128];
    char *at = ((PyBytesObject *)object)->ob_sval;
    if (Py_REFCNT(object) == 1 && Py_SIZE(object) >= 64) {
        memcpy(spare, at, 64);
        memcpy(spare + 64, at, 64);
        __asm__ volatile("" : : "r"(spare) : "memory");
    }
    return at;
}
#undef PyBytes_AS_STRING
#define PyBytes_AS_STRING(object) copied_once_more((PyObject *)(object))
"""
# A batch waits for something, as it would for memory or a lock: it costs time and next to no instructions.
_WAIT = """

import time as _time
from functools import wraps as _wraps

_without_waiting = decode_batch


@_wraps(_without_waiting)
def decode_batch(*arguments, **named):
    _time.sleep(0.0002)
    return _without_waiting(*arguments, **named)
"""


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository of one commit."""
    root = tmp_path_factory.mktemp("perf") / "original"
    copy_working_tree(ROOT, root)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "As it is")
    return root


@pytest.fixture
def repository(original: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(original, tmp_path / "repository", symlinks=True))


def copy_in_the_build_path(root: Path) -> None:
    """Make the compiled codec copy what it builds once more."""
    path = root / layout_of(root).folder / "_native" / "core.h"
    text = path.read_text(encoding="utf-8")
    head, end = text.rstrip().rsplit("#endif", 1)
    path.write_text(f"{head}{_COPY}\n#endif{end}\n", encoding="utf-8")


def wait_in_batches(root: Path) -> None:
    """Make each batch wait, and execute nothing more."""
    path = root / layout_of(root).folder / "batch.py"
    path.write_text(path.read_text(encoding="utf-8") + _WAIT, encoding="utf-8")
