"""Gates run real shells and real pytest processes in a small tree; nothing is replaced by a stand-in."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.migrate.gates import Comparison, GateResult, compare, explain, run_gate
from tools.migrate.tests.sample import alive

PY = shlex.quote(sys.executable)
PYTEST = f"{PY} -m pytest -q"

MIXED = """
import pytest

def test_passes(): assert True
def test_fails(): assert 1 == 2, "one is not two"
@pytest.fixture
def broken(): raise ValueError("no fixture")
def test_errors(broken): pass
@pytest.mark.skip(reason="later")
def test_skipped(): pass
@pytest.mark.xfail
def test_xfails(): assert False
class TestGroup:
    class TestInner:
        @pytest.mark.parametrize("n", [1, "a.b::c"])
        def test_many(self, n): pass
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PYTEST_ADDOPTS", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONDONTWRITEBYTECODE", "COVERAGE_FILE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "a tree"
    root.mkdir()
    return root


@pytest.fixture
def gate(tree: Path, tmp_path: Path) -> Callable[..., GateResult]:
    def run(command: str = PYTEST, timeout: float | None = 120, **options: bool) -> GateResult:
        return run_gate(command, tree, tmp_path / "work dir", timeout=timeout, **options)

    return run


Gate = Callable[..., GateResult]


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*")}


def result(outcomes: dict[str, str], code: int, **more: object) -> GateResult:
    return GateResult("run", code, 0.1, outcomes, **more)  # type: ignore[arg-type]


def test_each_test_has_its_outcome_and_the_tree_stays_clean(tree: Path, gate: Gate) -> None:
    write(tree, "tests/test_mixed.py", MIXED)
    write(tree, "helper.py", "X = 1\n")
    write(tree, "conftest.py", "import helper\n")
    before = files(tree)
    ran = gate()
    assert ran.exit_code == 1
    name = "tests/test_mixed.py"
    assert ran.outcomes == {
        f"{name}::test_passes": "passed",
        f"{name}::test_fails": "failed",
        f"{name}::test_errors": "error",
        f"{name}::test_skipped": "skipped",
        f"{name}::test_xfails": "xfailed",
        f"{name}::TestGroup::TestInner::test_many[1]": "passed",
        f"{name}::TestGroup::TestInner::test_many[a.b::c]": "passed",
    }
    assert ran.messages[f"{name}::test_fails"] == "AssertionError: one is not two"
    assert "no fixture" in ran.messages[f"{name}::test_errors"]
    assert (ran.complete, ran.problem, ran.timed_out, ran.interrupted) == (True, "", False, False)
    assert "1 failed" in ran.tail
    assert files(tree) == before
    assert not list(Path(ran.log).parent.glob("pycache"))


def test_the_users_own_pytest_options_are_kept(tree: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tree, "test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k 'one or none'")
    assert gate().outcomes == {"test_a.py::test_one": "passed"}


def test_the_users_own_tox_override_is_kept(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOX_OVERRIDE", "testenv.deps+=x")
    said = gate("echo $TOX_OVERRIDE").tail.split(";")
    assert said[0] == "testenv.deps+=x" and "testenv.pass_env+=PYTEST_ADDOPTS" in said


def test_xdist_gives_the_same_outcomes(tree: Path, gate: Gate) -> None:
    write(tree, "tests/test_mixed.py", MIXED)
    assert gate(f"{PYTEST} -n 2").outcomes == gate().outcomes


def test_two_pytest_runs_in_one_command_add_up(tree: Path, gate: Gate) -> None:
    write(tree, "a/test_a.py", "def test_a(): pass\n")
    write(tree, "b/test_b.py", "def test_b(): assert 0\n")
    ran = gate(f"{PYTEST} a && cd b && {PYTEST}")
    assert ran.outcomes == {"a/test_a.py::test_a": "passed", "b/test_b.py::test_b": "failed"}
    assert ran.complete


def test_a_report_that_was_lost_makes_the_outcomes_incomplete(tree: Path, gate: Gate) -> None:
    write(tree, "test_a.py", "def test_a(): pass\n")
    ran = gate(f"{PYTEST}; {PYTEST} --junitxml={shlex.quote(str(tree.parent / 'own.xml'))}")
    assert ran.outcomes == {"test_a.py::test_a": "passed"}
    assert not ran.complete


def test_a_pytest_that_a_test_starts_is_not_counted(tree: Path, gate: Gate, tmp_path: Path) -> None:
    inner = write(tmp_path / "elsewhere", "test_strange.py", "def test_inner(): assert 0\n")
    code = f"import subprocess, sys\ndef test_outer(): assert subprocess.call([sys.executable, '-m', 'pytest', '-q', {str(inner)!r}]) == 1\n"  # noqa: E501
    write(tree, "test_outer.py", code)
    assert gate().outcomes == {"test_outer.py::test_outer": "passed"}


def test_an_inherited_test_belongs_to_the_file_that_runs_it(tree: Path, gate: Gate) -> None:
    write(tree, "base.py", "class Base:\n    def test_it(self): pass\n")
    for name in ("test_x", "test_y"):
        write(tree, f"tests/{name}.py", "import base\nclass TestIt(base.Base): pass\n")
    assert set(gate().outcomes) == {"tests/test_x.py::TestIt::test_it", "tests/test_y.py::TestIt::test_it"}


def test_make_is_looked_through(tree: Path, gate: Gate) -> None:
    write(tree, "test_a.py", "def test_a(): pass\n")
    write(tree, "Makefile", f"test:\n\t{PYTEST}\n")
    assert gate("make test").outcomes == {"test_a.py::test_a": "passed"}


def test_a_command_without_pytest_has_an_exit_code_only(tree: Path, gate: Gate) -> None:
    ran = gate("for i in $(seq 200); do echo line $i; done; exit 3")
    assert (ran.exit_code, ran.outcomes, ran.problem) == (3, {}, "")
    assert ran.tail.splitlines()[0] == "line 141" and ran.tail.splitlines()[-1] == "line 200"
    assert len(Path(ran.log).read_text().splitlines()) == 200


def test_no_stale_byte_code_is_used(tree: Path, gate: Gate) -> None:
    module = write(tree, "value.py", "V = 1\n")
    subprocess.run([sys.executable, "-c", "import value"], cwd=tree, check=True)
    stamp = module.stat()
    module.write_text("V = 2\n")  # same size, and the same time below: the .pyc beside it looks valid
    os.utime(module, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    write(tree, "test_v.py", "import value\ndef test_v(): assert value.V == 2\n")
    assert gate(f"{PY} -m pytest -q").exit_code == 0


# Choice of the interpreter


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH whose `python` works, is no virtual environment, and has no pytest."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(os.path.realpath(sys.executable))} -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder


@pytest.mark.parametrize("command", ["python -m pytest -q", "cd . && A=1 python -X dev -m pytest -q", "pytest -q"])
def test_the_running_interpreter_steps_in_for_one_without_pytest(
    command: str, tree: Path, gate: Gate, bare_path: Path
) -> None:
    write(tree, "test_a.py", "def test_a(): pass\n")
    ran = gate(command)
    assert ran.outcomes == {"test_a.py::test_a": "passed"}
    assert Path(ran.python).parent == Path(sys.executable).parent


def test_the_python_on_path_is_kept_when_it_can_run_the_gate(tree: Path, gate: Gate, bare_path: Path) -> None:
    ran = gate("python -m json.tool --help")
    assert (ran.exit_code, ran.python) == (0, str(bare_path / "python"))


def test_own_python_on_demand(tree: Path, gate: Gate, bare_path: Path) -> None:
    ran = gate("python -c 'import sys; print(sys.executable)'", prefer_own_python=True)
    assert Path(ran.tail.strip()).parent == Path(sys.executable).parent


def test_an_active_environment_is_left_alone_and_its_lack_is_a_problem(
    tree: Path, gate: Gate, bare_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(bare_path))
    write(tree, "test_a.py", "def test_a(): pass\n")
    ran = gate("python -m pytest -q")
    assert ran.outcomes == {} and ran.exit_code == 1
    assert ran.problem.startswith("No module named pytest in /")


@pytest.mark.parametrize("command", ["no-such-tool --all", "make test"])
def test_a_missing_command_is_a_problem(command: str, tree: Path, gate: Gate) -> None:
    write(tree, "Makefile", "test:\n\t@no-such-tool --all\n")
    assert gate(command).problem == "command not found: no-such-tool"


def test_a_path_without_any_python(gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    assert gate("true").problem == ""
    assert gate("no-such-tool").problem == "command not found: no-such-tool"


def test_a_missing_plugin_is_a_problem(tree: Path, gate: Gate) -> None:
    assert "--no-such-option" in gate(f"{PYTEST} --no-such-option").problem


def test_a_run_that_pytest_gives_up_is_a_problem(tree: Path, gate: Gate) -> None:
    (tree / "test_it.py").write_text("def test_passes(): assert True\n")
    hook = tree / "conftest.py"
    hook.write_text("def pytest_runtestloop(session): raise RuntimeError('no loop')\n")
    assert "pytest gave up" in gate().problem
    hook.write_text("")
    assert gate().problem == ""
    (tree / "test_other.py").write_text(
        "import os, pytest\n@pytest.mark.parametrize('n', [os.getpid()])\ndef test_it(n): pass\n"
    )
    assert "pytest gave up" in gate(f"{PYTEST} -n 2").problem


def test_a_failing_import_in_a_test_is_no_problem_of_the_tools(tree: Path, gate: Gate) -> None:
    write(tree, "test_a.py", "import no_such_module\n")
    ran = gate()
    assert (ran.exit_code, ran.problem) == (2, "")
    assert ran.outcomes == {"test_a.py": "error"}
    assert ran.messages == {"test_a.py": "ModuleNotFoundError: No module named 'no_such_module'"}


# Ends


def gone(pid: int) -> bool:
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@linux
def test_a_timeout_ends_the_whole_group(tree: Path, gate: Gate) -> None:
    ran = gate("sleep 600 & echo $! > pid; wait", timeout=1.0)
    assert ran.timed_out and ran.exit_code == 124 and not ran.complete
    assert ran.problem == "no end within 1 s"
    assert ran.seconds < 10
    assert gone(int((tree / "pid").read_text()))


@linux
def test_what_a_gate_leaves_in_the_background_is_ended(tree: Path, gate: Gate) -> None:
    ran = gate("sleep 600 & echo $! > pid")
    assert ran.exit_code == 0 and not ran.timed_out
    assert gone(int((tree / "pid").read_text()))


RUNS_ONE = (
    "import sys; from pathlib import Path; from tools.migrate.gates import run_gate\n"
    "run_gate(sys.argv[3], Path(sys.argv[1]), Path(sys.argv[2]), timeout=None)\n"
)


def started(code: str, tree: Path, command: str) -> subprocess.Popen[str]:
    """A process that runs the code, and has begun: the command writes its process id to a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tree), str(tree.parent / "w"), command],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        stderr=subprocess.PIPE,
        text=True,
    )
    until(tree / "pid")
    return process


def until(file: Path) -> None:
    for _ in range(400):
        if file.exists() and file.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"no {file.name} within 20 s")


# The process runs already, and the call that starts it has not come back.
SLOW = (
    "import subprocess, time\n"
    "class Slow(subprocess.Popen):\n"
    "    def __init__(self, *given, **named):\n"
    "        super().__init__(*given, **named)\n"
    "        time.sleep(1)\n"
    "subprocess.Popen = Slow\n"
)


@linux
@pytest.mark.parametrize("before", ["", SLOW], ids=["while it runs", "before it has a name"])
def test_an_interrupt_ends_the_gate_and_passes(before: str, tree: Path) -> None:
    process = started(before + RUNS_ONE, tree, "echo $$ > pid; sleep 600; true")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    assert gone(int((tree / "pid").read_text()))


@linux
def test_a_second_interrupt_does_not_wait_for_a_gate_that_will_not_end(tree: Path) -> None:
    patient = "import tools.migrate.gates; tools.migrate.gates._GRACE = 600\n"
    process = started(patient + RUNS_ONE, tree, "trap 'echo > asked' TERM; echo $$ > pid; while :; do sleep 1; done")
    process.send_signal(signal.SIGINT)
    until(tree / "asked")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    assert gone(int((tree / "pid").read_text()))


def test_a_gate_that_kills_itself_was_interrupted(tree: Path, gate: Gate) -> None:
    assert gate("kill -9 $$").interrupted
    assert not gate("exit 1").interrupted


# Comparison


def test_a_move_alone_breaks_nothing() -> None:
    before = result({"old/test_a.py::test_x": "passed", "old/test_a.py::test_y": "failed"}, 1)
    after = result({"new/test_a.py::test_x": "passed", "new/test_a.py::test_y": "failed"}, 1)
    same = compare(before, after, lambda name: name.replace("old/", "new/", 1))
    assert same.ok and same.already_broken == ("new/test_a.py::test_y",)
    assert (same.broken, same.missing, same.fixed, same.new) == ((), (), (), ())
    assert explain(same) == []
    assert compare(before, after).missing == ("old/test_a.py::test_x",)


def test_every_kind_of_change_has_its_place() -> None:
    before = result({"a": "passed", "b": "passed", "c": "failed", "d": "error", "e": "skipped", "f": "xfailed"}, 1)
    after = result({"a": "failed", "c": "passed", "d": "failed", "e": "failed", "f": "skipped", "g": "passed"}, 1)
    seen = compare(before, after)
    assert (seen.broken, seen.missing) == (("a", "e"), ("b",))
    assert (seen.fixed, seen.already_broken, seen.new) == (("c",), ("d",), ("g",))
    assert not seen.ok


@pytest.mark.parametrize("now", ["skipped", "xfailed", "error"])
def test_passed_must_stay_passed(now: str) -> None:
    assert compare(result({"a": "passed"}, 0), result({"a": now}, 0)).broken == ("a",)


def test_a_new_failure_is_broken_a_new_pass_is_not() -> None:
    before = result({"a": "passed"}, 0)
    assert compare(before, result({"a": "passed", "n": "passed"}, 0)).ok
    assert compare(before, result({"a": "passed", "n": "failed"}, 1)).broken == ("n",)


@pytest.mark.parametrize(
    ("before", "after", "ok"),
    [(0, 0, True), (1, 0, True), (1, 1, True), (0, 1, False), (1, 2, False), (5, 5, True), (2, 1, False)],
)
def test_exit_codes_alone(before: int, after: int, ok: bool) -> None:
    seen = compare(result({}, before), result({}, after, tail="some output\nlast line\n"))
    assert seen.ok is ok
    assert (explain(seen) == []) is ok
    assert ok or explain(seen) == [f"`run`: exit {after}, before: exit {before}; last output: last line"]


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_run_that_crashed_is_broken_even_if_all_failed_before(code: int) -> None:
    seen = compare(result({"a": "failed"}, 1), result({}, code))
    assert not seen.ok and f"exit {code} (" in seen.reason


def test_an_incomplete_run_does_not_call_tests_missing() -> None:
    before = result({"a": "passed", "b": "passed"}, 0)
    assert compare(before, result({"a": "passed"}, 0, complete=False)).ok
    assert not compare(before, result({"a": "failed"}, 1, complete=False)).ok
    assert not compare(before, result({"a": "passed"}, 1, complete=False)).ok


def test_a_problem_that_was_there_before_is_already_broken() -> None:
    lacking = result({}, 127, problem="command not found: x")
    assert compare(lacking, lacking).ok
    worse = compare(result({}, 0), lacking)
    assert explain(worse) == ["`run`: command not found: x (exit 127; before: exit 0)"]


def test_a_broken_test_is_explained_by_its_first_line(tree: Path, gate: Gate) -> None:
    test = write(tree, "test_a.py", "def test_a():\n    assert 1 == 1\ndef test_b(): assert 0\n")
    before = gate()
    test.write_text(test.read_text().replace("1 == 1", "1 == 2"))
    assert explain(compare(before, gate())) == ["test_a.py::test_a: passed before, failed now: assert 1 == 2"]


def test_a_file_that_cannot_be_collected_any_more_is_explained(tree: Path, gate: Gate) -> None:
    tests = "".join(f"def test_{n}(): pass\n" for n in range(5))
    test = write(tree, "tests/test_a.py", tests)
    before = gate()
    test.write_text(f"import gone_away\n{tests}")
    assert explain(compare(before, gate())) == [
        "tests/test_a.py: not run before, error now: ModuleNotFoundError: No module named 'gone_away'",
        "tests/test_a.py: 5 tests: passed before, not run now",
    ]


def test_a_case_whose_id_holds_the_time_is_the_same_case(tree: Path, gate: Gate) -> None:
    text = "import pytest\n@pytest.mark.parametrize('at', ['{}', 'b'])\ndef test_a(at): assert at != 'bad'\n"
    test = write(tree, "tests/test_a.py", text.format("06:24"))
    before = gate()
    test.write_text(text.format("06:25"))
    assert compare(before, gate()).ok
    test.write_text(text.format("bad"))
    assert not compare(before, gate()).ok
    test.write_text(text.replace("'{}', ", ""))
    assert compare(before, gate()).missing == ("tests/test_a.py::test_a[06:24]",)


def test_results_survive_json(tree: Path, gate: Gate) -> None:
    write(tree, "tests/test_mixed.py", MIXED)
    ran = gate()
    assert GateResult.from_dict(json.loads(json.dumps(ran.as_dict()))) == ran
    seen = compare(ran, result({"x": "failed"}, 1))
    assert Comparison.from_dict(json.loads(json.dumps(seen.as_dict()))) == seen
    assert seen.as_dict()["ok"] is False


def test_a_tree_without_pytests_cache_is_no_usage_error(tree: Path, gate: Gate) -> None:
    write(tree, "pytest.ini", "[pytest]\naddopts = --strict-config -p no:cacheprovider\n")
    write(tree, "test_a.py", "def test_x(): pass\n")
    assert gate().outcomes == {"test_a.py::test_x": "passed"}


def test_a_command_that_pytest_does_not_take_is_a_problem(tree: Path, gate: Gate) -> None:
    write(tree, "test_a.py", "def test_x(): pass\n")
    assert "nowhere" in gate(f"{PYTEST} nowhere").problem
