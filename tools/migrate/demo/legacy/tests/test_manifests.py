"""Every manifest says something true."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from services.gateway.plugins import resolve

ROOT = Path(__file__).resolve().parents[1]
ROOT_MANIFEST: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOOL = ROOT_MANIFEST["tool"]


def member_folders() -> list[Path]:
    patterns = TOOL["uv"]["workspace"]["members"]
    return sorted({path.parent for pattern in patterns for path in ROOT.glob(f"{pattern}/pyproject.toml")})


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


MEMBERS = {folder: manifest(folder) for folder in member_folders()}
VERSIONS = {canonicalize_name(m["project"]["name"]): m["project"]["version"] for m in MEMBERS.values()}
# What may come from outside of this repository; anything else is a slip of the pen.
THIRD_PARTY = {"httpx", "pytest", "rich", "typing-extensions", "uvloop", "xxhash"}


def requirement_lists(data: dict[str, Any]) -> list[list[Requirement]]:
    project = data["project"]
    lists = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    lists += data.get("dependency-groups", {}).values()
    return [[Requirement(line) for line in lines] for lines in lists]


def test_members_exist() -> None:
    for pattern in TOOL["uv"]["workspace"]["members"]:
        assert any(ROOT.glob(f"{pattern}/pyproject.toml")), pattern


def test_dependencies_are_named_once_and_can_be_met() -> None:
    for data in MEMBERS.values():
        ours = canonicalize_name(data["project"]["name"])
        for requirements in requirement_lists(data):
            names = [canonicalize_name(requirement.name) for requirement in requirements]
            assert len(names) == len(set(names)), names
            assert ours not in names
            assert set(names) <= THIRD_PARTY | set(VERSIONS)
            for name, requirement in zip(names, requirements, strict=True):
                assert name not in VERSIONS or requirement.specifier.contains(VERSIONS[name]), requirement


def test_sources_are_members_and_members_have_sources() -> None:
    for folder, data in MEMBERS.items():
        sources = {canonicalize_name(name) for name in data["tool"].get("uv", {}).get("sources", {})}
        needed = {canonicalize_name(r.name) for requirements in requirement_lists(data) for r in requirements}
        assert sources == needed & set(VERSIONS), folder


def test_scripts_and_entry_points_resolve() -> None:
    groups = []
    for data in MEMBERS.values():
        project = data["project"]
        groups += [project.get("scripts", {}), *project.get("entry-points", {}).values()]
    targets = {name: target for group in groups for name, target in group.items()}
    assert set(targets) == {"pv2-dump", "tlv"}
    for target in targets.values():
        assert callable(resolve(target)), target


def test_extras_that_are_asked_for_exist() -> None:
    extras = {
        canonicalize_name(data["project"]["name"]): set(data["project"].get("optional-dependencies", {}))
        for data in MEMBERS.values()
    }
    for data in MEMBERS.values():
        for requirement in (r for requirements in requirement_lists(data) for r in requirements):
            name = canonicalize_name(requirement.name)
            assert name not in extras or requirement.extras <= extras[name], requirement


def test_packages_have_folders() -> None:
    for folder, data in MEMBERS.items():
        setuptools = data["tool"]["setuptools"]
        mapping, packages = setuptools.get("package-dir", {}), setuptools["packages"]
        for package in packages if isinstance(packages, list) else []:
            known = [name for name in mapping if name and f"{package}.".startswith(f"{name}.")]
            base = max(known, key=len, default="")
            rest = package[len(base) :].strip(".").replace(".", "/")
            assert (folder / mapping.get(base, "") / rest).is_dir(), package


def test_the_relay_image_installs_what_exists() -> None:
    lines = (ROOT / "relays" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line.partition(" #")[0]) for line in lines if not line.startswith("#")]
    names = [canonicalize_name(requirement.name) for requirement in requirements]
    assert len(names) == len(set(names))
    assert names[-1] == "uvloop"
    assert set(names) <= THIRD_PARTY | set(VERSIONS)
    declared = {canonicalize_name(r.name) for r in requirement_lists(MEMBERS[ROOT / "relays"])[0]}
    assert declared <= set(names)
    for name, requirement in zip(names, requirements, strict=True):
        assert name not in VERSIONS or requirement.specifier.contains(VERSIONS[name]), requirement


def test_paths_of_the_tools_exist() -> None:
    pytest_options, mypy, ruff = TOOL["pytest"]["ini_options"], TOOL["mypy"], TOOL["ruff"]["lint"]
    paths = [*pytest_options["pythonpath"], *pytest_options["testpaths"], *mypy["files"]]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    patterns = [*ruff["per-file-ignores"], *TOOL["coverage"]["run"]["omit"]]
    assert [pattern for pattern in patterns if not any(ROOT.glob(pattern))] == []


def test_modules_of_the_tools_exist() -> None:
    modules = [name.removesuffix(".*") for override in TOOL["mypy"]["overrides"] for name in override["module"]]
    modules += TOOL["ruff"]["lint"]["isort"]["known-first-party"]
    modules += [name for name in TOOL["coverage"]["run"]["source"] if not (ROOT / name).is_dir()]
    for name in modules:
        importlib.import_module(name)
