"""Every place that imports an old name is told once, and imports of other names are as before.

Probes as in `test_shims`: real files, a real interpreter, one process per question, on every Python that is there.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tools.migrate.shims import shim_text
from tools.migrate.tests.shimtree import CAUGHT, MODULE, NEW, PACKAGE, VERSIONS, build, failures, run, script, write


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return build(tmp_path)


# `of(name, code)` runs code as the module `name` and says which lines of it were told of what
OF = """
def of(code, name="caller", **space):
    del seen[:]
    space.update({"__name__": name})
    exec(compile(code, f"/somewhere/{name}.py", "exec"), space)
    return [(file, line, said.partition(" has moved to ")[0]) for said, _, file, line in seen]
import protocol_v2.tlv.parser, protocol_v2.header, pkg.http  # loaded: no finder is asked any more
"""

PROBES = {
    "each form of import, from a second file": """
        for statement, said in {
            "import protocol_v2": "protocol_v2",
            "import protocol_v2 as p": "protocol_v2",
            "import protocol_v2.tlv.parser": "protocol_v2.tlv.parser",
            "import protocol_v2.header as h": "protocol_v2.header",
            "from protocol_v2 import header, MAGIC": "protocol_v2",
            "from protocol_v2 import *": "protocol_v2",
            "from protocol_v2.tlv import parser": "protocol_v2.tlv",
            "from protocol_v2.header import (\\n    Header,\\n)": "protocol_v2.header",
            "from pkg.http import get": "pkg.http",
            "from pkg import http": "pkg.http",
            "__import__('pkg.http')": "pkg.http",
            "__import__('protocol_v2.tlv.parser', fromlist=['x'])": "protocol_v2.tlv.parser",
            "import importlib; importlib.import_module('protocol_v2.tlv')": "protocol_v2.tlv",
            "import importlib; importlib.import_module('.tlv', 'protocol_v2')": "protocol_v2.tlv",
            "import importlib; importlib.import_module(name='pkg.http')": "pkg.http",
            "import pickle; pickle.loads(b'cprotocol_v2.header\\\\nHeader\\\\n(tR.')": "protocol_v2.header",
            "import pickle; pickle._loads(b'cprotocol_v2.header\\\\nHeader\\\\n(tR.')": "protocol_v2.header",
            "import pkgutil; pkgutil.resolve_name('pkg.http:get')": "pkg.http",
            "from unittest import mock; mock.patch('protocol_v2.header.size').start()":
                "protocol_v2.header" if sys.version_info > (3, 11) else "protocol_v2",
        }.items():
            for name in "one", "two":
                got = of(statement, name)
                assert got[-1:] == [(f"{name}.py", 1, said)] and len({g[2] for g in got}) == len(got) <= 2, got
        """,
    "once a place, each place": """
        code = "def f():\\n    import pkg.http\\n    import pkg.http\\nfor _ in range(5): f()\\nimport pkg.http\\n"
        assert of(code) == [("caller.py", line, "pkg.http") for line in (2, 3, 5)]
        warnings.simplefilter("default")
        assert of(code) == [("caller.py", line, "pkg.http") for line in (2, 3, 5)]
        warnings.simplefilter("once")  # as asked for: once for a text
        assert len(of(code)) == 1
        warnings.simplefilter("ignore")
        assert of(code) == []
        space = {}
        warnings.simplefilter("ignore"), of("import pkg.http", **space)
        warnings.simplefilter("default")
        assert of("import pkg.http", **space) == [("caller.py", 1, "pkg.http")]  # what was not shown counts as not told
        """,
    "an import function that was taken before the shim came": """
        got = of("f('protocol_v2.header')\\ng('pkg.http')", f=before_import_module, g=before_import)
        assert got == [("caller.py", 1, "protocol_v2.header")], got  # the plain __import__ of before cannot be reached
        """,
    "moved code that imports what it is given": """
        import libs.types.protocol.loader as loader
        warnings.simplefilter("always")
        seen.clear()
        code = "def f(name):\\n    return find([name])\\n\\nf('protocol_v2.header')\\nfind(['pkg.http'])\\n"
        got = of(code, find=loader.find_all)
        assert got == [("caller.py", 2, "protocol_v2.header"), ("caller.py", 5, "pkg.http")], got
        assert of("find()", find=loader.own) == [("loader.py", 7, "protocol_v2.tlv")]
        assert of("import libs.types.protocol.late") == [("late.py", 2, "protocol_v2.tlv")]
        """,
    "relative imports of a module that moved away": """
        assert of("from . import http", "pkg.user", __package__="pkg") == [("pkg.user.py", 1, "pkg.http")]
        assert of("from .http import get", "pkg.user", __package__="pkg") == [("pkg.user.py", 1, "pkg.http")]
        assert of("from ..http import get", "pkg.a.user", __package__="pkg.a") == [("pkg.a.user.py", 1, "pkg.http")]
        assert of("from .header import size", "new", __package__="libs.types.protocol") == []
        """,
    "a star that brings the old module": """
        pkg.__all__ = ["http"]
        assert of("from pkg import *") == [("caller.py", 1, "pkg.http")]
        pkg.__all__ = []
        assert of("from pkg import *") == []
        """,
    "what is no use of the old name": """
        code = '''
        import libs.types.protocol, libs.types.protocol.tlv.parser, libs.http, pkg
        from libs.types.protocol import header
        from pkg import __name__
        import protocol_v2_other, protocol
        '''
        import types
        sys.modules.update({n: types.ModuleType(n) for n in ("protocol_v2_other", "protocol")})
        import textwrap
        assert of(textwrap.dedent(code)) == []
        pkg.http = len  # a function that hides the module
        assert of("from pkg import http") == []
        sys.modules["protocol_v2.header"] = types.ModuleType("a_fake")  # as some tests do
        assert of("import protocol_v2.header") == []
        del sys.modules["protocol_v2.header"]
        assert of("import protocol_v2.header") == [("caller.py", 1, "protocol_v2.header")]
        """,
    "missing names are missing, without a warning": """
        import importlib
        for name in "protocol_v2.nope", "protocol_v2.tlv.nope", "pkg.http.nope":
            for load in __import__, importlib.import_module:
                try: load(name)
                except ModuleNotFoundError as error: assert error.name == name, error
                else: raise AssertionError(name)
        try: of("from protocol_v2 import nope")
        except ImportError: pass
        assert {w[0].split()[0] for w in seen} <= {"protocol_v2"}, seen
        """,
    "an error stops the import, at the caller's line": """
        import traceback
        warnings.simplefilter("error")
        for statement in "import protocol_v2.header", "from pkg import http", "from pkg.http import get":
            for _ in range(2):
                try: of("\\n" + statement)
                except DeprecationWarning as error:
                    frames = traceback.extract_tb(error.__traceback__)
                    assert ("caller.py", 2) in [(f.filename.rpartition("/")[2], f.lineno) for f in frames]
                else: raise AssertionError(statement)
        import libs.types.protocol, libs.http
        """,
    "wrong arguments are the same errors": """
        import importlib
        for args in ((), (1,), ([],), ("",), ("x", {}, {}, (), -1), ("x", {}, {}, (), 1), ("x", None, None, (), 1),
                     ("x", {"__package__": "a.b"}, None, None, 5), (b"protocol_v2",), ("x", {}, {}, (), "1")):
            kinds = []
            for call in __import__, before_import:
                try: call(*args)
                except Exception as error: kinds.append(type(error))
                else: kinds.append(None)
            assert kinds[0] is kinds[1], (args, kinds)
        for args in ((1,), (".x",), (".x", "a"), ("..x", "protocol_v2")):
            try: importlib.import_module(*args)
            except (TypeError, AttributeError, ImportError): pass
            else: raise AssertionError(args)
        """,
    "one hook for all shims": """
        import builtins, importlib
        hook = builtins.__import__
        assert hook.__wrapped__ is before_import and hook.shims.keys() == {"protocol_v2", "pkg.http"}
        assert importlib._bootstrap._gcd_import.shims is hook.shims
        import pickle
        assert pickle.loads(pickle.dumps(hook)) is hook and hook.__name__ == "__import__"
        assert hook.__doc__ == before_import.__doc__
        """,
    "others wrap it, replace it and put it back": """
        import builtins
        from unittest import mock
        hook, told = builtins.__import__, []
        def other(name, *rest, **more):
            told.append(name)
            return hook(name, *rest, **more)
        builtins.__import__ = other
        assert of("import pkg.http") == [("caller.py", 1, "pkg.http")] and "pkg.http" in told
        assert of("import protocol_v2.tool") == [("caller.py", 1, "protocol_v2.tool")]  # a first import
        assert of("import pkg.http", "two") == [("two.py", 1, "pkg.http")] and builtins.__import__ is other
        with mock.patch("builtins.__import__"):
            import anything_at_all
        builtins.__import__ = before_import  # gone
        assert of("import pkg.http") == []
        import protocol_v2.moody  # the next old name that is loaded brings it back
        assert builtins.__import__ is not before_import
        assert of("import pkg.http") == [("caller.py", 1, "pkg.http")]
        """,
    "it can be taken out": """
        import builtins, importlib
        for place, name in (builtins, "__import__"), (importlib._bootstrap, "_gcd_import"):
            getattr(place, name).shims.clear()
            assert of("import pkg.http, protocol_v2.tlv") == []
            setattr(place, name, getattr(place, name).__wrapped__)
        assert builtins.__import__ is before_import and not hasattr(importlib._bootstrap._gcd_import, "shims")
        import protocol_v2.header as header, libs.types.protocol.header as new
        assert header is new
        """,
    "warnings of other modules point where they did, tracebacks show no hook": """
        import pathlib, traceback
        pathlib.Path("grumpy.py").write_text("import warnings\\nwarnings.warn('grumpy', stacklevel=2)\\n")
        pathlib.Path("broken.py").write_text("import inner\\n")
        pathlib.Path("inner.py").write_text("1 / 0\\n")
        import importlib
        importlib.invalidate_caches()
        of("\\nimport grumpy")
        assert [w[2:] for w in seen] == [("caller.py", 2)], seen
        try: of("import broken")
        except ZeroDivisionError as error: frames = [f.filename for f in traceback.extract_tb(error.__traceback__)]
        assert not [f for f in frames if "protocol_v2" in f or "http" in f], frames
        files = [f.rpartition("/")[2] for f in frames if "frozen" not in f]
        assert files[-3:] == ["caller.py", "broken.py", "inner.py"]
        assert len([f for f in frames if "frozen" in f]) == 1, frames
        """,
    "a module that was deleted and comes again": """
        for _ in range(3):
            for name in [n for n in sys.modules if n.startswith(("protocol_v2", "libs", "pkg"))]: del sys.modules[name]
            assert of("import protocol_v2.header, pkg.http")[0][:2] == ("caller.py", 1)
            assert of("import protocol_v2.header", "two") == [("two.py", 1, "protocol_v2.header")]
        import builtins
        assert builtins.__import__.__wrapped__ is before_import
        """,
    "threads": """
        import threading
        errors, gate = [], threading.Barrier(8)
        def work(number):
            gate.wait()
            code = compile("import protocol_v2.header, pkg.http, json", f"t{number}.py", "exec")
            space = {"__name__": str(number)}
            try:
                for turn in range(200): exec(code, space)
            except BaseException as error: errors.append(repr(error))
        del seen[:]
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not errors and len({w[2] for w in seen}) == 8 and len(seen) == 16, (errors, len(seen))
        """,
    "names of no interest are not kept for ever": """
        import builtins
        for number in range(12000):
            try: __import__(f"no_such_module_{number}")
            except ImportError: pass
        assert len(builtins.__import__.others) <= 10000
        """,
}
BEFORE = """
import builtins
before_import = builtins.__import__
from importlib import import_module as before_import_module
"""


def complete(code: str) -> str:
    return BEFORE + OF + textwrap.dedent(code)


@pytest.mark.parametrize("probe", PROBES)
def test_probe(tree: Path, probe: str) -> None:
    script(tree, textwrap.dedent(CAUGHT) + complete(PROBES[probe]))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_probes_on_other_pythons(tree: Path, version: str) -> None:
    failed = failures(tree, {name: complete(code) for name, code in PROBES.items()}, version)
    if isinstance(failed, str):
        pytest.skip(failed)
    assert not failed, "\n".join(f"{probe}: {text}" for probe, text in failed.items())


def test_files_that_wait_are_passed_over_at_every_place(tree: Path) -> None:
    waits: dict[str, Any] = {"pending": ("app/late.py", "app/later.py")}
    write(
        tree,
        {
            "protocol_v2/__init__.py": shim_text("protocol_v2", "libs.types.protocol", **{**PACKAGE, **waits}),
            "pkg/http.py": shim_text("pkg.http", "libs.http", **{**MODULE, **waits}),
            "app/late.py": "import protocol_v2.header, pkg.http\ndef again():\n    import protocol_v2, pkg.http\n",
            "app/later.py": "import protocol_v2.header\nfrom pkg import http\n",
            "app/new.py": "import protocol_v2.header\nfrom pkg import http\n",
        },
    )
    code = "import app.late, app.later, app.new\nfor _ in range(3): app.late.again()\nprint([w[2:] for w in seen])\n"
    assert script(tree, textwrap.dedent(CAUGHT) + code) == "[('new.py', 1), ('new.py', 2)]\n"
    script(tree, "import app.late, app.later\napp.late.again()", "-Werror")


def test_two_test_files_are_told_by_pytest(tree: Path) -> None:
    text = "import protocol_v2.header\n\ndef test_it():\n    from pkg import http\n"
    write(tree, {"tests/test_a.py": text, "tests/test_b.py": text})
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    for place in ("test_a.py:1", "test_b.py:1", "test_a.py:4", "test_b.py:4"):
        assert f"tests/{place}: DeprecationWarning" in done.stdout, done.stdout
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-Werror", "tests")
    assert "2 errors" in done.stdout and "tests/test_b.py:1" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import pkg.http",
        "import pkg.http as h",
        "from pkg.http import get",
        "from pkg import http",
        "from pkg import first, http",
        "import importlib; importlib.import_module('pkg.http')",
        "def f():\n    import pkg.http\nf()",
    ],
)
@pytest.mark.parametrize("inner", ["import pkg.http", "from . import http", "from .http import get", "import user2"])
def test_a_package_that_asks_for_its_old_module_itself(tree: Path, statement: str, inner: str) -> None:
    """The first import of the package loads the old name: who asked is told, and so is the package if it may not."""
    waits: dict[str, Any] = {"pending": ("pkg/first.py", "pkg/__init__.py")}
    write(
        tree,
        {
            "pkg/__init__.py": "from . import first\n",
            "pkg/first.py": f"{inner}\n",
            "user.py": f"import json\n{statement}\nimport pkg.http\n",
            "user2.py": "from pkg import http\n",
            "pkg/http.py": shim_text("pkg.http", "libs.http", **{**MODULE, **waits}),
        },
    )
    line = 3 if "def f" in statement else 2
    also = [("user2.py", 1)] if "user2" in inner else []
    end = statement.count("\n") + 3
    code = textwrap.dedent(CAUGHT) + "import user\nprint(sorted(w[2:] for w in seen))\n"
    assert script(tree, code) == f"{sorted([('user.py', line), ('user.py', end), *also])}\n"
    code = textwrap.dedent(CAUGHT) + "import pkg\nprint(sorted(w[2:] for w in seen))\n"
    assert script(tree, code) == f"{also}\n"  # who asks for the package alone is told nothing
    (tree / "pkg/http.py").write_text(shim_text("pkg.http", "libs.http", **MODULE))
    code = textwrap.dedent(CAUGHT) + "import user\nprint(sorted(w[2:] for w in seen))\n"
    told = [("first.py", 1)] if "user2" not in inner else []
    assert script(tree, code) == f"{sorted([('user.py', line), ('user.py', end), *also, *told])}\n"


def test_those_who_wait_for_a_module_below(tree: Path) -> None:
    write(tree, {"protocol_v2_user.py": "import protocol_v2.tlv.parser\n", f"{NEW}/tlv/__init__.py": "import asks\n"})
    write(tree, {"asks.py": "import protocol_v2.tlv.parser as p\n"})
    said = script(tree, textwrap.dedent(CAUGHT) + "import protocol_v2_user\nprint([w[2:] for w in seen])")
    assert "('asks.py', 1)" in said and "('protocol_v2_user.py', 1)" in said, said


def test_a_script_that_is_run_as_a_module(tree: Path) -> None:
    write(
        tree,
        {
            "app/user.py": "import protocol_v2.header\n",
            "app/main.py": "from . import user\nimport protocol_v2.header\n",
        },
    )
    said = run(tree, "-Wdefault", "-m", "app.main").stderr
    assert "user.py:1: DeprecationWarning" in said and "main.py:2: DeprecationWarning" in said, said


def test_a_circle_in_the_moved_package_is_told_as_well(tree: Path) -> None:
    write(tree, {f"{NEW}/_impl.py": "import protocol_v2.header as h\nFAST = h.size()\n"})
    said = script(tree, textwrap.dedent(CAUGHT) + "import protocol_v2\nprint([w[2:] for w in seen])")
    assert "('_impl.py', 1)" in said and "('probe.py'" in said, said


def test_imports_of_other_names_cost_next_to_nothing(tree: Path) -> None:
    code = """\
        import timeit, warnings
        warnings.simplefilter("ignore")
        import json
        def cost(): return min(timeit.repeat("import json", number=20000, repeat=9)) / 20000
        before = cost()
        import protocol_v2, pkg.http
        print(cost() - before)
        """
    more = min(float(script(tree, code)) for _ in range(3))
    assert more < 1e-6, f"{more * 1e9:.0f} ns for each import statement"
