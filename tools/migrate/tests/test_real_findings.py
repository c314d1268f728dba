"""What real projects taught the scanners: each case is a shape met in a published package, cut down to a few lines."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tools.migrate.layout import resolve_layout
from tools.migrate.manifests import Context, rewrite_manifest
from tools.migrate.operations import apply_edits
from tools.migrate.plan import MoveEntry, Plan
from tools.migrate.scan import FileScan, make_world, scan_tree
from tools.migrate.shims import shim_text
from tools.migrate.tree import Tree

PACKAGE = {
    "src/requests/__init__.py": "from . import adapters\nfrom .api import get\n",
    "src/requests/adapters.py": "class HTTPAdapter: ...\n",
    "src/requests/api.py": "def get(url): ...\n",
    "src/requests/packages.py": "import sys\n",
}
MOVES = (MoveEntry("requests", "libs.net.requests"),)


def scan(files: dict[str, str], moves: tuple[MoveEntry, ...] = MOVES) -> dict[str, FileScan]:
    tree = Tree.from_files({**PACKAGE, **files})
    layout = resolve_layout(Plan("t", ("src",), moves), tree)
    return {s.path: s for s in scan_tree(make_world(layout))}


def rewritten(path: str, text: str, moves: tuple[MoveEntry, ...] = MOVES) -> str:
    found = scan({path: text}, moves).get(path)
    new = apply_edits(text.encode(), found.edits if found else [], path).decode()
    if PurePosixPath(path).suffix == ".py":
        ast.parse(new)
    return new


# `import a` where the last part of the name stays: the local name survives, so no use has to change


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import requests\nrequests.get('u')\n", "from libs.net import requests\nrequests.get('u')\n"),
        (
            "import requests\nimport requests.adapters\nrequests.adapters.HTTPAdapter()\n",
            "from libs.net import requests\nimport libs.net.requests.adapters\nrequests.adapters.HTTPAdapter()\n",
        ),
        ("import os, requests\nrequests.get('u')\n", "import os, libs.net.requests as requests\nrequests.get('u')\n"),
        (
            "def f():\n    import requests  # late\n    return f'{requests.get(1)}'\n",
            "def f():\n    from libs.net import requests  # late\n    return f'{requests.get(1)}'\n",
        ),
        ("try:\n    import requests\nexcept ImportError:\n    requests = None\n", None),
        ("import requests\nx: 'requests.api.get'\n", "from libs.net import requests\nx: 'requests.api.get'\n"),
        (
            "libs = 1\nimport requests\nimport requests.adapters\n",
            "libs = 1\nfrom libs.net import requests\nimport libs.net.requests.adapters as _requests_adapters\n",
        ),
    ],
)
def test_plain_import_keeps_its_local_name(before: str, after: str | None) -> None:
    expected = before.replace("import requests\n", "from libs.net import requests\n") if after is None else after
    assert rewritten("app.py", before) == expected


def test_a_submodule_import_alone_is_written_in_full() -> None:
    text = "import requests.adapters\nrequests.adapters.HTTPAdapter()\n"
    assert rewritten("app.py", text) == text.replace("requests", "libs.net.requests")


def test_a_submodule_that_goes_elsewhere_needs_the_full_names() -> None:
    moves = (*MOVES, MoveEntry("requests.adapters", "libs.wire"))
    text = "import requests\nrequests.adapters.HTTPAdapter()\nrequests.get('u')\n"
    new = rewritten("app.py", text, moves)
    assert "libs.wire.HTTPAdapter()" in new and "libs.net.requests.get('u')" in new


# names that a module puts into sys.modules itself


def test_names_given_to_sys_modules_change_with_the_move() -> None:
    text = 'import sys\nsys.modules[f"requests.packages.{1}"] = sys\nsys.modules["requests.packages.idna"] = sys\n'
    edits = scan({"src/requests/packages.py": text})["src/requests/packages.py"].edits
    assert [(e.stage, e.new) for e in edits] == [
        (3, "libs.net.requests.packages"),
        (3, "libs.net.requests.packages.idna"),
    ]
    elsewhere = scan({"tests/test_a.py": text})["tests/test_a.py"].edits
    assert {e.stage for e in elsewhere} == {4}


# doctests: an ellipsis at the start of a line is no continuation of a prompt


def test_an_ellipsis_in_prose_does_not_hide_the_doctests_below() -> None:
    text = (
        '"""Usage:\n\n>>> import requests.api\n>>> requests.api.get(1)\n\n... or so:\n\n>>> requests.api.get(2)\n"""\n'
    )
    assert rewritten("app.py", text) == text.replace("requests.api", "libs.net.requests.api")


def test_output_that_starts_with_dots_is_no_code() -> None:
    text = '"""\n>>> import requests.api\n>>> requests.api.get(1)\nfoo\n... bar(\n>>> requests.api.get(2)\n"""\n'
    assert rewritten("app.py", text) == text.replace("requests.api", "libs.net.requests.api")


def test_a_prompt_that_does_not_parse_leaves_the_others_one_program() -> None:
    text = '"""\n>>> import requests.api\n>>> print requests.api\n>>> requests.api.get(2)\n"""\n'
    assert rewritten("app.py", text) == text.replace("requests.api", "libs.net.requests.api")


# a module that fills its own namespace: what is below it is listed, never taken for a word


def test_names_below_a_module_that_fills_itself_are_listed() -> None:
    text = "import sys\nfor name in ('idna',):\n    locals()[name] = __import__(name)\n# see requests.packages.idna.*\n"
    findings = scan({"src/requests/packages.py": text})["src/requests/packages.py"].findings
    assert [(f.line, f.rule) for f in findings] == [(4, "string.dynamic")]


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://requests.readthedocs.io", False),
        ("https://requests.readthedocs.io/en/latest/", False),
        ("https://github.com/psf/requests", False),
        ("https://github.com/psf/requests/blob/main/src/requests", True),
        ("https://example.org/requests", True),
    ],
)
def test_the_address_of_the_project_stays(url: str, listed: bool) -> None:
    text = f"from setuptools import setup\nsetup(name='requests', project_urls={{'Source': '{url}'}})\n"
    tree = Tree.from_files({**PACKAGE, "setup.py": text})
    layout = resolve_layout(Plan("t", ("src",), MOVES), tree)
    context = Context(layout=layout, judge=make_world(layout).judge, tree=tree, plan=layout.plan)
    found = [f for f in rewrite_manifest("setup.py", text, 4, context).findings if "/" in f.text]
    assert bool(found) is listed


# a relative import of a module that gets another last name cannot wait for stage 4: no shim stands at the new place


@pytest.mark.parametrize(
    ("target", "stage", "after"),
    [
        ("jinja2.syntax.tree", 3, "from . import tree as nodes\n"),
        ("jinja2.syntax.nodes", None, None),
        ("jinja2.other.nodes", 3, "from ..other import nodes\n"),
    ],
)
def test_a_relative_import_of_a_module_with_a_new_name(target: str, stage: int | None, after: str | None) -> None:
    text = "from . import nodes\n"
    files = {"jinja2/__init__.py": "", "jinja2/nodes.py": "", "jinja2/parser.py": text}
    moves = (MoveEntry("jinja2.parser", "jinja2.syntax.parser"), MoveEntry("jinja2.nodes", target))
    tree = Tree.from_files(files)
    found = {s.path: s for s in scan_tree(make_world(resolve_layout(Plan("t", (".",), moves), tree)))}
    edits = found["jinja2/parser.py"].edits
    assert {e.stage for e in edits} == ({stage} if stage else set())
    assert apply_edits(text.encode(), edits, "parser.py").decode() == (after or text)


# a distribution keeps its name where the plan merges none


@pytest.mark.parametrize(
    "line",
    ["$ python -m pip install requests", "pip3 install -U pytest requests", "uv add requests", "poetry add requests"],
)
def test_what_is_installed_is_a_distribution(line: str) -> None:
    files = {"README.md": f"```console\n{line}\n```\n", "requests.py": "", "ci.sh": f"{line}\n"}
    files = {k: v for k, v in files.items() if k != "requests.py"}
    found = scan(files)
    assert not any(found[p].edits or found[p].findings for p in files if p in found)


def test_what_is_run_is_still_asked_about() -> None:
    assert [f.rule for f in scan({"ci.sh": "run-all requests\n"})["ci.sh"].findings] == ["string.bare"]


# code in documents that never says where a name comes from


def test_an_unbound_name_in_a_doctest_is_not_passed_over() -> None:
    moves = (MoveEntry("requests", "libs.net.http_client"),)
    files = {"README.md": "```python\n>>> requests.api.get(1)\n```\n", "docs/a.rst": ">>> requests.get(1)\n"}
    found = scan(files, moves)
    for path in files:
        assert found[path].edits or found[path].findings, path


@pytest.mark.parametrize(
    ("head", "line", "after"),
    [
        ("import requests.api\n", "requests.api.get(1)", "libs.net.requests.api.get(1)"),
        ("from requests import api\n", "api.get(1)", "api.get(1)"),
        ("import requests\n", "requests.api.get(1)", "requests.api.get(1)"),
        ("requests = 1\n", "requests.api.get(1)", "requests.api.get(1)"),
        ("", "requests.api.get(1)", "libs.net.requests.api.get(1)"),
        ("", "requests.append(1)", "requests.append(1)"),
        ("", "[requests.api for requests in x]", "[requests.api for requests in x]"),
    ],
)
def test_a_doctest_sees_the_names_of_its_file(head: str, line: str, after: str) -> None:
    text = '{}def f():\n    """\n    >>> {}\n    """\n'
    assert f">>> {after}\n" in rewritten("app.py", text.format(head, line))


def test_a_stale_name_goes_along_by_its_role_and_is_listed_in_other_markup() -> None:
    text = ":class:`~requests.adapters.Gone`,\n`it <requests.adapters.Gone>`_,\nhttps://requests.readthedocs.io\n"
    found = scan({"docs/a.rst": text})["docs/a.rst"]
    assert [(e.line, e.new) for e in found.edits] == [(1, "libs.net.requests.adapters.Gone")]
    assert [(f.line, f.rule, f.severity, f.text) for f in found.findings] == [
        (2, "string.missing", "note", "requests.adapters.Gone")
    ]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ('def f():\n    """\n    Arguments:\n        timer (kombu.eventloop.Timer): another timer.\n    """\n', True),
        ('"""See https://kombu.eventloop.example.org and kombu.eventloops.Timer."""\n', False),
        ('"""As requests.Timer has it."""\n', False),  # one word may be any word
    ],
)
def test_a_stale_name_below_a_dotted_one_is_listed_in_prose(text: str, listed: bool) -> None:
    files = {"kombu/__init__.py": "", "kombu/eventloop/__init__.py": "", "src/requests/__init__.py": "", "app.py": text}
    moves = (MoveEntry("kombu.eventloop", "kombu.core.loop"), MoveEntry("requests", "libs.net.requests"))
    tree = Tree.from_files(files)
    scans = {s.path: s for s in scan_tree(make_world(resolve_layout(Plan("t", (".", "src"), moves), tree)))}
    found = [(f.rule, f.severity, f.text) for f in scans["app.py"].findings] if "app.py" in scans else []
    assert found == [("string.missing", "note", "kombu.eventloop.Timer")] * listed


def test_a_stale_dotted_name_in_a_comment_is_listed_and_a_sentence_is_not() -> None:
    """Django: `# consistent with django.utils.numberformat.floatformat()`, which is in another module."""
    text = "x = 1  # as requests.adapters.Gone() does\n# requests.The next sentence\n# my.requests.adapters.Gone\n"
    findings = scan({"a.py": text})["a.py"].findings
    assert [(f.rule, f.severity, f.text, f.line) for f in findings if f.rule != "word.bare"] == [
        ("string.missing", "note", "requests.adapters.Gone", 1)
    ]


# a module that is no package and has modules below it, as `requests.packages` has


def test_the_shim_serves_what_a_module_put_below_itself(tmp_path: Path) -> None:
    fills = "import sys, json.decoder\nfor n in ('json', 'json.decoder'):\n"
    fills += "    sys.modules[f'{__name__}.{n}'] = sys.modules[n]\n"
    options: dict[str, Any] = {"routes": {}, "public": [], "pending": [], "depth": 1, "remove_in": None}
    shim = shim_text("old", "new.place", is_package=True, remove_by=None, owner="", plan="t", **options)
    use = "from old.packages.json.decoder import JSONDecoder\nimport old.packages.json, json\n"
    check = "assert old.packages.json is json and JSONDecoder is json.JSONDecoder\n"
    files = {
        "old/__init__.py": shim, "new/place/__init__.py": "from . import packages\n", "new/place/packages.py": fills,
        "use.py": use + check,
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-B", "-W", "always", "use.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "use.py:1: DeprecationWarning: old.packages.json.decoder has moved to new.place.packages" in done.stderr
