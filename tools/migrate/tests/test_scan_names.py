"""Names: scopes, names that have to survive, the new top-level name that is taken, annotations, f-strings."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.tests.scanning import migrate, rewritten, same

KEPT = "import libs.types.wire as wire_v2"
SURVIVES = {
    "rebound in except": "try:\n    import wire_v2\nexcept ImportError:\n    wire_v2 = None\n",
    "deleted": "import wire_v2\nX = wire_v2.MAGIC\ndel wire_v2\n",
    "exported": "import wire_v2\n__all__ = ['wire_v2']\n",
    "exported later": "import wire_v2\n__all__ = []\n__all__ += ['wire_v2']\n",
    "global": "def f():\n    global wire_v2\n    import wire_v2\ndef g():\n    return wire_v2.MAGIC\n",
    "nonlocal": "def f():\n    import wire_v2\n    def g():\n        nonlocal wire_v2\n        wire_v2 = 3\n    return wire_v2\n",
    "class attribute": "class A:\n    import wire_v2\n    def f(self):\n        return self.wire_v2.MAGIC\n",
    "looked up": "import wire_v2\nX = globals()['wire_v2']\n",
    "taken by a variable": "import wire_v2\nlibs = ['a']\nX = wire_v2.MAGIC\n",
    "taken by a parameter": "import wire_v2\ndef f(libs):\n    return wire_v2.MAGIC, libs\n",
    "taken in a comprehension": "import wire_v2\nX = [wire_v2.MAGIC for libs in (1,)]\n",
    "taken by an alias": "import json as libs\nimport wire_v2\nX = wire_v2.MAGIC\n",
}


@pytest.mark.parametrize("text", SURVIVES.values(), ids=SURVIVES.keys())
def test_the_name_survives(text: str) -> None:
    assert rewritten(text) == text.replace("import wire_v2", KEPT)


def test_a_kept_submodule_binds_nothing_new(tmp_path: Path) -> None:
    text = "libs = 1\ndef run():\n    import wire_v2.header\n    return wire_v2.header.MAGIC, libs\n"
    after = same(tmp_path, text).files["app/use.py"].decode()
    assert "import libs.types.wire as wire_v2, libs.types.wire.header as _wire_v2_header" in after


REACHED = {
    "from-import": "from app.box import wire_v2\ndef run():\n    return wire_v2.MAGIC\n",
    "attribute": "import app.box\ndef run():\n    return app.box.wire_v2.MAGIC\n",
    "alias": "import app.box as b\ndef run():\n    return b.wire_v2.MAGIC\n",
    "relative": "from . import box\ndef run():\n    return box.wire_v2.MAGIC\n",
    "star": "from app.box import *\ndef run():\n    return wire_v2.MAGIC\n",
    "star of a star": "from app.star import *\ndef run():\n    return wire_v2.MAGIC\n",
    "getattr": "from app import box\ndef run():\n    return getattr(box, 'wire_v2').MAGIC\n",
    "vars": "from app import box\ndef run():\n    return vars(box)['wire_v2'].MAGIC\n",
    "mock target": (
        "from unittest import mock\nfrom app import box\ndef run():\n"
        "    with mock.patch('app.box.wire_v2.MAGIC', 4):\n        return box.f()\n"
    ),
    "mock object": (
        "from unittest import mock\nfrom app import box\ndef run():\n"
        "    with mock.patch.object(box, 'wire_v2') as fake:\n        fake.MAGIC = 5\n        return box.f()\n"
    ),
}


@pytest.mark.parametrize("text", REACHED.values(), ids=REACHED.keys())
def test_a_name_that_others_reach_survives(text: str, tmp_path: Path) -> None:
    box = "import wire_v2\ndef f():\n    return wire_v2.MAGIC\n"
    same(tmp_path, {"app/box.py": box, "app/star.py": "from app.box import *\n", "app/use.py": text})


def test_a_name_that_nobody_reaches_is_rewritten() -> None:
    files = {
        "app/box.py": "import wire_v2\nX = wire_v2.MAGIC\n",
        "app/use.py": "from app.box import X\nself = X.wire_v3\n",
    }
    assert migrate(files).files["app/box.py"] == b"import libs.types.wire\nX = libs.types.wire.MAGIC\n"


SCOPES = """
import wire_v2

def parameter(wire_v2): return wire_v2
def default(x=wire_v2.VERSION, *wire_v2, y=lambda wire_v2=1: wire_v2): return x, wire_v2, y()
def local():
    wire_v2 = {"a": 1}
    def inner(): return wire_v2["a"]
    return inner()
def loop():
    for wire_v2 in [1]: pass
    return wire_v2
def caught():
    try: 1 / 0
    except Exception as wire_v2: return str(wire_v2)
def inside(): return [wire_v2.VERSION for _ in (1,)], {wire_v2: 1 for wire_v2 in "ab"}, (lambda: wire_v2.MAGIC)()
def kind(value):
    match value:
        case wire_v2.tlv.Kind.TRADE: return "trade"
        case {"wire_v2": n}: return n
        case wire_v2.Header(size=n): return n
class C:
    wire_v2 = 3
    y = wire_v2
    def z(self): return wire_v2.MAGIC
class D(wire_v2.Header):
    size: "wire_v2.Header" = wire_v2.MAGIC
wire_v2.EXTRA = [1]
wire_v2.EXTRA[0] += 1
def run():
    return (parameter(wire_v2=1), default(), local(), loop(), caught(), inside(), kind(1), kind({"wire_v2": 2}),
            kind(wire_v2.Header()), C.y, C().z(), D.size, (v := wire_v2.VERSION), wire_v2.EXTRA, "wire_v2" in {"wire_v2": 1})
"""


def test_scopes(tmp_path: Path) -> None:
    after = same(tmp_path, SCOPES).files["app/use.py"].decode()
    assert after.count("libs.types.wire") == 15 and "parameter(wire_v2=1)" in after and '{"wire_v2": 1}' in after


ANNOTATIONS = [
    ("def f(a: 'wire_v2.Header') -> \"list[wire_v2.Header]\": ...", True),
    ("x: 'typing.Optional[\"wire_v2.header.Header\"]' = None", True),
    ("from typing import cast, TypeVar\nT = TypeVar('T', bound='wire_v2.Header')\ny = cast('wire_v2.Header', 1)", True),
    ("x = []  # type: list[wire_v2.header.Header]", True),
    ("def f(\n    a,  # type: wire_v2.header.Header\n):\n    # type: (...) -> None\n    pass", True),
    ("def f(wire_v3: 'dict[str, wire_v3.Header]'): ...", False),
    ("x: 'Literal[\"wire_v2\"]' = 'wire_v2'", False),
    ("def f(wire_v2): \n    x: 'wire_v2x.Header'", False),
]


@pytest.mark.parametrize(("text", "changes"), ANNOTATIONS)
def test_annotations(text: str, changes: bool) -> None:
    whole = f"import wire_v2\n{text}\n"
    after = (
        whole.replace("wire_v2", "libs.types.wire")
        if changes
        else whole.replace("import wire_v2\n", "import libs.types.wire\n")
    )
    assert rewritten(whole) == after


def test_f_strings(tmp_path: Path) -> None:
    text = (
        "import wire_v2\nimport wire_v2.header as h\ndef run():\n    n = 3\n"
        '    return (f\'{wire_v2.MAGIC:>{len(wire_v2.VERSION)}}\', f"""{\n    wire_v2.MAGIC\n    }""", rf\'\\{wire_v2.VERSION!r}\',\n'
        "      f'{[wire_v2 for wire_v2 in (1,)]}{wire_v2.MAGIC}', f'{(lambda wire_v2: wire_v2)(2)}{wire_v2.MAGIC}', 'é' f'é{wire_v2.MAGIC}é',\n"
        "      f\"{h.Header.__module__ == 'wire_v2.header'}\", f\"{'a ' + 'wire_v2.header'}\", 'x' f'{n}' ' wire_v2.header')\n"
    )
    result = same(tmp_path, text)
    assert result.rules() == []


def test_f_strings_without_a_reference_stay() -> None:
    text = "import wire_v2\nx = f'{1} wire_v2 {{wire_v2}}'\ny = f'{wire}' 'money'\n"
    assert rewritten(text) == text.replace("import wire_v2", "import libs.types.wire")
