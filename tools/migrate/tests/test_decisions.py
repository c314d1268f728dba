"""Decisions: asked for once, kept in a file that can be reviewed, and obeyed by every later run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.migrate.decisions import NONE, Decision, Decisions, parse, place_of, render, replacement
from tools.migrate.interview import Question, interview
from tools.migrate.model import Finding, PlanError
from tools.migrate.tests import sample

TOPICS = 'TOPIC = "protocol_v2"\nOTHER = "protocol_v2"\nTHIRD = "protocol_v2"\n'
DECISION = Decision("a.py", 3, "string.bare", "old", 'X = "old"', "change", "the package, now new.old", "new.old")
READINGS = ("the package, now libs.new", "a word of its own")


def finding(line: int = 1, text: str = "old", rule: str = "string.bare", column: int = 6) -> Finding:
    return Finding("a.py", line, rule, text, READINGS, "", "warning", column)


def question(line: int = 1, source: str = 'X = "old"', rule: str = "string.bare") -> Question:
    listed = finding(line, rule=rule)
    return Question(listed, source, tuple((r, replacement(listed, r, source)) for r in READINGS))


def answers(listed: list[Question], *given: str) -> tuple[list[Decision], list[str]]:
    rest, said = iter(given), list[str]()
    return interview(listed, lambda _: next(rest, None), said.append), said


@pytest.mark.parametrize(
    ("given", "answer", "to", "why"),
    [
        (["1"], "change", "libs.new", ""),
        (["2"], "keep", "", ""),
        (["s"], "keep", "", ""),
        (["e"], "by-hand", "", ""),
        (["w a topic of the exchange"], "keep", "", "a topic of the exchange"),
        (["9", "nonsense", "?", "1"], "change", "libs.new", ""),
    ],
)
def test_answers(given: list[str], answer: str, to: str, why: str) -> None:
    (decision,), said = answers([question()], *given)
    assert (decision.answer, decision.to, decision.why) == (answer, to, why)
    assert said[0] == "a.py:1:6: warning: old [string.bare]"
    assert (sum("is no answer" in line for line in said), any("stop here" in line for line in said)) == (
        (2, True) if len(given) == 4 else (0, False)
    )


def test_nothing_is_decided_without_an_answer() -> None:
    assert answers([question(), question(2)], "", "q")[0] == []
    assert answers([question()])[0] == []


def test_one_answer_for_all_of_a_kind() -> None:
    listed = [question(1), question(2), question(3, rule="string.dynamic"), question(4)]
    decided, said = answers(listed, "1 all", "s")
    assert [(d.line, d.answer) for d in decided] == [(1, "change"), (2, "change"), (3, "keep"), (4, "change")]
    assert sum("[string." in line for line in said) == 2


def test_what_the_tool_cannot_write_is_left_to_a_person() -> None:
    (decision,), said = answers([question(rule="import.ambiguous")], "1")
    assert decision.answer == "by-hand"
    assert any("you edit it by hand" in line for line in said)
    assert replacement(finding(column=2), READINGS[0], 'X = "old"') == ""  # something else stands there


@pytest.mark.parametrize(
    ("text", "new", "written"),
    [
        ("shop.", "acme.store.", True),
        ("./shop/a/", "./acme/a/", True),
        ("shop*", "acme.store*", True),
        ("shop:total", "acme:total", True),
        ("shop.", "acme.store", False),  # the dot of a prefix would be lost
        ("/shop/data", "acme/data", False),
        ('"shop." + part', "acme.part", False),  # an expression is no name
        ("shop.web:a.txt", "acme/web/a.txt", False),
    ],
)
def test_a_reading_is_written_only_in_the_form_that_the_text_has(text: str, new: str, written: bool) -> None:
    listed = Finding("a.py", 1, "string.prefix", text, (f"the name, now {new}",), "", "warning", 5)
    assert replacement(listed, listed.readings[0], f"x = {text}") == new * written


def test_the_file_reads_back() -> None:
    odd = Decision('q"\\ü\n.py', 1, "r", "t\x7f", "", "keep", why="because")
    decisions = NONE.with_others([odd, DECISION])
    text = render(decisions, "unify")
    assert parse(text, "d.toml", "unify") == decisions
    assert render(parse(text, "d.toml", "unify"), "unify") == text
    assert decisions.digest and not NONE.digest
    later = decisions.with_others([Decision(*("a.py", 9, "string.bare", "old", 'X = "old"', "keep"))])
    assert [d.answer for d in later.entries] == ["keep", "keep"]
    assert place_of(Path("x/unify.toml")) == Path("x/unify.decisions.toml")


HEAD = 'schema = 1\nmigration = "m"\n'
ENTRY = '[[decision]]\npath = "a"\nrule = "r"\ntext = "t"\nsource = "s"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [", "not valid TOML"),
        ('schema = 2\nmigration = "m"\n', "schema 2 is not known"),
        ('schema = 1\nmigration = "n"\n', "d.toml:2:1: these are decisions of 'n', not of 'm'"),
        (HEAD + "decisions = 1\n", "d.toml:3:1: unknown key 'decisions'; did you mean 'decision'?"),
        (HEAD + "decision = 1\n", "write [[decision]]"),
        (HEAD + ENTRY, "d.toml:3:1: a [[decision]] has no 'answer'"),
        (HEAD + ENTRY + 'answer = "yes"\n', "d.toml:8:1: answer = 'yes': expected change, keep or by-hand"),
        (HEAD + ENTRY + 'answer = "change"\n', "has no 'to'"),
        (HEAD + ENTRY + 'anser = "keep"\n', "d.toml:8:1: unknown key 'anser'; did you mean 'answer'?"),
        (HEAD + ENTRY + 'answer = "keep"\nline = "1"\n', "d.toml:9:1: 'line' must be a whole number"),
    ],
)
def test_a_wrong_file_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(PlanError) as raised:
        parse(text, "d.toml", "m")
    assert message in str(raised.value)


def test_no_file_is_no_decision(tmp_path: Path) -> None:
    from tools.migrate.decisions import read

    assert read(tmp_path / "none.toml", "m") == Decisions()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = sample.build(tmp_path / "r", sample.QUICK)
    sample.commit(root, {"services/a/topics.py": TOPICS, "services/b/legacy.py": "x = 1\n"})
    assert sample.migrate(root, "--stage", "1", "-q").code == 0
    return root


def ask(root: Path, *lines: str) -> sample.Done:
    return sample.migrate(root, "--stage", "design", "--interactive", given="".join(f"{line}\n" for line in lines))


def test_decisions_are_obeyed_kept_and_never_asked_for_twice(root: Path) -> None:
    done = ask(root, "1", "w a topic", "e")
    assert done.code == 0, done
    assert "services/a/topics.py:1:10: warning: protocol_v2 [string.bare]" in done.out
    assert "3 decisions are kept in migration.decisions.toml" in done.out
    assert "no place waits for a decision" in ask(root).out
    # A commit of the decisions alone makes neither the audit nor the plan stale.
    sample.git(root, "add", "migration.decisions.toml")
    sample.git(root, "commit", "-qm", "decisions")
    for stage in ("3", "4"):
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    assert (root / "services/a/topics.py").read_text() == TOPICS.replace("protocol_v2", "libs.types.protocol", 1)
    assert "services/a/topics.py:2" not in done.out and "services/a/topics.py:3:10" in done.out
    assert sample.migrate(root, "check-shims").code == 0
    for line, state in ((1, "changed"), (2, "decided"), (3, "decided")):
        told = sample.migrate(root, "explain", f"services/a/topics.py:{line}", "--json")
        assert json.loads(told.out)["state"] == state
    page = root.parent / "report.html"
    assert sample.migrate(root, "report", "--html", str(page)).code == 0
    assert "left as it is: a topic" in page.read_text()


def test_a_line_that_is_another_one_is_asked_about_again(root: Path) -> None:
    assert ask(root, "s", "s", "s").code == 0
    sample.git(root, "add", "migration.decisions.toml")
    sample.commit(root, {"services/a/topics.py": "import os\n" + TOPICS.replace("OTHER", "ANOTHER")})
    assert sample.migrate(root, "--stage", "1", "-q").code == 0
    done = ask(root, "q")
    assert "services/a/topics.py:3:12" in done.out and "topics.py:2:" not in done.out
    assert done.err.count("1 of 1") == 1


def test_changed_decisions_make_the_plan_stale_and_not_the_audit(root: Path) -> None:
    assert ask(root, "s", "s", "s").code == 0
    place = root / "migration.decisions.toml"
    place.write_text(place.read_text().replace('answer = "keep"', 'answer = "by-hand"', 1))
    done = sample.migrate(root, "--stage", "3")
    assert done.code == 3 and "stale" in done.err
    assert sample.migrate(root, "--stage", "design", "-q").code == 0
    assert sample.migrate(root, "--stage", "3", "-q").code == 0


def test_an_error_that_is_kept_does_not_stop_cleanup(tmp_path: Path) -> None:
    root = sample.build(tmp_path / "r", sample.QUICK)
    code = 'NAME = "protocol_v2.hea" "der"\n'
    sample.commit(root, {"services/a/load.py": code, "services/b/legacy.py": "x = 1\n"})
    for stage in ("1", "2", "3", "4"):
        assert sample.migrate(root, "--stage", stage, "-q").code == 0
    assert "load.py" in (refused := sample.migrate(root, "--stage", "5")).err and refused.code == 1
    sample.migrate(root, "--stage", "design", "-q")
    status = json.loads(sample.migrate(root, "status", "--json").out)
    (listed,) = [f for f in status["waiting"] if f["path"] == "services/a/load.py"]
    entry = Decision(listed["path"], 1, listed["rule"], listed["text"], code.strip(), "keep")
    text = render(Decisions((entry,)), "unify")
    sample.commit(root, {"migration.decisions.toml": text})
    for stage in ("5", "6"):
        done = sample.migrate(root, "--stage", stage, "-q")
        assert done.code == 0, done


def test_interactive_goes_with_design_alone(root: Path) -> None:
    done = sample.migrate(root, "--stage", "1", "--interactive")
    assert done.code == 2 and "--interactive goes with --stage design" in done.err


def test_as_json_the_conversation_is_not_in_the_document(root: Path) -> None:
    done = sample.migrate(root, "--stage", "2", "-i", "--json", given="s\n")
    document = json.loads(done.out)
    assert document["decided"] == 1 and "1 of 3" in done.err and "warning: protocol_v2" in done.err
