"""The scanner and the editor: positions agree with the standard parser, and an edit changes nothing else."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.migrate.manifests.editor import Editor
from tools.migrate.manifests.spans import Node, scan

ODD = """\
# head
title = "a # no comment"   # yes
a.b . "c d" = 1
esc = "q\\"uo\\\\te" ; not = 1
""".replace(" ; not = 1", "")
ODD += """\
lit = 'C:\\path\\'
multi = \"\"\"
one "two" \"\"three\"\"\"\"
ml = '''
it's'''
[ t . 'u' ]
d = 1979-05-27T07:32:00Z
arr = [ [ "x" , 'y' ], # c ]
  { k = "v", n = { m = [] } }, ]
[[many]]
name = "first"
[many.sub]
x = "in first"
[[many]]
name = "second"
[[many.deep]]
y = true
"""


def test_values_are_where_the_scanner_says() -> None:
    doc = scan(ODD)
    assert not isinstance(doc, str), doc
    data = tomllib.loads(ODD)
    strings = [n for n in doc.walk() if isinstance(n, Node) and n.kind == "string"]
    assert len(strings) == 11
    for node in strings:
        value: Any = data
        for part in node.path:
            value = value[part]
        assert value == node.value
        assert tomllib.loads(f"v = {ODD[node.start : node.end]}")["v"] == value


@pytest.mark.parametrize("text", ["a = ", "[a", "a = 1\na = 2\n", 'x = "\n"', "= 1"])
def test_what_is_no_toml_is_said_so(text: str) -> None:
    assert isinstance(scan(text), str)


WORDS = st.text(st.sampled_from("ab #,]['\"\\é"), max_size=5)
LAYOUTS = st.sampled_from(["[{}]", "[ {} ]", "[{},]", "[\n{}\n]", "[\n{},\n]", "[\n{}, # end\n]", "[ # head\n{}\n]"])
JOINS = st.sampled_from([", ", ",", ",\n", ", # c\n", "\n  ,\n", ",\n\n  # own line\n  "])


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, list[str]]:
    values = draw(st.lists(WORDS, max_size=4))
    parts = []
    for number, value in enumerate(values):
        raw = f"'{value}'" if "'" not in value else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        parts.append(raw + (draw(JOINS) if number + 1 < len(values) else ""))
    layout = draw(LAYOUTS) if values else "[{}]"
    text = f"before = 1 # x\nkey = {layout.format(''.join(parts))}  # behind\nafter = [ 1 ]\n"
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text, values


def _comments(text: str) -> int:
    return sum(text.count(c) for c in ("# c", "# end", "# head", "# own line", "# x", "# behind"))


@given(arrays(), st.integers(0, 3))
def test_an_entry_is_removed_and_nothing_else(case: tuple[str, list[str]], index: int) -> None:
    text, values = case
    if index >= len(values):
        return
    editor = Editor("x.toml", text, 3)
    pair = editor.doc.find("key")
    assert pair is not None
    editor.remove_item(pair.node, index, "r", "why")
    assert tomllib.loads(editor.text) == {"before": 1, "key": values[:index] + values[index + 1 :], "after": [1]}
    if not any("#" in v for v in values):
        assert _comments(editor.text) == _comments(text)


@given(arrays())
def test_an_entry_is_added_and_nothing_else(case: tuple[str, list[str]]) -> None:
    text, values = case
    editor = Editor("x.toml", text, 3)
    pair = editor.doc.find("key")
    assert pair is not None
    editor.add_item(pair.node, '"new"', "r", "why")
    assert tomllib.loads(editor.text) == {"before": 1, "key": [*values, "new"], "after": [1]}
    assert "\r\n" not in text or "\n" not in editor.text.replace("\r\n", "")


KEYS = st.lists(st.sampled_from(["a", "b", "c d", "x.y"]), min_size=1, max_size=3)
TEXTS = st.sampled_from(
    ["", "z = 1", "a.z = 1\n", "[a]\nz = 1\n\n# tail\n", "a = { z = 1 }\n", "[a.b]\nz=1\n[other]\n", "[[t]]\nz=1\n"]
)


@given(TEXTS, KEYS)
def test_put_and_drop_are_inverse_in_meaning(text: str, path: list[str]) -> None:
    before = tomllib.loads(text)
    value: Any = before
    for part in path:
        value = value.get(part) if isinstance(value, dict) else 0
    if value is not None:
        return
    editor = Editor("x.toml", text, 3)
    editor.put(path, ["v", "w"], "r", "why")
    found: Any = tomllib.loads(editor.text)
    for part in path:
        found = found[part]
    assert found == ["v", "w"]
    pair = editor.doc.find(*path)
    assert pair is not None
    editor.drop(pair, "r", "why")
    assert _leaves(tomllib.loads(editor.text)) == _leaves(before)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [(k, *inner) for k, v in value.items() for inner in _leaves(v)]
    return [(repr(value),)]
