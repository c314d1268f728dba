"""typing_examples.py checked by mypy --strict and pyright, each with every expected error in its place.

Skipped where the checkers are not installed: they belong to the lint environment (`python3 dev.py lint`), which checks
the file as well.  Here each checker counts only the comments that are meant for it.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).with_name("typing_examples.py")
ROOT = next(folder for folder in EXAMPLES.parents if (folder / "constraints.txt").exists())


def checker(name: str) -> str:
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        pytest.skip(f"{name} is not installed here; `python3 dev.py lint` installs and runs it")
    return str(found)


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_mypy() -> None:
    assert run(checker("mypy"), "--no-error-summary", str(EXAMPLES)) == ""


def test_pyright(tmp_path: Path) -> None:
    program = checker("pyright")
    settings = {
        "pythonVersion": "3.11",
        "include": [str(EXAMPLES)],
        "extraPaths": [str(ROOT), str(ROOT / "libs/types")],
        "venvPath": str(ROOT),
        "venv": ".venv",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    assert run(program, "--project", str(tmp_path)) == ""


def test_there_are_expected_errors_for_both() -> None:
    text = EXAMPLES.read_text(encoding="utf-8")
    assert text.count("# type: ignore[") == text.count("# pyright: ignore[") > 10
