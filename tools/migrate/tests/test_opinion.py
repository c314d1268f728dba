"""The second opinion: silent on a right move, loud about each reference that somebody forgot to change."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.migrate import commands, processes, witness
from tools.migrate.lock import read
from tools.migrate.model import CheckFailed, Finding
from tools.migrate.opinion import Renaming, Side, second_opinion
from tools.migrate.scan.froms import Froms
from tools.migrate.scan.scopes import Scope
from tools.migrate.scan.survey import Look, Survey
from tools.migrate.session import Session
from tools.migrate.sides import within
from tools.migrate.statements import same_names, unbound, wishes
from tools.migrate.tests import sample
from tools.migrate.tests.kindcases import Case, migrated
from tools.migrate.twotrees import unlisted

USE = """\
import os

import shop.cart
from shop import models as m, total
from shop.tasks import send

NAME = "shop.cart.Cart"


def late():
    from shop.handlers import Json

    return Json, shop.cart.LIMIT, m.Order
"""
OTHERS = {
    "shop/plot.py": "import a_library_that_is_missing\n\n\ndef draw():\n    return 1\n",
    "app/plots.py": "from shop.plot import draw\n",
    "app/loud.py": "import pathlib\nimport shop\n\npathlib.Path('ran.txt').write_text('x')\nraise SystemExit(3)\n",
    "app/log.yaml": "class: shop.handlers.Json\n",
    "old2.py": "import shop\nprint 'python 2'\n",
}


Sides = tuple[Side, Side, Renaming, frozenset[str]]


def _sides(place: Path, use: str, changed: dict[str, str] | None = None) -> Sides:
    """The tree before the move and after stage 4; `changed` is what somebody forgot in it, by new path."""
    result = migrated(Case("", "same", "", "shop", "app/use.py", use, "", files=OTHERS))
    before = {p: result.layout.tree.read(p) for p in result.layout.tree}
    after = result.files(4) | {p: t.encode() for p, t in (changed or {}).items()}
    for name, files in (("before", before), ("after", after)):
        for path, data in files.items():
            (place / name / path).parent.mkdir(parents=True, exist_ok=True)
            (place / name / path).write_bytes(data)
    paths = {p: result.layout.new_path(p) for p in before if result.layout.new_path(p) != p}
    sides = (Side(place / "before", sorted(before), ["."]), Side(place / "after", sorted(after), ["."]))
    shims = read(after["migration.lock"].decode(), "migration.lock").files
    return *sides, Renaming({"shop": "acme.store"}, paths), shims


def _asked(place: Path, changed: dict[str, str] | None = None, use: str = USE) -> list[Finding]:
    return second_opinion(sys.executable, *_sides(place, use, changed), timeout=20)


PART = st.sampled_from(["a", "b", "ab", "b_c"])
DOTTED = st.lists(PART, min_size=1, max_size=4).map(".".join)


@given(names=st.dictionaries(DOTTED, DOTTED, max_size=5), asked=DOTTED)
def test_names_that_move_and_what_they_are_called(names: dict[str, str], asked: str) -> None:
    """The same as by comparing with one name after the other."""
    renaming, both = Renaming(names, {}), [name for pair in names.items() for name in pair]
    old = max((name for name in names if within(asked, name)), key=len, default="")
    assert renaming.new(asked) == (names[old] + asked[len(old) :] if old else asked)
    assert renaming.touches(asked) == any(within(asked, name) for name in both)
    assert renaming.leads(asked) == any(within(asked, name) or within(name, asked) for name in both)


@given(
    st.lists(st.sampled_from(["from ", "import ", "a", ".", "b.c", " ", "\n", "(", "é", "__future__"])).map("".join),
    st.sampled_from(["", "from x import y\n", "p.q\n"]),
)
def test_two_texts_are_compared_without_origins_and_attributes(text: str, more: str) -> None:
    def left(data: bytes) -> tuple[bytes, bytes]:
        data = re.sub(rb"(?m)^([ \t]*from[ \t]+)(?!__future__\b)[\w.]+(?=[ \t]+import\b)", rb"\1", data)
        return data, re.sub(rb"(?<![\w.])(\w+\.)\w+(?:\.\w+)*", rb"\1", data)

    one, other = (more + text).encode(), (more + text).replace("a", "a.z").encode()
    for pair in ((one, other), (one, more.encode())):
        assert same_names(*pair) == any(a == b for a, b in zip(*map(left, pair), strict=True))


def test_a_move_without_a_miss_has_no_finding(tmp_path: Path) -> None:
    assert _asked(tmp_path) == []
    assert not list(tmp_path.rglob("ran.txt"))  # modules that do not move are read, and never run


RIGHT = USE.replace("shop", "acme.store")
FORGOTTEN = [
    ("an import", RIGHT.replace("from acme.store.tasks", "from shop.tasks"), "broken", 5),
    ("an import in a function", RIGHT.replace("from acme.store.handlers", "from shop.handlers"), "broken", 11),
    ("a use of a name", RIGHT.replace("acme.store.cart.LIMIT", "shop.cart.LIMIT"), "unbound", 13),
    ("a name that is not there", RIGHT.replace("import send", "import sent"), "broken", 5),
    ("an attribute that is not there", RIGHT.replace("m.Order", "m.Orders"), "broken", 13),
    ("a string", RIGHT.replace('"acme.store.cart.Cart"', '"shop.cart.Cart"'), "string", 7),
    ("another module of the same shape", RIGHT.replace("models as m", "urls as m").replace("m.Order", "m"), "lost", 4),
]


@pytest.mark.parametrize(("what", "text", "rule", "line"), FORGOTTEN, ids=[f[0] for f in FORGOTTEN])
def test_what_somebody_forgot_is_found(tmp_path: Path, what: str, text: str, rule: str, line: int) -> None:
    found = _asked(tmp_path, {"app/use.py": text})
    assert (f"second-opinion.{rule}", "app/use.py", line) in [(f.rule, f.path, f.line) for f in found], (what, found)
    assert rule in ("string", "lost") or any(f.severity == "error" for f in found)


def test_the_tree_from_before_is_asked_only_where_that_can_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    right = witness.Witness.__init__

    def begin(self: witness.Witness, python: str, root: Path, *arguments: Any, **options: Any) -> None:
        asked.append(root.name)
        right(self, python, root, *arguments, **options)

    monkeypatch.setattr(witness.Witness, "__init__", begin)
    whole = {"acme/store/plot.py": "def draw():\n    return 1\n"}  # as if its library were installed
    assert _asked(tmp_path / "right", whole) == [] and asked == ["after"]
    needed = set()
    for what, text, _, _ in FORGOTTEN:
        asked.clear()
        assert _asked(tmp_path / what, {**whole, "app/use.py": text})
        needed |= {what} if "before" in asked else set()
    # The others ask for names that nobody asked for before, or are seen in the file itself.
    assert needed == {"an import", "an import in a function", "a string", "another module of the same shape"}


@pytest.mark.parametrize(
    ("before", "after", "loose"),
    [
        ("from a.b import c, d\nc, d\n", "from x import c, d\nc, d\n", []),
        ("from a.b import c, d\nc, d\n", "from x import c\nc, d\n", ["d"]),
        ("from a.b import c\nc\n", "import x\nc\n", ["c"]),
        ("def f():\n    from .a import c\n    return c\n", "def f():\n    from .b import c\n    return c\n", []),
        ("import a.b, c\na.b.f(c.x)\n", "import a.d.e, c\na.d.e.f(c.y.z)\n", []),
        ("import a.b\na.b.f()\n", "import x.b\na.b.f()\n", ["a"]),
        ("import a.b\nprint(f'{a.b.c}')\n", "import a.d\nprint(f'{a.d.c}', b.c)\n", ["b"]),
        ("from a.b import c\nc.d\n", "from a.b import c as d\nc.d\n", ["c"]),
        # A use in an annotation is none while those are not evaluated.
        (
            "from __future__ import annotations\ndef f(x: late): ...\n",
            "from ahead import annotations\ndef f(x: late): ...\n",
            ["late"],
        ),
    ],
)
def test_names_come_loose_where_what_is_bound_changes(
    tmp_path: Path, before: str, after: str, loose: list[str]
) -> None:
    for name, text in (("before", before), ("after", after)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "use.py").write_text(text)
    sides = (Side(tmp_path / "before", ["use.py"], ["."]), Side(tmp_path / "after", ["use.py"], ["."]))
    found = second_opinion(sys.executable, *sides, Renaming({"old": "new"}, {}), timeout=20)
    assert [(f.rule, f.text) for f in found] == [("second-opinion.unbound", name) for name in loose]


def test_a_name_that_leads_to_another_object_is_not_lost(tmp_path: Path) -> None:
    """As where a module takes the compiled implementation if it was built, and only one of the trees is built."""
    compiled = "class Order:\n    pass\n\n\nOrder.__module__ = 'acme.store._compiled'\n"
    use = "from shop.models import Order\n"
    assert _asked(tmp_path, {"acme/store/models.py": compiled}, use) == []


def test_a_name_left_in_a_settings_file_is_found(tmp_path: Path) -> None:
    found = _asked(tmp_path, {"app/log.yaml": "class: shop.handlers.Json\n"})
    assert [(f.path, f.line, f.rule) for f in found] == [("app/log.yaml", 1, "second-opinion.string")]


def test_an_import_that_hangs_or_kills_counts_only_if_it_is_new(tmp_path: Path) -> None:
    use = "import shop.tasks\n"
    assert _asked(tmp_path / "a", {"acme/store/tasks.py": "import os\nos._exit(3)\n"}, use) != []
    sides = _sides(tmp_path / "b", use)
    for side, path in ((sides[0], "shop/tasks.py"), (sides[1], "acme/store/tasks.py")):
        (side.root / path).write_text("import time\ntime.sleep(60)\n")
    assert second_opinion(sys.executable, *sides, timeout=2) == []


def test_what_is_wrong_deeper_down_is_said_once(tmp_path: Path) -> None:
    found = _asked(
        tmp_path,
        {"acme/store/tasks.py": "import nothing_of_this_name\n"},
        "import shop.tasks\nfrom shop.tasks import send\n",
    )
    broken = [(f.path, f.line, f.hint) for f in found if f.rule == "second-opinion.broken"]
    assert broken == [("app/use.py", 1, "the same in 1 other places")]


def test_a_library_that_is_missing_here_is_no_finding_of_who_imports_more_than_before(tmp_path: Path) -> None:
    """A name that was reached by way of its package before, and is imported now."""
    late = {"app/late.py": "import acme.store.plot\n"}
    assert _asked(tmp_path, late) == []


def test_what_a_file_asks_for() -> None:
    text = b"""
from . import near
from ..far import thing as t, other
import a.b.c as c, d.e
try:
    from x import *
except ImportError:
    pass
print(c.f.g, d.e.h(), t.i, local.j, "k.l:m", "no name")
"""
    asked = {(w.request.kind, w.request.dotted, w.line) for w in wishes("p/q/r.py", text, "p.q.r", False)}
    assert asked == {
        ("import", "p.q.near", 2), ("import", "p.far.thing", 3), ("import", "p.far.other", 3), ("import", "a.b.c", 4),
        ("import", "d.e", 4), ("import", "x", 6), ("chain", "a.b.c.f.g", 9), ("chain", "d.e.h", 9),
        ("chain", "p.far.thing.i", 9), ("string", "k.l.m", 9),
    }  # fmt: skip


def test_a_notebook_asks_as_well_and_what_does_not_parse_asks_for_nothing() -> None:
    cell = '{"cells": [{"cell_type": "code", "source": ["%load_ext x\\n", "import a.b"]}, {"cell_type": "markdown"}]}'
    assert [w.request.dotted for w in wishes("n.ipynb", cell.encode(), "n", False)] == ["a.b"]
    assert wishes("x.py", b"print 'a'", "x", False) == wishes("x.ipynb", b"[]", "x", False) == []


def test_names_that_nothing_binds() -> None:
    text = b"""
import a
from b import *

def f(x):
    global made
    made = [y for y in x if (z := y)]
    return made, a, missing.attribute, __name__, len(x), z

class C:
    k = other
    def g(self): return __class__
print(made)
"""
    assert unbound(text) == {"missing": 8, "other": 11}


def test_stage_4_says_what_was_missed_and_stage_5_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = sample.build(tmp_path / "repo")
    for key, value in sample.environment().items():
        monkeypatch.setenv(key, value)
    right = Froms.scan

    def scan(self: Froms, node: ast.ImportFrom, scope: Scope) -> None:
        if self.sink.path != "services/b/app.py":
            right(self, node, scope)

    monkeypatch.setattr(Froms, "scan", scan)
    for stage in (1, 2, 3):
        commands.run(Session(root, None, 1), stage, ())
    looked_at: list[str] = []
    look = Survey.look

    def noted(self: Survey, path: str) -> Look:
        looked_at.append(path)
        return look(self, path)

    monkeypatch.setattr(Survey, "look", noted)
    outcome = commands.run(Session(root, None, 1), 4, ())
    assert set(looked_at) == {"services/b/app.py"}  # whether that line is listed anyway; of other files nobody asks
    missed = [(f.path, f.line) for f in outcome.findings if f.rule == "second-opinion.broken"]
    assert missed == [("services/b/app.py", 6)] and "1 that were missed" in outcome.message
    with pytest.raises(CheckFailed, match=r"services/b/app.py:6 second-opinion.broken alphapulse_types"):
        commands.run(Session(root, None, 1), 5, ())
    assert commands.status(Session(root))["next"].startswith("next: python -m tools.migrate --stage 5")


def test_what_stands_in_for_old_submodules_names_them_on_purpose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = sample.build_modules(tmp_path / "repo")
    for key, value in sample.environment().items():
        monkeypatch.setenv(key, value)
    for stage in (1, 2, 3):
        commands.run(Session(root, None, 1), stage, ())
    assert "pkg.http" in (root / "pkg/__init__.py").read_text(encoding="utf-8")
    assert commands.run(Session(root, None, 1), 4, ()).findings == []


def test_several_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"app/use.py": USE.replace("from shop import", "from acme.store import")}
    alone = _asked(tmp_path / "one", changed)
    monkeypatch.setattr(processes, "_FROM", 2)
    sides = _sides(tmp_path / "two", USE, changed)
    assert second_opinion(sys.executable, *sides, timeout=20, jobs=2) == alone
    assert {f.rule for f in alone} >= {"second-opinion.broken", "second-opinion.string"}


def test_the_module_of_a_name_with_another_home_is_loaded_for_who_imports_it(tmp_path: Path) -> None:
    """Where only single names move, no module is moving code: `import home.new` has to run all the same."""
    old = {"old.py": "def name():\n    return 1\n", "use.py": "import old\n\nprint(old.name())\n"}
    new = {"use.py": "import old, home.new\n\nprint(home.new.name())\n", "old.py": "from home.new import name\n"}
    home = {"home/__init__.py": "", "home/new.py": old["old.py"]}
    for side, files in (("before", {**old, **home}), ("after", {**new, **home})):
        for path, text in files.items():
            (tmp_path / side / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / side / path).write_text(text)
    before, after = (Side(tmp_path / side, sorted({**old, **home}), ["."]) for side in ("before", "after"))
    renaming = Renaming({"old.name": "home.new.name"}, {})
    assert second_opinion(sys.executable, before, after, renaming, timeout=20) == []


def test_what_is_listed_anyway_is_left_out() -> None:
    def at(path: str, line: int, rule: str) -> Finding:
        return Finding(path, line, rule, "old.part", (), "", "warning")

    listed = [at("app.py", 3, "string.bare"), at("releasenotes/notes/a.yaml", 1, "file.history")]
    found = [at(f.path, line, "second-opinion.string") for f in listed for line in (3, 4)]
    assert unlisted(found, listed) == [found[1]]
