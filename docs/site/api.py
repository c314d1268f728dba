"""The public names of the libraries as pages, from their signatures and docstrings.

Owns the text of these pages.  A name is public where its package lists it in `__all__`; whatever is listed is shown.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

PACKAGES = {
    "libs.types.protocol": "The message format.",
    "libs.types.common": "Numbers, ids, bytes and amounts.",
    "infra.publisher": "How a program sends to a relay.",
    "infra.subscription": "How a program reads from a relay.",
    "infra.transport": "Messages between processes.",
}

# The compiled codec tells no signatures; the Python one has the same names.
REFERENCE = "libs.types.protocol._python.backend"


def api_page(name: str) -> str:
    """The public names of one package or module."""
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None) or _own_names(module)
    groups: dict[str, list[str]] = {}
    values = {each: _readable(getattr(module, each)) for each in names if each != "implementation"}
    for each, value in values.items():
        groups.setdefault(_group(value), []).append(each)
    rows = [f"# {name}", "", _text(module), ""]
    for title in ("Functions", "Classes", "Message types", "Numbers and names", "Errors", "Kinds of field", "Others"):
        for index, each in enumerate(sorted(groups.get(title, []))):
            rows += [f"## {title}", ""] if index == 0 else []
            rows += _entry(each, values[each], title)
        rows.append("")
    return "\n".join(rows)


def _readable(value: Any) -> Any:
    """The same thing of the Python codec, where it is one of the compiled codec."""
    if str(getattr(value, "__module__", "")).endswith("_codec_c"):
        return getattr(importlib.import_module(REFERENCE), value.__name__, value)
    return value


def _own_names(module: Any) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _group(value: Any) -> str:
    if isinstance(value, type):
        if issubclass(value, BaseException):
            return "Errors"
        if getattr(value, "__layout__", None) is not None:
            return "Message types"
        return "Numbers and names" if issubclass(value, enum.Enum) else "Classes"
    if hasattr(value, "__metadata__"):
        return "Kinds of field"
    return "Functions" if inspect.isroutine(value) else "Others"


def _entry(name: str, value: Any, group: str) -> Iterator[str]:
    if group == "Others":
        yield f"- `{name}`" + (f" = `{value!r}`" if isinstance(value, int | str) else "")
        return
    if group == "Kinds of field":
        yield f"- `{name}`: {', '.join(map(str, value.__metadata__))}"
        return
    yield f"### {name}"
    yield ""
    if group == "Message types":
        yield _text(value)
        yield from ["", "```text", value.__layout__.byte_map(), "```", ""]
        return
    if group in ("Functions", "Classes", "Errors"):
        yield from ["```python", f"{name}{_signature(value)}", "```", ""]
    yield _text(value)
    yield ""
    if group == "Numbers and names":
        yield ", ".join(f"`{each.name}` {each.value!r}" for each in value) + "."
        yield ""
    if group == "Classes":
        yield from _members(value)


def _members(cls: type) -> Iterator[str]:
    found = False
    for name, value in vars(cls).items():
        if name.startswith("_"):
            continue
        said = _summary(value)
        if said and (callable(value) or isinstance(value, property | classmethod | staticmethod)):
            found = True
            shape = "" if isinstance(value, property) else " ".join(_signature(getattr(cls, name)).split())
            yield f"- `{name}{shape}`: {said}"
    if found:
        yield ""


def _signature(value: Any) -> str:
    """Parameters and result; one parameter a line where they are many."""
    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError):
        return "(...)"
    words, kinds = [], [each.kind for each in signature.parameters.values()]
    for index, each in enumerate(signature.parameters.values()):
        if (
            each.kind is each.KEYWORD_ONLY
            and kinds[:index].count(each.KEYWORD_ONLY) + kinds.count(each.VAR_POSITIONAL) == 0
        ):
            words.append("*")
        star = "*" * ((each.kind is each.VAR_POSITIONAL) + 2 * (each.kind is each.VAR_KEYWORD))
        kind = "" if each.annotation is each.empty else f": {_type(each.annotation)}"
        default = "" if each.default is each.empty else f"{' = ' if kind else '='}{_shown(each.default)}"
        words.append(f"{star}{each.name}{kind}{default}")
    result = "" if signature.return_annotation is signature.empty else f" -> {_type(signature.return_annotation)}"
    line = f"({', '.join(words)}){result}"
    return line if len(line) <= 88 else "(\n    " + ",\n    ".join(words) + f",\n){result}"


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _shown(default: Any) -> str:
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    return "..." if type(default) is object else re.sub(r"<([\w.]+)[^>]*>", r"\1", repr(default))


def _text(value: Any) -> str:
    """The docstring as Markdown: blocks that are indented stay blocks, everything else is text."""
    return (inspect.getdoc(value) or "").replace("\n    ", "\n\n    ", 1) if value is not None else ""


def _summary(value: Any) -> str:
    doc = inspect.getdoc(value.__func__ if isinstance(value, classmethod | staticmethod) else value) or ""
    return " ".join(doc.split("\n\n")[0].split())
