"""Planning again after somebody's commit: stage 2 alone leaves what audit and design from scratch would write.

The commits are of all kinds: files edited, added, deleted, renamed, a manifest, the plan file, a data file that an
import reads, a folder that it lists.  After each one the state is compared, document by document, with that of a run
without any memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.migrate import commands
from tools.migrate.checked import checksum
from tools.migrate.model import MigrateError, Refused
from tools.migrate.otherpython import Driver
from tools.migrate.session import Session
from tools.migrate.tests.sample import commit, git

pytestmark = [
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.timeout(1200),
]
PLAN = """\
[migration]
name = "again"
[[move]]
from = "pkg.part"
to = "lib.part"
[[move]]
from = "wire"
to = "lib.wire"
"""
FILES: dict[str, str] = {
    "migration.toml": PLAN,
    "pyproject.toml": '[project]\nname = "whole"\nversion = "1"\n[tool.mypy]\npackages = ["wire"]\n',
    "pkg/__init__.py": "from pkg import part\n",
    "pkg/part/__init__.py": "import json, os\nHERE = os.path.dirname(__file__)\nfrom base import SIZE\n",
    "pkg/part/data.py": (
        "import json\nfrom pkg.part import HERE\nVALUE = json.load(open(HERE + '/data.json'))['value']\n"
    ),
    "pkg/part/data.json": '{"value": 7}\n',
    "wire/__init__.py": "from pkg.part.data import VALUE\nclass Head:\n    size = VALUE\n",
    "wire/plugins.py": "import os\nNAMES = tuple(sorted(n for n in os.listdir('plugins') if n.endswith('.txt')))\n",
    "wire/lost.py": "import a_library_that_nobody_has\n",
    "base.py": "SIZE = 3\n",
    "plugins/one.txt": "1\n",
    "lib/__init__.py": "",
    "app/__init__.py": "",
    "app/a.py": "import wire\nprint(wire.Head, 'wire.plugins.NAMES')\n",
    "app/b.py": "from app import a\nfrom pkg.part import data\n",
    "docs/guide.md": "`wire.Head` and `pkg.part`\n",
}
# path -> other texts of it; None takes the file away.
TEXTS: dict[str, tuple[str | None, ...]] = {
    "migration.toml": (PLAN + '[scan]\nexclude = ["docs/**"]\n', PLAN + "[shims]\nremove-by = 2030-01-01\n"),
    "pyproject.toml": ('[project]\nname = "whole"\nversion = "2"\n', '[tool.mypy]\npackages = ["pkg.part"]\n', None),
    "pkg/__init__.py": ("", "raise ImportError('not today')\n"),
    "pkg/part/__init__.py": ("import os\nHERE = os.path.dirname(__file__)\ndef get(a, b=2): ...\n",),
    "pkg/part/data.json": ('{"value": 8}\n', "{}\n", None),
    "wire/__init__.py": ("from app.b import data\n", "class Tail: ...\n"),
    "wire/more.py": ("import base\nMORE = base.SIZE\n", None),
    "wire/lost.py": ("FOUND = 1\n", None),
    "base.py": ("SIZE = 4\n", "SIZE = 3\n# a comment\n", "import pkg.part\nSIZE = 5\n"),
    "plugins/two.txt": ("2\n", None),
    "app/a.py": ("x = 1\n", "from pkg.part.data import VALUE\n", "import wire as w\nw.Head\n"),
    "app/b.py": ("from app.a import wire\n", "def broken(:\n", None),
    "app/new.py": ("import pkg.part\npkg.part.data\n", None),
    "docs/guide.md": ("`wire`\n", None),
}
RENAMED = {"app/b.py": "app/c.py", "wire/plugins.py": "wire/found.py", "base.py": "ground.py", "docs/guide.md": "g.md"}
COMMIT = st.dictionaries(st.sampled_from(sorted(TEXTS)), st.integers(0, 5), min_size=1, max_size=2)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return built(tmp_path / "r")


def built(root: Path) -> Path:
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for key, value in (("user.name", "Somebody"), ("user.email", "somebody@example.org")):
        git(root, "config", key, value)
    commit(root, dict(FILES))
    return root


def planned(root: Path, *stages: int) -> str:
    """What went wrong, or ''."""
    try:
        for stage in stages:
            commands.run(Session(root, jobs=1), stage, ())
    except MigrateError as error:
        return str(error)
    return ""


def written(root: Path) -> dict[str, Any]:
    """All that the two stages have written down, without times."""
    state = root / ".git/migrate/again"
    found: dict[str, Any] = {n: json.loads((state / n).read_text()) for n in ("audit.json", "plan.json")}
    found["graph"] = (state / "graph.dot").read_text()
    events = [json.loads(line) for line in (state / "journal.jsonl").read_text().splitlines()]
    for event in events:
        event.get("facts", {}).pop("seconds", None)
    found["journal"] = {event["stage"]: event for event in events if event["event"] == "done"}
    return found


def compared(root: Path) -> None:
    """Stage 2 with what is remembered, and stages 1 and 2 with nothing."""
    state, aside = root / ".git/migrate", root / ".git/aside"
    problem = planned(root, 2)
    again = written(root)
    shutil.move(state, aside)
    try:
        assert planned(root, 1, 2) == problem
        if not problem:
            assert written(root) == again
    finally:
        shutil.rmtree(state, ignore_errors=True)
        shutil.move(aside, state)


def changed(root: Path, edits: dict[str, int], renames: list[str]) -> None:
    for path, number in edits.items():
        texts = (*TEXTS[path], FILES.get(path))
        text = texts[number % len(texts)]
        if text is None:
            (root / path).unlink(missing_ok=True)
        else:
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_text(text)
    for path in renames:
        if (root / path).exists():
            (root / path).rename(root / RENAMED[path])
    git(root, "add", "-A")
    if git(root, "status", "--porcelain"):  # a commit without a change makes nothing stale
        git(root, "commit", "-q", "-m", "somebody's")


def all_compared(place: Path, rounds: list[tuple[dict[str, int], list[str]]]) -> None:
    root = built(place)
    assert planned(root, 1, 2) == ""
    for edits, renames in rounds:
        changed(root, edits, renames)
        compared(root)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(st.tuples(COMMIT, st.lists(st.sampled_from(sorted(RENAMED)), max_size=1)), max_size=3))
def test_stage_2_alone_leaves_what_both_leave_from_scratch(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[tuple[dict[str, int], list[str]]]
) -> None:
    all_compared(tmp_path_factory.mktemp("again") / "r", rounds)


@pytest.mark.exhaustive
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(st.tuples(COMMIT, st.lists(st.sampled_from(sorted(RENAMED)), max_size=1)), max_size=5))
def test_many_commits_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[tuple[dict[str, int], list[str]]]
) -> None:
    all_compared(tmp_path_factory.mktemp("again") / "r", rounds)


EACH = [(path, number) for path, texts in TEXTS.items() for number in range(len(texts))]


@pytest.mark.parametrize("kind", ["one commit a file", "renames"])
def test_each_kind_of_commit(root: Path, kind: str) -> None:
    assert planned(root, 1, 2) == ""
    if kind == "renames":
        for path in sorted(RENAMED):
            changed(root, {}, [path])
            compared(root)
        return
    for path, number in EACH[::3]:
        changed(root, {path: number}, [])
        compared(root)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_commit_that_comes_while_a_plan_is_made_is_not_in_it(root: Path, stage: int) -> None:
    """What is written is of the commit that was read, so it is stale at once, and the next run reads what came."""
    assert planned(root, *range(1, stage)) == ""
    session = Session(root, jobs=1)
    before, found = git(root, "rev-parse", "HEAD"), session.scans
    commit(root, {"app/late.py": "import wire\n"})
    commands.run(session, stage, ())
    events = (root / ".git/migrate/again/journal.jsonl").read_text().splitlines()
    assert found and json.loads(events[-1])["base"] == before
    assert not Session(root, jobs=1).done(stage)
    assert "stale" in planned(root, 3) or stage == 1
    assert planned(root, 1, 2) == ""
    assert "app/late.py" in written(root)["plan.json"]["edits"]


# what interpreters said


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The jobs of interpreters that were started."""
    jobs: list[dict[str, Any]] = []
    begin = Driver.__init__

    def noted(self: Driver, *arguments: Any, **named: Any) -> None:
        jobs.append(arguments[2])
        begin(self, *arguments, **named)

    monkeypatch.setattr(Driver, "__init__", noted)
    return jobs


def touch_app(root: Path) -> None:
    commit(root, {"app/a.py": (root / "app/a.py").read_text() + "# a line\n"})


def test_nothing_is_imported_again_for_a_file_that_no_import_reads(root: Path, started: list[dict[str, Any]]) -> None:
    assert planned(root, 1, 2) == ""
    assert started
    started.clear()
    touch_app(root)
    compared_jobs = len(started)
    assert planned(root, 2) == "" and len(started) == compared_jobs
    document = written(root)["audit.json"]
    assert document["commit"] == git(root, "rev-parse", "HEAD") and document["imports"]["wire"] == ""


def beside(root: Path) -> None:
    (root / "plugins/mine.txt").write_text("untracked, in a folder that an import lists\n")


def read_by_an_import(root: Path) -> None:
    commit(root, {"pkg/part/data.json": '{"value": 9}\n'})


def module_of_nobody(root: Path) -> None:
    commit(root, {"base.py": "SIZE = 30\n"})


def one_more(root: Path) -> None:
    commit(root, {"app/one_more.py": ""})


def damaged(root: Path) -> None:
    place = root / ".git/migrate/again/cache/imports.json"
    data = bytearray(place.read_bytes())
    data[len(data) // 2] ^= 1
    place.write_bytes(data)


def of_another_state(root: Path) -> None:
    """Whole, and with a right checksum, but of another interpreter or tool."""
    place = root / ".git/migrate/again/cache/imports.json"
    document = json.loads(place.read_bytes().partition(b"\n")[2])
    document["key"] = "0"
    document["answers"]["names"] = {}
    body = json.dumps(document).encode()
    place.write_bytes(checksum(body) + b"\n" + body)


@pytest.mark.parametrize("change", [beside, read_by_an_import, module_of_nobody, one_more, damaged, of_another_state])
def test_all_is_imported_again_where_it_could_be_otherwise(
    root: Path, started: list[dict[str, Any]], change: Callable[[Path], None]
) -> None:
    assert planned(root, 1, 2) == ""
    started.clear()
    touch_app(root)
    change(root)
    assert planned(root, 2) == ""
    assert started
    compared(root)


def test_another_environment_is_another_question(
    root: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(root, {"wire/__init__.py": "import os\nMODE = os.environ.get('WIRE_MODE', '')\n"})
    assert planned(root, 1, 2) == ""
    started.clear()
    touch_app(root)
    monkeypatch.setenv("WIRE_MODE", "fast")
    assert planned(root, 2) == "" and started
    assert written(root)["audit.json"]["names"]["wire"]["MODE"] == "str 'fast'"


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess\nOUT = subprocess.check_output(['git', 'rev-parse', 'HEAD'], text=True)\n",
        "import sqlite3\nsqlite3.connect(':memory:').close()\n",
        "open('/dev/urandom', 'rb').read(1)\n",
    ],
)
def test_what_cannot_be_compared_is_not_kept(root: Path, started: list[dict[str, Any]], text: str) -> None:
    commit(root, {"wire/__init__.py": text})
    assert planned(root, 1, 2) == ""
    assert not (root / ".git/migrate/again/cache/imports.json").exists()
    started.clear()
    touch_app(root)
    assert planned(root, 2) == "" and started
    compared(root)


def test_an_installed_library_that_changes_is_noticed(
    root: Path, tmp_path: Path, started: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "site"
    library.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(library))
    (library / "far.py").write_text("FAR = 1\n")
    past = 1_700_000_000
    os.utime(library / "far.py", (past, past))
    commit(root, {"wire/__init__.py": "from far import FAR\n"})
    assert planned(root, 1, 2) == ""
    started.clear()
    touch_app(root)
    assert planned(root, 2) == "" and not started
    (library / "far.py").write_text("FAR = 2\n")
    touch_app(root)
    assert planned(root, 2) == "" and started
    assert written(root)["audit.json"]["names"]["wire"]["FAR"] == "int 2"


# where the audit stays a command of its own


def test_with_gates_the_audit_has_to_run_again(root: Path) -> None:
    commit(root, {"migration.toml": PLAN + '[gates]\ntests = ["true"]\n'})
    assert planned(root, 1, 2) == ""
    touch_app(root)
    with pytest.raises(Refused, match="audit"):
        commands.run(Session(root, jobs=1), 2, ())
    assert planned(root, 1, 2) == ""


def test_without_any_audit_design_is_refused(root: Path) -> None:
    with pytest.raises(Refused, match=r"comes after stage 1 \(audit\)"):
        commands.run(Session(root, jobs=1), 2, ())


def test_stage_3_goes_on_the_new_plan_and_not_on_the_old_one(root: Path) -> None:
    assert planned(root, 1, 2) == ""
    touch_app(root)
    assert "the saved plan is stale" in planned(root, 3)
    assert planned(root, 2, 3) == ""
    done = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert (root / "lib/wire/__init__.py").exists()
