"""Which interpreter a gate finds: the user's own, or the tool's where theirs lacks what the gate runs.

Owns the reading of a command line for the `python` and `pytest` words in it, and the question to an interpreter whether
it can import a module.  An activated environment is the user's choice and is never overruled.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_PYTHON_WORD = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)?)?")
_BEFORE_A_COMMAND = {"&&", "||", ";", "|", "&", "(", "{", "!", "then", "do", "else", "time", "exec", "env", "command"}
_PROBE = (
    "import sys, importlib.util as u; m = sys.argv[1]; s = u.find_spec(m.partition('.')[0]) if m else None; "
    "print(int(sys.prefix != sys.base_prefix), int(not m or bool(s and ('.' in m or s.origin))))"
)


def choose_path(command: str, root: Path, env: Mapping[str, str], prefer_own: bool) -> tuple[str, str]:
    """The PATH for the gate, and the interpreter that it will find there."""
    path, own = env.get("PATH", os.defpath), str(Path(sys.executable).parent)
    needs = list(_needs(command))
    word = next((w for w, _ in needs), "python")

    def has_all(where: str) -> bool:
        return all(_ask(w, m, where, root, env)[1] for w, m in needs)

    # A virtual environment on PATH without the variable is as much a choice of the user as one with it.
    chosen = env.get("VIRTUAL_ENV") or env.get("CONDA_PREFIX") or _ask(_interpreter(word, path), "", path, root, env)[0]
    if prefer_own or (needs and not chosen and not has_all(path) and has_all(own)):
        path = os.pathsep.join((own, path))
    return path, _interpreter(word, path)


def _needs(command: str) -> Iterator[tuple[str, str]]:
    """The (word, module) pairs of a command line: `python -m X` gives ("python", "X"), `pytest` ("pytest", "")."""
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # unbalanced quotes: the shell will say so
        return
    at_command = True
    for index, word in enumerate(words):
        if at_command and word in ("pytest", "py.test"):
            yield word, ""
        elif at_command and _PYTHON_WORD.fullmatch(word):
            rest = iter(words[index + 1 :])
            for option in rest:
                if option == "-m":
                    yield word, next(rest, "")
                    break
                if not option.startswith("-") or option == "-c":
                    yield word, ""
                    break
                if option in ("-W", "-X"):
                    next(rest, "")
        at_command = word in _BEFORE_A_COMMAND or (at_command and "=" in word)


def _ask(word: str, module: str, path: str, root: Path, env: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the interpreter `word` is of a virtual environment, and whether it works and can import `module`."""
    found, python = shutil.which(word, path=path), _PYTHON_WORD.fullmatch(Path(word).name)
    if not found:
        return False, False
    # A version manager's stand-in for pytest may exist and still find no pytest: only starting it tells.
    arguments = [found, "-c", _PROBE, module] if python else [found, "--version"]
    quiet = {**env, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_ADDOPTS": ""}
    try:
        done = subprocess.run(arguments, cwd=root, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False, False
    answer = done.stdout.split() if python else [b"0", b"1"]
    return done.returncode == 0 and answer[:1] == [b"1"], done.returncode == 0 and answer[1:2] == [b"1"]


def _interpreter(word: str, path: str) -> str:
    """The interpreter that `word` stands for; for `pytest` the one beside it; "" where there is none."""
    found = shutil.which(word, path=path) or shutil.which("python3", path=path)
    if not found or _PYTHON_WORD.fullmatch(word):
        return found or ""
    beside = Path(found).with_name("python")
    return str(beside) if beside.exists() else found
