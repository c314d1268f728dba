"""The maps of names and paths, on a tree before the move and on one after it."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import pytest

from tools.migrate.layout import Layout, relative_to, resolve_layout
from tools.migrate.model import PlanError
from tools.migrate.plan import parse_plan
from tools.migrate.tests.scanning import LEGACY, PLAN, migrate
from tools.migrate.tree import Tree


@pytest.fixture(params=["before", "after"])
def layout(request: pytest.FixtureRequest) -> Layout:
    if request.param == "before":
        return resolve_layout(parse_plan(PLAN), Tree.from_files(LEGACY))
    # After the move the lock says where a package was.
    plan = PLAN.replace('from = "money"\n', 'from = "money"\npath = "libs/types/money"\n')
    return resolve_layout(parse_plan(plan), Tree.from_files(migrate({}).files), moved=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [("wire_v2", "libs.types.wire"), ("wire_v2.tlv.types", "libs.types.wire.tlv.types"), ("money.x", "libs.types.cash.x"),
     ("libs.types.money.side", "libs.types.cash.side"), ("wire_v2x", None), ("libs.types", None), ("app.wire_v2", None)],
)  # fmt: skip
def test_names(layout: Layout, old: str, new: str | None) -> None:
    assert layout.new_module(old) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [("wire_v2/header.py", "libs/types/wire/header.py"), ("wire_v2", "libs/types/wire"), ("libs/types/money/x", "libs/types/cash/x"),
     ("wire_v2x/a", None), ("wire_v2/pyproject.toml", None), ("app/use.py", None)],
)  # fmt: skip
def test_paths(layout: Layout, old: str, new: str | None) -> None:
    assert layout.old_to_new_path(old) == new


def test_modules_of_files() -> None:
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files(LEGACY))
    here, there = layout.module_of("libs/types/money/side.py"), layout.new_module_of("libs/types/money/side.py")
    assert here is not None and there is not None
    assert (here.name, here.package, there.name, there.package) == (
        "money.side",
        "money",
        "libs.types.cash.side",
        "libs.types.cash",
    )
    own = layout.module_of("wire_v2/tlv/__init__.py")
    assert own is not None and own.is_package and own.package == "wire_v2.tlv"
    assert layout.module_of("a.txt") is None


@pytest.mark.parametrize(
    "moves",
    ['from = "nope"\nto = "x"', 'from = "wire_v2"\nto = "app"', 'from = "wire_v2.header"\nto = "wire_v2.checksum"',
     'from = "wire_v2.tlv"\nto = "app.tlv"\nto-path = "app/tlv.py"'],
)  # fmt: skip
def test_refused(moves: str) -> None:
    with pytest.raises(PlanError):
        resolve_layout(parse_plan(f'[migration]\nname = "x"\n[[move]]\n{moves}\n'), Tree.from_files(LEGACY))


@pytest.mark.parametrize("targets", [("app", "wire_v2"), ("spare", "wire_v2")])
def test_a_new_name_that_is_an_old_one_as_well_is_refused(targets: tuple[str, str]) -> None:
    first, second = targets
    plan = f'[migration]\nname = "x"\n[[move]]\nfrom = "wire_v2"\nto = "{first}"\n[[move]]\nfrom = "app"\nto = "{second}"\n'
    with pytest.raises(PlanError, match="old name as well") as caught:
        resolve_layout(parse_plan(plan), Tree.from_files(LEGACY))
    assert "first" in caught.value.next_step


def test_relative_to() -> None:
    assert relative_to("a/b/c", "a/d") == "../b/c" and relative_to("a", "") == "a"


def test_a_folder_of_files_beside_a_module_is_not_what_is_imported() -> None:
    """Warehouse: `warehouse/static.py`, and what webpack takes from `warehouse/static/`."""
    files = {"shop/__init__.py": "", "shop/static.py": "", "shop/static/a.js": "", "shop/pages.py": "", "acme/a.py": ""}
    plan = parse_plan('[migration]\nname = "x"\n[[move]]\nfrom = "shop.static"\nto = "acme.static"\n')
    assert resolve_layout(plan, Tree.from_files(files)).moved_files() == {"shop/static.py": "acme/static.py"}
    package = {**files, "shop/static/__init__.py": ""}  # which hides the module
    assert "shop/static/a.js" in resolve_layout(plan, Tree.from_files(package)).moved_files()
