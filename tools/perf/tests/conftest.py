"""What these tests share: a small repository that is a copy of this one, and ways to make it slower on purpose.

Owns the two slow-downs.  Neither depends on how the codec is written: one is put before everything that is compiled,
the other into the public function.
"""

from __future__ import annotations

import ast
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
    """Make each batch wait, as it would for memory or a lock: it costs time and next to no instructions.

    The wait is put into the function: one more call around it, that passes all arguments on, would cost thousands.
    """
    path = root / layout_of(root).folder / "batch.py"
    text = path.read_text(encoding="utf-8")
    functions = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
    body = next(each.body for each in reversed(functions) if each.name == "decode_batch")
    lines = text.splitlines(keepends=True)
    lines.insert(body[0].end_lineno or 0, "    _sleep(0.0002)\n")  # behind the docstring
    path.write_text("".join(lines) + "\n\nfrom time import sleep as _sleep\n", encoding="utf-8")
