"""The judge: a dotted name needs evidence, a bare one a hint, a path a tracked file."""

from __future__ import annotations

import pytest

from tools.migrate.classify import Judge
from tools.migrate.layout import resolve_layout
from tools.migrate.plan import parse_plan
from tools.migrate.resolve import Resolver
from tools.migrate.tests.scanning import LEGACY, PLAN
from tools.migrate.tree import Tree


@pytest.fixture(scope="module")
def judge() -> Judge:
    layout = resolve_layout(parse_plan(PLAN), Tree.from_files(LEGACY))
    return Judge(layout, Resolver(layout))


@pytest.mark.parametrize(
    ("text", "hint", "kind", "new"),
    [
        ("wire_v2.header", "unknown", "change", "libs.types.wire.header"),
        ("wire_v2.header.Header", "unknown", "change", "libs.types.wire.header.Header"),
        ("wire_v2.header:Header.at", "unknown", "change", "libs.types.wire.header:Header.at"),
        ("wire_v2.*", "unknown", "change", "libs.types.wire.*"),
        (" wire_v2.tlv ", "unknown", "change", " libs.types.wire.tlv "),
        ("wire_v2", "module", "change", "libs.types.wire"),
        ("wire_v2.made_later", "module", "change", "libs.types.wire.made_later"),
        ("wire_v2/header.py", "unknown", "change", "libs/types/wire/header.py"),
        ("./wire_v2/", "unknown", "change", "./libs/types/wire/"),
        ("wire_v2/**/*.py", "unknown", "change", "libs/types/wire/**/*.py"),
        ("wire_v2", "path", "change", "libs/types/wire"),
        ("wire_v2", "either", "change", "libs/types/wire"),
        ("money", "either", "change", "libs.types.cash"),
        ("wire_v2", "unknown", "list", "libs.types.wire"),
        ("wire_v2.topic", "unknown", "none", "libs.types.wire.topic"),
        ("wire_v2.header.Header.nope", "unknown", "none", "libs.types.wire.header.Header.nope"),
    ],
)
def test_verdicts(judge: Judge, text: str, hint: str, kind: str, new: str) -> None:
    verdict = judge.value(text, "app/use.py", hint)  # type: ignore[arg-type]
    assert verdict is not None and (verdict.kind, verdict.new) == (kind, new)
    assert verdict.reason and (kind != "list" or len(verdict.readings) == 2)


@pytest.mark.parametrize(
    "text", ["wire_v2x.header", "my.wire_v2", "wire_v2 header", "other/wire_v2/x.py", "/wire_v2/header.py", "", "json"]
)
def test_no_verdict(judge: Judge, text: str) -> None:
    assert judge.value(text, "app/use.py") is None


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("see wire_v2.header. Then", ["wire_v2.header"]),
        ("a wire_v2/header.py:12", ["wire_v2/header.py:12"]),
        ("x.wire_v2 wire_v2x -wire_v2 @wire_v2", []),
        ("../wire_v2/a ./money", ["../wire_v2/a", "./money"]),
    ],
)
def test_tokens(judge: Judge, text: str, tokens: list[str]) -> None:
    assert [t for _, _, t in judge.tokens(text)] == tokens
    assert all(text[a:b] == t for a, b, t in judge.tokens(text))
