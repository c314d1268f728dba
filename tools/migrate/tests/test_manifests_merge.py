"""The target's manifest and the old ones, from stage 3 to cleanup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import declared_unused, new_manifests, rewrite_manifest
from tools.migrate.tests.test_manifests_helpers import FILES, MERGE, MONEY, ROOT, WIRE, after, context, findings, toml

NEW_TARGET = MERGE.replace(
    'distribution = "money-types"\npath = "libs/core"', 'distribution = "acme-core"\npath = "libs/core2"'
)


def test_the_target_has_what_both_had() -> None:
    project = toml(after(3, "libs/core/pyproject.toml"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert project["dependencies"] == ["attrs>=23.1", "orjson>=3; sys_platform == 'linux'"]
    assert project["optional-dependencies"] == {"fast": ["crc32c>=2"]}
    assert project["scripts"] == {"wire-dump": "libs.core.wire.tool:main"}
    assert project["entry-points"] == {"acme.codecs": {"wire": "libs.core.wire.codec:decode"}}


def test_a_move_that_names_no_distribution_although_its_folder_has_one_is_listed() -> None:
    def unnamed(plan: str) -> list[str]:
        return [each for each in findings(3, "libs/core/pyproject.toml", plan=plan) if "target.unnamed" in each]

    (found,) = unnamed(MERGE.replace('distribution = "wire-fmt"\n', ""))
    assert found == "warning 1 target.unnamed wire_fmt lies in the folder of wire-fmt, which the plan does not name"
    # what lies in the target's own folder needs no word, nor does a plan that names all
    assert unnamed(MERGE.replace('distribution = "money-types"\n\n[target]', "[target]")) == []
    assert unnamed(MERGE) == []


def test_the_target_keeps_its_comments_and_loses_its_own_source() -> None:
    text = after(3, "libs/core/pyproject.toml")
    assert "  # as few as can be\n" in text
    assert "sources" not in toml(text).get("tool", {}).get("uv", {})


def test_the_target_ships_new_packages_and_its_own_shim_until_cleanup() -> None:
    new = ["libs.core.money", "libs.core.wire", "libs.core.wire.sub"]
    table = toml(after(3, "libs/core/pyproject.toml"))["tool"]["setuptools"]
    assert table == {"packages": [*new, "money_types"], "package-dir": {"libs.core": "."}}
    assert toml(after(6, "libs/core/pyproject.toml"))["tool"]["setuptools"]["packages"] == new


def test_an_explicit_package_list_is_extended_in_place() -> None:
    text = MONEY + '\n[tool.setuptools]\npackages = [\n  "money_types",  # ours\n]\n'
    assert '  "money_types",  # ours\n  "libs.core.money",\n  "libs.core.wire",\n' in after(
        3, "libs/core/pyproject.toml", text
    )


def test_package_data_and_extensions_are_carried() -> None:
    wire = WIRE + (
        '\n[tool.setuptools]\npackages = ["wire_fmt"]\n\n[tool.setuptools.package-data]\nwire_fmt = ["data/*.json"]\n'
        '\n[[tool.setuptools.ext-modules]]\nname = "wire_fmt._fast"\nsources = ["_fast.c"]\noptional = true\n'
    )
    files = {**FILES, "wire_fmt/pyproject.toml": wire, "wire_fmt/_fast.c": ""}
    table = toml(after(4, "libs/core/pyproject.toml", files=files))["tool"]["setuptools"]
    assert table["package-data"] == {"libs.core.wire": ["data/*.json"]}
    assert table["ext-modules"] == [{"name": "libs.core.wire._fast", "sources": ["wire/_fast.c"], "optional": True}]
    thin = toml(after(3, "wire_fmt/pyproject.toml", files=files))["tool"]["setuptools"]
    stubs = {"wire_fmt": ["*.pyi", "*/*.pyi"]}
    assert thin == {"packages": ["wire_fmt"], "package-dir": {"wire_fmt": "."}, "package-data": stubs}


def test_the_old_manifest_is_thin_and_then_goes() -> None:
    assert toml(after(3, "wire_fmt/pyproject.toml"))["tool"]["uv"]["sources"] == {"money-types": {"workspace": True}}
    thin = toml(after(4, "wire_fmt/pyproject.toml"))
    assert thin["project"] == {
        "name": "wire-fmt",
        "version": "2.3.0",
        "requires-python": ">=3.10",
        "dependencies": ["money-types>=0.4.0"],
        "optional-dependencies": {"fast": ["money-types[fast]"]},
    }
    assert thin["tool"]["uv"]["sources"] == {"money-types": {"path": "../libs/core"}}  # no member any more
    assert after(6, "wire_fmt/pyproject.toml") == "<deleted>"


def test_without_a_workspace_the_thin_one_has_no_source() -> None:
    files = {**FILES, "pyproject.toml": '[project]\nname = "acme"\n'}
    assert "uv" not in toml(after(3, "wire_fmt/pyproject.toml", files=files))["tool"]


def test_an_old_manifest_that_is_still_needed_stays() -> None:
    files = {k.replace("wire_fmt/", "packages/wire/wire_fmt/"): v for k, v in FILES.items()}
    files["packages/wire/pyproject.toml"] = files.pop("packages/wire/wire_fmt/pyproject.toml")
    files["packages/wire/bench/run.sh"] = "#!/bin/sh\n"
    plan = MERGE.replace('import-roots = ["."', 'import-roots = [".", "packages/wire"')
    assert "name" in after(6, "packages/wire/pyproject.toml", files=files, plan=plan)
    assert any("run.sh" in f for f in findings(6, "packages/wire/pyproject.toml", files=files, plan=plan))
    del files["packages/wire/bench/run.sh"]
    files["packages/wire/README.md"] = "wire\n"
    assert after(6, "packages/wire/pyproject.toml", files=files, plan=plan) == "<deleted>"
    assert any("README" in f for f in findings(6, "packages/wire/pyproject.toml", files=files, plan=plan))


@pytest.mark.parametrize(
    ("wire", "money", "rule"),
    [
        (WIRE.replace('">=3.10"', '"<3.11"'), MONEY, "target.python"),
        (WIRE.replace("attrs>=22", "attrs<23"), MONEY, "target.requirement"),
        (WIRE, MONEY + '\n[project.scripts]\nwire-dump = "money_types.price:Price"\n', "target.script"),
    ],
)
def test_a_conflict_is_an_error_for_a_person(wire: str, money: str, rule: str) -> None:
    files = {**FILES, "wire_fmt/pyproject.toml": wire, "libs/core/pyproject.toml": money}
    found = findings(3, "libs/core/pyproject.toml", files=files)
    assert [f for f in found if f.startswith("error") and rule in f], found


def test_the_same_script_twice_is_no_conflict() -> None:
    money = MONEY + '\n[project.scripts]\nwire-dump = "wire_fmt.tool:main"\n'
    assert findings(3, "libs/core/pyproject.toml", money) == []
    assert toml(after(4, "libs/core/pyproject.toml", money))["project"]["scripts"] == {
        "wire-dump": "libs.core.wire.tool:main"
    }


def test_a_target_without_manifest_gets_one() -> None:
    where = context(plan=NEW_TARGET.replace("libs/core2", "libs/new"))
    (path, made), *rest = new_manifests(3, where).items()
    assert (path, rest) == ("libs/new/pyproject.toml", [])
    # what is wrong is told of a manifest that was not there, too
    assert {(f.severity, f.rule) for f in made.findings} == {("error", "target.packages")}
    text = made.text or ""
    project = toml(text)["project"]
    assert project["name"] == "acme-core"
    assert project["version"] == "2.3.0"
    assert project["dependencies"] == ["attrs>=23.1", "orjson>=3; sys_platform == 'linux'"]
    assert rewrite_manifest(path, text, 3, where).text == text
    assert new_manifests(4, where) == {} == new_manifests(3, context())


def test_a_self_reference_by_extra_is_kept_under_the_new_name() -> None:
    wire = WIRE.replace('fast = ["crc32c>=2"]', 'fast = ["crc32c>=2"]\nall = ["wire-fmt[fast]", "money-types"]')
    extras = toml(after(3, "libs/core/pyproject.toml", files={**FILES, "wire_fmt/pyproject.toml": wire}))["project"]
    assert extras["optional-dependencies"]["all"] == ["money-types[fast]"]


def test_partly_moved_distribution_stays_and_depends_on_the_target() -> None:
    files = {k.replace("wire_fmt/", "packages/wire/wire_fmt/"): v for k, v in FILES.items()}
    files["packages/wire/pyproject.toml"] = files.pop("packages/wire/wire_fmt/pyproject.toml")
    files["packages/wire/wire_server/__init__.py"] = "RUN = 1\n"
    plan = MERGE.replace('import-roots = ["."', 'import-roots = [".", "packages/wire"')
    project = toml(after(6, "packages/wire/pyproject.toml", files=files, plan=plan))["project"]
    assert project["dependencies"] == ["attrs>=22", "orjson>=3; sys_platform == 'linux'", "money-types>=0.4.0"]
    assert "scripts" not in project
    web = toml(after(4, "apps/web/pyproject.toml", files=files, plan=plan))["project"]["dependencies"]
    assert web == ["wire-fmt", "money-types"]


# the root


def test_members_and_roots_lose_what_served_the_old_names() -> None:
    assert 'members = ["wire_fmt", "libs/core", "apps/*"]' in after(3, "pyproject.toml")
    assert 'members = ["libs/core", "apps/*"]' in after(4, "pyproject.toml")
    text = after(6, "pyproject.toml")
    assert 'members = ["libs/core", "apps/*"]' in text
    assert 'testpaths = ["tests", "libs/core/wire/tests"]' in text


def test_an_old_root_goes_with_its_last_user_where_a_copy_of_the_shim_stands() -> None:
    both = 'pythonpath = [".", "libs/core"]'
    assert both in after(3, "pyproject.toml")
    assert 'pythonpath = ["."]' in after(4, "pyproject.toml")
    namesake = {**FILES, "money_types/notes.txt": "no room for a copy\n"}
    assert both in after(4, "pyproject.toml", files=namesake)
    assert 'pythonpath = ["."]' in after(6, "pyproject.toml", files=namesake)
    without = MERGE + "\n[shims]\nenabled = false\n"
    assert both in after(4, "pyproject.toml", plan=without)


def test_a_folder_inside_of_another_is_not_listed_beside_it() -> None:
    root = ROOT.replace('["tests", "wire_fmt/tests"]', '["tests", "libs", "wire_fmt"]')
    assert 'testpaths = ["tests", "libs"]' in after(3, "pyproject.toml", root)
    assert '["tests", "libs/core/wire"]' in after(3, "pyproject.toml", root.replace('"libs", "wire', '"wire'))


def test_a_root_that_still_serves_something_stays() -> None:
    files = {**FILES, "libs/core/helpers.py": "X = 1\n"}
    assert 'pythonpath = [".", "libs/core"]' in after(6, "pyproject.toml", files=files)
    assert any("second name" in f for f in findings(6, "pyproject.toml", files=files))


def test_the_root_of_the_new_names_is_added_at_once() -> None:
    root = ROOT.replace('pythonpath = [".", "libs/core"]', 'pythonpath = ["libs/core"]')
    assert 'pythonpath = ["libs/core", "."]' in after(3, "pyproject.toml", root)
    assert 'pythonpath = ["."]' in after(6, "pyproject.toml", root)


def test_a_missing_member_is_added_and_a_glob_that_covers_it_suffices() -> None:
    bare = ROOT.replace('"wire_fmt", "libs/core", ', "")
    assert 'members = ["apps/*", "libs/core"]' in after(3, "pyproject.toml", bare)
    glob = ROOT.replace('"libs/core"', '"libs/*"')
    assert 'members = ["wire_fmt", "libs/*", "apps/*"]' in after(3, "pyproject.toml", glob)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('mypy_path = "libs/core"', ""),
        ('mypy_path = ".:libs/core"', 'mypy_path = "."'),
        ('mypy_path = "$MYPY_CONFIG_FILE_DIR/libs/core:stubs"', 'mypy_path = "stubs"'),
        ('mypy_path = ["stubs", "libs/core"]', 'mypy_path = ["stubs"]'),
        ('mypy_path = "stubs"', 'mypy_path = "stubs"'),
    ],
)
def test_mypy_path_in_cleanup(before: str, expected: str) -> None:
    text = after(6, "pyproject.toml", f"{ROOT}\n[tool.mypy]\nstrict = true\n{before}\n")
    assert text.rpartition("strict = true\n")[2].strip() == expected


def test_declared_but_unused() -> None:
    where = context()
    assert declared_unused(where, {"apps/web": {"wire_fmt", "os"}}) == []
    (found,) = declared_unused(where, {"apps/web": {"os"}})
    assert (found.path, found.line) == ("apps/web/pyproject.toml", 4)
    assert declared_unused(where, {}) == []


def test_unused_is_not_said_of_what_is_not_known() -> None:
    """The distribution ships more than what moves; or the files have moved, and nobody imports an old name any more."""
    files = {**FILES, "apps/web/pyproject.toml": FILES["apps/web/pyproject.toml"].replace("wire-fmt", "money-types")}
    assert len(declared_unused(context(files), {"apps/web": {"os"}})) == 1
    more = {**files, "libs/core/rates/__init__.py": "", "libs/core/rates/table.py": "RATE = 1\n"}
    assert declared_unused(context(more), {"apps/web": {"os"}}) == []
    where = context(files)
    moved = resolve_layout(where.plan, where.tree, moved=True)
    assert declared_unused(replace(where, layout=moved), {"apps/web": {"os"}}) == []
