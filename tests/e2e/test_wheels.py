"""The wheels, in a clean environment, far from this checkout: what a user gets who installs them.

Built and installed without the network.  The environment sees the libraries that the development one has, and not this
checkout: a `.pth` file adds a folder, and does not read the `.pth` files in it, by which editable installs are found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USE = """
import libs.types.protocol as protocol
from libs.types.common import UsdFixedPoint8
message = protocol.MessageBuilder(
    relay_domain=protocol.RelayDomain.MARKET_DATA, source=next(iter(protocol.SourceType)), sequence=7, timestamp=9
).build()
assert protocol.parse_message(message).header.sequence == 7
print(protocol.implementation, protocol.__file__)
"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="paths of a POSIX environment")]


def environment(**extra: str) -> dict[str, str]:
    dropped = ("PYTHON", "PYTEST_", "COV_", "GIT_", "ALPHAPULSE_", "VIRTUAL_ENV", "PIP_")
    return {k: v for k, v in os.environ.items() if not k.startswith(dropped)} | {"PYTHONDONTWRITEBYTECODE": "1"} | extra


def run(*command: str | Path, cwd: Path, **extra: str) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment(**extra), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


@pytest.fixture(scope="module")
def pip() -> list[str]:
    """A pip that can work on other environments; the development environment has none of its own."""
    for python in (sys.executable, f"{sys.base_prefix}/bin/python3"):
        found = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return [python, "-m", "pip", "--disable-pip-version-check"]
    pytest.skip("there is no pip on this machine")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tracked of the two members, so that no build folder of this checkout takes part."""
    place = tmp_path_factory.mktemp("source")
    listed = run("git", "ls-files", "-z", "libs/types", "tools/migrate", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, place / name)
    return place


def wheel(pip: list[str], member: Path, folder: Path, **extra: str) -> Path:
    build = [*pip, "--python", sys.executable, "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    shutil.rmtree(member / "build", ignore_errors=True)
    run(*build, "-w", folder, member, cwd=folder, **extra)
    (found,) = folder.glob("*.whl")
    return found


def clean(pip: list[str], place: Path, *wheels: Path) -> Path:
    """A new environment with these wheels; its folder of programs."""
    venv.create(place, symlinks=True)
    python = place / "bin/python"
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", *wheels, cwd=place)
    purelib = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place).strip())
    (purelib / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return place / "bin"


@pytest.mark.parametrize(
    ("build", "implementation", "tag"),
    [
        ({"ALPHAPULSE_BUILD_C": "require"}, "c", "cp3"),
        ({"CC": "false", "CXX": "false"}, "python", "py3-none-any"),
        ({"ALPHAPULSE_BUILD_C": "skip"}, "python", "py3-none-any"),
    ],
    ids=["compiled", "without a compiler", "pure"],
)
def test_the_types_work_with_and_without_a_compiler(
    pip: list[str], source: Path, tmp_path: Path, build: Mapping[str, str], implementation: str, tag: str
) -> None:
    if implementation == "c" and shutil.which("cc") is None:
        pytest.skip("there is no compiler on this machine")
    built = wheel(pip, source / "libs/types", tmp_path, **build)
    assert tag in built.name
    names = zipfile.ZipFile(built).namelist()
    assert "libs/types/protocol/py.typed" in names and not [n for n in names if "/tests/" in n]
    programs = clean(pip, tmp_path / "env", built)
    chosen, file = run(programs / "python", "-c", USE, cwd=tmp_path).split()
    assert chosen == implementation and file.startswith(str(tmp_path))


def test_the_tool_migrates_a_foreign_repository_without_this_checkout(
    pip: list[str], source: Path, tmp_path: Path
) -> None:
    built = wheel(pip, source / "tools/migrate", tmp_path)
    names = zipfile.ZipFile(built).namelist()
    assert not [n for n in names if "/tests/" in n and "legacy" not in n]
    programs = clean(pip, tmp_path / "env", built)
    where = run(programs / "python", "-c", "import tools.migrate; print(tools.migrate.__file__)", cwd=tmp_path)
    assert where.startswith(str(tmp_path / "env"))

    repository = tmp_path / "shop"
    for name, text in {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
        "wire/__init__.py": "from .header import Header\n",
        "wire/header.py": "class Header:\n    kind = 1\n",
        "app/__init__.py": "",
        "app/main.py": "import wire.header\nfrom wire import Header\n\nKIND = Header.kind + wire.header.Header.kind\n",
        "app/other.py": "from wire import Header\n\nHEADER = Header\n",
        "test_app.py": "from app.main import KIND\n\n\ndef test_kind():\n    assert KIND == 2\n",
        ".gitignore": "__pycache__/\n",
    }.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text, encoding="utf-8")
    who = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who |= {
        f"GIT_{w}_{k}": v for w in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "Ann"), ("EMAIL", "a@example.org"))
    }
    path = f"{programs}:{os.environ['PATH']}"

    def migrate(*arguments: str) -> str:
        return run(programs / "migrate", *arguments, cwd=repository, PATH=path, **who)

    for command in ("init -q", "add -A", "commit -qm start"):
        run("git", *command.split(), cwd=repository, **who)
    migrate("init")
    run("git", "add", "-A", cwd=repository, **who)
    run("git", "commit", "-qm", "plan", cwd=repository, **who)
    assert "next: migrate --stage 1" in migrate("status")
    for stage in range(1, 6):
        migrate("--stage", str(stage))
    assert "import libs.wire.header" in (repository / "app/main.py").read_text()
    assert "no old name is used" in migrate("check-shims")
    assert "changed in stage 4" in migrate("explain", "app/main.py:1")
    migrate("report", "--html", "../report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "app/main.py" in page and "<style>" in page
    migrate("--stage", "6")
    assert not (repository / "wire").exists()
    # The sample comes along, with its files that begin with a dot.
    run(programs / "python", "-c", "from tools.migrate.demo import build; import pathlib; build(pathlib.Path('demo'))",
        cwd=tmp_path, **who)  # fmt: skip
    assert (tmp_path / "demo/.github").is_dir() and (tmp_path / "demo/migration.toml").is_file()
