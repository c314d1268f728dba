"""What `init` guesses, explains and asks; and what a shell is offered to complete."""

from __future__ import annotations

import datetime as dt
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.guess import guess, guess_plan, render_plan
from tools.migrate.plan import parse_plan
from tools.migrate.questions import ask_about
from tools.migrate.tests import sample
from tools.migrate.tree import Tree

TREE = Tree.from_files(
    {
        "pyproject.toml": '[project]\nname = "wire"\n\n[tool.pytest.ini_options]\n',
        "wire_fmt/__init__.py": "",
        "wire_fmt/header.py": "X = 1\n",
        "legacy/__init__.py": "",
        "app/__init__.py": "import wire_fmt\n",
        "app/main.py": "from wire_fmt.header import X\nimport legacy\n",
        "third_party/x.py": "",
        "CODEOWNERS": "/wire_fmt/ @wire\n",
    }
)
DAY = dt.date(2026, 8, 31)


def asked(*answers: str) -> tuple[str, list[str], list[str]]:
    """(the plan file, what was asked, what was said)"""
    rest, questions, said = iter(answers), list[str](), list[str]()

    def ask(question: str) -> str | None:
        questions.append(question)
        return next(rest, None)

    return render_plan(ask_about(guess(TREE, "my repo"), ask, said.append, DAY)), questions, said


def test_guesses_come_with_their_reasons() -> None:
    text = guess_plan(TREE, "my repo")
    plan = parse_plan(text)
    assert (plan.name, plan.moves[0].source, plan.moves[0].distribution) == ("my-repo", "wire_fmt", "wire")
    assert plan.shims.owner == "@wire" and plan.exclude == ("third_party/**",)
    assert "# pyproject.toml speaks of pytest" in text and "# Imported by 2 files." in text
    assert "# the root holds wire_fmt, legacy, app" in text


def test_empty_answers_take_the_guesses() -> None:
    text, questions, said = asked(*[""] * 9)
    plan = parse_plan(text)
    assert [(m.source, m.target) for m in plan.moves] == [("wire_fmt", "libs.wire_fmt")]
    assert plan.shims.remove_by == dt.date(2027, 2, 28) and plan.shims.owner == "@wire"
    assert len(questions) == 5 and any("CODEOWNERS names them" in line for line in said)


def test_answers_are_checked_and_asked_for_again() -> None:
    answers = ("7", "2, wire_fmt.header", "no good", "legacy.deep", "old.stuff", "libs.head", "make test")
    text, _, said = asked(*answers, "yesterday", "2020-01-01", "2027-01-31", "")
    plan = parse_plan(text)
    assert [(m.source, m.target) for m in plan.moves] == [("legacy", "old.stuff"), ("wire_fmt.header", "libs.head")]
    assert plan.gates.tests == ("make test",) and plan.shims.remove_by == dt.date(2027, 1, 31)
    for words in ("'7' is none of them", "is no dotted import name", "a shim at legacy would hide legacy.deep"):
        assert any(words in line for line in said)
    assert any("is no date" in line for line in said) and any("2020-01-01 is past" in line for line in said)


def test_where_the_input_ends_the_guesses_stand() -> None:
    text, _, said = asked("1", "libs.wire")
    assert parse_plan(text).moves[0].target == "libs.wire" and "no more input" in said[-1]


def test_a_tree_without_a_package_still_gives_a_plan_file() -> None:
    parse_plan(guess_plan(Tree.from_files({"readme.md": ""}), "x"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = sample.build(tmp_path / "r")
    (root / "migration.toml").unlink()
    return root


def test_init_asks_through_a_pipe_when_told_to(root: Path) -> None:
    done = sample.migrate(root, "init", "--ask", given="protocol_v2\nlibs.types.protocol\n")
    assert done.code == 0 and "no more input" in done.out
    assert parse_plan((root / "migration.toml").read_text()).moves[0].target == "libs.types.protocol"


def test_init_asks_at_a_terminal_and_nowhere_else(root: Path) -> None:
    assert "Which move?" not in sample.migrate(root, "init").text
    (root / "migration.toml").unlink()
    ours, theirs = pty.openpty()
    os.write(ours, b"\n" * 12)
    done = subprocess.run(
        [sys.executable, "-m", "tools.migrate", "init"],
        cwd=root,
        env=sample.environment(PYTHONPATH=str(sample.TOOL), TERM="dumb"),
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 0, shown
    assert "Which move?" in shown and "Packages and modules here" in done.stdout
    parse_plan((root / "migration.toml").read_text())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("migrate ch", {"check-shims"}),
        ("migrate --st", {"--stage"}),
        ("migrate --stage int", {"integrate"}),
        ("migrate report --ht", {"--html"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_stages(
    tmp_path: Path, shell: str, words: str, offered: set[str]
) -> None:
    code = "import sys; sys.argv = ['migrate']; from tools.migrate.cli import main; main()"
    parts = words.split()
    env = sample.environment(
        PYTHONPATH=str(sample.TOOL),
        _MIGRATE_COMPLETE=f"{shell}_complete",
        COMP_WORDS=words,
        COMP_CWORD=parts[-1] if shell == "fish" else str(len(parts) - 1),
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert all(word in done.stdout for word in offered), done
