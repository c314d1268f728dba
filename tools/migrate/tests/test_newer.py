"""Sources in a newer Python than the tool's own: places in the tree, what is not in it, what does not parse at all."""

from __future__ import annotations

import ast
import sys

import pytest

from tools.migrate.newer import as_older
from tools.migrate.syntax import parse
from tools.migrate.tests.scanning import migrate, rewritten
from tools.migrate.tree import Lines

SOURCE = """\
def first[T: (int, a.b.C) = int](x: "é", *y) -> T: return x
type Pair[T] = list[a.b.P]
é = "é", a.b.Q
try:
    pass
except* a.b.E, ValueError:
    pass
w = f"{
  a.b.N  # note
}" + a.b.L
"""


def test_every_place_in_the_tree_is_that_of_the_source() -> None:
    tree, lines = as_older(SOURCE), Lines(SOURCE)
    assert tree is not None
    places = [
        SOURCE[lines.offset(n.lineno, n.col_offset) : lines.offset(n.end_lineno or 0, n.end_col_offset or 0)]
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Attribute)
    ]
    newer = {"a.b.N"} if sys.version_info >= (3, 12) else set()  # its f-string is none of ours there
    assert {*places} | newer == {"a.b.P", "a.b.Q", "a.b.E", "a.b.N", "a.b.L"}
    assert {SOURCE[a:b] for a, b in tree.unseen} >= {"[T: (int, a.b.C) = int]", "[T]"}


@pytest.mark.parametrize(
    "source", ["print 'x'\n", "from . import {{ name }}\n", "def f(:\n", "x = f'{'\n", "\tx\n y\n"]
)
def test_what_is_no_python_stays_none(source: str) -> None:
    assert as_older(source) is None
    assert parse(source) is None


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads them, so they are edited")
def test_names_in_what_is_not_read_are_listed() -> None:
    text = 'import wire_v2\n\n\ndef f[T: wire_v2.Header](x: T) -> str:\n    return f"wire_v2.header {x["a"]}"\n'
    result = migrate({"app/use.py": text})
    assert result.rules("app/use.py") == ["syntax.newer", "syntax.newer"]
    assert [f.line for f in result.findings if f.path == "app/use.py"] == [4, 5]


def test_what_does_not_parse_and_stays_among_its_own_is_a_note() -> None:
    result = migrate(
        {"wire_v2/page.py": "from . import header\nfrom .header import MAGIC\nfrom ..app import {{ x }}\n"}
    )
    found = [f for f in result.findings if f.path == "wire_v2/page.py"]
    assert [(f.rule, f.severity) for f in found] == [("file.unparsed", "note")]
    assert found[0].hint == "this file does not parse; it names no moving code"


LAZY = """\
lazy import wire_v2.header as h  # why
lazy import money.side, wire_v2
lazy from wire_v2 import header
lazy from wire_v2.header import (  # all
    MAGIC,
    Header as H,
)
if True:
    lazy  from\twire_v2.tlv import types


def f():
    return wire_v2.header.MAGIC, h, header, money.side.Side
"""


def test_lazy_imports_change_and_stay_lazy() -> None:
    result = migrate({"app/use.py": LAZY})
    expected = LAZY.replace("wire_v2", "libs.types.wire").replace("money", "libs.types.cash")
    assert result.files["app/use.py"].decode() == expected
    assert result.findings == []


def test_a_lazy_import_that_is_split_stays_lazy() -> None:
    tree = {"shop/__init__.py": "", "shop/cart.py": "", "shop/till.py": ""}
    plan = '[migration]\nname = "m"\n[[move]]\nfrom = "shop.cart"\nto = "store.basket"\n'
    text = """\
lazy from shop import (  # why
    cart,
    till,  # of the shop
)
lazy from shop import cart, till; x = "cart"
"""
    assert rewritten(text, "app.py", plan=plan, tree=tree) == """\
lazy from store import (  # why
    basket as cart,
)
lazy from shop import till  # of the shop
lazy from store import basket as cart; lazy from shop import till; x = "cart"
"""


@pytest.mark.skipif(sys.version_info < (3, 14), reason="this Python does not read them, so they are listed")
def test_a_template_string_is_read_as_an_f_string() -> None:
    text = 'import wire_v2\nx = "wire_v2.header"\ny = f"wire_v2.{x} {wire_v2.header.MAGIC!r:>{x}}"\n'
    both = [migrate({"app/use.py": text}), migrate({"app/use.py": text.replace(' f"', ' t"')})]
    as_f, as_t = (result.files["app/use.py"].decode() for result in both)
    assert as_f.replace(' f"', ' t"') == as_t and "{libs.types.wire.header.MAGIC!r" in as_t
    assert [f.rule for f in both[0].findings] == [f.rule for f in both[1].findings]
