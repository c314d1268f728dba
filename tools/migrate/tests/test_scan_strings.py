"""Strings in Python: names of modules, computed names, names compared with `__name__`, and what only looks like one."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

from pathlib import Path

import pytest

from tools.migrate.tests.scanning import LEGACY, PARTS, PARTS_TREE, PLAN, migrate, rewritten, same

HEAD = "import importlib, sys\nfrom importlib import import_module\n"
# Each is the body of `run(name)`, called with "header", with what has to stand before it.
COMPUTED = {
    "literal": ("", "return import_module('wire_v2.header').MAGIC"),
    "f-string": ("", "return import_module(f'wire_v2.{name}').MAGIC"),
    "sum": ("", "return import_module('wire_v2.' + name).MAGIC"),
    "percent": ("", "return import_module('wire_v2.%s' % name).MAGIC"),
    "two percents": ("", "return import_module('%s.%s' % ('wire_v2', name)).MAGIC"),
    "format": ("", "return import_module('wire_v2.{}'.format(name)).MAGIC"),
    "join": ("", "return import_module('.'.join(['wire_v2', name])).MAGIC"),
    "relative": ("", "return import_module('.' + name, package='wire_v2').MAGIC"),
    "relative literal": ("", "return import_module('.types', 'wire_v2.tlv').Kind.TRADE"),
    "keyword": ("", "return importlib.import_module(name=f'wire_v2.{name}').MAGIC"),
    "constant": ("PKG = 'wire_v2'", "return import_module(PKG + '.' + name).MAGIC"),
    "constant in an f-string": ("PKG = 'wire_v2'", "return import_module(f'{PKG}.{name}').MAGIC"),
    "constant in a join": ("PKG = 'wire_v2'", "return import_module('.'.join([PKG, name])).MAGIC"),
    "constant in a format": ("PKG = 'wire_v2'", "return import_module('{}.{}'.format(PKG, name)).MAGIC"),
    "template": ("T = 'wire_v2.{}'", "return import_module(T.format(name)).MAGIC"),
    "local": ("", "base = 'wire_v2'\n    full = base + '.' + name\n    return import_module(full).MAGIC"),
    "loop": ("", "return [import_module(m).__name__ for m in ('wire_v2', 'money')]"),
    "named list": ("ALL = ['wire_v2']", "return [import_module(m).MAGIC for m in ALL]"),
    "pairs": ("", "return [import_module(m).MAGIC for _, m in [('x', 'wire_v2')]]"),
    "values": ("D = {'h': 'wire_v2'}", "return [import_module(m).MAGIC for m in D.values()]"),
    "items": ("D = {'h': 'wire_v2'}", "return [import_module(m).MAGIC for _, m in D.items()]"),
    "keys": ("D = {'wire_v2': 1}", "return [import_module(m).MAGIC for m in D]"),
    "subscript": ("D = {'h': 'wire_v2'}", "return import_module(D['h']).MAGIC"),
    "get": ("D = {'h': 'wire_v2'}", "return import_module(D.get('h')).MAGIC"),
    "default": ("def load(n, base='wire_v2'): return import_module(base + '.' + n)", "return load(name).MAGIC"),
    "argument": ("def load(base, n): return import_module(f'{base}.{n}')", "return load('wire_v2', name).MAGIC"),
    "returned": ("def base(): return 'wire_v2'", "return import_module(base() + '.' + name).MAGIC"),
    "attribute": (
        "class A:\n    package = 'wire_v2'\n    def load(self, n): return import_module(f'{self.package}.{n}')",
        "return A().load(name).MAGIC",
    ),
    "pieces": ("", "return import_module(\n        'wire_v2'\n        '.header').MAGIC"),
    "getattr": ("", "return getattr(import_module('wire_v2'), name).MAGIC"),
    "__import__": ("", "return __import__('wire_v2').MAGIC, __import__('wire_v2.header').header.MAGIC"),
    "__import__ with names": ("", "return __import__('wire_v2.' + name, fromlist=['MAGIC']).MAGIC"),
    "sys.modules": (
        "",
        "import wire_v2.header\n    return sys.modules['wire_v2.header'].MAGIC, 'wire_v2' in sys.modules",
    ),
    "loop over sys.modules": (
        "",
        "import wire_v2.header\n    return any(m.startswith('wire_v2.h') for m in list(sys.modules)), [m for m in sys.modules if m == 'wire_v2']",
    ),
    "runpy": ("import runpy", "return runpy.run_module('wire_v2.header')['MAGIC']"),
    "eval": ("import wire_v2", "return eval('wire_v2.MAGIC')"),
    "eval of an alias": ("import wire_v2 as w", "return eval('w.MAGIC')"),
}


@pytest.mark.parametrize(("head", "body"), COMPUTED.values(), ids=COMPUTED.keys())
def test_dynamic_imports(head: str, body: str, tmp_path: Path) -> None:
    text = f"{HEAD}{head}\ndef run(name='header'):\n    {body}\n"
    result = same(tmp_path, text)
    assert result.rules() == [] and "wire_v2" not in result.files["app/use.py"].decode()


IDENTITY = [
    "Header.__module__ == 'wire_v2.header'",
    "h.__name__.startswith('wire_v2.')",
    "h.__package__ == 'wire_v2'",
    "Header.__module__ in ('wire_v2.header', 'wire_v2')",
    "f'{Header.__module__}.{Header.__qualname__}' == 'wire_v2.header.Header'",
    "repr(Header) == \"<class 'wire_v2.header.Header'>\"",
    "re.match(r'wire_v2\\.header$', h.__name__) is not None",
    "h.__name__.removeprefix('wire_v2.')",
    "Header.__module__.replace('wire_v2', 'X')",
    "{'wire_v2.header': 1}[h.__name__]",
    "h.__spec__.name == 'wire_v2.header'",
    "(mod := Header.__module__) == 'wire_v2.header' and mod.startswith('wire_v2')",
    "Header.__module__.startswith(('wire_v2', 'money'))",
    "h.__name__.rpartition('.')[0] == 'wire_v2'",
    "logging.getLogger('wire_v2').getChild('header').name == h.__name__",
]


@pytest.mark.parametrize("expression", IDENTITY)
def test_names_compared_with_modules(expression: str, tmp_path: Path) -> None:
    text = f"import logging, re\nimport wire_v2.header as h\nfrom wire_v2 import Header\ndef run():\n    return {expression}\n"
    result = same(tmp_path, text)
    assert "wire_v2" not in result.files["app/use.py"].decode()
    # That name changes with the move, so the string does not wait for stage 4.
    early = migrate({"app/use.py": text}, stages=(3,)).files["app/use.py"].decode()
    assert "libs" in early


_MARK = "import pytest\n\n\n@pytest.mark.parametrize({})\ndef test(said, caplog):\n    {}\n"
_ROWS = "('n', 'said'), [(1, []), pytest.param(2, [('wire_v2.header', 30, 'x')], id='b')]"


@pytest.mark.parametrize(
    ("text", "early"),
    [
        (_MARK.format(_ROWS, "assert caplog.record_tuples == said"), True),
        (_MARK.format("'said', ['wire_v2.header']", "assert caplog.text == said"), True),
        (_MARK.format("['n', 'said'], [(1, 'wire_v2.header')]", "assert caplog.text == said"), True),
        (_MARK.format(_ROWS, "use(said)"), False),
        (_MARK.format("'n, said', [('wire_v2.header', 1)]", "assert caplog.text == said"), False),  # that is `n`
        (
            "def test(caplog):\n    said = [('wire_v2.header', 30, 'x')]\n    assert caplog.record_tuples == said\n",
            True,
        ),
        ("def test(caplog):\n    said = 'wire_v2.header'\n    said = said.strip()\n    use(said)\n", False),
        (
            "def test():\n    v0 = 'wire_v2.header'\n"
            + "".join(f"    v{n} = v{n - 1} + v{n - 1}\n" for n in range(1, 40)),
            False,
        ),
        ("SAID = 'wire_v2.header'\ndef test(x):\n    assert x == SAID\n", False),  # settings may wait for stage 4
    ],
)
def test_names_that_are_compared_through_a_variable_or_a_parameter(text: str, early: bool) -> None:
    """Streamlink: log records that tests expect are rows of `parametrize`."""
    for stages, changed in (((3,), early), ((3, 4), True)):
        files = migrate({"tests/test_a.py": text}, stages=stages).files
        assert (b"libs.types.wire.header" in files["tests/test_a.py"]) == changed, stages


@pytest.mark.parametrize("text", ["f'{x} of wire_v2.header.{x}'", "'of wire_v2.header.'", "'wire_v2.header.'"])
def test_a_prefix_that_is_listed_can_be_written_with_its_dot(text: str) -> None:
    """Streamlink: `f"streamlink.plugins.{name}"`, decided to be the module, lost its dot."""
    listed = migrate({"app/use.py": f"y = {text}\n"}).findings
    assert [(f.rule, f.text) for f in listed] == [("string.prefix", "wire_v2.header.")]
    assert listed[0].readings[0].endswith(", now libs.types.wire.header.")


def test_a_name_of_code_with_more_behind_a_hyphen_is_listed() -> None:
    """Warehouse: `f"{interface}-{name}"`, compared with what a test writes out."""
    text = "x = {'wire_v2.header.Header-cache': 1, 'wire_v2.nothing-x': 2}\ny = 'one wire_v2.header.Header-cache'\n"
    result = migrate({"app/use.py": text})
    assert result.rules() == ["string.prefix"] * 2 and result.files["app/use.py"] == text.encode()


def test_eval_of_a_name_that_is_kept(tmp_path: Path) -> None:
    text = "import wire_v2\nlibs = 1\ndef run():\n    return eval('wire_v2.MAGIC'), libs\n"
    assert "eval('wire_v2.MAGIC')" in same(tmp_path, text).files["app/use.py"].decode()


def test_one_part_of_a_name_is_listed() -> None:
    text = "import wire_v2.header as h\nx = h.__name__.split('.')[0] == 'wire_v2'\n"
    result = migrate({"app/use.py": text})
    assert result.rules() == ["name.part", "string.bare"] and b"== 'wire_v2'" in result.files["app/use.py"]


CHANGED = [
    ("mock.patch('wire_v2.header.time.time')", "mock.patch('libs.types.wire.header.time.time')"),
    ("monkeypatch.setattr('wire_v2.header.MAGIC', 3)", "monkeypatch.setattr('libs.types.wire.header.MAGIC', 3)"),
    ("mock.patch.dict(sys.modules, {'wire_v2.x': 3})", "mock.patch.dict(sys.modules, {'libs.types.wire.x': 3})"),
    ("pytest_plugins = ['wire_v2.header', \"money\"]", "pytest_plugins = ['libs.types.wire.header', \"libs.types.cash\"]"),
    ("APPS = ['wire_v2.tlv', 'json']", "APPS = ['libs.types.wire.tlv', 'json']"),
    ("H = 'money.side:Side.BUY'", "H = 'libs.types.cash.side:Side.BUY'"),
    ("f('-m', ['x', '-m', 'wire_v2'])", "f('-m', ['x', '-m', 'libs.types.wire'])"),
    ("run(f'python -m wire_v2.header {x}')", "run(f'python -m libs.types.wire.header {x}')"),
    ("run('python -c \"import wire_v2; wire_v2.MAGIC\"')", "run('python -c \"import libs.types.wire; libs.types.wire.MAGIC\"')"),
    ("filterwarnings('ignore', module=r'wire_v2\\..*')", "filterwarnings('ignore', module=r'libs\\.types\\.wire\\..*')"),
    ("importlib.metadata.version('wire-v2')", "importlib.metadata.version('unified')"),
    ("files('wire_v2') / 'data/schema.json'", "files('libs.types.wire') / 'data/schema.json'"),
    ("walk_packages(p, prefix='wire_v2.')", "walk_packages(p, prefix='libs.types.wire.')"),
    ("importorskip('wire_v2', reason='wire_v2')", "importorskip('libs.types.wire', reason='wire_v2')"),
    ("{'loggers': {'wire_v2': {}}}", "{'loggers': {'libs.types.wire': {}}}"),
    ("parametrize('m', ['wire_v2.tlv'])", "parametrize('m', ['libs.types.wire.tlv'])"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGED)
def test_strings_that_name_code(before: str, after: str) -> None:
    assert rewritten(before + "\n") == after + "\n"


DATA = [
    "TOPIC = 'wire_v2.market_data'",
    "TABLE = 'money'",
    "URL = 'https://docs.example.org/wire_v2/header.html'",
    "SQL = 'select * from wire_v2 where money.id = 1'",
    "WIRE = {'wire_v2': {'version': 2}}",
    "parser.add_argument('--format', choices=['wire_v2', 'json'])",
    "print('[wire_v2] started')",
    "x = row['money'] + row.get('wire_v2')",
    "publish('wire_v2', {'money': 3})",
    "name = 'my.wire_v2.header', 'wire_v2x.header', '-wire_v2.header@x'",
    "b'wire_v2.header'",
    "def f(x='money', **kw): return kw['wire_v2']",
    "for kind in ('wire_v2', 'money'): count(kind)",
]


@pytest.mark.parametrize("text", DATA)
def test_strings_that_only_look_like_references(text: str) -> None:
    assert rewritten(text + "\n") == text + "\n"


def test_what_is_left_is_listed() -> None:
    found = migrate(
        {"app/use.py": "A = 'wire_v2'\nB = 'wire_v2.nope'\nC = b'wire_v2.header'\nD = 'wire_v2.%s'\n"}
    ).rules()
    assert sorted(found) == ["bytes", "string.bare", "string.missing", "string.prefix"]


def test_doctests_and_embedded_code() -> None:
    text = (
        '"""Title.\n\n>>> import wire_v2\n>>> for k in (\n...     wire_v2.MAGIC,):\n...     wire_v2.Header\n'
        '<class \'wire_v2.header.Header\'>\n\nThe wire_v2 of old.\n"""\nCODE = """\nimport wire_v2\nprint(wire_v2.MAGIC)\n"""\n'
    )
    after = rewritten(text)
    assert after == text.replace("wire_v2", "libs.types.wire").replace("The libs.types.wire of", "The wire_v2 of")


# partial moves


PARTIAL = [
    ("import_module('.text', 'pkg.util')", "import_module('lib2.text', 'pkg.util')"),
    ("import_module('.http', package='pkg')", "import_module('.common.http', package='pkg')"),
    ("['pkg.http.get', 'pkg.util.text.T', 'pkg.util.other']", "['pkg.common.http.get', 'lib2.text.T', 'pkg.util.other']"),
    ("x = 'pkg.models.Foo', 'pkg.models.Bar', 'pkg.models:Foo'", "x = 'lib2.shapes.Foo', 'pkg.models.Bar', 'lib2.shapes:Foo'"),
    ("import_module('.other', 'pkg.util')", "import_module('.other', 'pkg.util')"),
    ("x = 'http', 'text', 'Foo', 'a.http', 'pkg.models'", "x = 'http', 'text', 'Foo', 'a.http', 'pkg.models'"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), PARTIAL)
def test_partial(before: str, after: str) -> None:
    assert rewritten(before + "\n", plan=PARTS, tree=PARTS_TREE) == after + "\n"


@pytest.mark.parametrize(
    "call", ["import_module(f'pkg.{n}')", "import_module('pkg.util.' + n)", "import_module('.' + n, 'pkg')"]
)
def test_a_computed_name_that_may_have_left_is_listed(call: str) -> None:
    result = migrate({"app/use.py": f"from importlib import import_module\n{call}\n"}, plan=PARTS, tree=PARTS_TREE)
    assert result.rules() == ["import.computed"]


def test_a_relative_call_in_a_file_that_moves(tmp_path: Path) -> None:
    lazy = "from importlib import import_module\ndef f():\n    return import_module('.other', __package__).O\n"
    files = {
        "pkg/util/text.py": lazy,
        "pkg/util/other.py": "O = 1\n",
        "pkg/http.py": "def get(): pass\n",
        "pkg/util/__init__.py": "",
    }
    use = "from pkg.util import text\ndef run():\n    return text.f()\n"
    result = same(tmp_path, {**files, "app/use.py": use}, plan=PARTS, tree=PARTS_TREE)
    assert b"import_module('pkg.util.other', __package__)" in result.files["lib2/text.py"]
    named = migrate({**files, "pkg/util/text.py": "x = __package__ + '.data'\n"}, plan=PARTS, tree=PARTS_TREE)
    assert named.rules("pkg/util/text.py") == ["name.package"]
    assert LEGACY


def test_files_that_the_plan_names_change_with_the_move() -> None:
    """A table of names that is compared with `__module__` elsewhere: nothing in it tells that."""
    plan = PLAN + '[scan]\nwith-the-move = ["app/settings.py"]\n'
    table = {"app/settings.py": 'BASE = {"wire_v2.header.Header": 1}\n', "app/use.py": 'X = "wire_v2.header.Header"\n'}
    result = migrate(table, plan=plan, stages=(3,))
    assert result.files["app/settings.py"] == b'BASE = {"libs.types.wire.header.Header": 1}\n'
    assert result.files["app/use.py"] == b'X = "wire_v2.header.Header"\n'


def test_a_relative_name_in_a_module_that_moves_leads_where_it_led() -> None:
    """Warehouse: `config.include(".tasks")`; Pyramid reads it in the package of the file."""
    tree = {"a/__init__.py": "", "a/b/__init__.py": "", "a/c.py": ""}
    plan = '[migration]\nname = "t"\n[[move]]\nfrom = "a.b"\nto = "a.d.e.b"\n'
    text = 'def includeme(config):\n    config.include("..c")\n    config.include(".own")\n    config.scan("..b.own")\n'
    files = migrate({"a/b/own.py": "", "a/b/pages.py": text}, plan=plan, tree=tree, stages=(3,)).files
    assert files["a/d/e/b/pages.py"].decode() == text.replace("..c", "....c")
