"""Scopes: which binding a name refers to, against what the interpreter itself says."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import ast
import symtable

import pytest

from tools.migrate.scan.scopes import analyse

SOURCE = """
import a.b, c as d
from e import f as g, h
def one(p, *q, r=a.x, **s) -> a.T:
    global t
    t = p
    import i.j
    def two():
        nonlocal p
        p = i.k
        return q
    return [u for u in r if (v := u)], {w: a for w in s}, lambda y=p: y
class K(a.B):
    z = a.m
    def n(self): return z, K
for l in d: pass
with g as (o, *aa): pass
try: pass
except E as bb: pass
match h:
    case {"k": cc, **dd}: pass
    case [ee, *ff] | G(hh=ee, ii=ff): pass
del l
x: a.T = 1
(jj := 2)
async def kk():
    async for ll in a.mm: pass
"""


def bound(name: str) -> str:
    """Kind of the scope that owns the last use or binding of the name in SOURCE."""
    scopes = analyse(ast.parse(SOURCE))
    owners = {s.kind for s in scopes.all if name in s.bound}
    return "/".join(sorted(owners))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a", "module"), ("d", "module"), ("h", "module"), ("g", "module"), ("t", "module"), ("p", "function"), ("i", "function"),
     ("u", "comprehension"), ("v", "function"), ("w", "comprehension"), ("y", "function"), ("z", "class"), ("n", "class"),
     ("bb", "module"), ("cc", "module"), ("dd", "module"), ("ff", "module"), ("aa", "module"), ("jj", "module"), ("ll", "function"),
     ("b", ""), ("x", "module"), ("k", "")],
)  # fmt: skip
def test_where_a_name_is_bound(name: str, kind: str) -> None:
    assert bound(name) == kind


def test_the_same_as_the_interpreter() -> None:
    """Names that symtable calls global in a function belong to the module, locals do not."""
    scopes = analyse(ast.parse(SOURCE))
    table = symtable.symtable(SOURCE, "x", "exec")
    for child in table.get_children():
        if child.get_type() == "function":
            mine = [s for s in scopes.all if s.kind == "function" and s.parent and child.get_name() in s.parent.bound]
            for symbol in child.get_symbols():
                if symbol.is_global() and symbol.is_referenced():
                    assert all(s.owner(symbol.get_name()) in (None, scopes.module) for s in mine)


def test_a_class_is_skipped_from_inside_its_methods() -> None:
    scopes = analyse(ast.parse("import z\nclass K:\n    z = 1\n    y = z\n    def f(self): return z\n"))
    owners = [u.scope.owner("z").kind for u in scopes.uses if u.node.id == "z"]  # type: ignore[union-attr]
    assert owners == ["class", "module"]


def test_chains_and_strings() -> None:
    scopes = analyse(ast.parse("a.b.c(x='a.b')\ny: 'a.T'\nf'{a.d}'\n'''doc'''\n"))
    assert [[n.attr for n in u.attributes] for u in scopes.uses if u.node.id == "a"] == [["b", "c"], ["d"]]
    assert [n.value for n, _ in scopes.annotations] == ["a.T"]
    assert [n.value for n, _ in scopes.strings] == ["a.b", "doc"] and len(scopes.fstrings) == 1
