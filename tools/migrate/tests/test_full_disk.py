"""A disk that is full, a folder that may not be written: injected at Python's own calls, and real ones for git's.

Whatever fails: nothing was touched (exit 3), or all was put back (exit 4), and once the cause is gone the same command
ends where an undisturbed run ends.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.migrate.journal import Journal
from tools.migrate.tests import sample
from tools.migrate.tests.killcases import Case, Cases
from tools.migrate.tests.sample import Server

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork"),
    pytest.mark.timeout(3600),
]
STAGES = ("stage 3", "stage 4", "stage 6")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cases]:
    server = Server()
    yield Cases(server, tmp_path_factory.mktemp("full"))
    server.close()


def half_done(root: Path) -> bool:
    """Whether the run could not even put things back; it must have said so."""
    return Journal(root / ".git", "unify").history().running is not None


def fail_at(cases: Cases, case: Case, event: int, number: int, place: Path, *, lasting: bool) -> bool:
    """Let the first writing call from `event` on fail; returns whether there was one."""
    shutil.rmtree(place, ignore_errors=True)
    root = sample.copy(case.root, place)
    answer = cases.server(root, **case.job, event=event, fail=number, lasting=lasting)
    where = (case.job, event, number, lasting, answer)
    if not answer["failed"]:
        assert answer["code"] == 0, where
        return False
    if answer["code"] == 0:  # what failed was no part of the work, such as the memory of single files
        assert sample.state(root) == case.after, where
        return True
    assert answer["code"] in (3, 4), where
    if not lasting or not half_done(root):
        assert sample.state(root) == case.before, where
    back = event % 2 == 1
    cases.server.ok(root, **({"rollback": case.back_to} if back else case.job))
    assert sample.state(root) == (case.back if back else case.after), where
    return True


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES], ids=["full", "forbidden"])
@pytest.mark.parametrize("name", STAGES)
def test_a_write_that_fails(name: str, number: int, lasting: bool, cases: Cases, tmp_path: Path) -> None:
    case = cases(name)
    points = [1 + n * case.events // 5 for n in range(4)]
    assert sum(fail_at(cases, case, event, number, tmp_path / "r", lasting=lasting) for event in points) >= 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", STAGES)
def test_every_write_fails(name: str, lasting: bool, cases: Cases, tmp_path: Path) -> None:
    case = cases(name)
    tried = [fail_at(cases, case, e, errno.ENOSPC, tmp_path / "r", lasting=lasting) for e in range(1, case.events, 2)]
    assert sum(tried) > 50


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", str(place)]
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs more rights")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Take all room but `left` bytes."""
    filler, free = disk / "filler", shutil.disk_usage(disk).free
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - left, 1))
    return filler


@pytest.mark.parametrize("name", STAGES)
def test_a_disk_that_is_full(name: str, cases: Cases, small_disk: Path) -> None:
    """With less and less room, git's own writes fail as well."""
    case, ends = cases(name), set()
    for left in (0, 100_000, 350_000, 400_000, 420_000, 450_000, 500_000):
        root = sample.copy(case.root, small_disk / "r")
        filler = fill(small_disk, left)
        answer = cases.server(root, **case.job)
        where = (name, left, answer)
        ends.add(answer["code"])
        assert answer["code"] in (0, 3, 4), where
        assert "could not be taken back" not in answer["message"], where
        filler.unlink()
        assert sample.state(root) == (case.after if answer["code"] == 0 else case.before), where
        cases.server.ok(root, **case.job)
        assert sample.state(root) == case.after, where
        shutil.rmtree(root)
    assert 3 in ends and len(ends) > 1, ends


WITHOUT_RIGHTS = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)


def as_a_user(root: Path, *arguments: str) -> sample.Done:
    """The command with no more rights than the modes of files give; root would write anywhere."""
    wrapper: tuple[str, ...] = ()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write anywhere, and there is no setpriv")
        wrapper = WITHOUT_RIGHTS
    done = subprocess.run(
        [*wrapper, sys.executable, "-m", "tools.migrate", *arguments], cwd=root, capture_output=True, text=True,
        env=sample.environment(PYTHONPATH=str(sample.TOOL)), timeout=120,
    )  # fmt: skip
    return sample.Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("folder", ["services/a", "protocol_v2/tlv", ".git", ".git/migrate/unify"])
def test_a_folder_that_may_not_be_written(folder: str, cases: Cases, tmp_path: Path) -> None:
    case = cases("stage 4" if folder == "services/a" else "stage 3")
    root = sample.copy(case.root, tmp_path / "r")
    place = root / folder
    mode = stat.S_IMODE(place.stat().st_mode)
    place.chmod(0o555)
    try:
        done = as_a_user(root, "--stage", str(case.job["stage"]))
        assert done.code == 3, done
        assert "right" in done.err and "Traceback" not in done.err, done
    finally:
        place.chmod(mode)
    assert sample.state(root) == case.before
    assert as_a_user(root, "--stage", str(case.job["stage"])).code == 0
    assert sample.state(root) == case.after


def test_a_file_that_may_not_be_written_is_replaced_and_stays_so(cases: Cases, tmp_path: Path) -> None:
    case = cases("stage 4")
    root = sample.copy(case.root, tmp_path / "r")
    place = root / "services/a/app.py"
    place.chmod(0o444)
    before = sample.state(root)
    assert as_a_user(root, "--stage", "4").code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o444 and "libs.types.protocol" in place.read_text()
    assert as_a_user(root, "rollback", "--to", "4", "--hard").code == 0
    assert sample.state(root) == before
