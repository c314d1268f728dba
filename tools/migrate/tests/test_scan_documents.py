"""Documents: Markdown, reStructuredText, notebooks: code as code, roles and directives, prose left alone."""

# ruff: noqa: E501 - before and after stand on one line each

from __future__ import annotations

import json

import pytest

from tools.migrate.tests.scanning import migrate, rewritten

MARKDOWN = [
    ("```python\nimport wire_v2\nwire_v2.MAGIC\n```\n", "```python\nimport libs.types.wire\nlibs.types.wire.MAGIC\n```\n"),
    ("```python\nimport wire_v2\n```\ntext\n```python\nwire_v2.MAGIC\n```\n",
     "```python\nimport libs.types.wire\n```\ntext\n```python\nlibs.types.wire.MAGIC\n```\n"),
    ("- x\n\n  ```python\n  import wire_v2.tlv\n  ```\n", "- x\n\n  ```python\n  import libs.types.wire.tlv\n  ```\n"),
    ("> ```py\n> from wire_v2 import MAGIC\n> ```\n", "> ```py\n> from libs.types.wire import MAGIC\n> ```\n"),
    ("```pycon\n>>> import wire_v2\n>>> wire_v2.MAGIC\n7\n```\n", "```pycon\n>>> import libs.types.wire\n>>> libs.types.wire.MAGIC\n7\n```\n"),
    ("```bash\npython -m wire_v2.header wire_v2/data/schema.json\n```\n",
     "```bash\npython -m libs.types.wire.header libs/types/wire/data/schema.json\n```\n"),
    ("`wire_v2.header.Header` and [x](../wire_v2/header.py)\n", "`libs.types.wire.header.Header` and [x](../libs/types/wire/header.py)\n"),
    ("::: wire_v2.header\n", "::: libs.types.wire.header\n"),
    ("pip install wire-v2\n", "pip install unified\n"),
    ("```python\nimport wire_v2\nbroken ...(\n```\n", "```python\nimport libs.types.wire\nbroken ...(\n```\n"),
]  # fmt: skip
PROSE = [
    "The wire_v2 package, as money goes.\n",
    "Topic `wire_v2.market_data`, see https://x.org/wire_v2/header.html\n",
    "# wire_v2\n\nwire-v2x and my.wire_v2.header\n",
    "```sql\nselect * from money\n```\n",
    "```mermaid\ngraph TD\n wire_v2 --> money\n```\n",
]


@pytest.mark.parametrize(("before", "after"), MARKDOWN)
def test_markdown(before: str, after: str) -> None:
    assert rewritten(before, "docs/a.md") == after


@pytest.mark.parametrize("text", PROSE)
@pytest.mark.parametrize("path", ["docs/a.md", "docs/a.txt"])
def test_prose_stays(text: str, path: str) -> None:
    assert rewritten(text, path) == text


RST = [
    (".. automodule:: wire_v2\n   :members:\n", ".. automodule:: libs.types.wire\n   :members:\n"),
    (".. autoclass:: wire_v2.header.Header\n", ".. autoclass:: libs.types.wire.header.Header\n"),
    (".. literalinclude:: ../wire_v2/header.py\n", ".. literalinclude:: ../libs/types/wire/header.py\n"),
    ("See :class:`~wire_v2.Header`, :mod:`wire_v2` and :func:`x <wire_v2.checksum>`.\n",
     "See :class:`~libs.types.wire.Header`, :mod:`libs.types.wire` and :func:`x <libs.types.wire.checksum>`.\n"),
    (".. code-block:: python\n   :linenos:\n\n   import wire_v2\n   wire_v2.MAGIC\n\nEnd\n",
     ".. code-block:: python\n   :linenos:\n\n   import libs.types.wire\n   libs.types.wire.MAGIC\n\nEnd\n"),
    (">>> from wire_v2 import Header\n>>> Header\n<class 'wire_v2.header.Header'>\n",
     ">>> from libs.types.wire import Header\n>>> Header\n<class 'libs.types.wire.header.Header'>\n"),
    ("wire_v2\n=======\n\nProse on money.\n", "wire_v2\n=======\n\nProse on money.\n"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), RST)
def test_rst(before: str, after: str) -> None:
    assert rewritten(before, "docs/a.rst") == after


def test_a_document_that_moves_keeps_its_links() -> None:
    text = "[use](../app/use.py) [own](header.py) [web](https://x.org/a)\n"
    result = migrate({"wire_v2/README.md": text, "app/use.py": "", "app/__init__.py": ""})
    assert (
        result.files["libs/types/wire/README.md"]
        == b"[use](../../../app/use.py) [own](header.py) [web](https://x.org/a)\n"
    )


def notebook(*sources: object, kind: str = "code") -> str:
    cells = [
        {"cell_type": kind, "metadata": {"a": "wire_v2"}, "outputs": ["wire_v2.header"], "source": s} for s in sources
    ]
    return json.dumps({"cells": cells, "metadata": {"x": "wire_v2.header"}, "nbformat": 4}, indent=1) + "\n"


def test_notebooks() -> None:
    before = notebook(
        ["%magic\n", "import wire_v2\n", "!python -m wire_v2.header\n"], "wire_v2.MAGIC, '\\u00e9', \"wire_v2.header\""
    )
    after = json.loads(rewritten(before, "a.ipynb"))
    assert after["cells"][0]["source"] == [
        "%magic\n",
        "import libs.types.wire\n",
        "!python -m libs.types.wire.header\n",
    ]
    assert after["cells"][1]["source"] == "libs.types.wire.MAGIC, '\\u00e9', \"libs.types.wire.header\""
    assert all(c["outputs"] == ["wire_v2.header"] and c["metadata"] == {"a": "wire_v2"} for c in after["cells"])
    assert after["metadata"] == {"x": "wire_v2.header"}


@pytest.mark.parametrize(
    "text", [notebook("x = 1\n"), notebook("The wire_v2 of old", kind="markdown"), notebook("%%bash\necho money\n")]
)
def test_notebooks_without_a_reference(text: str) -> None:
    assert rewritten(text, "a.ipynb") == text


def test_a_broken_notebook_is_listed() -> None:
    assert migrate({"a.ipynb": '{"cells": [ wire_v2'}).rules("a.ipynb") == ["file.unparsed"]


def test_directives_of_a_documentation_tool_are_no_references() -> None:
    text = "```{eval-rst}\n.. wire_v2:example::\n\n    x = 1\n```\n"
    found = migrate({"docs/a.md": text})
    assert found.files["docs/a.md"].decode() == text
    assert found.rules("docs/a.md") == []
