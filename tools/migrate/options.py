"""What an option means in the command it belongs to: `python -m NAME`, `pytest -m NAME`, `uv run --package NAME`.

The same letters take a module in one program and something else in another.  The program is the nearest known one
before the option, in the same command.  Must not know: what moves.
"""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal["module", "distribution", "other"]

_OPTION = re.compile(r"(?<![\w-])(?P<option>-\w*m|-p|--(?:[a-z]+-)*package)(?:[=\s\"',\[(]*)$")
_END_OF_COMMAND = re.compile(r"[|;&`]|\$\((?!\w+\))")
_WORD = re.compile(r"[\w.+-]+")
_PYTHON = re.compile(r"(?i)[\w-]*py(?:thon|py)?[\d.]*\Z")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Programs that do take modules by one of these options, so that what stands before them does not count.
_OURS = _words("pytest py.test coverage mypy dmypy stubgen pylint pdb cProfile zipapp pex shiv twistd")
# Programs whose `-p` is something else: parents, a port, a project.
_P_PROGRAMS = _words("""
    mkdir cp install rsync docker podman ssh scp psql mysql unzip kill ps tar zip lsof make ninja nc cargo npx npm pdm
    hatch papermill pg_dump pg_restore mysqldump nmap useradd docker-compose
""")
# Programs, and settings of their options, whose `-m` is something else: a marker, a message, a home folder, a mode.
_M_PROGRAMS = _words("""
    pytest py.test addopts PYTEST_ADDOPTS git hg svn jj alembic db useradd usermod adduser mkdir install docker podman
    docker-compose su chmod nmap gh
""")
# Programs whose `--package` is a distribution, which keeps its name.
_PACKAGE_PROGRAMS = _words("uv uvx cargo pdm rye hatch npx npm poetry pip-compile")
_KNOWN = _OURS | _M_PROGRAMS | _P_PROGRAMS | _PACKAGE_PROGRAMS


def meaning(before: str) -> Meaning:
    """What stands behind the option at the end of `before`, a line of commands or the arguments of one."""
    match = _OPTION.search(before)
    if match is None:
        return "module"
    command = _END_OF_COMMAND.split(before[: match.start()])[-1]
    program = next((w for w in reversed(_WORD.findall(command)) if w in _KNOWN or _PYTHON.match(w)), "")
    option = match["option"]
    if option.startswith("--"):
        named = program in _PACKAGE_PROGRAMS or option != "--package"
        return "distribution" if named else "module"
    return "other" if program in (_P_PROGRAMS if option == "-p" else _M_PROGRAMS) else "module"
