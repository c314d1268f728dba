"""The bootstrap `dev.py`, run as a user runs it, in a small checkout of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose one member has no dependency, so that nothing is fetched."""
    shutil.copy(ROOT / "dev.py", tmp_path)
    (tmp_path / "constraints.txt").write_text("")
    (tmp_path / "requirements-dev.txt").write_text("-c constraints.txt\n")
    return tmp_path


def dev(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(checkout / "dev.py"), *arguments],
        env={**os.environ, "PIP_NO_INDEX": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=checkout.parent,
    )


@pytest.mark.parametrize("arguments", [[], ["tets"], ["setup", "x"], ["lint", "x"]])
def test_usage_errors(checkout: Path, arguments: list[str]) -> None:
    done = dev(checkout, *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


def test_help_names_both_commands(checkout: Path) -> None:
    done = dev(checkout, "--help")
    assert done.returncode == 0 and "dev.py demo [DIR]" in done.stdout and "dev.py test" in done.stdout


def test_setup_once_and_again_only_after_a_change(checkout: Path) -> None:
    assert "installing" in dev(checkout, "setup").stdout
    assert (checkout / ".venv" / "pyvenv.cfg").is_file()
    again = dev(checkout, "setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    (checkout / "constraints.txt").write_text("x==1\n")
    assert "installing" in dev(checkout, "setup").stdout
    assert dev(checkout, "setup").stdout == ""
    (checkout / ".venv" / "bin" / "python").unlink()
    assert "installing" in dev(checkout, "setup").stdout


def test_settings_of_the_users_pip_do_not_send_packages_elsewhere(checkout: Path) -> None:
    done = dev(checkout, "setup", PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1", PIP_TARGET=str(checkout / "elsewhere"))
    assert done.returncode == 0, done.stderr
    assert not (checkout / "elsewhere").exists()


def test_a_failed_install_says_what_to_do_and_is_tried_again(checkout: Path) -> None:
    (checkout / "requirements-dev.txt").write_text("no-such-distribution-anywhere\n")
    for _ in range(2):
        done = dev(checkout, "setup")
        assert done.returncode == 1
        assert "no-such-distribution-anywhere" in done.stderr
        assert done.stderr.splitlines()[-1].startswith("dev.py: pip could not install requirements-dev.txt")
        assert "Traceback" not in done.stderr


def test_a_missing_file_is_named(checkout: Path) -> None:
    (checkout / "constraints.txt").unlink()
    done = dev(checkout, "setup")
    assert done.returncode == 1 and "constraints.txt is missing" in done.stderr


def test_demo_gets_its_folder_from_where_the_user_stands(checkout: Path) -> None:
    """The command itself is stood in for by a module that prints what it was given, and its exit code comes through."""
    package = checkout / "tools" / "migrate"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text("import os, sys\nprint(os.getcwd(), sys.argv[1:])\nsys.exit(3)\n")
    done = dev(checkout, "demo", "here", "--quiet")
    assert done.returncode == 3, done.stderr
    expected = f"{checkout} {['demo', str(checkout.parent / 'here'), '--quiet']}"
    assert done.stdout.splitlines()[-1] == expected
