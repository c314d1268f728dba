"""Old submodules stay attributes of the package that they left: the block by itself, and through all stages."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.operations import apply_edits
from tools.migrate.plan import MoveEntry, Plan
from tools.migrate.resolve import Index
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.submodules import MARK, Left, blank, block, has_block, lost, unbound, without
from tools.migrate.tests import sample
from tools.migrate.tree import Tree

PLAN = """\
[migration]
name = "parts"

[[move]]
from = "pkg.http"
to = "libs.web"

[[move]]
from = "pkg.text"
to = "pkg.common.text"

[[move]]
from = "pkg.sub.deep"
to = "libs.deep"

[[move]]
from = "old"
to = "libs.young"

[[move]]
from = "old.far"
to = "libs.other.far"

[shims]
remove-by = 2030-01-01

[gates]
tests = ["python -c 'import app.a, app.b, old'"]
"""
FILES: dict[str, str | bytes] = {
    "migration.toml": PLAN,
    "pkg/__init__.py": """\
from .globals import current
from .http import get
from .text import END


def __getattr__(name):
    if name == "late":
        return 7
    raise AttributeError(name)
""",
    "pkg/globals.py": "current = None\n",  # which hides the function of that name in the package, as in Flask
    "pkg/http.py": 'def get() -> str:\n    return "."\n',
    "pkg/text.py": 'END = "."\n',
    "pkg/sub/__init__.py": "",
    "pkg/sub/deep.py": "class Deep:\n    size: int = 1\n",
    "old/__init__.py": b"from old.far import there\r\nHERE = there",  # no line end at the end
    "old/far.py": "there: int = 5\n",
    "app/__init__.py": "",
    "app/a.py": "import pkg\n\nVALUE = pkg.http.get(), pkg.text.END\n",
    "app/b.py": "import app.loads\nimport pkg.sub\n\nVALUE = pkg.sub.deep.Deep.size\n",
    "app/loads.py": "import pkg.sub.deep\n",
}
OUTSIDE = """\
ALL = [("pkg.http", 9), ("pkg.text", 10), ("pkg.sub.deep", 10), ("old.far", 11)]
import warnings
warnings.simplefilter("always")
seen = []
warnings.showwarning = lambda message, category, filename, lineno, *_: seen.append((str(message), lineno))
import pkg, old
assert "pkg.sub" not in vars(pkg)
assert not seen or "old has moved" in seen[0][0]; del seen[:]
assert pkg.http.get() == "."
assert pkg.text.END == "." and pkg.sub.deep.Deep.size == 1
assert old.far.there == 5
told = [(s.split()[0], line) for s, line in seen]
assert ("pkg.sub.deep", 10) in told, told
assert told == ALL or STAGE == 3, told  # before stage 4 the packages load some by themselves
import libs.web, libs.deep, libs.other.far, libs.young
assert pkg.http is libs.web and pkg.sub.deep is libs.deep and old.far is libs.other.far and old is libs.young
assert pkg.late == 7 and hasattr(pkg, "http") and not hasattr(pkg, "nope") and not hasattr(pkg.sub, "nope")
try: pkg.sub.nope
except AttributeError as error: assert str(error) == "module 'pkg.sub' has no attribute 'nope'", error
from pkg import http, late
assert http is libs.web
"""


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """The checkout before stage 3, and after 3 and 4."""
    folder = tmp_path_factory.mktemp("parts")
    root = folder / "0"
    root.mkdir()
    sample.git(root, "init", "-q", "-b", "main")
    sample.commit(root, FILES, "everything")
    out = {0: sample.copy(root, folder / "base")}
    for stage in (1, 2, 3, 4):
        done = sample.migrate(root, "--stage", str(stage))
        assert done.code == 0, done
        if stage > 2:
            out[stage] = sample.copy(root, folder / str(stage))
    return out


def outside(root: Path, code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", *flags, "-c", code]
    return subprocess.run(command, cwd=root, env=sample.environment(), capture_output=True, text=True, check=False)


def test_it_worked_before(stages: dict[int, Path]) -> None:
    code = "import pkg, old, pkg.sub, app.loads\nassert pkg.http.get() == pkg.text.END and old.far.there == 5\n"
    assert outside(stages[0], code + "pkg.sub.deep.Deep").returncode == 0


@pytest.mark.parametrize("stage", [3, 4])
def test_code_elsewhere_reads_old_submodules_as_before(stages: dict[int, Path], stage: int) -> None:
    done = outside(stages[stage], f"STAGE = {stage}; {OUTSIDE}")
    assert done.returncode == 0, done.stderr
    if stage == 3:
        return
    strict = outside(stages[stage], "import pkg\npkg.http.get()", "-Werror::DeprecationWarning")
    assert strict.returncode == 1 and "pkg.http has moved to libs.web" in strict.stderr


def test_the_tree_itself_uses_the_new_names(stages: dict[int, Path]) -> None:
    assert (stages[4] / "app/a.py").read_text() == (
        "import pkg, libs.web\n\nVALUE = libs.web.get(), pkg.common.text.END\n"
    )
    assert "libs.deep.Deep" in (stages[4] / "app/b.py").read_text()
    assert sample.migrate(stages[4], "check-shims").code == 0


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
@pytest.mark.parametrize("stage", [3, 4])
def test_type_checkers_see_them(stages: dict[int, Path], tmp_path: Path, checker: str, stage: int) -> None:
    pytest.importorskip(checker)
    root = sample.copy(stages[stage], tmp_path / "r")
    text = "import pkg\n\n\na: str = pkg.http.get()\nb: int = pkg.sub.deep.Deep.size\n"
    (root / "probe.py").write_text(text + "c: int = pkg.sub.nope\n")
    options = [] if checker == "pyright" else ["--no-error-summary", "--check-untyped-defs"]
    done = subprocess.run(
        [sys.executable, "-m", checker, *options, "probe.py", "pkg/__init__.py", "pkg/sub/__init__.py"],
        cwd=root, env=sample.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = [line for line in done.stdout.splitlines() if "error" in line and "0 errors" not in line]
    assert len([e for e in errors if "nope" in e]) == 1 and not [e for e in errors if "pkg/" in e], done.stdout
    assert not [e for e in errors if "http" in e or "deep" in e], done.stdout


def test_validation_is_content_and_cleanup_leaves_no_trace(stages: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(stages[4], tmp_path / "r")
    before = sample.git(root, "rev-parse", "HEAD^{tree}")
    done = sample.migrate(root, "--stage", "5", "--json")
    assert done.code == 0 and "attribute.lost" not in done.out, done
    assert sample.migrate(root, "--stage", "6").code == 0
    assert MARK.encode() not in b"".join(p.read_bytes() for p in root.rglob("*.py"))
    assert (root / "pkg/sub/__init__.py").read_bytes() == b""
    young = (root / "libs/young/__init__.py").read_bytes()
    assert young == b"from libs.other.far import there\r\nHERE = there"
    assert sample.migrate(root, "check-shims").code == 0
    assert sample.migrate(root, "rollback", "--to", "6").code == 0
    assert sample.git(root, "rev-parse", "HEAD^{tree}") == before
    assert sample.migrate(root, "rollback", "--to", "3").code == 0
    assert sample.git(root, "rev-parse", "HEAD^{tree}") == sample.git(stages[0], "rev-parse", "HEAD^{tree}")


def test_others_commit_between_the_stages(stages: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(stages[3], tmp_path / "r")
    text = (root / "pkg/sub/__init__.py").read_text()
    sample.commit(root, {"pkg/sub/__init__.py": "import os\n" + text + "import pkg.http\nLAST = pkg.http.get()\n"})
    assert "_PENDING" in (root / "pkg/http.py").read_text()
    for stage in ("1", "2", "4", "5", "6"):
        if stage == "5":
            assert "_PENDING" not in (root / "pkg/http.py").read_text()
        done = sample.migrate(root, "--stage", stage)
        assert done.code == 0, done
    assert (root / "pkg/sub/__init__.py").read_text() == "import os\nimport libs.web\nLAST = libs.web.get()\n"


def test_check_shims_knows_the_blocks(stages: dict[int, Path], tmp_path: Path) -> None:
    root = sample.copy(stages[4], tmp_path / "r")
    text = (root / "pkg/sub/__init__.py").read_text()
    sample.commit(root, {"pkg/sub/__init__.py": "", "app/__init__.py": "x = 1\n" + text})
    done = sample.migrate(root, "check-shims")
    assert done.code == 1
    assert "pkg/sub/__init__.py:1: error" in done.out and "[shim-missing]" in done.out
    assert "app/__init__.py:2: error" in done.out and "[shim-unknown]" in done.out


PART = Left("pkg.part", "libs.part", "pkg.part")
SOURCES = [
    "",
    "\n",
    "x = 1\n",
    "x = 1",
    "x = 1\r\ny = 2\r\n",
    "x = 1\r\ny = 2",
    "x = 1\n\n\n",
    '"""Doc."""\n\nfrom .a import b\n',
]


@pytest.mark.parametrize("source", SOURCES)
def test_the_block_goes_as_it_came(source: str) -> None:
    data = source.encode()
    with_block = apply_edits(data, (block(source, {"part": PART}),), "pkg/__init__.py")
    text = with_block.decode()
    assert text.startswith(source) and has_block(text) and not has_block(source)
    assert source.endswith("\n") == text.endswith("\n") or not source
    assert ("\r\n" in source) == ("\r\n" in text) and "\r\n" not in text.replace("\r\n", "")
    ast.parse(text)
    back = without(text)
    assert back is not None and apply_edits(with_block, (back,), "pkg/__init__.py") == data
    blanked = blank(Tree.from_files({"pkg/__init__.py": with_block}), ["pkg/__init__.py", "gone.py"])
    empty = blanked["pkg/__init__.py"].decode()
    assert len(empty) == len(text) and MARK not in empty and ast.dump(ast.parse(empty)) == ast.dump(ast.parse(source))


def test_the_file_may_go_on_after_the_block() -> None:
    text = "x = 1\n" + block("x = 1\n", {"part": PART}).new + "y = 2\n"
    edit = without(text)
    assert edit is not None and apply_edits(text.encode(), (edit,), "a.py") == b"x = 1\ny = 2\n"
    assert without("x = 1\n") is None and blank(Tree.from_files({"a.py": "x = 1\n"}), ["a.py"]) == {}


def packages(files: dict[str, str], *moves: tuple[str, str]) -> dict[str, list[str]]:
    tree = Tree.from_files(files)
    layout = resolve_layout(Plan("t", (".",), tuple(MoveEntry(*m) for m in moves)), tree)
    found = lost(layout, Index(layout), lambda path: path.startswith("vendor/"))
    return {path: [f"{leaf} {left.name} {left.new}" for leaf, left in names.items()] for path, names in found.items()}


@pytest.mark.parametrize(
    ("files", "moves", "found"),
    [
        ("a/__init__.py a/b.py", [("a.b", "c.b")], {"a/__init__.py": ["b a.b c.b"]}),
        ("a/__init__.py a/b/__init__.py", [("a.b", "c.b")], {"a/__init__.py": ["b a.b c.b"]}),
        ("a/__init__.py a/b.py", [("a", "c")], {}),  # it goes along
        ("a/__init__.py a/b.py", [("a", "c"), ("a.b", "d.b")], {"a/__init__.py": ["b a.b d.b"]}),
        ("a/b.py a/c.py", [("a.b", "d.b")], {}),  # a namespace has no code that could answer
        ("a.py b.py", [("a", "c.a")], {}),
        ("vendor/__init__.py vendor/b.py", [("vendor.b", "c.b")], {}),
        (
            "a/__init__.py a/s/__init__.py a/s/b.py",
            [("a.s.b", "c.b")],
            {"a/s/__init__.py": ["b a.s.b c.b"], "a/__init__.py": ["s a.s a.s"]},
        ),
        (
            "a/__init__.py a/s/__init__.py a/s/b.py",
            [("a", "z"), ("a.s.b", "c.b")],
            {"a/s/__init__.py": ["b a.s.b c.b"], "a/__init__.py": ["s z.s z.s"]},
        ),
    ],
)
def test_which_packages_need_one(files: str, moves: list[tuple[str, str]], found: dict[str, list[str]]) -> None:
    assert packages(dict.fromkeys(files.split(), ""), *moves) == found


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("", True),
        ("from .part import x\n", True),
        ("from c import part\n", False),
        ("def part(): ...\n", False),
        ("print 'python 2'\n", False),
    ],
)
def test_what_the_package_binds_itself_needs_none(source: str, needed: bool) -> None:
    assert unbound(source, {"part": PART}) == ({"part": PART} if needed else {})


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("getattr(pkg, 'http').get()", True),
        ("hasattr(pkg.sub, 'deep')", True),
        ("monkeypatch.setattr(pkg, 'http', None)", True),
        ("mock.patch.object(pkg.sub, 'deep')", True),
        ("getattr(pkg, 'sub')", False),
        ("getattr(pkg, name)", False),
        ("getattr(other, 'http')", False),
        ("f(1, pkg, 'http')", False),
        ("getattr(pkg, 'bound')", False),
        ("print(pkg, 'text')", True),  # it may be one
    ],
)
def test_a_submodule_that_is_asked_for_in_a_string_is_listed(line: str, listed: bool) -> None:
    files = {k: v for k, v in FILES.items() if k != "migration.toml"}
    files |= {"pkg/__init__.py": "from . import bound\n", "pkg/bound.py": "", "app/c.py": f"import pkg.sub\n{line}\n"}
    moves = [
        ("pkg.http", "libs.web"),
        ("pkg.text", "libs.text"),
        ("pkg.sub.deep", "libs.deep"),
        ("pkg.bound", "libs.b"),
    ]
    layout = resolve_layout(Plan("t", (".",), tuple(MoveEntry(*m) for m in moves)), Tree.from_files(files))
    found = {s.path: s for s in scan_tree(make_world(layout))}
    rules = [f.rule for f in found["app/c.py"].findings] if "app/c.py" in found else []
    assert rules == (["name.elsewhere"] if listed else []), found.get("app/c.py")
