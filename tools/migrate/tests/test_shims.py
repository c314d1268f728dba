"""Shims are tried as users meet them: files on disk, a real interpreter, one process per question.

`tree` is a small checkout after stage 3: the package and the module stand at their new names, a shim at each old one.
Every probe in `PROBES` is a script that must run to its end; it runs on the interpreter under test, and on every
Python from 3.10 to 3.15 that is installed beside it.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.model import PlanError
from tools.migrate.shims import MARK, ShimMark, is_shim, parse_mark, removal_phrase, shim_text
from tools.migrate.tests.shimtree import (
    CAUGHT,
    MODULE,
    NEW,
    PACKAGE,
    VERSIONS,
    build,
    failures,
    other_python,
    run,
    script,
    write,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return build(tmp_path)


PROBES = {
    "one module object": """\
        import protocol_v2, libs.types.protocol as new
        assert protocol_v2 is new and sys.modules["protocol_v2"] is new
        import protocol_v2.tlv.parser, libs.types.protocol.tlv.parser as parser
        assert protocol_v2.tlv.parser is parser and sys.modules["protocol_v2.tlv"] is new.tlv
        from protocol_v2.header import Header
        assert Header is new.Header and isinstance(new.Header(), Header)
        protocol_v2.REGISTRY["a"] = 1
        assert new.REGISTRY == {"a": 1} and protocol_v2._RAW == b"raw"
        try: raise parser.ParseError
        except protocol_v2.tlv.parser.ParseError: pass
        from pkg import http
        import libs.http, pkg.http, pkg
        assert http is libs.http and pkg.http is http and http._private == 5
        """,
    "new before old": """\
        import libs.types.protocol.tlv.parser as parser, libs.http
        import protocol_v2.tlv.parser as old, pkg.http
        assert old is parser and pkg.http is libs.http
        """,
    "relative and parent imports": """\
        import importlib
        assert importlib.import_module(".tlv.parser", "protocol_v2").parse().n == 2
        from protocol_v2 import tlv, header
        import libs.types.protocol as new
        assert tlv is new.tlv and header is new.header
        """,
    "the module keeps its own import facts": """\
        import importlib, libs.types.protocol.header as new
        facts = lambda m: (m.__spec__, m.__loader__, m.__package__, m.__name__, m.__file__)
        before = facts(new)
        old = importlib.import_module("protocol_v2.header")
        assert old is new and all(a is b for a, b in zip(facts(old), before))
        import protocol_v2.tlv.parser as parser, protocol_v2, pkg.http
        assert parser.__spec__.name == parser.__name__ == "libs.types.protocol.tlv.parser"
        assert parser.__package__ == "libs.types.protocol.tlv" and parser.__spec__.loader is parser.__loader__
        assert protocol_v2.__spec__.name == protocol_v2.__name__ == "libs.types.protocol"
        assert pkg.http.__spec__.name == pkg.http.__name__ == "libs.http"
        """,
    "a name that hides its module stays": """\
        import importlib, libs.types.protocol as new
        function = new.checksum
        module = importlib.import_module("protocol_v2.checksum")
        assert module is sys.modules["libs.types.protocol.checksum"] and module.POLY == 7
        assert new.checksum is function
        import protocol_v2._impl
        assert "_impl" not in vars(new) and sys.modules["protocol_v2._impl"].FAST
        from unittest import mock
        with mock.patch("protocol_v2.header.size", return_value=9): assert new.header.size() == 9
        assert new.header is sys.modules["libs.types.protocol.header"]
        """,
    "mock.patch": """\
        from unittest import mock
        with mock.patch("protocol_v2.header.size", return_value=9):
            from libs.types.protocol import header
            assert header.size() == 9
        assert header.size() == 8
        with mock.patch("pkg.http.get", return_value="patched"):
            import libs.http
            assert libs.http.get() == "patched"
        assert libs.http.get() == "got"
        """,
    "star import": """\
        ns, module = {}, {}
        exec("from protocol_v2 import *", ns)
        assert {n for n in ns if not n.startswith("__")} == {"MAGIC", "Header", "checksum"}
        exec("from pkg.http import *", module)
        assert {n for n in module if not n.startswith("__")} == {"Client", "get", "sys"}, module
        """,
    "missing names": """\
        import importlib, importlib.util, protocol_v2, protocol_v2.tlv
        assert not hasattr(protocol_v2, "nope")
        names = "protocol_v2.nope", "protocol_v2.tlv.nope", "protocol_v2.header.nope", "pkg.http.nope", "pkg.nope"
        for name in names:
            try: importlib.import_module(name)
            except ModuleNotFoundError as error: assert error.name == name and name in str(error), error
            else: raise AssertionError(name)
        try: from protocol_v2 import nope
        except ImportError as error: assert not isinstance(error, ModuleNotFoundError)
        else: raise AssertionError
        assert importlib.util.find_spec("protocol_v2.nope") is None
        assert not [name for name in sys.modules if "nope" in name]
        """,
    "pickles and copies": """\
        import copy, pickle
        old = b"cprotocol_v2.header\\nHeader\\n(tR."  # written before the move
        x = pickle.loads(old)
        import libs.types.protocol as new
        assert type(x) is new.Header and copy.deepcopy(x) == x
        data = pickle.dumps(x)
        assert b"libs.types.protocol" in data and b"protocol_v2" not in data and pickle.loads(data) == x
        assert pickle.loads(b"cpkg.http\\nClient\\n(tR.").__class__.__module__ == "libs.http"
        """,
    "reload": """\
        import importlib, protocol_v2, protocol_v2.header, pkg.http, libs.http
        header, protocol_v2.header.extra, protocol_v2.MAGIC = protocol_v2.header, 1, 0
        assert importlib.reload(protocol_v2.header) is header and header.extra == 1
        assert importlib.reload(protocol_v2) is sys.modules["libs.types.protocol"] and protocol_v2.MAGIC == 0xDEADBEEF
        assert importlib.reload(pkg.http) is libs.http and protocol_v2.header is header
        """,
    "an error goes through and a retry works": """\
        import os
        os.environ["MOOD"] = "bad"
        for _ in range(2):
            try: import protocol_v2.moody
            except RuntimeError as error: assert str(error) == "bad mood"
            else: raise AssertionError
            assert not [name for name in sys.modules if "moody" in name]
        os.environ["MOOD"] = "good"
        import protocol_v2.moody as moody
        assert moody.OK == 1 and moody is sys.modules["libs.types.protocol.moody"]
        try: import protocol_v2.needy
        except ModuleNotFoundError as error: assert error.name == "not_installed_anywhere"
        else: raise AssertionError
        """,
    "an error of the whole package goes through and a retry works": """\
        import pathlib
        for old, file in (("protocol_v2", "libs/types/protocol/__init__.py"), ("pkg.http", "libs/http.py")):
            path = pathlib.Path(file)
            text = path.read_text()
            path.write_text("raise OSError('not today')\\n")
            for _ in range(2):
                try: __import__(old)
                except OSError as error: assert str(error) == "not today"
                else: raise AssertionError
                assert old not in sys.modules
            path.write_text(text + "# longer, so that no cached file is taken\\n")
            __import__(old)
            assert sys.modules[old].__name__.startswith("libs.")
        assert sum(getattr(finder, "shim_of", "") == "protocol_v2" for finder in sys.meta_path) == 1
        """,
    "resources, walks and specs": """\
        import importlib.resources as res, importlib.util, pkgutil, inspect, protocol_v2, protocol_v2.tlv
        assert pkgutil.get_data("protocol_v2.tlv", "data.txt").strip() == b"payload"
        assert (res.files("protocol_v2.tlv") / "data.txt").read_text().strip() == "payload"
        names = {m.name for m in pkgutil.iter_modules(protocol_v2.__path__, "protocol_v2.")}
        assert {"protocol_v2.tlv", "protocol_v2.header"} <= names
        spec = importlib.util.find_spec("protocol_v2.tool")
        assert spec.origin.endswith("tool.py") and spec.name == "protocol_v2.tool" and spec.has_location
        assert "tool" in spec.loader.get_source("protocol_v2.tool") and not spec.loader.is_package("protocol_v2.tool")
        assert spec.loader.get_filename("protocol_v2.tool") == spec.origin and spec.loader.get_code(spec.name)
        assert "protocol_v2.tool" not in sys.modules
        by_hand = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(by_hand)
        import libs.types.protocol.tool as tool
        assert by_hand.Header is tool.Header and tool.__spec__.name == "libs.types.protocol.tool"
        import protocol_v2.tlv.parser as parser
        assert "ParseError" in inspect.getsource(parser)
        """,
    "blocked modules stay blocked": """\
        sys.modules["libs.types.protocol.moody"] = None
        try: import protocol_v2.moody
        except ModuleNotFoundError as error: assert error.name == "protocol_v2.moody"
        else: raise AssertionError
        """,
    "modules made at run time": """\
        import types, libs.types.protocol as new
        sys.modules["libs.types.protocol.virtual"] = made = types.ModuleType("libs.types.protocol.virtual")
        import importlib
        assert importlib.import_module("protocol_v2.virtual") is made and made.__spec__ is None
        """,
    "threads": """\
        import threading
        # In rounds: a package that imports its children while another thread starts at a child is a deadlock that
        # Python itself reports, with or without shims.
        rounds = [
            ["protocol_v2", "libs.types.protocol", "pkg.http", "libs.http"],
            ["protocol_v2.tlv.parser", "libs.types.protocol.tlv.parser",
             "protocol_v2.header", "libs.types.protocol.header"],
        ]
        sys.setswitchinterval(1e-6)
        errors = []
        def work(name, gate):
            gate.wait()
            try: __import__(name)
            except BaseException as error: errors.append(repr(error))
        for turn in range(40):
            for name in [n for n in sys.modules if n.startswith(("libs", "protocol_v2", "pkg"))]: del sys.modules[name]
            sys.meta_path[:] = [f for f in sys.meta_path if not hasattr(f, "shim_of")]
            for names in rounds:
                gate = threading.Barrier(8)
                names = names[turn % 4:] + names[:turn % 4]
                threads = [threading.Thread(target=work, args=(name, gate)) for name in names * 2]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                assert not errors, errors
            assert sys.modules["protocol_v2"] is sys.modules["libs.types.protocol"]
            assert sys.modules["protocol_v2.header"] is sys.modules["libs.types.protocol.header"]
            assert sys.modules["protocol_v2.tlv.parser"] is sys.modules["libs.types.protocol.tlv.parser"]
            assert sys.modules["pkg.http"] is sys.modules["libs.http"]
        """,
    "warnings: file, line, text, once for a line": """\
        def of(statement):
            del seen[:]
            exec(compile(statement, "/somewhere/caller.py", "exec"), {"__name__": "caller"})
            return seen
        goes = "; the old name goes on 2027-03-31 (owner: platform team)"
        got = of("\\n\\nfor _ in 1, 2: import protocol_v2.tlv.parser\\nimport protocol_v2.tlv.parser\\n")
        said = "protocol_v2.tlv.parser has moved to libs.types.protocol.tlv.parser" + goes
        assert got == [(said, "DeprecationWarning", "caller.py", line) for line in (3, 4)], got
        got = of("from protocol_v2.header import (\\n    Header,\\n)")
        said = "protocol_v2.header has moved to libs.types.protocol.header" + goes
        assert got == [(said, "DeprecationWarning", "caller.py", 1)], got
        got = of("import importlib as i\\ni.import_module('protocol_v2.tool')")
        assert [w[2:] for w in got] == [("caller.py", 2)] and "protocol.tool;" in got[0][0], got
        got = of("import pickle\\n\\npickle.loads(b'cpkg.http\\\\nClient\\\\n(tR.')")
        assert [w[2:] for w in got] == [("caller.py", 3)], got
        assert got[0][0].startswith("pkg.http has moved to libs.http;"), got
        got = of("import pickle\\n\\npickle._loads(b'cprotocol_v2.moody\\\\nOK\\\\n.')")
        assert [w[2:] for w in got] == [("caller.py", 3)], got
        got = of("import protocol_v2, pkg.http, libs.types.protocol, libs.types.protocol.moody")
        assert [w[2:] for w in got] == [("caller.py", 1)] * 2 and "pkg.http has" in got[1][0], got
        """,
    "warnings: mock and find_spec": """\
        import importlib.util
        from unittest import mock
        importlib.util.find_spec("protocol_v2.tlv.parser")
        assert [w[2:] for w in seen] == [("probe.py", 8)], seen
        del seen[:]
        mock.patch("protocol_v2.moody.OK").start()
        assert {w[2:] for w in seen} == {("probe.py", 11)}, seen
        del seen[:]
        @mock.patch("pkg.http.get")
        def test(get): pass
        test()
        assert [w[2:] for w in seen] == [("probe.py", 14)], seen
        """,
    "warnings: an error stops the import, and nothing is left": """\
        warnings.simplefilter("error")
        for name in ("protocol_v2", "protocol_v2.header", "pkg.http"):
            for _ in range(2):
                try: __import__(name)
                except DeprecationWarning: pass
                else: raise AssertionError
                assert name not in sys.modules
        """,
    "warnings: the default filters": """\
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for _ in range(2):
            for name in [n for n in sys.modules if n.startswith(("libs", "protocol_v2"))]: del sys.modules[name]
            import protocol_v2.header
        assert len(seen) == 1 and "__warningregistry__" in globals(), seen
        """,
}


@pytest.mark.parametrize("probe", PROBES)
def test_probe(tree: Path, probe: str) -> None:
    script(tree, textwrap.dedent(CAUGHT) + textwrap.dedent(PROBES[probe]))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_probes_on_other_pythons(tree: Path, version: str) -> None:
    failed = failures(tree, PROBES, version)
    if isinstance(failed, str):
        pytest.skip(failed)
    assert not failed, "\n".join(f"{probe}: {text}" for probe, text in failed.items())
    for module, said in RUNS.items():
        assert run(tree, "-m", module, "x", python=other_python(version) or "").stdout == said


RUNS = {
    "protocol_v2": "package main 8 ['x']\n",
    "protocol_v2.tool": "tool 1 ['x'] libs.types.protocol\n",
    "pkg.http": "http main ['x']\n",
}


@pytest.mark.parametrize("module", RUNS)
def test_python_m_runs_the_moved_code(tree: Path, module: str) -> None:
    done = run(tree, "-m", module, "x")
    assert (done.returncode, done.stdout) == (0, RUNS[module])
    assert done.stderr.count("DeprecationWarning") == 1  # at no line of a file: the person who typed it is told
    assert "<command line>:1" in done.stderr and "2027-03-31" in done.stderr


def test_a_plain_import_says_nothing_by_default_outside_main(tree: Path) -> None:
    write(tree, {"user.py": "import protocol_v2\n", "probe.py": "import user\n"})
    assert run(tree, "probe.py").stderr == ""


def test_new_code_of_the_package_may_use_its_old_name_in_a_circle(tree: Path) -> None:
    write(
        tree,
        {
            f"{NEW}/__init__.py": "import protocol_v2\nfrom protocol_v2.header import Header\nME = protocol_v2\n",
            f"{NEW}/header.py": "import protocol_v2.header as me\nimport protocol_v2.tlv\nclass Header: pass\n",
        },
    )
    for first in ("protocol_v2", "libs.types.protocol", "protocol_v2.header", "libs.types.protocol.header"):
        script(
            tree,
            f"""\
            import {first}
            import protocol_v2.header, libs.types.protocol.header as header
            import libs.types.protocol as new
            assert new.ME is new is protocol_v2 and header.me is header is protocol_v2.header
            assert protocol_v2.Header is header.Header and header.__spec__.name == "libs.types.protocol.header"
            """,
        )


def test_a_thread_that_comes_while_another_loads_a_circle(tree: Path) -> None:
    slow = "import time\ntime.sleep(0.3)\nimport protocol_v2\nME = protocol_v2\n"
    write(tree, {f"{NEW}/__init__.py": slow})
    script(
        tree,
        """\
        import sys, threading, time
        threads = [threading.Thread(target=__import__, args=(n,)) for n in ("libs.types.protocol", "protocol_v2")]
        for thread in threads: thread.start(), time.sleep(0.1)
        for thread in threads: thread.join()
        new = sys.modules["libs.types.protocol"]
        assert sys.modules["protocol_v2"] is new is new.ME
        """,
    )


def test_a_shim_loaded_by_its_path_passes_on_what_it_is_asked(tree: Path) -> None:
    script(
        tree,
        """\
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("anything", "protocol_v2/__init__.py")
        by_path = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(by_path)
        import libs.types.protocol as new
        assert by_path.Header is new.Header and not hasattr(by_path, "nope")
        assert sys.modules["protocol_v2"] is new is sys.modules["anything"]
        """,
    )


ROUTED = {
    "libs/other/__init__.py": "",
    "libs/other/far.py": "WHERE = 'other'\n",
    "libs/other/deep/__init__.py": "",
    "libs/other/deep/a.py": "A = 1\n",
    "protocol_v2/stays.py": "from .header import size\nfrom . import far\nWHERE = 'old folder'\n",
    "protocol_v2/tlv/left/__init__.py": "",
    "protocol_v2/tlv/left/leaf.py": "WHERE = 'left'\n",
}
ROUTES = {
    "protocol_v2.far": "libs.other.far",
    "protocol_v2.tlv.deep": "libs.other.deep",
    "protocol_v2.stays": "protocol_v2.stays",
    "protocol_v2.tlv.left": "protocol_v2.tlv.left",
}


def test_routes_lead_elsewhere_or_nowhere(tree: Path) -> None:
    write(tree, ROUTED)
    write(
        tree,
        {"protocol_v2/__init__.py": shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, "routes": ROUTES})},
    )
    script(
        tree,
        textwrap.dedent(CAUGHT)
        + textwrap.dedent("""\
        import protocol_v2.stays, protocol_v2.tlv.left.leaf
        assert [w[2:] for w in seen] == [("stays.py", 1), ("stays.py", 2)], seen  # it asks for what moved
        del seen[:]
        import protocol_v2.far, protocol_v2.tlv.deep.a, libs.other.far, libs.other.deep.a
        assert len(seen) == 2 and "protocol_v2.far has moved to libs.other.far;" in seen[0][0], seen
        assert protocol_v2.far is libs.other.far and protocol_v2.tlv.deep.a is libs.other.deep.a
        assert sys.modules["protocol_v2.stays"].__name__ == "protocol_v2.stays"
        assert protocol_v2.stays.WHERE == "old folder"
        assert protocol_v2.tlv.left.leaf.WHERE == "left"
        import protocol_v2.header
        assert protocol_v2.header is sys.modules["libs.types.protocol.header"]
        from protocol_v2 import far, stays
        from protocol_v2.tlv import left, deep
        assert far is libs.other.far and stays is sys.modules["protocol_v2.stays"] and deep is libs.other.deep
        try: import protocol_v2.tlv.left.nope
        except ModuleNotFoundError as error: assert error.name == "protocol_v2.tlv.left.nope"
        else: raise AssertionError
        """),
    )


def test_a_route_does_not_hide_a_module_of_the_new_package(tree: Path) -> None:
    write(tree, {**ROUTED, f"{NEW}/far.py": "WHERE = 'new'\n"})
    write(
        tree,
        {"protocol_v2/__init__.py": shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, "routes": ROUTES})},
    )
    script(
        tree,
        """\
        import protocol_v2.far as far, libs.types.protocol.far as new, importlib
        assert new.WHERE == "new" and importlib.import_module("protocol_v2.far").WHERE == "other"
        """,
    )


def test_a_circle_through_a_routed_parent_loads_nothing_twice(tree: Path) -> None:
    write(tree, ROUTED)
    write(
        tree,
        {
            "libs/other/__init__.py": "import protocol_v2.far\nCOUNT = []\n",
            "libs/other/far.py": "import builtins\nbuiltins.loaded = getattr(builtins, 'loaded', 0) + 1\n",
            "protocol_v2/__init__.py": shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, "routes": ROUTES}),
        },
    )
    script(
        tree,
        """\
        import builtins, protocol_v2.far, libs.other.far
        assert builtins.loaded == 1 and protocol_v2.far is libs.other.far is libs.other.protocol_v2.far
        """,
    )


def test_the_shim_of_a_package_may_stand_beside_its_folder(tree: Path) -> None:
    (tree / "protocol_v2/__init__.py").rename(tree / "protocol_v2.py")
    script(tree, textwrap.dedent(CAUGHT) + textwrap.dedent(PROBES["one module object"]))
    assert run(tree, "-m", "protocol_v2", "x").stdout == RUNS["protocol_v2"]


PENDING: dict[str, Any] = {"pending": ("app/late.py", "tests/test_late.py", f"{NEW}/tlv/parser.py")}


def test_pending_files_get_no_warning(tree: Path) -> None:
    write(
        tree,
        {
            "protocol_v2/__init__.py": shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, **PENDING}),
            "pkg/http.py": shim_text("pkg.http", "libs.http", **{**MODULE, **PENDING}),
            "app/late.py": "import protocol_v2.tlv, pkg.http\nexec('import protocol_v2.tool')\n",
            "app/new.py": "import protocol_v2.moody\n",
            "tests/test_late.py": """\
            from unittest import mock
            @mock.patch("protocol_v2._impl.FAST")
            def test_it(fast): pass
            def test_monkeypatch(monkeypatch):
                monkeypatch.setattr("protocol_v2.tlv.parser.parse", None)
                from libs.types.protocol.tlv import parser
                assert parser.parse is None
            """,
            f"{NEW}/tlv/parser.py": "import protocol_v2.header\ndef parse(): pass\n",
        },
    )
    script(tree, "import app.late, libs.types.protocol.tlv.parser", "-Werror")
    warned = script(tree, textwrap.dedent(CAUGHT) + "import app.late, app.new\nprint([w[2:] for w in seen])\n")
    assert warned == "[('new.py', 1)]\n"
    script(
        tree, "import sys, os\nos.chdir('/')\nimport app.late", "-Werror"
    )  # the root is the shim's, not the caller's
    done = run(tree, "-m", "pytest", "-q", "-Werror", "-p", "no:cacheprovider", "tests/test_late.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_pending_and_staying_modules_their_code_is_not_there() -> None:
    text = shim_text("protocol_v2", "libs.types.protocol", **PACKAGE)
    assert "pending" not in text.lower() and "_os" not in text and "_FOLDERS" not in text
    assert "_FOLDERS" in shim_text("a", "b", **{**PACKAGE, "routes": {"a.x": "a.x"}})
    assert "_Finder" not in shim_text("pkg.http", "libs.http", **MODULE)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_see_the_names(tree: Path, checker: str) -> None:
    if not shutil.which(checker, path=str(Path(sys.executable).parent)):
        pytest.skip(f"{checker} is not installed beside this interpreter")
    text = shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, "public": ("MAGIC", "_RAW")})
    write(
        tree,
        {
            "protocol_v2/__init__.py": text,
            f"{NEW}/__init__.py": """\
            MAGIC: int = 1
            _RAW: bytes = b""
            class Header:
                n: int = 1
            __all__ = ["MAGIC", "Header"]
            """,
            "good.py": """\
            import protocol_v2
            from protocol_v2 import _RAW, Header
            x: int = protocol_v2.MAGIC + Header().n
            y: bytes = _RAW
            """,
            "bad.py": "import protocol_v2\nprotocol_v2.nope\nx: str = protocol_v2.MAGIC\n",
        },
    )
    strict = (
        ["--strict", "--no-error-summary", "--cache-dir", os.devnull]
        if checker == "mypy"
        else ["--pythonpath", sys.executable]
    )
    good = run(tree, "-m", checker, *strict, "good.py", "protocol_v2/__init__.py")
    assert good.returncode == 0, good.stdout + good.stderr
    bad = run(tree, "-m", checker, *strict, "bad.py")
    assert bad.returncode == 1 and "nope" in bad.stdout and "bad.py:3" in bad.stdout, bad.stdout + bad.stderr


def test_a_shim_costs_less_than_a_millisecond(tree: Path) -> None:
    code = """\
        import sys, warnings, time
        warnings.simplefilter("ignore")
        import libs.types.protocol
        start = time.perf_counter()
        import protocol_v2
        print(time.perf_counter() - start)
        """
    cost = min(float(script(tree, code)) for _ in range(7))  # the first run writes the cached files
    assert cost < 0.001, f"{cost * 1000:.2f} ms"


def test_the_mark_is_read_back_and_strings_are_no_marks() -> None:
    text = shim_text("protocol_v2", "libs.types.protocol", **PACKAGE)
    assert parse_mark(text) == ShimMark("protocol_v2", "libs.types.protocol", "unify-types", 6)
    assert parse_mark("\ufeff# licence\r\n" + text.replace("\n", "\r\n")) == ShimMark(
        "protocol_v2", "libs.types.protocol", "unify-types", 7
    )
    for other in (
        "",
        "x = 1\n",
        f"x = '''\n{MARK} old=a new=b plan=c\n'''\n",
        f"{MARK} old=a\n",
        f"# see {MARK}\n",
        "(\n",
    ):
        assert not is_shim(other), other
    assert not is_shim(Path(__file__).read_text(encoding="utf-8"))
    assert is_shim(f"{MARK} old=a new=b plan=two words\n<<<<<<< HEAD\n")  # a broken merge is still found


@pytest.mark.parametrize(
    "text", ['a "quoted" team', 'ends with "', "back\\slash \\n \\", '"""', "two\nlines", "équipe 🚀", ""]
)
def test_any_owner_and_plan_make_a_valid_file(tree: Path, text: str) -> None:
    shim = shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, "owner": text, "plan": text})
    write(tree, {"protocol_v2/__init__.py": shim})
    said = script(tree, textwrap.dedent(CAUGHT) + "import protocol_v2\nprint(ascii(seen[0][0]))")
    assert ascii(" ".join(text.split()))[1:-1] in said or '"' in text
    mark = parse_mark(shim)
    assert mark is not None and mark.plan == " ".join(text.split())


def test_the_removal_in_words() -> None:
    day = date(2027, 3, 31)
    assert removal_phrase(day, None) == "on 2027-03-31"
    assert removal_phrase(None, "0.3") == "in version 0.3"
    assert removal_phrase(day, "0.3") == "on 2027-03-31 or in version 0.3"
    assert removal_phrase(None, None) == "with the cleanup"


@pytest.mark.parametrize(
    ("old", "new", "routes", "said"),
    [
        ("a", "a.core", {}, "lies below"),
        ("a", "a", {}, "lies below"),
        ("a-b", "c", {}, "not a dotted import name"),
        ("a", "b.class", {}, "not a dotted import name"),
        ("a", "b", {"c.x": "d"}, "does not start below"),
        ("a", "b", {"a.x": "a.y"}, "ends at an old name"),
    ],
)
def test_what_no_alias_can_serve_is_an_error(old: str, new: str, routes: dict[str, str], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        shim_text(old, new, **{**PACKAGE, "routes": routes})


def test_the_text_is_stable_and_needs_no_order() -> None:
    one = shim_text(
        "a", "b", **{**PACKAGE, "routes": {"a.x": "c", "a.y": "d"}, "public": ["p", "q"], "pending": ["f", "g"]}
    )
    two = shim_text(
        "a", "b", **{**PACKAGE, "routes": {"a.y": "d", "a.x": "c"}, "public": ["q", "p"], "pending": ["g", "f"]}
    )
    assert one == two and one.endswith("\n") and "\n\n\n\n" not in one
