"""What the scan keeps from one run to the next: the same result with it and without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.migrate.checked import checksum
from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import FileScan, Memory, make_world, scan_tree, survey
from tools.migrate.tree import Tree

PLAN = """
[migration]
name = "remembered"
[[move]]
from = "pkg.http"
to = "pkg.net.http"
[[move]]
from = "wire"
to = "lib.cable"
"""
BASE: dict[str, str] = {
    "pkg/__init__.py": "",
    "pkg/net/__init__.py": "",
    "pkg/http.py": "def get():\n    return 1\nclass Reply:\n    code = 1\n",
    "pkg/base.py": "from .http import *\nfrom . import http\nclass Deep(http.Reply):\n    pass\n",
    "wire/__init__.py": "from .head import Head\n",
    "wire/head.py": "class Head:\n    size = 1\n    def at(self): ...\n",
    "app/__init__.py": "",
    "app/a.py": "import wire\nprint(wire.head, 'wire.head.Head.size')\n",
    "app/b.py": "from app import a\nprint(1)\n",
    "app/c.py": "NAME = 'pkg.http.get'\nOTHER = 'pkg.base.Deep.code'\n",
    "setup.py": "from setuptools import setup\nsetup(name='x')\n",
}
# Other texts of these files; some change what others say of them, some are no Python, some bring or take away names.
TEXTS: dict[str, tuple[str, ...]] = {
    "pkg/__init__.py": ("http = 3\n", "from .base import *\n"),
    "pkg/http.py": ("__all__ = ['get']\nget = 1\n", "def broken(:\n", "class Reply(Exception):\n    late = 2\n"),
    "pkg/base.py": ("import wire\n__all__ = ['Deep']\nclass Deep: ...\n", "from wire import *\n"),
    "wire/__init__.py": ("import wire.head\nglobals()['Head'] = 1\n", "Head = None\n"),
    "wire/head.py": ("class Other:\n    size = 1\n", "from pkg.http import Reply as Head\n"),
    "app/a.py": ("import wire\n", "import wire as w\nw.head\n", "x = 1\n", "import wire.head\n# wire\n"),
    "app/b.py": (
        "from app.a import wire\n",
        "import app.a\napp.a.wire.head\n",
        "from app.a import *\n",
        "'app.a.wire'\n",
    ),
    "app/c.py": ("NAME = 'wire.head.Head.at'\n", "NAME = 'wire.Head'\n", "import pkg\npkg.http.get()\n", ""),
    "setup.py": ("from setuptools import Extension\nExtension('wire._fast', [])\n",),
}
ALL = [(path, text) for path, texts in TEXTS.items() for text in (*texts, BASE[path])]
CHANGES = st.lists(st.sampled_from(ALL), max_size=6)


def scanned(files: dict[str, str], memory: Memory | None) -> list[FileScan]:
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files(files))
    return scan_tree(make_world(layout), skip=wants, memory=memory)


def looked_at(files: dict[str, str], place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that a scan with this memory reads anew."""
    seen: list[str] = []
    look = survey.Survey.look

    def noting(self: survey.Survey, path: str) -> survey.Look:
        seen.append(path)
        return look(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(survey.Survey, "look", noting)
        scanned(files, Memory(place, wants))
    return seen


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(CHANGES, min_size=1, max_size=4))
def test_a_scan_with_a_memory_finds_what_one_without_finds(tmp_path: Path, rounds: list[list[tuple[str, str]]]) -> None:
    place, files = tmp_path / "scans.json", dict(BASE)
    place.unlink(missing_ok=True)
    scanned(files, Memory(place, wants))
    for changes in rounds:
        files.update(changes)
        assert scanned(files, Memory(place, wants)) == scanned(files, None)


def test_only_what_changed_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, files = tmp_path / "cache" / "scans.json", dict(BASE)
    assert looked_at(files, place, monkeypatch)[: len(files)] == sorted(files)
    assert looked_at(files, place, monkeypatch) == []
    files["app/a.py"] += "# a comment\n"
    assert looked_at(files, place, monkeypatch) == ["app/a.py"]
    # app/c.py asked what this module holds; a comment changes nothing of that, another name does.
    files["wire/head.py"] += "# a comment\n"
    assert "app/a.py" not in looked_at(files, place, monkeypatch)
    files["wire/head.py"] = "class Tail: ...\n"
    assert {"app/a.py", "wire/head.py"} <= set(looked_at(files, place, monkeypatch))
    files["setup.py"] += "# a manifest says what the world is\n"
    assert set(looked_at(files, place, monkeypatch)) == set(files)
    files["app/new.py"] = ""
    assert set(looked_at(files, place, monkeypatch)) == set(files)


def test_a_file_that_others_begin_to_reach_into_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, files = tmp_path / "scans.json", dict(BASE)
    before = {s.path: [e.new for e in s.edits] for s in scanned(files, Memory(place, wants))}
    files["app/b.py"] = "from app.a import wire\n"
    assert looked_at(files, place, monkeypatch) == ["app/b.py", "app/a.py"]
    after = {s.path: [e.new for e in s.edits] for s in scanned(files, Memory(place, wants))}
    assert after["app/a.py"] != before["app/a.py"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_memory_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    place = tmp_path / "scans.json"
    scanned(BASE, Memory(place, wants))
    whole = place.read_bytes()
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "other"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    extra = data.draw(st.binary(min_size=1, max_size=8))
    damaged = {
        "flip": whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :],
        "cut": whole[:at],
        "insert": whole[:at] + extra + whole[at:],
        "other": extra,
    }[kind]
    place.write_bytes(damaged)
    files = {**BASE, "app/a.py": data.draw(st.sampled_from(TEXTS["app/a.py"]))}
    assert scanned(files, Memory(place, wants)) == scanned(files, None)


@pytest.mark.parametrize("change", ["world", "digest", "hash", "mention"])
def test_a_memory_of_another_state_is_not_believed(tmp_path: Path, change: str) -> None:
    """Whole and with a right checksum, but of another tool, content, module or reader."""
    place = tmp_path / "scans.json"
    scanned(BASE, Memory(place, wants))
    document: dict[str, Any] = json.loads(place.read_bytes().partition(b"\n")[2])
    for entry in document["files"].values():
        if entry[1]:
            entry[1] = [[], [], []]  # as if nothing had been found
        if change == "digest":
            entry[0] = "0"
        elif change == "hash":
            entry[3] = {"wire": "0"}
        elif change == "mention":
            entry[4] = {"app.a.wire": True}
    if change == "world":
        document["world"] = "0"
    body = json.dumps(document).encode()
    place.write_bytes(checksum(body) + b"\n" + body)
    assert scanned(BASE, Memory(place, wants)) == scanned(BASE, None)


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert scanned(BASE, Memory(tmp_path / "cache" / "scans.json", wants)) == scanned(BASE, None)


def test_workers_find_the_same(tmp_path: Path) -> None:
    files = dict(BASE) | {f"app/m{n}.py": TEXTS["app/a.py"][n % 4] for n in range(80)}
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files(files))
    alone = scan_tree(make_world(layout), skip=wants)
    place = tmp_path / "scans.json"
    assert scan_tree(make_world(layout), skip=wants, jobs=2, memory=Memory(place, wants)) == alone
    assert scan_tree(make_world(layout), skip=wants, jobs=2, memory=Memory(place, wants)) == alone


@settings(max_examples=100, deadline=None)
@given(changes=CHANGES, only=st.sets(st.sampled_from(sorted(BASE)), min_size=1))
def test_some_files_say_alone_what_they_say_in_a_scan_of_all(changes: list[tuple[str, str]], only: set[str]) -> None:
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files({**BASE, **dict(changes)}))
    found = [scan_tree(make_world(layout), skip=wants, only=which) for which in (None, only)]
    every, some = ([scan for scan in scans if scan.path in only] for scans in found)
    assert some == every


def test_others_are_looked_at_only_where_they_may_reach_into_these() -> None:
    """`app/b.py` takes `wire` out of `app/a.py`, which has to ask for that; what `app/c.py` names depends on nobody."""
    files = {**BASE, "app/b.py": TEXTS["app/b.py"][0]}
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files(files))
    found = {path: scan_tree(make_world(layout), only={path}) for path in ("app/a.py", "app/c.py")}
    assert [scan.path for scan in found["app/c.py"]] == ["app/c.py"]
    assert {"app/a.py", "app/b.py", "app/c.py"} <= {scan.path for scan in found["app/a.py"]}
