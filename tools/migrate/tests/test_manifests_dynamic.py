"""Metadata that a pyproject.toml leaves to others: setup.py, setup.cfg and requirements files."""

from __future__ import annotations

from tools.migrate.manifests import new_manifests
from tools.migrate.tests.test_manifests_helpers import FILES, MERGE, WIRE, after, context, findings, toml

TARGET = "libs/core/pyproject.toml"
DYNAMIC = """\
[project]
name = "wire-fmt"
dynamic = ["version", "dependencies", "optional-dependencies", "entry-points"]
"""
SETUP = """\
from setuptools import setup

needs = ["crc32c>=2"]
setup(
    version="3.1",
    install_requires=needs,
    extras_require={"fast": ["orjson"]},
    entry_points={"acme.codecs": ["wire = wire_fmt.codec:decode"]},
)
"""


def world(setup: str = SETUP, project: str = DYNAMIC, **more: str) -> dict[str, str]:
    return {**FILES, "wire_fmt/pyproject.toml": project, "wire_fmt/setup.py": setup, **more}


def told(files: dict[str, str]) -> list[str]:
    return [f for f in findings(3, TARGET, files=files) if "target.dynamic" in f]


def test_what_a_setup_py_beside_says_is_carried() -> None:
    project = toml(after(3, TARGET, files=world()))["project"]
    assert project["dependencies"] == ["attrs>=23.1", "crc32c>=2"]
    assert project["optional-dependencies"] == {"fast": ["orjson"]}
    assert project["entry-points"] == {"acme.codecs": {"wire": "libs.core.wire.codec:decode"}}
    assert told(world()) == []


def test_a_field_that_is_not_dynamic_is_none_of_setup_py() -> None:
    project = DYNAMIC.replace('"dependencies", ', "").replace(
        'name = "wire-fmt"', 'name = "wire-fmt"\ndependencies = []'
    )
    assert toml(after(3, TARGET, files=world(project=project)))["project"]["dependencies"] == ["attrs>=23.1"]


def test_requirements_that_are_computed_are_an_error() -> None:
    for more in ('needs.append("lz4")', 'if True:\n    needs += ["lz4"]', 'needs = [*needs, "lz4"]'):
        files = world(SETUP.replace("setup(\n", f"{more}\nsetup(\n", 1))
        assert told(files) == ["error 1 target.dynamic wire_fmt/setup.py computes dependencies"], more
    files = world(SETUP.replace("install_requires=needs", "**read()"))
    assert told(files) == ["error 1 target.dynamic wire_fmt/setup.py computes dependencies"]
    files = world(project=DYNAMIC + '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n')
    files.pop("wire_fmt/setup.py")
    what = "dependencies, optional-dependencies, entry-points"
    assert f"error 1 target.dynamic wire_fmt/pyproject.toml computes {what}" in told(files)


def test_so_are_those_of_a_distribution_without_a_pyproject_toml() -> None:
    files = world(SETUP.replace('version="3.1"', 'name="wire-fmt", version="3.1"').replace("=needs", '=needs + ["a"]'))
    files.pop("wire_fmt/pyproject.toml")
    assert told(files) == ["error 1 target.dynamic wire_fmt/setup.py computes dependencies"]


def test_setup_cfg_and_requirements_files_are_read() -> None:
    cfg = "[metadata]\nversion = 3.2\n[options]\ninstall_requires =\n    lz4\n    cbor2>=5\n"
    files = world(project=DYNAMIC, **{"wire_fmt/setup.cfg": cfg})
    files.pop("wire_fmt/setup.py")
    assert toml(after(3, TARGET, files=files))["project"]["dependencies"] == ["attrs>=23.1", "lz4", "cbor2>=5"]
    listed = DYNAMIC + '[tool.setuptools.dynamic]\ndependencies = { file = ["needs.txt"] }\n'
    files = world("", listed, **{"wire_fmt/needs.txt": "# ours\nlz4  # fast\n\ncbor2>=5\n"})
    assert toml(after(3, TARGET, files=files))["project"]["dependencies"] == ["attrs>=23.1", "lz4", "cbor2>=5"]
    assert told(files) == ["warning 1 target.dynamic wire_fmt/pyproject.toml computes version"]
    listed = listed.replace('"version", ', "")
    files |= {"wire_fmt/pyproject.toml": listed, "wire_fmt/needs.txt": "-r base.txt\n"}
    assert told(files) == ["error 1 target.dynamic wire_fmt/pyproject.toml computes dependencies"]


def test_a_version_that_stays_beside_is_none_that_moves() -> None:
    def versions(files: dict[str, str], place: str = "wire_fmt") -> list[str]:
        return [f for f in findings(3, f"{place}/pyproject.toml", files=files) if "thin.version" in f]

    assert len(versions(world())) == 1  # the script goes to the target
    files = world(**{"wire_fmt/setup.cfg": "[metadata]\nversion = 3.2\n"})
    files.pop("wire_fmt/setup.py")
    assert versions(files) == []
    moving = DYNAMIC + '[tool.setuptools.dynamic]\nversion = { attr = "wire_fmt.codec.VERSION" }\n'
    assert len(versions(world("", moving))) == 1
    assert len(versions(world("", moving.replace("wire_fmt.codec.VERSION", "build_tools.VERSION")))) == 0
    assert len(versions(world("", moving.replace('attr = "wire_fmt.codec.VERSION"', 'file = "version.txt"')))) == 1


def test_test_packages_that_were_shipped_are_shipped() -> None:
    def shipped(settings: str) -> list[str]:
        files = {**FILES, "wire_fmt/tests/__init__.py": "", "wire_fmt/pyproject.toml": WIRE + settings}
        packages = toml(after(3, TARGET, files=files))["tool"]["setuptools"]["packages"]
        return [name for name in packages if "tests" in name]

    assert shipped("") == []
    assert shipped('[tool.setuptools.packages.find]\nwhere = [".."]\n') == ["libs.core.wire.tests"]
    assert shipped('[tool.setuptools.packages.find]\nexclude = ["*.tests"]\n') == []
    assert shipped('[tool.setuptools]\npackages = ["wire_fmt", "wire_fmt.tests"]\n') == ["libs.core.wire.tests"]
    assert shipped('[tool.setuptools]\npackages = ["wire_fmt"]\n') == []


def test_a_new_target_has_the_license_and_the_people() -> None:
    plan = MERGE.replace('distribution = "money-types"\npath = "libs/core"', 'distribution = "acme"\npath = "libs"')
    said = 'license = "MIT"\nauthors = [{ name = "The Acme Project" }]\nrequires-python'
    wire = FILES["wire_fmt/pyproject.toml"].replace("requires-python", said)
    money = FILES["libs/core/pyproject.toml"].replace("requires-python", said)
    both = {**FILES, "wire_fmt/pyproject.toml": wire, "libs/core/pyproject.toml": money}
    (made,) = new_manifests(3, context(both, plan)).values()
    project = toml(made.text or "")["project"]
    assert (project["license"], project["authors"]) == ("MIT", [{"name": "The Acme Project"}])
    other = {**both, "libs/core/pyproject.toml": money.replace("MIT", "BSD-3-Clause")}
    (made,) = new_manifests(3, context(other, plan)).values()
    assert "license" not in toml(made.text or "")["project"]
    assert [f.text for f in made.findings] == ["license: not the same for money-types, wire-fmt"]


def test_a_new_target_is_told_of_as_well() -> None:
    plan = MERGE.replace('distribution = "money-types"\npath = "libs/core"', 'distribution = "acme"\npath = "libs"')
    files = world(SETUP.replace("=needs", "=read()"))
    (made,) = new_manifests(3, context(files, plan)).values()
    assert [f.text for f in made.findings if f.severity == "error"] == ["wire_fmt/setup.py computes dependencies"]
    other = {**FILES, "wire_fmt/pyproject.toml": WIRE.replace('">=3.10"', '"<3.11"')}
    (made,) = new_manifests(3, context(other, plan)).values()
    assert [f.rule for f in made.findings if f.severity == "error"] == ["target.python"]
