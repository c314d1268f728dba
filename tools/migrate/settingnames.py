"""Names of settings that look like modules: `comm.tcp` of `shop: {comm: {tcp: ...}}`, or a key of an INI file.

A program reads `shop.comm.tcp` from such a file with `config.get("shop.comm.tcp")`, and nothing in that call says that
the text is no module.  The file that sets it does, so `Judge` asks here.  A name that is also a module then has two
meanings; one that is none is proved to be a setting.  Knows nothing of scanners; files of tools that name modules in
keys (`setup.cfg`, `mypy.ini`), or have keys of their own (`services:` of compose), are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .tree import Tree

_NESTED = (".yaml", ".yml")
_FLAT = (".ini", ".ini.in", ".conf", ".properties")
_OF_TOOLS = re.compile(
    r"(?:^|/)(?:\.?(?:tox|pytest|mypy|pylint|flake8|coverage|isort|pydocstyle|logging)\.(?:ini|conf)$"
    r"|(?:docker-)?compose[\w.-]*\.ya?ml$|\.github/|\.circleci/|\.gitlab-ci|\.travis\.|azure-pipelines)"
)
_YAML_KEY = re.compile(r"(?P<indent> *)(?P<key>[\"']?[A-Za-z_][\w-]*[\"']?):(?=\s|$)", re.M)


def setting_names(tree: Tree, old_names: Iterable[str]) -> frozenset[str]:
    """All settings whose names lie below the top-level package of a name that moves."""
    tops = sorted({name.partition(".")[0] for name in old_names})
    if not tops:  # all keep their names
        return frozenset()
    words = "|".join(map(re.escape, tops))
    nested = re.compile(rf"^[\"']?(?:{words})[\"']?:[ \t]*(?:#.*)?\r?$".encode(), re.M)
    flat = re.compile(rf"^[ \t]*#?[ \t]*(?P<name>(?:{words})\.\w+(?:\.\w+)*)[ \t]*=".encode(), re.M)
    found: set[str] = set()
    for path in (p for p in tree if p.endswith((*_NESTED, *_FLAT)) and not _OF_TOOLS.search(p)):
        data = tree.read(path)
        if path.endswith(_FLAT):
            found.update(match["name"].decode() for match in flat.finditer(data))
        elif nested.search(data):
            found.update(n for n in _key_paths(data.decode(errors="replace")) if n.partition(".")[0] in tops)
    return frozenset(found)


def _key_paths(text: str) -> Iterator[str]:
    """The dotted paths of the nested keys of a YAML text, as its indentation tells."""
    above: list[tuple[int, str]] = []
    for match in _YAML_KEY.finditer(text):
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()]:
            continue  # behind other text: a value, an item, a comment
        indent = len(match["indent"])
        above = [pair for pair in above if pair[0] < indent]
        above.append((indent, match["key"].strip("\"'")))
        if len(above) > 1 and above[0][0] == 0:
            yield ".".join(key for _, key in above)
