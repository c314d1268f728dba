"""C, C++ and Rust sources of extension modules: the Python names in their string literals.

A type's full name (`"package._fast.Reader"`), a module that is imported from C, a name in an error's text.  What a
literal names is judged like a string in Python; code and comments are only searched, and listed.  A type's
`__module__` is made of its full name, so these literals change together with the files, in stage 3.
"""

from __future__ import annotations

import re

from .context import World
from .sink import Sink

SUFFIXES = (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inc", ".rs")
_LITERAL = re.compile(r'"(?P<text>(?:[^"\\\r\n]|\\.)*)"')
_IMPORTS = re.compile(r"\bPy(?:Import_\w+|Capsule_Import)\s*\(\s*$|\bmodule\s*=\s*$")
# The full name of a type, an exception or a module that is made here, and stands in no Python file.
_NAMES = re.compile(r"\b(?:tp_name|m_name|name)\s*=\s*$|\bPyErr_NewException\w*\s*\(\s*$|_HEAD_INIT\s*,\s*$")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def scan_c(world: World, sink: Sink, path: str) -> None:
    """Change the literals that are one name; the caller lists what else mentions a moving one."""
    judge = world.judge
    for match in _LITERAL.finditer(sink.body):
        text = match["text"]
        if not judge.mentioned(text) or not _DOTTED.fullmatch(text):
            continue
        before = sink.body[max(0, match.start() - 80) : match.start()]
        known = "." in text and judge.resolver.resolve(text).kind != "missing"
        known = known or bool(_IMPORTS.search(before)) or ("." in text and bool(_NAMES.search(before)))
        verdict = judge.value(text, path, "module" if known else "unknown")
        if verdict is not None and verdict.kind == "change":
            sink.edit(*match.span("text"), verdict.new, stage=verdict.stage, rule="c.literal", reason=verdict.reason)
