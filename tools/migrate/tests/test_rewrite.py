"""The two rewrites that need a concrete syntax tree."""

from __future__ import annotations

import pytest

from tools.migrate.rewrite import Part, rename_in_expression, split_from_import, string_parts

PARTS: list[Part] = [("x", [("a", "a", None)]), ("y", [("b", "b2", "c")])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from p import a, b as c\n", "from x import a\nfrom y import b2 as c"),
        ("from p import (a, b as c)\n", "from x import (a)\nfrom y import b2 as c"),
        (
            "from p import (\n    a,  # one\n    b as c,  # two\n)\n",
            "from x import (\n    a,  # one\n)\nfrom y import b2 as c  # two",
        ),
        ("from p import a, b as c; z = 1\n", "from x import a; from y import b2 as c"),
        ("    from p import a, b as c\n", "from x import a\n    from y import b2 as c"),
        ("from p import a, b as c\r\nz\r\n", "from x import a\r\nfrom y import b2 as c"),
        ("from p import a, b as c\rz\r", "from x import a\rfrom y import b2 as c"),
        ("from p import a, b as c  # noqa\n", "from x import a  # noqa\nfrom y import b2 as c"),
    ],
)
def test_split(text: str, expected: str) -> None:
    start = text.index("from")
    end = text.index(")") + 1 if "(" in text else text.index("as c") + 4
    assert split_from_import(text, start, end, PARTS) == expected


@pytest.mark.parametrize("text", ["from p import *", "import p", "from p import ("])
def test_what_cannot_be_split(text: str) -> None:
    assert split_from_import(text, 0, len(text), PARTS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f'{p.q} p.q {x.p.q}'", "f'{NEW} p.q {x.p.q}'"),
        ("p.q.r + f(p.q, p=p.q)", "NEW.r + f(NEW, p=NEW)"),
        ("[p.q for p in p.q]", "[p.q for p in NEW]"),
        ("lambda p, x=p.q: p.q", "lambda p, x=NEW: p.q"),
        ("{k: p.q for k in p.q if p.q}", "{k: NEW for k in NEW if NEW}"),
        ("'é' + p.q", "'é' + NEW"),
        ("a.p.q", "a.p.q"),
        ("p", "p"),
    ],
)
def test_rename(text: str, expected: str) -> None:
    spans = rename_in_expression(text, [("p.q", "NEW")])
    assert spans is not None
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    assert text == expected


def test_what_does_not_parse() -> None:
    assert rename_in_expression("p.q +", [("p.q", "x")]) is None and string_parts("f'{") is None


def test_string_parts() -> None:
    text = "'a' f'b{x + \"c\"}d'"
    parts = string_parts(text)
    assert parts is not None
    assert [(text[a:b], v) for a, b, v in sorted(parts)] == [("a", None), ("b", None), ("c", "c"), ("d", None)]
