"""Cython and C sources: what is imported, and what is included by the place of a file."""

from __future__ import annotations

import pytest

from tools.migrate.tests.scanning import migrate, rewritten

PLAN = """
[migration]
name = "t"
[[move]]
from = "borg.chunkers"
to = "borg.native.chunkers"
[[move]]
from = "borg.helpers"
to = "borg.core.helpers"
[[move]]
from = "borg.logger"
to = "borg.core.log"
"""
TREE: dict[str, str | bytes] = {
    "borg/__init__.py": "", "borg/constants.py": "X = 1\n", "borg/helpers.py": "class Error(Exception):\n    pass\n",
    "borg/logger.py": "", "borg/chunkers/__init__.py": "", "borg/chunkers/reader.pyi": "", "borg/chunkers/base.pxd": "",
    "borg/chunkers/base.pyx": "",
    "borg/chunkers/scan.h": "", "borg/common.h": "", "borg/common.pxi": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("borg/chunkers/a.pyx", "from ..constants import X", "from ...constants import X"),
        ("borg/chunkers/a.pyx", "from .reader import Chunk", "from .reader import Chunk"),
        ("borg/chunkers/a.pyx", "from . cimport base", "from . cimport base"),
        ("borg/chunkers/a.pyx", "from .. import constants, helpers2", "from ... import constants, helpers2"),
        ("borg/chunkers/a.pyx", "from ..helpers import Error", "from ...core.helpers import Error"),
        ("borg/chunkers/__init__.pxd", "from ..constants cimport X", "from ...constants cimport X"),
        ("borg/a.pyx", "from .helpers import Error, \\\n  More", "from .core.helpers import Error, \\\n  More"),
        ("borg/compress.pyx", "from . import helpers as h", "from .core import helpers as h"),
        ("borg/compress.pyx", "from borg import helpers", "from borg.core import helpers"),
        ("borg/compress.pyx", "from .constants import helpers", "from .constants import helpers"),
        ("borg/a.pyx", "  from .chunkers.base cimport (\n  A, B)", "  from .native.chunkers.base cimport (\n  A, B)"),
        ("borg/compress.pyx", "cimport borg.chunkers.base as b", "cimport borg.native.chunkers.base as b"),
        ("borg/chunkers/a.pyx", 'include "../common.pxi"', 'include "../../common.pxi"'),
        ("borg/chunkers/a.pyx", 'cdef extern from "scan.h":\n    pass', 'cdef extern from "scan.h":\n    pass'),
        ("borg/chunkers/a.c", '#include "../common.h"', '#include "../../common.h"'),
        ("borg/all.c", '#include "chunkers/scan.h"', '#include "native/chunkers/scan.h"'),
        ("borg/all.c", '#include <chunkers/scan.h>', '#include <chunkers/scan.h>'),
        ("lib/all.c", '#include "common.h"', '#include "common.h"'),
    ],
)  # fmt: skip
def test_statements(path: str, before: str, after: str) -> None:
    """Borg: `from ..constants import X` of a source that moves, and `from .helpers import X` of one that stays."""
    assert rewritten(before + "\n", path, plan=PLAN, tree=TREE) == after + "\n"
    result = migrate({path: before + "\n"}, plan=PLAN, tree=TREE)
    assert result.rules(path) == []


def test_names_behind_comments_part_as_well() -> None:
    text = "from borg import (  # all (of it)\n    constants,  # stays\n    helpers,  # leaves\n)\n"
    result = migrate({"borg/a.pyx": text}, plan=PLAN, tree=TREE)
    assert result.files["borg/a.pyx"].decode() == text
    assert [(f.rule, f.severity) for f in result.findings] == [("import.cython", "error")]


def test_what_no_shim_serves_changes_with_the_move() -> None:
    text = "from .chunkers.base cimport A\nfrom .helpers import Error\ncimport borg.chunkers.base\n"
    early = migrate({"borg/a.pyx": text}, plan=PLAN, tree=TREE, stages=(3,)).files["borg/a.pyx"].decode()
    assert early == text.replace(".chunkers", ".native.chunkers")


@pytest.mark.parametrize("text", ["from . import helpers, constants", "from borg cimport logger"])
def test_names_that_part_or_are_renamed_are_listed(text: str) -> None:
    result = migrate({"borg/a.pyx": f"{text}\n"}, plan=PLAN, tree=TREE)
    assert result.rules("borg/a.pyx") == ["import.cython"] and result.files["borg/a.pyx"] == f"{text}\n".encode()


def test_a_source_is_a_module_whoever_builds_it() -> None:
    """No manifest names what meson and its like compile."""
    text = 'import importlib\nimportlib.import_module("borg.chunkers.base")\nNAME = "borg.chunkers.base"\n'
    assert rewritten(text, "app.py", plan=PLAN, tree=TREE) == text.replace(".chunkers", ".native.chunkers")
