"""CODEOWNERS and members: whose a path is."""

from __future__ import annotations

import pytest

from tools.migrate.owners import Members, owners_of, parse_owners
from tools.migrate.tree import Tree

TEXT = """\
# comment
*            @all
*.md         @docs mail@example.org   # who writes
/services/   @services
services/gateway @gateway
docs/*       @shallow
**/wire      @wire
/tools/**/x.py @x
a\\ b.txt    @space
/generated/
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("setup.py", "@all"),
        ("deep/in/readme.md", "@docs mail@example.org"),
        ("services/a/app.py", "@services"),
        ("other/services/a.py", "@all"),
        ("services/gateway/app.py", "@gateway"),
        ("services/gateway", "@gateway"),
        ("services/gateways/app.py", "@services"),
        ("docs/a.txt", "@shallow"),
        ("docs/deep/a.txt", "@all"),
        ("libs/wire/x.py", "@wire"),
        ("wire", "@wire"),
        ("tools/x.py", "@x"),
        ("tools/a/b/x.py", "@x"),
        ("a b.txt", "@space"),
        ("generated/x.py", ""),
    ],
)
def test_the_last_pattern_that_fits_wins(path: str, owners: str) -> None:
    assert parse_owners(TEXT).of(path) == tuple(owners.split())


def test_sections_add_owners_and_have_defaults() -> None:
    owners = parse_owners("* @all\n[Docs][2] @writers\ndocs/\n^[Database]\nmodel.py @db\n")
    assert owners.of("docs/model.py") == ("@all", "@writers", "@db")
    assert owners.of("x.py") == ("@all",)


def test_the_file_is_looked_for_where_the_hosts_do() -> None:
    assert owners_of(Tree.from_files({"docs/CODEOWNERS": "* @d\n", ".github/CODEOWNERS": "* @g\n"})).of("x") == ("@g",)
    assert owners_of(Tree.from_files({"x": ""})).of("x") == ()


def test_a_member_is_the_nearest_folder_with_a_manifest() -> None:
    members = Members(["pyproject.toml", "libs/types/pyproject.toml", "libs/types/wire/a.py", "services/a/setup.py"])
    assert members.of("libs/types/wire/a.py") == "libs/types"
    assert members.of("services/a/app.py") == "services/a"
    assert members.of("services/b/app.py") == "services"
    assert members.of("conftest.py") == "."
