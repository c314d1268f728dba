"""What a dotted name means: modules, names, members, and what only the running program knows."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.resolve import Resolver, absolute, parse_names
from tools.migrate.tests.scanning import LEGACY, PLAN
from tools.migrate.tree import Tree

EXTRA = {
    "wire_v2/lazy.py": "def __getattr__(name): return 1\n",
    "wire_v2/star.py": "from .header import *\nfrom nowhere import *\n",
    "wire_v2/broken.py": "print x\n",
    "wire_v2/sub.py": "from .header import Header\nclass Sub(Header):\n    own = 1\n    def f(self): self.set_here = 1\n",
}


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(resolve_layout(parse_plan(PLAN), Tree.from_files({**LEGACY, **EXTRA})))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("wire_v2", "module"), ("wire_v2.tlv.types", "module"), ("wire_v2.MAGIC", "name"), ("wire_v2.header.Header", "name"),
        ("wire_v2.Header.at", "member"), ("wire_v2.sub.Sub.own", "member"), ("wire_v2.sub.Sub.at", "member"),
        ("wire_v2.sub.Sub.set_here", "member"), ("wire_v2.__file__", "name"), ("libs.types.money.side", "module"),
        ("libs.types", "module"), ("wire_v2.star.MAGIC", "name"), ("wire_v2.star.other", "dynamic"),
        ("wire_v2.lazy.anything", "dynamic"), ("wire_v2.broken.x", "dynamic"), ("wire_v2.header.time.time", "member"),
        ("wire_v2.nope", "missing"), ("wire_v2.Header.nope", "missing"), ("json.loads", "missing"), ("wire_v2x", "missing"),
    ],
)  # fmt: skip
def test_resolve(resolver: Resolver, name: str, kind: str) -> None:
    assert resolver.resolve(name).kind == kind


def test_an_attribute_hides_its_module(resolver: Resolver) -> None:
    assert not resolver.submodule("wire_v2", "checksum")  # `from .checksum import checksum` in the package
    assert resolver.submodule("wire_v2", "tlv") and resolver.submodule("wire_v2", "header")
    assert not resolver.submodule("wire_v2", "MAGIC")


@pytest.mark.parametrize(
    ("module", "level", "package", "full"),
    [("a", 0, "p", "a"), ("a", 1, "p.q", "p.q.a"), (None, 1, "p.q", "p.q"), ("a", 2, "p.q", "p.a"), ("a", 3, "p.q", ""),
     ("a", 4, "p.q", ""), ("a", 1, "", "")],
)  # fmt: skip
def test_absolute(module: str | None, level: int, package: str, full: str) -> None:
    assert absolute(module, level, package) == full


def test_names_of_a_module() -> None:
    found = parse_names(
        "import a.b, c as d\nfrom . import e\nfrom .f import *\nif 1:\n    x, (y, *z) = 1, (2, 3)\n"
        "for i in (): pass\n__all__ = ['x']\ndef fn(): inner = 1\nwith a as w: pass\ntry: pass\nexcept E: g = 1\n",
        "p.q", True,
    )  # fmt: skip
    assert (
        found.names["a"] == "a" and found.names["d"] == "c" and found.names["e"] == "p.q.e" and found.stars == ["p.q.f"]
    )
    assert {"x", "y", "z", "i", "fn", "w", "g"} <= set(found.names) and "inner" not in found.names
    assert found.exported == ("x",) and not found.dynamic
    assert parse_names("print x", "m", False).parsed is False
