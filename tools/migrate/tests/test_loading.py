"""Following imports by reading alone: compared with what an interpreter does, on trees that are made up."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.migrate.design import Design, make_design
from tools.migrate.layout import resolve_layout
from tools.migrate.loading import Circle, Modules, Source
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tree import Tree

NAMES = ["a", "b", "p", "p.c", "p.d", "p.q", "p.q.e"]
PACKAGES = {"p", "p.q"}


def circle(texts: dict[str, str], name: str) -> Circle | None:
    found = modules(texts).loaded(name)
    return found if isinstance(found, Circle) else None


def modules(texts: dict[str, str]) -> Modules:
    def source(name: str) -> Source | None:
        if name not in texts:
            return None
        package = name if any(n.startswith(name + ".") for n in texts) else name.rpartition(".")[0]
        return Source(tuple(ast.parse(texts[name]).body), package)

    return Modules(source)


# What reads a name of a module, and what only seems to.
READS = [
    "{0}.X",
    "def f(v={0}.Y): ...",
    "class K:\n    V = {0}.X",
    "lambda: {0}.X",
    "f'{{{0}.Z}}'",
    "print({0}.X) if 0 else 1",
    "None and {0}.X",
    "[{0}.X for _ in ()]",
    "g = {0}.W, {0}.X",
    "v: {0}.X = 1",
    "try:\n    {0}.X\nexcept AttributeError:\n    import a",
    "try:\n    {0}.X\nexcept ImportError:\n    import a",
]
LINES = st.one_of(
    st.sampled_from(["X = 1", "Y = 1", "def Z(): import a", "class W:\n    V = 2"]),
    st.sampled_from(NAMES).map("import {}".format),
    st.builds("from {} import {}".format, st.sampled_from(NAMES), st.sampled_from(["X", "Y", "Z", "W", "*"])),
    st.sampled_from(["from p import c", "from p import d", "from p import q", "from p.q import e"]),
    st.builds(
        "try:\n    from {} import X\nexcept {}:\n    import {}".format,
        st.sampled_from(NAMES),
        st.sampled_from(["ImportError", "(ImportError, KeyError)", "KeyError"]),
        st.sampled_from(NAMES),
    ),
    st.builds("class K:\n    from {} import X".format, st.sampled_from(NAMES)),
    st.builds("if 1:\n    from {} import Y".format, st.sampled_from(NAMES)),
    st.builds(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {} import Y".format, st.sampled_from(NAMES)
    ),
    st.builds("import {0}\n{1}".format, st.sampled_from(NAMES), st.just("READ")).flatmap(
        lambda text: st.sampled_from(READS).map(lambda read: text.replace("READ", read.format(text.split()[1])))
    ),
    st.just("class N:\n    X = 1\nimport a\nclass K:\n    a = N\n    V = a.X"),
    st.builds("import {} as m\n{}".format, st.sampled_from(NAMES), st.sampled_from(READS).map(lambda r: r.format("m"))),
    st.builds("from p import {0}\n{1}".format, st.sampled_from(["c", "d", "q"]), st.just("READ")).flatmap(
        lambda text: st.sampled_from(READS).map(lambda read: text.replace("READ", read.format(text.split()[3])))
    ),
)
# Each module binds all that others may want, so that a failing import can only be one in a circle.
TEXT = st.lists(LINES, max_size=4).map(lambda lines: "\n".join([*lines, "X = Y = Z = W = 0\n"]))

ASK = """\
import sys
for name in sys.argv[1:]:
    try:
        __import__(name)
    except (ImportError, AttributeError) as error:
        print(name, "circle" if "partially init" in str(error) or isinstance(error, AttributeError) else error)
    else:
        print(name, "loads")
    for known in [m for m in sys.modules if m.partition(".")[0] in {"a", "b", "p"}]:
        del sys.modules[known]
"""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.fixed_dictionaries(dict.fromkeys(NAMES, TEXT)))
def test_what_is_read_is_what_an_interpreter_meets(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for name, text in texts.items():
        place = root / name.replace(".", "/")
        place = place / "__init__.py" if name in PACKAGES else place.with_suffix(".py")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{ASK}", *NAMES]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert said == [f"{name} {'circle' if circle(texts, name) else 'loads'}" for name in NAMES]


def test_the_place_of_a_circle() -> None:
    texts = {
        "p": "from net import Client\n",
        "p.c": "V = 1\n",
        "net": "import json\nfrom p import c\nclass Client: ...\n",
    }
    assert circle(texts, "net") == Circle("p", 1, "net", "Client")
    assert set(modules(texts).loaded("p")) == {"p", "net", "p.c"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("from net import http\nclass Client(http.Base): ...\n", Circle("p", 2, "net.http", "Base")),
        ("import net.http as h\nBASES = {h.Base}\n", Circle("p", 2, "net.http", "Base")),
        ("import net.http\n@net.http.Base\ndef f(): ...\n", Circle("p", 2, "net", "http")),
        (
            "from net import http\ntry:\n    http.Base\nexcept ImportError:\n    pass\n",
            Circle("p", 3, "net.http", "Base"),
        ),
        ("from net import http\ntry:\n    http.Base\nexcept Exception:\n    pass\n", None),
        ("from __future__ import annotations\nfrom net import http\ndef f(b: http.Base): ...\n", None),
        (
            "from net import http\ndef f(b: http.Base): ...\n",
            Circle("p", 2, "net.http", "Base") if sys.version_info < (3, 14) else None,
        ),
        ("from net import http\nhttp = 1\nx = http.Base\n", None),
        ("from net import http\nfor _ in ():\n    http.Base\n", None),
        pytest.param(
            "from net import http\ntype Alias = http.Base\n",
            None,
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="a statement of Python 3.12"),
        ),
        ("from net import http\nwith http.Base: ...\n", Circle("p", 2, "net.http", "Base")),
    ],
)
def test_the_place_where_a_name_is_read_too_early(text: str, place: Circle | None) -> None:
    texts = {"p": text, "p.c": "", "net": "", "net.http": "from p import c\nclass Base: ...\n"}
    assert circle(texts, "net.http") == place


@pytest.mark.parametrize(
    "net",
    [
        "def __getattr__(name): ...\nfrom p import c\nClient = 1\n",
        "from p import c\n",  # nobody knows where Client comes from
        "class Client: ...\nfrom p import c\n",
        "def f():\n    from p import c\nclass Client: ...\n",
        "if __name__ == '__main__':\n    from p import c\nclass Client: ...\n",
        "from ..p import c\nclass Client: ...\n",
    ],
)
def test_what_succeeds_or_cannot_be_known_is_no_circle(net: str) -> None:
    assert circle({"p": "from net import Client\n", "p.c": "", "net": net}, "net") is None


def test_a_chain_longer_than_the_stack_is_not_followed() -> None:
    texts = {f"m{n}": f"import m{n + 1}\n" for n in range(3000)}
    assert circle(texts, "m0") is None


# in a plan

PLAN = '[migration]\nname = "n"\n[[move]]\nfrom = "pkg.http"\nto = "{}"\n'
FILES = {
    "pkg/__init__.py": '"""Doc."""\nfrom pkg.http import Client\n',
    "pkg/http.py": "from pkg.config import RETRIES\n\n\nclass Client:\n    retries = RETRIES\n",
    "pkg/config.py": "RETRIES = 3\n",
    "app.py": "import pkg.http\n",
}


def designed(changed: dict[str, str], to: str = "net.http") -> Design:
    tree = Tree.from_files({**FILES, **changed})
    world = make_world(resolve_layout(parse_plan(PLAN.format(to)), tree))
    return make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)


def loads(design: Design, root: Path, module: str) -> str:
    """What an interpreter says of it in the tree after stage 4."""
    tree = design.trees[4]
    for path in tree:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(tree.read(path))
    command = [sys.executable, "-c", f"import {module}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60).stderr


def told(design: Design) -> list[str]:
    return [f"{f.place} {f.readings[0]}" for f in design.findings if f.rule == "import.circle"]


def test_design_tells_of_a_module_that_leaves_a_package_which_needs_it(tmp_path: Path) -> None:
    design = designed({})
    lack = "imported first, net.http leads here before net.http has bound Client"
    assert told(design) == [f"pkg/__init__.py:2 {lack}"]
    assert "'Client' from partially initialized module 'net.http'" in loads(design, tmp_path, "net.http")


def test_design_tells_of_a_class_that_is_read_from_a_module_too_early(tmp_path: Path) -> None:
    design = designed({"pkg/__init__.py": "from pkg import http\n\n\nclass Ours(http.Client): ...\n"})
    lack = "imported first, net.http leads here before net.http has bound Client"
    assert told(design) == [f"pkg/__init__.py:4 {lack}"]
    said = loads(design, tmp_path, "net.http")  # newer ones say which file it is from
    assert re.search("partially initialized module 'net.http'( from '.*')? has no attribute 'Client'", said)


@pytest.mark.parametrize(
    "changed",
    [
        {"net/__init__.py": "import pkg\n"},  # what the hint says
        {
            "pkg/__init__.py": "def client():\n    from pkg.http import Client\n    return Client\n"
        },  # and its other half
        {"pkg/__init__.py": "from pkg import http\n"},
        {"pkg/http.py": "class Client:\n    retries = 3\n"},
        {"pkg/http.py": "class Client:\n    retries = 3\n\n\nfrom pkg.config import RETRIES\n"},
        {"pkg/__init__.py": "", "pkg/config.py": "import pkg.http\nRETRIES = 3\n"},
    ],
)
def test_what_loads_is_not_listed(tmp_path: Path, changed: dict[str, str]) -> None:
    design = designed(changed)
    assert told(design) == [] and loads(design, tmp_path, "net.http") == ""


def test_a_circle_that_was_there_before_is_not_listed() -> None:
    early = {
        "pkg/http.py": "from .early import E\nClient = 1\n",
        "pkg/early.py": "from .http import Client\nE = 1\n",
    }
    assert told(designed(early)) == []


@pytest.mark.parametrize(
    ("to", "hint"),
    [
        ("net.http", "import Client where it is used, or let net import pkg first, as the old name did"),
        ("http_of_ours", "import Client where it is used"),
    ],
)
def test_the_way_out_is_named(to: str, hint: str) -> None:
    assert [f.hint for f in designed({}, to).findings if f.rule == "import.circle"] == [hint]


def test_modules_that_end_at_the_same_place_are_one_finding() -> None:
    package = {"pkg/http/__init__.py": FILES["pkg/http.py"], "pkg/http/a.py": "", "pkg/http/b.py": ""}
    tree = {path: text for path, text in {**FILES, **package}.items() if path != "pkg/http.py"}
    layout = resolve_layout(parse_plan(PLAN.format("net.http")), Tree.from_files(tree))
    world = make_world(layout)
    design = make_design(world, scan_tree(world, skip=wants), layout.tree, "0" * 40)
    lack = "imported first, net.http, like 2 others, leads here before net.http has bound Client"
    assert told(design) == [f"pkg/__init__.py:2 {lack}"]


def test_a_package_above_both_places_changes_nothing() -> None:
    assert told(designed({}, "pkg.core.http")) == []
