"""Import roots that only old names need: the new one comes with the move, the old one goes with the shims."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.model import Finding
from tools.migrate.oldroots import OldRoot, old_roots
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests import sample
from tools.migrate.tests.sample import git
from tools.migrate.texts import EditedFile
from tools.migrate.tree import Tree

PLAN = """
[migration]
name = "cash"
import-roots = [".", "libs/types"]
[[move]]
from = "money"
to = "libs.types.cash"
path = "libs/types/money"
"""
TARGET = PLAN + '[target]\ndistribution = "all"\npath = "libs/types"\n'
MONEY = {"libs/types/money/__init__.py": "A = 1\n"}
MOVED = {"libs/types/cash/__init__.py": "A = 1\n"}
LOCK = 'schema = 1\nplan = "cash"\nstage = {}\n'
COPY = '[[shim]]\npath = "money/__init__.py"\n'
HEAD = "import os, sys, site\nfrom pathlib import Path\n"
BESIDE = "sys.path.insert(0, str(Path(__file__).parents[1]{}))\n"


def texts(
    path: str, text: str, plan: str = PLAN, files: dict[str, str] = MONEY, *, moved: bool = False
) -> tuple[list[str], list[Finding]]:
    """What a file holds after stages 3, 4 and 6, and what is listed of it."""
    tree = Tree.from_files({**files, path: text})
    layout = resolve_layout(parse_plan(plan), tree, moved=moved)
    scan = next((s for s in scan_tree(make_world(layout), skip=wants) if s.path == path), None)
    file = EditedFile(tree, path, scan.edits if scan else ())
    return [file.text(stage).decode() for stage in (3, 4, 6)], scan.findings if scan else []


WRITTEN = [
    ("run.sh", "PYTHONPATH=libs/types x\n", "PYTHONPATH=libs/types:. x\n", "PYTHONPATH=. x\n"),
    ("run.sh", "PYTHONPATH=$PWD/libs/types/:lib x\n", "PYTHONPATH=$PWD/libs/types/:$PWD:lib x\n", "PYTHONPATH=$PWD:lib x\n"),
    ("run.sh", "PYTHONPATH=.:libs/types x\n", "PYTHONPATH=.:libs/types x\n", "PYTHONPATH=. x\n"),
    ("run.sh", "PYTHONPATH=libs/types:lib:. x\n", "PYTHONPATH=libs/types:lib:. x\n", "PYTHONPATH=lib:. x\n"),
    ("Dockerfile", "ENV PYTHONPATH /app/libs/types\n", "ENV PYTHONPATH /app/libs/types:/app\n", "ENV PYTHONPATH /app\n"),
    ("pytest.ini", "[pytest]\npythonpath = libs/types\n", "[pytest]\npythonpath = libs/types .\n", "[pytest]\npythonpath = .\n"),
    ("mypy.ini", "[mypy]\nmypy_path = libs/types, stubs\n", "[mypy]\nmypy_path = libs/types, ., stubs\n", "[mypy]\nmypy_path = ., stubs\n"),
    ("tox.ini", "[pytest]\npythonpath =\n    libs/types\n    .\n", "[pytest]\npythonpath =\n    libs/types\n    .\n", "[pytest]\npythonpath =\n    .\n"),
    ("tox.ini", "[testenv]\nsetenv =\n    PYTHONPATH = {toxinidir}/libs/types\n", "[testenv]\nsetenv =\n    PYTHONPATH = {toxinidir}/libs/types:{toxinidir}\n", "[testenv]\nsetenv =\n    PYTHONPATH = {toxinidir}\n"),
    ("Makefile", "test: export PYTHONPATH := libs/types\n", "test: export PYTHONPATH := libs/types:.\n", "test: export PYTHONPATH := .\n"),
    ("k8s.yaml", "- name: PYTHONPATH\n  value: /libs/types\n", "- name: PYTHONPATH\n  value: /libs/types:/\n", "- name: PYTHONPATH\n  value: /\n"),
    ("task.json", '{"name": "PYTHONPATH", "value": "libs/types"}\n', '{"name": "PYTHONPATH", "value": "libs/types:."}\n', '{"name": "PYTHONPATH", "value": "."}\n'),
    ("run.bat", "set PYTHONPATH=libs/types\n", "set PYTHONPATH=libs/types;.\n", "set PYTHONPATH=.\n"),
    (".envrc", "path_add PYTHONPATH libs/types\n", "path_add PYTHONPATH libs/types .\n", "path_add PYTHONPATH .\n"),
    ("README.md", "Run `PYTHONPATH=libs/types x`.\n", "Run `PYTHONPATH=libs/types:. x`.\n", "Run `PYTHONPATH=. x`.\n"),
    (".vscode/settings.json", '{"env": {"PYTHONPATH": "libs/types"}}\n', '{"env": {"PYTHONPATH": "libs/types:."}}\n', '{"env": {"PYTHONPATH": "."}}\n'),
]  # fmt: skip
STATEMENTS = [
    ("sys.path.append('libs/types')  # noqa\n", "sys.path.append('libs/types')\nsys.path.append('.')  # noqa\n",
     "sys.path.append('.')  # noqa\n"),
    ("if True:\n    site.addsitedir('libs/types')\n", "if True:\n    site.addsitedir('libs/types')\n    site.addsitedir('.')\n",
     "if True:\n    site.addsitedir('.')\n"),
    ("if True: sys.path.append('libs/types')\n", "if True: sys.path.append('libs/types'); sys.path.append('.')\n",
     "if True: sys.path.append('.')\n"),
    ("sys.path.append('libs/types'); x = 1\n", "sys.path.append('libs/types'); sys.path.append('.'); x = 1\n",
     "sys.path.append('.'); x = 1\n"),
    ("sys.path[:0] = ['libs/types', 'lib']\n", "sys.path[:0] = ['libs/types', '.', 'lib']\n", "sys.path[:0] = ['.', 'lib']\n"),
    ("sys.path.extend(['lib', 'libs/types'])\n", "sys.path.extend(['lib', 'libs/types', '.'])\n", "sys.path.extend(['lib', '.'])\n"),
    (BESIDE.format(" / 'libs' / 'types'"), BESIDE.format(" / 'libs' / 'types'") + BESIDE.format(""), BESIDE.format("")),
    (BESIDE.format("") + BESIDE.format(" / 'libs/types'"), BESIDE.format("") + BESIDE.format(" / 'libs/types'"), BESIDE.format("")),
    ("os.environ['PYTHONPATH'] = 'libs/types:lib'\n", "os.environ['PYTHONPATH'] = 'libs/types:.:lib'\n", "os.environ['PYTHONPATH'] = '.:lib'\n"),
    ("monkeypatch.setenv('PYTHONPATH', 'libs/types')\n", "monkeypatch.setenv('PYTHONPATH', 'libs/types:.')\n", "monkeypatch.setenv('PYTHONPATH', '.')\n"),
    ("run(env=dict(os.environ, PYTHONPATH=f'{ROOT}/libs/types'))\n", "run(env=dict(os.environ, PYTHONPATH=f'{ROOT}/libs/types:{ROOT}'))\n", "run(env=dict(os.environ, PYTHONPATH=f'{ROOT}'))\n"),
    ("run(env={'PYTHONPATH': os.pathsep.join(['lib', 'libs/types'])})\n", "run(env={'PYTHONPATH': os.pathsep.join(['lib', 'libs/types', '.'])})\n",
     "run(env={'PYTHONPATH': os.pathsep.join(['lib', '.'])})\n"),
    ("run('PYTHONPATH=libs/types x')\n", "run('PYTHONPATH=libs/types:. x')\n", "run('PYTHONPATH=. x')\n"),
    ("sys.path.append(\r\n    'libs/types',\r\n)\r\n",
     "sys.path.append(\r\n    'libs/types',\r\n)\r\nsys.path.append(\r\n    '.',\r\n)\r\n", "sys.path.append(\r\n    '.',\r\n)\r\n"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "both", "last"), WRITTEN)
def test_both_roots_stand_until_cleanup(path: str, before: str, both: str, last: str) -> None:
    assert texts(path, before)[0] == [both, both, last]


@pytest.mark.parametrize(("before", "both", "last"), STATEMENTS)
def test_both_roots_are_put_on_the_path_until_cleanup(before: str, both: str, last: str) -> None:
    assert texts("app/run.py", HEAD + before)[0] == [HEAD + both, HEAD + both, HEAD + last]


@pytest.mark.parametrize(
    ("path", "text"), [(p, b) for p, _, b, _ in WRITTEN] + [("a/b.py", HEAD + b) for _, b, _ in STATEMENTS]
)
def test_planning_again_after_the_move_ends_in_the_same_text(path: str, text: str) -> None:
    last = next(t for p, _, b, t in [*WRITTEN, *(("", "", HEAD + b, HEAD + t) for _, b, t in STATEMENTS)] if b == text)
    for stage in (3, 4):
        made, listed = texts(path, text, files={**MOVED, "migration.lock": LOCK.format(stage)}, moved=True)
        assert made == [text, text, last] and not listed


def test_a_copy_of_the_shim_at_the_new_root_lets_the_old_root_go_with_its_users() -> None:
    text, last = "PYTHONPATH=libs/types x\n", "PYTHONPATH=. x\n"
    assert texts("run.sh", text, TARGET)[0] == ["PYTHONPATH=libs/types:. x\n", last, last]
    taken = {**MONEY, "money/notes.txt": "not ours\n"}
    assert texts("run.sh", text, TARGET, taken)[0] == [*["PYTHONPATH=libs/types:. x\n"] * 2, last]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (LOCK.format(4), OldRoot("libs/types", ".", 4, 6)),
        (LOCK.format(4) + COPY, OldRoot("libs/types", ".", 4, 4)),
        (LOCK.format(6), OldRoot("libs/types", ".", 4, 4)),
    ],
)
def test_the_lock_says_when_the_root_of_what_comes_late_goes(lock: str, wanted: OldRoot) -> None:
    tree = Tree.from_files({**MOVED, "migration.lock": lock})
    assert old_roots(resolve_layout(parse_plan(PLAN), tree, moved=True)) == (wanted,)


def test_without_shims_a_root_is_exchanged_at_once() -> None:
    plan = PLAN + "[shims]\nenabled = false\n"
    assert texts("run.sh", "PYTHONPATH=libs/types x\n", plan)[0][1:] == ["PYTHONPATH=. x\n"] * 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", HEAD + "'libs/types' in sys.path or sys.path.append('libs/types')\n"),
        ("a.py", HEAD + "sys.path.append(below('libs/types'))\n"),
        ("a.py", HEAD + "sys.path.append(f'{os.environ[\"ROOT\"]}/libs/types')\n"),
        ("libs/types/conftest.py", HEAD + "ROOT = 'libs/types'\nsys.path.append(os.path.dirname(__file__))\n"),
        ("a.py", HEAD + "x = [sys.path.append(p) for p in (str(Path(__file__).parent / 'libs' / 'types'), 'more')]\n"),
        ("a.py", HEAD + "for folder in ('more', 'libs/types'):\n    sys.path.append(os.path.abspath(folder))\n"),
        ("a.py", HEAD + "TYPES = Path(__file__).parent / 'libs' / 'types'\nsys.path.append(str(TYPES))\n"),
        ("a.py", HEAD + "env = {'PYTHONPATH': str(Path(__file__).parent / 'libs' / 'types')}\n"),
        ("a.py", HEAD + "env = {'PYTHONPATH': 'libs/types' + os.pathsep + os.environ['PYTHONPATH']}\n"),
        ("pyrightconfig.json", '{"extraPaths": ["libs/types"]}\n'),
    ],
)
def test_what_cannot_be_doubled_is_listed(path: str, text: str) -> None:
    made, listed = texts(path, text)
    assert [f.rule for f in listed] == ["root.implied"]
    assert made == [text] * 3


@pytest.mark.parametrize(
    "text",
    [
        "sys.path.append(str(Path(__file__).parents[1] / 'libs' / 'types' / 'tests'))",
        "sys.path.append(os.path.join(os.path.dirname(__file__), '..', 'libs/types', 'more'))",
        "sys.path.append('libs/types/more')",
        "other.path.append('libs/types')",
    ],
)
def test_other_folders_stay(text: str) -> None:
    made, listed = texts("app/run.py", f"{HEAD}{text}\n")
    assert made == [f"{HEAD}{text}\n"] * 3 and not listed


OTHER = PLAN.replace('to = "libs.types.cash"', 'to = "cash"\nto-path = "src/cash"').replace(
    '"libs/types"]', '"libs/types", "src"]'
)


@pytest.mark.parametrize(
    ("before", "last"),
    [
        (BESIDE.format(" / 'libs' / 'types'"), BESIDE.format(" / 'src'")),
        ("sys.path.append(os.path.join(ROOT, 'libs', \"types\"))\n", 'sys.path.append(os.path.join(ROOT, "src"))\n'),
        ("sys.path.append(ROOT + '/libs/types')\n", "sys.path.append(ROOT + '/src')\n"),
        ("sys.path.append('libs/types')\n", "sys.path.append('src')\n"),
    ],
)
def test_a_root_that_is_not_the_top(before: str, last: str) -> None:
    assert texts("app/run.py", HEAD + before, OTHER)[0] == [HEAD + before + last] * 2 + [HEAD + last]


def test_a_command_in_code_keeps_its_other_words_right() -> None:
    made = texts("a.py", "import os\nos.system('PYTHONPATH=libs/types python -m money')\n")[0]
    assert made[-1] == "import os\nos.system('PYTHONPATH=. python -m libs.types.cash')\n"


def test_slices_in_any_order_find_old_and_new_names(tmp_path: Path) -> None:
    """One program imports code of four teams; whoever lands first, it goes on, and no old root is left in the end."""
    files: dict[str, str | bytes] = {
        "run.py": "import services.b.app, services.a.app, protocol_v2.tlv.types, alphapulse_types.fixed\n",
        "conftest.py": "",
    }
    root = sample.build(tmp_path / "r", '"python run.py"', files)
    for stage in ("1", "2", "3"):
        assert sample.served(root, "--stage", stage).code == 0
    slices = ("services/b", "services/a", "run.py", "libs/types")
    for number, order in enumerate([slices, slices[::-1], ("services/a", "services/b", "libs/types", "run.py")]):
        copy = sample.copy(root, tmp_path / str(number))
        for word in order:
            done = sample.served(copy, "--stage", "4", "--only", word)
            assert done.code == 0, (order, word, done)
        for stage in ("4", "5", "6"):
            done = sample.served(copy, "--stage", stage)
            assert done.code == 0, done
        assert "libs/types" not in git(copy, "grep", "-h", "sys.path.append", "--", "services")
