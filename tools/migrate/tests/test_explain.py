"""`explain FILE:LINE`: every state of a line, before and after the stages, and what its names mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.migrate import commands
from tools.migrate.explain import Explanation, render
from tools.migrate.model import PlanError
from tools.migrate.session import Session
from tools.migrate.tests import sample

TOPICS = """\
TOPIC = "protocol_v2"


def take(protocol_v2):
    return protocol_v2.header


from protocol_v2 import Header  # the header of protocol_v2.header
"""
MORE: dict[str, str | bytes] = {
    "services/a/topics.py": TOPICS,
    "vendor/copy.py": "import protocol_v2\n",
    "data.bin": b"\0protocol_v2\0",
    "docs/prose.md": "A title\n\nThe protocol_v2 is old.\n",
}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same repository in three states: before the plan, planned, and integrated."""
    out = {}
    for state, last in (("bare", 0), ("planned", 2), ("done", 4)):
        root = sample.build(tmp_path_factory.mktemp(state) / "r", sample.QUICK)
        plan = root / "migration.toml"
        plan.write_text(plan.read_text() + '\n[scan]\nexclude = ["vendor/**"]\n')
        sample.commit(root, {**MORE, "migration.toml": plan.read_text()})
        for number in range(1, last + 1):
            done = sample.migrate(root, "--stage", str(number), "-q")
            assert done.code == 0, done
        out[state] = root
    return out


def explain(root: Path, location: str) -> Explanation:
    return commands.explain(Session(root), location)


@pytest.mark.parametrize(
    ("state", "location", "expected", "words"),
    [
        ("bare", "services/a/app.py:1", "planned", "will be changed in stage 4 (integrate)"),
        ("bare", "services/a/topics.py:1", "listed", "listed for a person"),
        ("planned", "services/a/app.py:1", "planned", "will be changed in stage 4 (integrate)"),
        ("planned", "services/a/app.py:6:12", "planned", "stage 4"),
        ("planned", "docs/header.py:1", "planned", "stage 3 (migrate)"),
        ("planned", "services/a/topics.py:5", "left", "nothing on it names code"),
        ("planned", "untouched.txt:2", "left", "no word that can name moving code"),
        ("planned", "vendor/copy.py:1", "left", "'vendor/**'"),
        ("planned", "data.bin:1", "left", "binary"),
        ("planned", "migration.toml:2", "left", "never rewritten"),
        ("done", "services/a/app.py:1", "changed", "was changed in stage 4 (integrate)"),
        ("done", "libs/types/protocol/header.py:1", "changed", "stage 4"),
        ("done", "protocol_v2/header.py:1", "changed", "stage 4"),
        ("done", "protocol_v2/__init__.py:1", "left", "leads to libs.types.protocol, and goes 2030-01-01"),
        ("done", "migration.lock:1", "left", "writes this file itself"),
        ("done", "services/a/topics.py:1", "listed", "listed for a person"),
    ],
)
def test_states(stages: dict[str, Path], state: str, location: str, expected: str, words: str) -> None:
    found = explain(stages[state], location)
    assert (found.state, words in found.says) == (expected, True), found.says
    first = render(found)[0]
    assert first.startswith(f"{found.path}:{found.line}:") and first.endswith(found.says)


def test_what_is_said_of_a_whole_file_is_no_answer_about_its_first_line(stages: dict[str, Path]) -> None:
    found = explain(stages["planned"], "docs/prose.md:1")
    assert (found.state, found.findings) == ("left", [])
    assert any("of the file as a whole: 1 bare mention" in note for note in found.notes)


def test_an_edit_says_why_by_which_rule_and_how_sure_it_is(stages: dict[str, Path]) -> None:
    for state, done in (("planned", False), ("done", True)):
        (edit,) = explain(stages[state], "services/a/app.py:2").edits
        assert (edit["rule"], edit["confidence"], edit["kind"], edit["done"]) == (
            "import.from",
            "certain",
            "import",
            done,
        )
        assert (edit["old"], edit["new"]) == ("protocol_v2", "libs.types.protocol")
        assert edit["reason"] and edit["about"] and bool(edit["commits"]) is done


def test_a_name_is_led_to_its_binding_and_through_a_re_export(stages: dict[str, Path]) -> None:
    (_, use) = explain(stages["planned"], "services/a/app.py:6").meanings
    assert (use.name, use.binding) == ("protocol_v2.header.Header.kind", "the import in line 1")
    (name,) = explain(stages["planned"], "services/a/topics.py:8").meanings[:1]
    assert name.resolution == "a name in module protocol_v2, which has it from protocol_v2.header.Header"
    assert name.moves == "protocol_v2.Header to libs.types.protocol.Header"
    (local,) = explain(stages["planned"], "services/a/topics.py:5").meanings
    assert local.binding == "bound in line 4, in a function, by no import of moving code"
    comment = explain(stages["planned"], "services/a/topics.py:8").meanings[-1]
    assert comment.text == "protocol_v2.header" and comment.resolution.startswith("resolves to module")


def test_lines_that_others_have_added_do_not_confuse_it(stages: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "r"
    sample.git(tmp_path, "clone", "-q", str(stages["done"]), str(root))
    app = root / "services/a/app.py"
    state = stages["done"] / ".git/migrate"
    (root / ".git/migrate").mkdir()
    for file in state.rglob("*"):
        if file.is_file():
            place = root / ".git/migrate" / file.relative_to(state)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    sample.commit(root, {"services/a/app.py": "# one\n# two\n" + app.read_text()})
    assert explain(root, "services/a/app.py:1").state == "left"
    assert explain(root, "services/a/app.py:3").edits[0]["old"] == "protocol_v2.header"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("services/a/app.py", "is no place; write FILE:LINE"),
        ("services/a/ap.py:1", "there is no services/a/ap.py; did you mean services/a/app.py?"),
        ("services/a/app.py:7", "services/a/app.py: line 7 is not in this file; it has 6 lines"),
        ("services/a/app.py:0", "line 0 is not in this file"),
        ("notes.txt:1", "notes.txt is not tracked by git; untracked files are never read or changed"),
        ("services/a:1", "services/a is not tracked by git"),
        ("../elsewhere.py:1", "there is no ../elsewhere.py"),
    ],
)
def test_a_wrong_place_is_said(stages: dict[str, Path], location: str, message: str) -> None:
    with pytest.raises(PlanError) as raised:
        explain(stages["planned"], location)
    assert message in str(raised.value) and raised.value.exit_code == 2


def test_the_command_prints_text_or_one_document(stages: dict[str, Path]) -> None:
    done = sample.migrate(stages["planned"], "explain", "services/a/app.py:1")
    assert done.code == 0 and done.out.startswith("services/a/app.py:1:8: This line will be changed")
    done = sample.migrate(stages["planned"], "explain", "services/a/topics.py:1", "--json")
    document: dict[str, Any] = json.loads(done.out)
    assert (document["schema"], document["state"]) == (1, "listed")
    assert [f["column"] for f in document["findings"]] == [10]
    done = sample.migrate(stages["planned"], "explain", "nothing.py:1", "--json")
    assert done.code == 2 and json.loads(done.out)["exit"] == 2
