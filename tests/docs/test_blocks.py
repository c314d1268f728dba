"""Every code block and every command of the pages runs, or a table here says in a few words why it does not.

What runs: Python blocks, a page's in one process; `console` blocks, with their output compared (`shell`).  Other
command lines are those that take long, change the machine or need something of the reader's: each has a row in
`COMMANDS` that names the test which runs it, says that `--help` has to know its options, or gives a reason.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import COMMAND_LANGUAGES, ROOT, Block, blocks, pages
from tests.docs.shell import agrees, run_page, steps
from tests.integration.chain import kraken_l2

BLOCKS = [block for page in pages() for block in blocks(page)]
PYTHON = sorted({block.page for block in BLOCKS if block.language == "python"})
CONSOLE = sorted({block.page for block in BLOCKS if block.language == "console"})
LOOSE = [block for block in BLOCKS if block.language in COMMAND_LANGUAGES - {"console"}]

# Blocks in other languages, and who reads them.
LANGUAGES = {
    "sql": "tests/docs/test_queries_doc.py",
    "mermaid": "tests/docs/test_site.py",
    "yaml": "tests/docs/test_blocks.py",
    "toml": "tests/docs/test_blocks.py",
    "text": "output, or a drawing with letters",
}
# Python blocks that another test runs, on data that they need.
ELSEWHERE = {"docs/queries.md": "tests/docs/test_queries_doc.py"}
OPTIONAL = ("numpy", "pandas", "polars", "pyarrow", "duckdb")

HELP, RUN, NOT = "options are those of --help", "run by", "not run: "
# The beginning of a command -> how it is checked.
COMMANDS = {
    "python3 dev.py": f"{RUN} .ci/run",
    "bash .ci/run": f"{NOT}it is what runs this test",
    "cd ": f"{NOT}the reader's own folder",
    "migrate ": HELP,
    "~/migrate-env/bin/migrate": HELP,
    "python3 -m venv ~/migrate-env": f"{NOT}makes a folder in the reader's home",
    "~/migrate-env/bin/python -m pip install": f"{NOT}the same",
    "python3 -m pip install ./tools/migrate": f"{RUN} tools/migrate/tests/test_programs.py",
    "pip install ./tools/migrate": f"{RUN} tools/migrate/tests/test_programs.py",
    ".venv/bin/python -m tools.migrate": HELP,
    "python -m infra.topology": f"{RUN} tests/e2e/test_deployment.py",
    "python -m services.feed_replay": HELP,
    "python -m relays.benchmarks": f"{NOT}measures for minutes",
    "python -m relays": HELP,
    "python -m tools.perf": HELP,
    "python -m tools.migrate.tests.realprojects": f"{RUN} tools/migrate/tests/test_real_projects.py",
    "python tools/migrate/benchmarks/speed.py": HELP,
    "python -m pip install -r tools/migrate/benchmarks/requirements.txt": f"{NOT}downloads what it is compared with",
    "python tools/migrate/tests/randomkills.py": HELP,
    "python libs/types/protocol/benchmarks/": HELP,
    ".venv/bin/python libs/types/protocol/fuzz/run.py": f"{RUN} libs/types/protocol/tests/test_fuzz.py",
    "ALPHAPULSE_CODEC=c .venv/bin/python -m libs.types.protocol.fuzz": f"{NOT}needs a crash that was found",
    "build/fuzz/fuzz/harness": f"{NOT}needs a crash that was found",
    "(cd libs/types/protocol && gcc": f"{NOT}replaces the compiled codec of this checkout",
    "LD_PRELOAD=": f"{NOT}the same",
    "python -m libs.types.protocol.kaitai": f"{RUN} libs/types/protocol/tests/test_kaitai.py",
    "kaitai-struct-compiler": f"{RUN} libs/types/protocol/tests/test_kaitai.py",
}
# Indented blocks that are no commands: layers, a message, a path, lines of a report.
DRAWINGS = (
    "services.* | relays ", "__main__, ", "relays/topics.py:", "DeprecationWarning: ", "recording/TABLE/",
    "FOLDER/order_book/", "Slower: ",
)  # fmt: skip


def drawing(block: Block) -> bool:
    return block.language == "" and block.text.startswith(DRAWINGS)


LINES = [(block.where, line) for block in LOOSE if not drawing(block) for line in block.commands]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nobody's settings, no colours, and the programs of this environment first."""
    unwanted = ("GIT_", "PYTEST_", "COV_", "PYTHON", "ALPHAPULSE_NODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Reader\n\temail = reader@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }


def test_every_block_is_known() -> None:
    known = {"python", *COMMAND_LANGUAGES, *LANGUAGES}
    assert not [block.where for block in BLOCKS if block.language not in known]
    assert len(BLOCKS) > 80 and len(CONSOLE) >= 9 and len(PYTHON) >= 8
    for name in [*LANGUAGES.values(), *ELSEWHERE.values(), *COMMANDS.values()]:
        path = name.removeprefix(f"{RUN} ")
        assert "/" not in path or path == ".ci/run" or (ROOT / path).is_file() or path.startswith(NOT), path


def test_the_tables_have_no_row_too_many() -> None:
    assert not [start for start in COMMANDS if not any(line.startswith(start) for _, line in LINES)]
    assert not [start for start in DRAWINGS if not any(block.text.startswith(start) for block in LOOSE)]


@pytest.mark.parametrize("page", [page for page in PYTHON if page not in ELSEWHERE])
def test_python_blocks_run(page: str, tmp_path: Path, environment: dict[str, str]) -> None:
    code = "\n".join(block.text for block in blocks(page) if block.language == "python")
    for name in OPTIONAL:
        if re.search(rf"\b(?:import|from) {name}\b", code) and importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    (tmp_path / "capture.csv.gz").write_bytes(kraken_l2(3))
    (tmp_path / "page.py").write_text(code, encoding="utf-8")
    line = [sys.executable, "-W", "error", "page.py"]
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def prepared(page: str, folder: Path, environment: dict[str, str]) -> None:
    """What a page takes for granted: a repository to migrate, or this one."""
    text = "".join(block.text for block in blocks(page))
    if "cd your-repository" in text:
        shop(folder / "your-repository", environment, planned="migrate init" not in text)
    if "$ .venv/bin/" in text:
        (folder / ".venv").symlink_to(sys.prefix)
    if "cd libs/types" in text:
        subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), "."], cwd=folder, check=True)


PLAN = """[migration]
name = "move-wire"

[[move]]
from = "wire_fmt"
to = "libs.wire"

[shims]
remove-by = 2027-03-31
owner = "platform team"

[gates]
tests = ["python -m compileall -q -f services relays"]
"""


def shop(folder: Path, environment: dict[str, str], *, planned: bool) -> None:
    """A repository in which `wire_fmt` can be moved, with two users of it."""
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
        "wire_fmt/__init__.py": '"""The wire format."""\n\nfrom .header import SIZE\n',
        "wire_fmt/header.py": '"""The header."""\n\nSIZE = 32\n',
        "services/gateway/app.py": "from wire_fmt.header import SIZE\n\nprint(SIZE)\n",
        "relays/relay.py": "import wire_fmt\n\nprint(wire_fmt.SIZE)\n",
        ".gitignore": "before\nreport.html\n",
        **({"migration.toml": PLAN} if planned else {}),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "A shop"]):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


@pytest.mark.parametrize("page", CONSOLE)
def test_console_blocks_print_what_is_shown(page: str, tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    text = "".join(block.text for block in blocks(page))
    if "nats-server" in text and importlib.util.find_spec("nats") is None:
        pytest.skip("nats-py is not installed")
    prepared(page, folder, environment)
    run_page([block for block in blocks(page) if block.language == "console"], folder, environment)


@cache
def options_of(words: tuple[str, ...]) -> str:
    line = [sys.executable, *words, "--help"]
    inherited = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, cwd=ROOT, env=inherited, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(line)}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("where", "line"), LINES, ids=[f"{where} {line}"[:90] for where, line in LINES])
def test_other_command_lines_are_checked_somehow(where: str, line: str) -> None:
    how = next((how for start, how in COMMANDS.items() if line.startswith(start)), None)
    assert how is not None, f"{where}: run it in a console block, or say in COMMANDS why not"
    if how != HELP:
        return
    words = shlex.split(line.replace("FILE", "file"), comments=True)
    program, *rest = words
    if program.endswith("migrate"):
        module, rest = ["-m", "tools.migrate"], rest
    elif rest[0] == "-m":
        module, rest = rest[:2], rest[2:]
    else:
        module, rest = rest[:1], rest[1:]
    commands = re.findall(r"^[\s│{]*([a-z][a-z-]+)", options_of(tuple(module)), re.MULTILINE)
    listed = re.search(r"\{([a-z,-]+)\}", options_of(tuple(module)))
    commands += listed[1].split(",") if listed else []
    sub = rest[:1] if rest and rest[0] in commands and not rest[0].startswith("-") else []
    known = options_of((*module, *sub)) + options_of(tuple(module))
    for word in rest:
        if re.match(r"--?[a-z]", word):
            assert re.search(rf"(?<![\w-]){re.escape(word.partition('=')[0])}(?![\w-])", known), f"{where}: {word}"


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each.language in ("yaml", "toml")], ids=lambda each: each.where
)
def test_settings_can_be_read(block: Block) -> None:
    assert tomllib.loads(block.text) if block.language == "toml" else yaml.safe_load(block.text)


def test_the_notation_of_console_blocks() -> None:
    block = Block("page", 1, "console", "$ one\na\n...\nb ... c\n$ two <<X\n> more\n> X\n$ three  # exit 3\n")
    first, second, third = steps(block)
    assert (first.command, first.shown, first.code) == ("one", ("a", "...", "b ... c"), 0)
    assert second.command == "two <<X\nmore\nX" and (third.command, third.code) == ("three", 3)
    assert agrees(first.shown, "a\nx\ny\nb and c\n") and agrees(("...",), "")
    assert not agrees(first.shown, "a\nx\nb and\n") and not agrees(("a",), "a\nb\n") and not agrees(("a",), "")
