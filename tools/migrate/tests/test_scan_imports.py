"""Import statements: each form before and after, what must not change, and partial moves."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.tests.scanning import LEGACY, PARTS, PARTS_TREE, migrate, rewritten, same

FORMS = [
    ("import wire_v2\nX = wire_v2.MAGIC\n", "import libs.types.wire\nX = libs.types.wire.MAGIC\n"),
    ("import wire_v2 as w\nw.MAGIC\n", "import libs.types.wire as w\nw.MAGIC\n"),
    ("import os, wire_v2.header as h, sys  # noqa\n", "import os, libs.types.wire.header as h, sys  # noqa\n"),
    ("import wire_v2.header; wire_v2.header.MAGIC\n", "import libs.types.wire.header; libs.types.wire.header.MAGIC\n"),
    ("from wire_v2 import (  # a\n    MAGIC,  # b\n)  # c\n", "from libs.types.wire import (  # a\n    MAGIC,  # b\n)  # c\n"),
    ("from wire_v2 \\\n    import MAGIC\n", "from libs.types.wire \\\n    import MAGIC\n"),
    ("from   wire_v2 . tlv   import(types)\n", "from   libs.types.wire.tlv   import(types)\n"),
    ("import wire_v2 . tlv as t\n", "import libs.types.wire.tlv as t\n"),
    ("from wire_v2 import *\n", "from libs.types.wire import *\n"),
    ("from wire_v2.checksum import checksum\n", "from libs.types.wire.checksum import checksum\n"),
    ("import money.side\nmoney.side.Side\n", "import libs.types.cash.side\nlibs.types.cash.side.Side\n"),
    ("import libs.types.money.side\nlibs.types.money.side.Side\n", "import libs.types.cash.side\nlibs.types.cash.side.Side\n"),
    ("from libs.types import money\n", "from libs.types import cash as money\n"),
    ("try:\n    import wire_v2._c as c\nexcept ImportError: c = None\n",
     "try:\n    import libs.types.wire._c as c\nexcept ImportError: c = None\n"),
    ("if 1: import wire_v2.header as h\nelse: import money as h\n",
     "if 1: import libs.types.wire.header as h\nelse: import libs.types.cash as h\n"),
    ("import wire_v2\rX = wire_v2.VERSION\r", "import libs.types.wire\rX = libs.types.wire.VERSION\r"),
    ("x = 1\n\f\nimport wire_v2\n\fY = wire_v2.MAGIC # \f wire_v2.header\n",
     "x = 1\n\f\nimport libs.types.wire\n\fY = libs.types.wire.MAGIC # \f libs.types.wire.header\n"),
]  # fmt: skip
UNTOUCHED = [
    "import wire_v2_compat\nfrom wire_v2x import a\nimport money_extra\n",
    "from . import wire_v2\nfrom .wire_v2 import LOCAL\n",
    "import other.wire_v2\nfrom other import wire_v2\nfrom other.wire_v2 import x\n",
    "import os\nwire_v2 = os\nwire_v2.path\n",
    "my_wire_v2 = 1\nclass wire_v2: pass\ndef money(): return money.x\n",
    "from __future__ import annotations\nimport libs.types\nimport libs\n",
]


@pytest.mark.parametrize(("before", "after"), FORMS)
def test_form(before: str, after: str) -> None:
    assert rewritten(before) == after


@pytest.mark.parametrize("text", UNTOUCHED)
def test_untouched(text: str) -> None:
    assert rewritten(text) == text


def test_latin_1_bom_and_line_ends_stay() -> None:
    latin = "# -*- coding: latin-1 -*-\nimport wire_v2; S = '\xe9', wire_v2.MAGIC\n".encode("latin-1")
    expected = latin.replace(b"wire_v2", b"libs.types.wire")
    assert migrate({"app/use.py": latin}).files["app/use.py"] == expected
    bom = b"\xef\xbb\xbfimport wire_v2\r\nx = (\r\n wire_v2.MAGIC)"
    assert migrate({"app/use.py": bom}).files["app/use.py"] == bom.replace(b"wire_v2", b"libs.types.wire")


def test_moved_code_imports_itself() -> None:
    inner = (
        "import wire_v2.header\nfrom wire_v2.tlv import types\nfrom .. import header as h\nfrom . import types as t\n"
    )
    expected = "import libs.types.wire.header\nfrom libs.types.wire.tlv import types\nfrom .. import header as h\nfrom . import types as t\n"
    assert rewritten(inner, "wire_v2/tlv/own.py") == expected


def test_circular_imports_work_afterwards(tmp_path: Path) -> None:
    files = {
        "wire_v2/a.py": "import wire_v2.b\nX = 1\ndef f():\n    return wire_v2.b.g()\n",
        "wire_v2/b.py": "import wire_v2.a\ndef g():\n    return wire_v2.a.X\n",
        "app/use.py": "import wire_v2.a\ndef run():\n    return wire_v2.a.f()\n",
    }
    same(tmp_path, files)


def test_laziness_stays(tmp_path: Path) -> None:
    text = (
        "import sys\ndef run():\n    early = [m for m in sys.modules if m.endswith('tlv')]\n"
        "    import wire_v2.tlv\n    return early, wire_v2.tlv.Kind.TRADE\n"
    )
    assert "import libs.types.wire.tlv" in same(tmp_path, text).files["app/use.py"].decode()


# partial moves

PARTIAL = [
    ("from pkg import http, models\n", "from pkg.common import http\nfrom pkg import models\n"),
    ("from pkg.util import text, other\n", "from lib2 import text\nfrom pkg.util import other\n"),
    ("import pkg.http\npkg.http.URL, pkg.models.Bar\n", "import pkg.common.http\npkg.common.http.URL, pkg.models.Bar\n"),
    ("import pkg\npkg.util.text.T, pkg.util.U\n", "import pkg, lib2.text\nlib2.text.T, pkg.util.U\n"),
    ("import pkg as p\np.http.URL\n", "import pkg as p\np.common.http.URL\n"),
    ("import pkg.util as u\nu.text.T, u.U\n", "import pkg.util as u, lib2.text\nlib2.text.T, u.U\n"),
    ("from pkg import util  # keep\nutil.text.T\n", "from pkg import util  # keep\nimport lib2.text\nlib2.text.T\n"),
    ("def f():\n\tfrom pkg import util\n\treturn util.text.T\n",
     "def f():\n\tfrom pkg import util\n\timport lib2.text\n\treturn lib2.text.T\n"),
    ("if 1: from pkg import util\nutil.text\n", "if 1: from pkg import util; import lib2.text\nlib2.text\n"),
    ("lib2 = 3\nimport pkg.util as u\nu.text.T\n", "lib2 = 3\nimport pkg.util as u, lib2.text as _lib2_text\n_lib2_text.T\n"),
    ("if 1: from pkg import http as h, models as m\n", "if 1: from pkg.common import http as h; from pkg import models as m\n"),
    ("from pkg import (  # noqa: F401\n    http,\n    models,\n)\n",
     "from pkg.common import (  # noqa: F401\n    http,\n)\nfrom pkg import models  # noqa: F401\n"),
    ("from pkg.models import Foo as F, Bar\n", "from lib2.shapes import Foo as F\nfrom pkg.models import Bar\n"),
    ("import pkg.models\npkg.models.Foo.x, pkg.models.Bar\n",
     "import pkg.models, lib2.shapes\nlib2.shapes.Foo.x, pkg.models.Bar\n"),
    ("import pkg.models as m\ndef f(x: 'm.Foo', y: m.Bar) -> None: ...\n",
     "import pkg.models as m, lib2.shapes\ndef f(x: 'lib2.shapes.Foo', y: m.Bar) -> None: ...\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PARTIAL)
def test_partial_move(before: str, after: str) -> None:
    assert rewritten(before, plan=PARTS, tree=PARTS_TREE) == after


@pytest.mark.parametrize(
    "text", ["import pkg\npkg.models.Bar\n", "from pkg import models, util\nutil.U\n", "from pkg import *\n"]
)
def test_what_stays_in_a_partial_move(text: str) -> None:
    assert rewritten(text, plan=PARTS, tree=PARTS_TREE) == text


def test_a_module_to_the_top_level() -> None:
    plan = '[migration]\nname = "x"\n[[move]]\nfrom = "pkg.http"\nto = "web"\n'
    assert rewritten("from pkg import http\n", plan=plan, tree=PARTS_TREE) == "import web as http\n"
    text = "from pkg import models, http as h\n"
    assert rewritten(text, plan=plan, tree=PARTS_TREE) == "from pkg import models\nimport web as h\n"


def test_parts_work_afterwards(tmp_path: Path) -> None:
    text = (
        "import pkg\nimport pkg.util as u\nfrom pkg import http as h, util\nfrom pkg.util.text import O\nfrom pkg.models import Foo\n"
        "def run():\n    return pkg.http.URL, pkg.get(), u.text.T, util.text.T, util.other.O, h.URL, O, Foo.x, pkg.models.Foo.x\n"
    )
    assert same(tmp_path, text, plan=PARTS, tree=PARTS_TREE).rules() == []


def test_a_part_reached_through_another_module_is_listed() -> None:
    files = {"app/box.py": "import pkg\n", "app/use.py": "import app.box as b\nb.pkg.util.text.T\n"}
    assert "name.through" in migrate(files, plan=PARTS, tree=PARTS_TREE).rules()


def test_a_rebound_alias_is_listed_not_guessed() -> None:
    text = "try:\n    import pkg.util as u\nexcept ImportError:\n    u = None\nu.text.T\n"
    result = migrate({"app/use.py": text}, plan=PARTS, tree=PARTS_TREE)
    assert result.rules() == ["name.elsewhere"] and result.files["app/use.py"].decode() == text


def test_an_import_that_climbs_out_is_listed() -> None:
    assert migrate({"use.py": "from ...wire_v2 import x\n"}).rules("use.py") == ["import.unresolved"]


def test_two_moves_merge_and_nest(tmp_path: Path) -> None:
    plan = (
        '[migration]\nname = "x"\n[[move]]\nfrom = "one"\nto = "all.base"\n'
        '[[move]]\nfrom = "one.deep"\nto = "two.deep"\n[[move]]\nfrom = "two.deep.far"\nto = "all.far"\n'
    )
    tree = {
        "one/__init__.py": "A = 1\n", "one/deep/__init__.py": "B = 2\n", "two/__init__.py": "", "app/__init__.py": "",
        "two/deep/far.py": "C = 3\n",
    }  # fmt: skip
    text = "import one.deep\nimport two.deep.far\ndef run():\n    return one.A, one.deep.B, two.deep.far.C\n"
    result = same(tmp_path, text, plan=plan, tree=tree)
    assert result.files["app/use.py"].decode().splitlines()[:2] == ["import two.deep, all.base", "import all.far"]
    assert LEGACY  # the default tree is not this one
