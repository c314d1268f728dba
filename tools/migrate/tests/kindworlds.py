"""The small trees that the cases of `tests/kinds` stand in, each with the plan that moves parts of it.

A case names its world; most stand in "shop", where one package moves to another parent.  The files are as few as the
cases need, and hold what strings may name: a class with a base, a logger, a plugin, a web application, data.
"""

# ruff: noqa: E501 - one file on each line

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    plan: str
    files: Mapping[str, str]
    roots: tuple[str, ...] = (".",)  # on the path before and after
    old_roots: tuple[str, ...] = ()  # on the path before only
    names: tuple[tuple[str, str], ...] = ()  # old name, new name


_SHOP = {
    "shop/__init__.py": (
        'from .cart import Cart, total\nfrom . import models\n\nVERSION = "1"\n'
        '__all__ = ["Cart", "VERSION", "models", "total"]\n'
    ),
    "shop/__main__.py": "def main():\n    return 0\n",
    "shop/cart.py": (
        "import logging\nimport time\n\nlog = logging.getLogger(__name__)\nLIMIT = 5\n\n\n"
        "class Cart:\n    size = 3\n\n    def add(self, item):\n        return time.time, item\n\n\n"
        "def total(*prices):\n    return sum(prices)\n"
    ),
    "shop/models.py": (
        "class Item:\n    price = 2\n\n    class Kind:\n        NEW = 1\n\n\nclass Order(Item):\n    lines = ()\n"
    ),
    "shop/api/__init__.py": "",
    "shop/api/app.py": "def app(environ=None, start=None):\n    return [b'ok']\n\n\ndef create_app():\n    return app\n",
    "shop/handlers.py": (
        "import logging\n\n\nclass Json(logging.Formatter):\n    pass\n\n\nclass Line(logging.StreamHandler):\n    pass\n"
    ),
    "shop/plugin.py": "def pytest_configure(config):\n    pass\n",
    "shop/urls.py": "urlpatterns = []\n",
    "shop/settings.py": "DEBUG = True\nCELERY = {}\n",
    "shop/tasks.py": "class ShopWarning(UserWarning):\n    pass\n\n\ndef send(to=None):\n    return to\n",
    "shop/data/rates.json": '{"a": 1}\n',
    "shop/templates/page.html": "<p>page</p>\n",
    "app/__init__.py": "",
    "acme/__init__.py": "",
    "shop_extras/__init__.py": "NAME = 'extras'\n",
    "shopping.py": "NAME = 'shopping'\n",
    "my/shop/__init__.py": "NAME = 'my'\n",
    "my/__init__.py": "",
}
_PARTS = {
    "site_/__init__.py": "",
    "pkg/__init__.py": "from . import text\n",
    "pkg/text.py": "END = '.'\n\n\ndef clean(word):\n    return word.strip()\n",
    "pkg/web/__init__.py": "from .http import get\n",
    "pkg/web/http.py": "from ..text import END\n\nURL = 'u'\n\n\ndef get():\n    return URL + END\n",
    "pkg/web/pages.py": "HOME = 'h'\n\n\nclass Page:\n    title = 't'\n",
    "pkg/net/__init__.py": "NET = 1\n",
    "base/__init__.py": "",
    "app/__init__.py": "",
}
_TWO = {
    "wire_v2/__init__.py": "from .header import MAGIC, Header\n\nVERSION = '2'\n",
    "wire_v2/header.py": "MAGIC = 7\n\n\nclass Header:\n    size = 3\n",
    "wire_v2/pyproject.toml": '[project]\nname = "wire-v2"\nversion = "1"\n',
    "libs/types/money/__init__.py": "from .side import Side\n\nSCALE = 100\n",
    "libs/types/money/side.py": "class Side:\n    BUY = 'b'\n",
    "libs/types/pyproject.toml": '[project]\nname = "money-types"\nversion = "1"\n',
    "app/__init__.py": "",
}
_DEEP = {
    "app/__init__.py": "",
    "app/parts/__init__.py": "",
    "app/parts/other.py": "O = 2\n",
    "app/parts/box/__init__.py": "from .. import other\n",
    "app/parts/box/size.py": "WIDTH = 4\n",
}
WORLDS = {
    # one package gets another parent
    "shop": World(
        '[migration]\nname = "shop"\n[[move]]\nfrom = "shop"\nto = "acme.store"\n', _SHOP, names=(("shop", "acme.store"),)
    ),
    # the same package gets another name at the top
    "renamed": World(
        '[migration]\nname = "renamed"\n[[move]]\nfrom = "shop"\nto = "store"\n', _SHOP, names=(("shop", "store"),)
    ),
    # modules leave a package that stays, one of them with a new last name; one class has another home
    "parts": World(
        '[migration]\nname = "parts"\n[[move]]\nfrom = "pkg.web.http"\nto = "pkg.net.http"\n'
        '[[move]]\nfrom = "pkg.text"\nto = "base.strings"\n'
        '[[symbol]]\nfrom = "pkg.web.pages.Page"\nto = "base.shapes.Page"\n',
        {**_PARTS, "base/shapes.py": "class Page:\n    title = 't'\n"},
        names=(("pkg.web.http", "pkg.net.http"), ("pkg.text", "base.strings"), ("pkg.web.pages", "base.shapes")),
    ),
    # a package leaves all its parents
    "deep": World(
        '[migration]\nname = "deep"\n[[move]]\nfrom = "app.parts.box"\nto = "box"\n', _DEEP, names=(("app.parts.box", "box"),)
    ),
    # and the other way round: it keeps its last name below a new parent
    "under": World(
        '[migration]\nname = "under"\n[[move]]\nfrom = "box"\nto = "app.parts.box"\n',
        {"app/__init__.py": "", "box/__init__.py": "", "box/size.py": "WIDTH = 4\n"},
        names=(("box", "app.parts.box"),),
    ),
    # a module of which its package makes something else known by the same name
    "hiding": World(
        '[migration]\nname = "hiding"\n[[move]]\nfrom = "pkg.parse"\nto = "lib.reader"\n',
        {
            "app/__init__.py": "", "lib/__init__.py": "", "pkg/__init__.py": "from .parse import parse\n",
            "pkg/parse.py": "LIMIT = 3\n\n\ndef parse(x=LIMIT):\n    return x\n",
        },
        names=(("pkg.parse", "lib.reader"),),
    ),
    # a file at the top
    "file": World(
        '[migration]\nname = "file"\n[[move]]\nfrom = "run_"\nto = "lib.run_"\n',
        {"app/__init__.py": "", "lib/__init__.py": "", "run_.py": "print('run')\n", "other_.py": ""},
        names=(("run_", "lib.run_"),),
    ),
    # a package goes to a source root of its own, and keeps its name
    "rooted": World(
        '[migration]\nname = "rooted"\n[[move]]\nfrom = "shop"\nto = "shop"\nto-path = "src/shop"\n',
        _SHOP,
        roots=(".", "src"),
    ),
    # the same where nothing else can be imported from the old root
    "alone": World(
        '[migration]\nname = "alone"\n[[move]]\nfrom = "shop"\nto = "shop"\nto-path = "src/shop"\n',
        {p: c for p, c in _SHOP.items() if p.startswith("shop/")},
        roots=(".", "src"),
    ),
    # a package in a source root, of which a folder and a module go elsewhere
    "src": World(
        '[migration]\nname = "src"\nimport-roots = ["src", "."]\n[[move]]\nfrom = "pkg.text"\nto = "base.strings"\n'
        'path = "src/pkg/text.py"\n[[move]]\nfrom = "pkg.web"\nto = "pkg.net.web"\npath = "src/pkg/web"\n',
        {f"src/{p}": c for p, c in _PARTS.items() if not p.startswith("app/")} | {"app/__init__.py": ""},
        roots=("src", "."),
        names=(("pkg.text", "base.strings"), ("pkg.web", "pkg.net.web")),
    ),
    # two distributions become one, one of them out of an import root of its own
    "two": World(
        '[migration]\nname = "two"\nimport-roots = [".", "libs/types"]\n'
        '[[move]]\nfrom = "wire_v2"\nto = "libs.types.wire"\ndistribution = "wire-v2"\n'
        '[[move]]\nfrom = "money"\nto = "libs.types.cash"\ndistribution = "money-types"\n'
        '[target]\ndistribution = "unified"\npath = "libs/types"\n',
        _TWO,
        old_roots=("libs/types",),
        names=(("wire_v2", "libs.types.wire"), ("money", "libs.types.cash")),
    ),
}  # fmt: skip
