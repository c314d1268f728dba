"""What an option means in the command it belongs to: `python -m NAME`, `pytest -m NAME`, `uv run --package NAME`.

The same letters take a module in one program and something else in another.  The program is the nearest known one
before the option, in the same command.  Must not know: what moves.
"""

from __future__ import annotations

import re
from typing import Literal

from .calls import M_PROGRAMS, P_PROGRAMS, PACKAGE_PROGRAMS, words

Meaning = Literal["module", "distribution", "other"]

_OPTION = re.compile(r"(?<![\w-])(?P<option>-\w*m|-p|--(?:[a-z]+-)*package)(?:[=\s\"',\[(]*)$")
_END_OF_COMMAND = re.compile(r"[|;&`]|\$\((?!\w+\))")
_WORD = re.compile(r"[\w.+-]+")
_PYTHON = re.compile(r"(?i)[\w-]*py(?:thon|py)?[\d.]*\Z")
# Programs that do take modules by one of these options, so that what stands before them does not count.
_OURS = words("pytest py.test coverage mypy dmypy stubgen pylint pdb cProfile zipapp pex shiv twistd")
_KNOWN = _OURS | M_PROGRAMS | P_PROGRAMS | PACKAGE_PROGRAMS


def meaning(before: str) -> Meaning:
    """What stands behind the option at the end of `before`, a line of commands or the arguments of one."""
    match = _OPTION.search(before)
    if match is None:
        return "module"
    command = _END_OF_COMMAND.split(before[: match.start()])[-1]
    program = next((w for w in reversed(_WORD.findall(command)) if w in _KNOWN or _PYTHON.match(w)), "")
    option = match["option"]
    if option.startswith("--"):
        named = program in PACKAGE_PROGRAMS or option != "--package"
        return "distribution" if named else "module"
    return "other" if program in (P_PROGRAMS if option == "-p" else M_PROGRAMS) else "module"
