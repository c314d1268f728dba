"""setup.cfg and setup.py of a package that keeps its name in another source root: `package_dir`, and what searches.

As `newroots` does it for pyproject.toml.  What is computed in setup.py is listed as an error, because nothing else
would say that the wheel is empty.
"""

from __future__ import annotations

import ast
import posixpath
import re
from typing import TYPE_CHECKING

from ..model import Finding, Move
from ..newroots import pytest_implies, pytest_settings
from .newroots import moves_below, others_below, package_dirs, root_below

if TYPE_CHECKING:
    from .setupfiles import _Cfg
    from .setuppy import _File

_WHY = "the package is shipped from its new source root"


def cfg_new_roots(cfg: _Cfg) -> None:
    """The edits of stage 3 in a setup.cfg."""
    context, folder = cfg.context, posixpath.dirname(cfg.path) or "."
    if cfg.stage != 3 or context.layout.moved or not context.layout.new_roots:
        return
    moves = moves_below(context, folder)
    packages, modules = cfg.get("options", "packages"), cfg.get("options", "py_modules")
    searched = packages is not None and cfg.values(packages) in (["find:"], ["find_namespace:"])
    names = [n for o in (packages, modules) if o is not None and not searched for n in cfg.values(o)]
    if moves and (packages is not None or modules is not None):
        option = cfg.get("options", "package_dir")
        pairs = [v.split("=", 1) for v in (cfg.values(option) if option else []) if "=" in v]
        current = {k.strip(): v.strip() for k, v in pairs}
        listed = [m.source for m in moves] + others_below(context, folder, ".", moves) if searched else names
        wanted = {**current, **package_dirs(context, folder, listed, current)}
        if wanted != current and option is not None:
            cfg.set(option, [f"{k} = {v}".strip() for k, v in wanted.items()], _WHY)
        elif wanted != current:
            _put(cfg, "options", "package_dir", [f"{k} = {v}".strip() for k, v in wanted.items()])
    if moves and searched:
        _where(cfg, folder, moves)
    for change in context.layout.new_roots:
        if change.old != folder:
            continue
        place = posixpath.relpath(change.new, folder)
        mine = cfg.path == pytest_settings(context.tree, folder) and cfg.get("tool:pytest", "pythonpath") is None
        if mine and pytest_implies(context.plan, context.tree, change.old):
            _put(cfg, "tool:pytest", "pythonpath", [place])
        if re.search(r"^\[mypy\]", cfg.text, re.M) and cfg.get("mypy", "mypy_path") is None:
            _put(cfg, "mypy", "mypy_path", [place])


def _where(cfg: _Cfg, folder: str, moves: list[Move]) -> None:
    option = cfg.get("options.packages.find", "where")
    where = cfg.values(option) if option else ["."]
    roots = list(dict.fromkeys(root_below(m, folder, new=True) for m in moves))
    old = {root_below(m, folder, new=False) for m in moves}
    staying = [n for o in old for n in others_below(cfg.context, folder, o, moves)]
    if len(roots) > 1 or staying or {posixpath.normpath(w) for w in where} - old:
        readings = (f"{', '.join(m.source for m in moves)} would be missing from the wheel", "it is found there")
        hint = f"setup.cfg searches one folder: list the packages, with package_dir for {', '.join(roots)}"
        line = option.line if option else 1
        cfg.findings.append(Finding(cfg.path, line, "cfg.unshipped", "packages = find:", readings, hint, "error"))
    elif option is not None:
        cfg.set(option, roots, _WHY)
    else:
        _put(cfg, "options.packages.find", "where", roots)


def _put(cfg: _Cfg, section: str, key: str, values: list[str]) -> None:
    """A new key at the head of its section, which is added at the end where there is none."""
    newline = cfg.newline
    shown = values[0] if len(values) == 1 and "=" not in values[0] else "".join(f"{newline}    {v}" for v in values)
    text = f"{key} ={'' if shown.startswith(newline) else ' '}{shown}{newline}"
    header = re.search(rf"^\[{re.escape(section)}\][^\n]*\n", cfg.text, re.M)
    if header is None:
        gap = "" if cfg.text.endswith("\n") else newline
        cfg.text += f"{gap}{newline}[{section}]{newline}{text}"
        line = cfg.text.count("\n")
    else:
        cfg.text = cfg.text[: header.end()] + text + cfg.text[header.end() :]
        line = cfg.text.count("\n", 0, header.end()) + 1
    cfg.note(line, text.strip(), _WHY)


def py_new_roots(file: _File) -> None:
    """The edits of stage 3 in a setup.py."""
    context, folder = file.context, posixpath.dirname(file.path) or "."
    moves = moves_below(context, folder)
    call = file.call.call
    if file.stage != 3 or context.layout.moved or not moves or call is None:
        return
    keywords = file.call.keywords
    given = {key: file.call.value(key) for key in ("packages", "py_modules")}
    packages = keywords.get("packages")
    search = _search(packages)
    names = [n for value in given.values() if isinstance(value, list | tuple) for n in value if isinstance(n, str)]
    if packages is None and "py_modules" not in keywords:
        return  # pyproject.toml or setup.cfg says it, or setuptools looks by itself
    if search is None and not names:
        assert packages is not None or "py_modules" in keywords
        node = packages or keywords["py_modules"]
        _unshipped(file, node, moves, "it is computed")
        return
    current = file.call.value("package_dir") or {}
    written = keywords.get("package_dir")
    if not isinstance(current, dict) or (written is not None and not isinstance(written, ast.Dict)):
        _unshipped(file, written or call, moves, "package_dir is computed")
        return
    listed = [m.source for m in moves] + others_below(context, folder, ".", moves) if search else names
    wanted = {**current, **package_dirs(context, folder, listed, current)}
    if search is not None and (len(wanted) != 1 or "" not in wanted or not _searches(file, search, wanted[""])):
        _unshipped(file, search, moves, "one search cannot find both source roots")
        return
    if wanted == current:
        return
    source = "{" + ", ".join(f'"{k}": "{v}"' for k, v in wanted.items()) + "}"
    if written is not None:
        file.edits.append((*file.span(written), source, _WHY))
    else:
        keyword = next(k for k in call.keywords if k.arg in ("packages", "py_modules"))
        end = file.span(keyword.value)[1]
        start = file.lines.offset(keyword.lineno, keyword.col_offset)
        line = file.text.rfind("\n", 0, start) + 1
        indent = file.text[line:start]
        newline = "\r\n" if "\r\n" in file.text else "\n"
        gap = f"{newline}{indent}" if not indent.strip() and line else " "
        file.edits.append((end, end, f",{gap}package_dir={source}", _WHY))


def _search(node: ast.expr | None) -> ast.Call | None:
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("find_packages", "find_namespace_packages")):
        return node
    return None


def _searches(file: _File, call: ast.Call, root: str) -> bool:
    """Let the search begin in the new root; whether it can be said there."""
    where = next((k.value for k in call.keywords if k.arg == "where"), call.args[0] if call.args else None)
    if where is None:
        place = file.span(call.func)[1] + 1
        more = ", " if call.args or call.keywords else ""
        file.edits.append((place, place, f'"{root}"{more}', _WHY))
        return True
    if isinstance(where, ast.Constant) and isinstance(where.value, str):
        file.edits.append((*file.span(where), file.literal(where, root), _WHY))
        return True
    return False


def _unshipped(file: _File, node: ast.expr, moves: list[Move], why: str) -> None:
    names = ", ".join(m.source for m in moves)
    readings = (f"{names} would be missing from the wheel", "it is found there")
    text, hint = ast.unparse(node)[:120], f"{why}: let it find {', '.join(m.to_path for m in moves)}"
    file.findings.append(Finding(file.path, node.lineno, "setup.unshipped", text, readings, hint, "error"))
