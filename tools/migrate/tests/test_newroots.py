"""Moves to another source root under the same name: what is refused, what manifests say, and a whole migration."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.migrate.design import Design, make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.model import PlanError
from tools.migrate.newroots import pytest_implies, pytest_settings
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests import sample
from tools.migrate.tests.sample import commit, environment, git, state
from tools.migrate.tree import Tree

SHOP = {"shop/__init__.py": "", "shop/cart.py": "SIZE = 3\n", "shop/data.json": "{}\n"}


def plan(*moves: str, more: str = "", roots: str = '"."') -> str:
    tables = "".join(f"[[move]]\n{move}\n" for move in moves)
    return f'[migration]\nname = "m"\nimport-roots = [{roots}]\n{tables}{more}'


def move(name: str, to_path: str, target: str = "") -> str:
    return f'from = "{name}"\nto = "{target or name}"\nto-path = "{to_path}"'


def designed(files: Mapping[str, str], text: str) -> Design:
    tree = Tree.from_files(files)
    world = make_world(resolve_layout(parse_plan(text), tree))
    return make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)


def after(files: Mapping[str, str], text: str, path: str) -> str:
    return designed(files, text).trees[3].read(path).decode()


# what is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (plan('from = "shop"\nto = "shop"'), "say to which source root it goes: to-path = \"src/shop\""),
        (plan(move("shop", "src/store")), 'let to-path end in "shop"'),
        (plan(move("shop", "src")), 'let to-path end in "shop"'),
        (plan(move("shop", "shop")), "lies at shop already"),
        (plan(move("shop", "shop/src/shop")), "one lies in the other"),
        (plan(move("shop.cart", "src/shop/cart.py")), "shop is a package, and shop.cart cannot leave it"),
        (plan(move("shop", "lib/shop")), "lib is a package"),
        (plan(move("shop", "src/shop"), 'from = "shop.cart"\nto = "cart"'), "do one of them first"),
        (plan(move("shop", "src/shop"), 'from = "old"\nto = "shop.old"'), "do one of them first"),
        (plan(move("shop", "src/shop"), more='[target]\ndistribution = "all"\npath = "src"\n'), "in a migration of its own"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(text: str, said: str) -> None:
    tree = Tree.from_files({**SHOP, "lib/__init__.py": "", "old/__init__.py": ""})
    with pytest.raises(PlanError) as caught:
        resolve_layout(parse_plan(text), tree)
    assert said in str(caught.value)


def test_names_stay_and_paths_do_not() -> None:
    layout = resolve_layout(parse_plan(plan(move("shop", "src/shop"))), Tree.from_files(SHOP))
    assert layout.new_module("shop.cart") is None and not layout.mentions("shop")
    assert layout.new_path("shop/cart.py") == "src/shop/cart.py"
    assert [(c.old, c.new) for c in layout.new_roots] == [(".", "src")]


def test_a_single_module_and_a_part_of_a_namespace() -> None:
    files = {
        "one/space/a/__init__.py": "",
        "one/space/a/b.py": "",
        "helpers.py": "",
        "app.py": 'P = "one/space/a/b.py", "helpers.py"\n',
    }
    text = plan(move("space.a", "two/src/space/a"), move("helpers", "src"), roots='".", "one"')
    made = designed(files, text)
    assert {"two/src/space/a/b.py", "src/helpers.py"} <= set(made.trees[3])
    assert not any(p.endswith("space/__init__.py") for p in made.trees[3])
    assert made.trees[3].read("app.py").decode() == 'P = "two/src/space/a/b.py", "src/helpers.py"\n'
    assert made.groups[3][0].subject == "Move helpers to src/helpers.py, space.a to two/src/space/a"


# what puts the root on the path

NESTED = {**{f"src/{p}": t for p, t in SHOP.items()}, "tests/test_shop.py": "import shop\n"}
DEEPER = plan(move("shop", "packages/shop/src/shop"), roots='"src"')


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("env = {'PYTHONPATH': 'lib:.'}\n", True),
        ("env = dict(PYTHONPATH=os.pathsep.join([str(ROOT), 'lib']))\n", True),
        ("os.environ['PYTHONPATH'] = os.getcwd() + ':' + os.environ.get('PYTHONPATH', '')\n", True),
        ("env = {'PYTHONPATH': str(ROOT / 'lib')}\n", False),
        ("env = {'PYTHONPATH': os.environ.get('PYTHONPATH', '')}\n", False),
    ],
)
def test_the_variable_set_in_code_is_for_a_person(text: str, listed: bool) -> None:
    text = f"import os\nfrom pathlib import Path\nROOT = Path(__file__).parents[1]\n{text}"
    found = designed({**SHOP, "tests/run.py": text}, plan(move("shop", "src/shop"))).findings
    assert [f.line for f in found if f.rule == "root.implied" and f.path == "tests/run.py"] == [4] * listed


@pytest.mark.parametrize(
    ("path", "before", "wanted"),
    [
        ("run.sh", "export PYTHONPATH=src\n", "export PYTHONPATH=packages/shop/src\n"),
        ("README.md", "Run `PYTHONPATH=src x`.\n", "Run `PYTHONPATH=packages/shop/src x`.\n"),
        ("run.sh", "PYTHONPATH=`pwd`/src x\n", "PYTHONPATH=`pwd`/packages/shop/src x\n"),
        ("run.sh", "PYTHONPATH=$PWD/src:lib python -m shop\n", "PYTHONPATH=$PWD/packages/shop/src:lib python -m shop\n"),
        ("pytest.ini", "[pytest]\npythonpath = src lib\n", "[pytest]\npythonpath = packages/shop/src lib\n"),
        ("conftest.py", 'import sys\nsys.path.insert(0, "src")\n', 'import sys\nsys.path.insert(0, "src")\nsys.path.insert(0, "packages/shop/src")\n'),
        ("pyproject.toml", '[tool.setuptools]\npackages = ["shop"]\npackage-dir = { "" = "src" }\n',
         '[tool.setuptools]\npackages = ["shop"]\npackage-dir = { "" = "packages/shop/src" }\n'),
        ("pyproject.toml", '[tool.setuptools.packages.find]\nwhere = ["src"]\n',
         '[tool.setuptools.packages.find]\nwhere = ["packages/shop/src"]\n'),
        ("pyproject.toml", '[tool.mypy]\nmypy_path = "src"\n', '[tool.mypy]\nmypy_path = "src:packages/shop/src"\n'),
        ("pyproject.toml", '[build-system]\nbuild-backend = "maturin"\n\n[tool.maturin]\npython-source = "src"\n',
         '[build-system]\nbuild-backend = "maturin"\n\n[tool.maturin]\npython-source = "packages/shop/src"\n'),
        ("pyproject.toml", '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n\n[tool.poetry]\nname = "shop"\n',
         '[build-system]\nbuild-backend = "poetry.core.masonry.api"\n\n[tool.poetry]\nname = "shop"\npackages = [{ include = "shop", from = "packages/shop/src" }]\n'),
        ("setup.cfg", "[options]\npackages = find:\npackage_dir =\n    =src\n\n[options.packages.find]\nwhere = src\n",
         "[options]\npackages = find:\npackage_dir =\n    = packages/shop/src\n\n[options.packages.find]\nwhere = packages/shop/src\n"),
        ("setup.py", 'from setuptools import setup\nsetup(name="shop", packages=["shop"], package_dir={"": "src"})\n',
         'from setuptools import setup\nsetup(name="shop", packages=["shop"], package_dir={"": "packages/shop/src"})\n'),
    ],
)  # fmt: skip
def test_from_one_source_root_to_another(path: str, before: str, wanted: str) -> None:
    assert after({**NESTED, path: before}, DEEPER, path) == wanted


@pytest.mark.parametrize(
    ("files", "commands", "implied"),
    [
        ({"tests/test_a.py": ""}, "pytest", False),
        ({"tests/test_a.py": ""}, "python -m pytest -q", True),
        ({"tests/test_a.py": "", "conftest.py": ""}, "pytest", True),
        ({"tests/test_a.py": "", "tests/__init__.py": ""}, "pytest", True),
        ({"tests/test_a.py": "", "conftest.py": "", "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\n"}, "pytest", False),
    ],
)  # fmt: skip
def test_whether_pytest_implies_the_root(files: dict[str, str], commands: str, implied: bool) -> None:
    text = plan(move("shop", "src/shop"), more=f'[gates]\ntests = ["{commands}"]\n')
    tree = Tree.from_files({**SHOP, **files})
    assert pytest_implies(parse_plan(text), tree, ".") is implied


def test_pytest_without_settings_gets_a_file() -> None:
    made = designed({**SHOP, "conftest.py": ""}, plan(move("shop", "src/shop")))
    assert made.trees[3].read("pytest.ini") == b"[pytest]\npythonpath = src\n"
    assert "pytest.ini" not in designed({**SHOP, "tests/test_a.py": ""}, plan(move("shop", "src/shop"))).trees[3]
    assert pytest_settings(Tree.from_files({"pyproject.toml": "[tool.black]\n"}), ".") is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('[build-system]\nbuild-backend = "flit_core.buildapi"\n[project]\nname = "shop"\n', "toml.unshipped"),
        ('[project]\nname = "shop"\n[tool.setuptools]\npy-modules = ["helpers", "other"]\n', "toml.unshipped"),
        ('[project]\nname = "shop"\n[tool.setuptools.packages.find]\nexclude = ["tests*"]\n', "toml.packages"),
    ],
)
def test_what_a_back_end_cannot_ship_is_an_error(text: str, rule: str) -> None:
    files = {**SHOP, "helpers.py": "", "other.py": "", "more/__init__.py": "", "pyproject.toml": text}
    made = designed(files, plan(move("shop", "lib/python/shop"), move("helpers", "lib/python/helpers.py")))
    assert (rule, "error") in [(f.rule, f.severity) for f in made.findings], made.findings


def test_another_distribution_ships_it_from_now_on() -> None:
    files = {
        **{f"core/{p}": t for p, t in SHOP.items()},
        "core/pyproject.toml": '[project]\nname = "core"\n[tool.setuptools]\npackages = ["shop"]\n',
        "libs/shop/pyproject.toml": '[build-system]\nbuild-backend = "hatchling.build"\n[project]\nname = "wares"\n',
    }
    made = designed(files, plan(move("shop", "libs/shop/src/shop"), roots='"core"'))
    found = {(f.path, f.rule) for f in made.findings if f.severity == "error"}
    assert found == {("core/pyproject.toml", "root.distribution"), ("libs/shop/pyproject.toml", "toml.unshipped")}


def test_names_by_way_of_a_folder_above_the_root_change_with_the_move() -> None:
    files = {**NESTED, "use.py": "import src.shop.cart\nfrom src.shop import cart\n\nX = src.shop.cart.SIZE\n"}
    made = designed(files, plan(move("shop", "packages/shop/src/shop"), roots='".", "src"'))
    assert made.trees[3].read("use.py") == b"import shop.cart\nfrom shop import cart\n\nX = shop.cart.SIZE\n"


# a whole migration

FILES: dict[str, str | bytes] = {
    ".gitignore": "__pycache__/\n*.so\n",
    "shop/__init__.py": "from .cart import total\n",
    "shop/cart.py": "from pathlib import Path\n\nROOT = Path(__file__).resolve().parents[1]\n\n\ndef total(*prices):\n    return sum(prices)\n",
    "shop/data/rates.json": '{"a": 1}\n',
    "old/__init__.py": "X = 1\n",
    "tests/__init__.py": "",
    "tests/test_shop.py": (
        "import json\nimport os\n\nimport old\nimport shop\nfrom shop.cart import ROOT\n\n\n"
        "def test_all():\n    assert (shop.total(1, 2), old.X) == (3, 1) and (ROOT / 'tests').is_dir()\n"
        "    here = os.path.dirname(__file__)\n"
        "    assert json.load(open(os.path.join(here, '..', 'shop', 'data', 'rates.json'))) == {'a': 1}\n"
    ),
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n\n[tool.setuptools]\npackages = ["shop"]\n',
    "migration.toml": plan(
        move("shop", "src/shop"), 'from = "old"\nto = "new.old"', more='[gates]\ntests = ["python -m pytest -q -p no:cacheprovider"]\n'
    ),
}  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.timeout(300)
def test_to_a_src_layout_beside_an_ordinary_move_and_back(tmp_path: Path) -> None:
    root = tmp_path / "r"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, FILES, "everything")
    left = {
        "shop/__pycache__/cart.cpython-311.pyc": "cache\n",
        "shop/data/__pycache__/x.pyc": "cache\n",
        "shop/_fast.so": "built\n",
    }
    sample.write(root, dict(left))
    first, before = git(root, "rev-parse", "HEAD"), state(root)
    assert "its folder, to src/shop; the name stays" in sample.served(root, "explain", "tests/test_shop.py:5").text
    for stage in (1, 2, 3):
        done = sample.served(root, "--stage", str(stage))
        assert done.code == 0, (stage, done)
    assert "shop/_fast.so" in done.text and "old-folder" in done.text
    assert [p for p in state(root).names() if p.startswith("shop/")] == ["shop/_fast.so"]
    assert sample.served(root, "check-shims").code == 0
    _imports_from_src(root)
    assert sample.served(root, "rollback", "--to", "3").code == 0
    assert (state(root).files, state(root).tree, state(root).index) == (before.files, before.tree, before.index)
    for stage in (3, 4, 5, 6):
        done = sample.served(root, "--stage", str(stage))
        assert done.code == 0, (stage, done)
    _imports_from_src(root)
    assert first in git(root, "log", "--follow", "--format=%H", "--", "src/shop/cart.py")
    report = json.loads(sample.served(root, "report", "--json").out)
    assert [(m["source"], m["to_path"]) for m in report["moves"]] == [("old", "new/old"), ("shop", "src/shop")]
    # A branch from before brings a file to the old place, and a path that names it.
    git(root, "switch", "-qc", "late", first)
    commit(root, {"shop/late.py": "LATE = 1\n", "shop/cart.py": FILES["shop/cart.py"] + b"\n" if isinstance(FILES["shop/cart.py"], bytes) else f"{FILES['shop/cart.py']}\nLIMIT = 5\n", "paths.py": 'LATE = "shop/late.py"\n'})  # fmt: skip
    git(root, "switch", "-q", "main")
    git(root, "-c", "merge.directoryRenames=false", "merge", "-q", "--no-edit", "late")
    done = sample.served(root, "check-shims")
    assert done.code == 1 and "shop/late.py:1: error: this stands at shop, which has moved to src/shop" in done.text, (
        done
    )
    assert "paths.py:1" in done.text
    assert sample.served(root, "check-shims", "--fix").code == 0
    assert (root / "src/shop/late.py").exists() and not (root / "shop/late.py").exists()
    assert (root / "paths.py").read_text() == 'LATE = "src/shop/late.py"\n'
    assert "LIMIT = 5" in (root / "src/shop/cart.py").read_text()


def _imports_from_src(root: Path) -> None:
    code = "import shop, sys; assert shop.__file__.endswith('src/shop/__init__.py'), shop; assert shop.total(1, 2) == 3"
    path = os.pathsep.join((str(root), str(root / "src")))
    ran = subprocess.run([sys.executable, "-B", "-c", code], env=environment(PYTHONPATH=path), cwd=root, check=False, capture_output=True, text=True)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
