"""Moves of every shape through the real command, all six stages; and migrations one after the other.

After each stage the program prints what it did before; with the shims, old and new names are one object; after cleanup
no old name is left, and git follows each moved file to its first commit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.migrate.tests import sample
from tools.migrate.tests.sample import commit, environment, git
from tools.migrate.tests.shapes import SHAPES, Shape

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def server() -> Iterator[sample.Server]:
    started = sample.Server()
    yield started
    started.close()


def build(root: Path, shape: Shape, name: str = "shape") -> Path:
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, {**shape.files, "migration.toml": shape.plan(name)}, "everything")
    return root


def python(root: Path, shape: Shape, code: str = "") -> str:
    """What the program (or `code`) prints; an error is a failure."""
    roots = os.pathsep.join(str(root / r) for r in (*shape.roots, *shape.later))
    command = [sys.executable, "-S", "-c", code] if code else [sys.executable, "-S", "main.py"]
    ran = subprocess.run(
        command, cwd=root, env=environment(PYTHONPATH=roots), capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def stages(server: sample.Server, root: Path, *numbers: int, plan: str = "migration.toml") -> None:
    for number in numbers:
        done = server.migrate(root, "--stage", str(number), "--plan", plan)
        assert done.code == 0, (number, done)


def one_object(names: tuple[tuple[str, str], ...]) -> str:
    lines = ["import importlib"]
    for old, new in names:
        lines.append(f"assert importlib.import_module({old!r}) is importlib.import_module({new!r}), {old!r}")
    return "\n".join(lines)


def gone(names: tuple[tuple[str, str], ...], kept: tuple[str, ...]) -> str:
    return (
        "import importlib\n"
        f"for name in {[o for o, _ in names]!r}:\n"
        "    try:\n        importlib.import_module(name)\n"
        "    except ImportError:\n        continue\n"
        "    raise SystemExit(name + ' is still there')\n"
        f"for name in {[*kept, *(n for _, n in names)]!r}:\n    importlib.import_module(name)\n"
    )


@pytest.mark.parametrize("name", SHAPES)
def test_shape(name: str, tmp_path: Path, server: sample.Server) -> None:
    shape = SHAPES[name]
    root = build(tmp_path / "r", shape)
    before, first = python(root, shape), git(root, "rev-parse", "HEAD")
    stages(server, root, 1, 2, 3)
    assert python(root, shape) == before
    python(root, shape, one_object(shape.names))
    python(root, shape, one_object(tuple((new, old) for old, new in reversed(shape.names))))
    stages(server, root, 4)
    assert python(root, shape) == before
    stages(server, root, 5, 6)
    assert python(root, shape) == before
    python(root, shape, gone(shape.names, shape.kept))
    assert git(root, "status", "--porcelain") == ""
    renames = git(root, "log", "--diff-filter=R", "--find-renames=100%", "--format=", "--name-status")
    for line in renames.splitlines():
        assert line.startswith("R100"), line
        new = line.split("\t")[2]
        assert first in git(root, "log", "--follow", "--format=%H", "--", new), new
    assert len(renames.splitlines()) >= len(shape.names)


ROLLED = [*SHAPES][5:10:2]  # the others under the marker: each takes seconds


@pytest.mark.parametrize("name", [n if n in ROLLED else pytest.param(n, marks=pytest.mark.exhaustive) for n in SHAPES])
def test_shape_rolls_back(name: str, tmp_path: Path, server: sample.Server) -> None:
    root = build(tmp_path / "r", SHAPES[name])
    tree = git(root, "rev-parse", "HEAD^{tree}")
    stages(server, root, 1, 2, 3, 4)
    done = server.migrate(root, "rollback", "--to", "3")
    assert done.code == 0, done
    assert git(root, "rev-parse", "HEAD^{tree}") == tree


CHAIN = [
    (("alpha", "beta.gamma"), ("beta.gamma", "delta")),  # on, out of the new parent
    (("alpha", "omega"), ("omega.core", "base.kernel")),  # a part of it leaves
    (("alpha", "omega"), ("omega", "alpha2.inner")),  # renamed twice
]


@pytest.mark.parametrize("moves", CHAIN)
def test_a_second_migration_while_the_shims_of_the_first_stand(
    moves: tuple[tuple[str, str], tuple[str, str]], tmp_path: Path, server: sample.Server
) -> None:
    first, second = moves
    shape = Shape((first,), {**SHAPES["top-level package, renamed"].files}, ())
    root = build(tmp_path / "r", shape, "first")
    before = python(root, shape)
    commit(root, {"late.py": "import alpha.core as late\n\nL = late.KIND\n"})
    stages(server, root, 1, 2, 3, 4)
    assert python(root, shape) == before
    commit(root, {"second.toml": Shape((second,), {}, ()).plan("second")}, "the second plan")
    stages(server, root, 1, 2, 3, plan="second.toml")
    assert server.migrate(root, "check-shims").code == 0  # for weeks, where teams land slice by slice
    if moves == CHAIN[0]:  # the shims of the first still wait, also where somebody has committed meanwhile
        commit(root, {"other.py": ""})
        stages(server, root, 2, plan="second.toml")
    stages(server, root, 4, plan="second.toml")
    assert python(root, shape) == before
    source, target = second
    core = "" if source.endswith("core") else ".core"
    names = (("alpha.core", target + core), (source + core, target + core))
    python(root, shape, one_object(names))
    python(root, shape, "import late; assert late.L == 'core'")
    refused = server.migrate(root, "rollback", "--to", "3")
    assert refused.code == 3 and "'second' has begun since" in refused.text, refused
    # The second migration has taken over the shims of the first: it watches them, and its cleanup is the end of both.
    assert server.migrate(root, "check-shims").code == 0
    assert (root / "migration.toml").read_text() == shape.plan("first")
    assert (root / "second.toml").read_text() == Shape((second,), {}, ()).plan("second")
    commit(root, {"later.py": "from alpha.core import KIND\n"})
    done = server.migrate(root, "check-shims", "--format", "text")
    assert done.code == 1 and "later.py:1" in done.text, done
    stages(server, root, 2, plan="second.toml")
    done = server.migrate(root, "--stage", "5", "--plan", "second.toml")
    assert done.code == 1 and "later.py:1" in done.text, done
    git(root, "rm", "-q", "later.py")
    git(root, "commit", "-qm", "nobody needs it")
    stages(server, root, 2, plan="second.toml")
    done = server.migrate(root, "--stage", "5", "--plan", "second.toml")
    assert done.code == 0 and "second-opinion" not in done.text, done
    stages(server, root, 6, plan="second.toml")
    assert python(root, shape) == before
    python(root, shape, gone((("alpha.core", target + core), (source + core, target + core)), ()))
