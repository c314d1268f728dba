"""Names and paths in any table of any TOML file: tool sections, logging settings, task runners.

Owns the walk over all values and keys that no other file of this package handles, and asks the judge about each
with the hint that the key gives.  A change is made in the stage of its verdict: paths in stage 3, when the files
go; names in stage 4, when dependents follow.  An entry that becomes equal to another of its list goes.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..classify import UNKNOWN_UP, Hint, Verdict
from .editor import Editor, quoted
from .facts import Context, facts, root_of, stays_beside
from .hints import Kind, hint_before, key_hint, value_hint
from .spans import Node, Segment

_BUILD_TABLES = {"setuptools", "hatch", "flit", "poetry", "pdm", "scikit-build", "maturin"}
_EARLY_KEYS = {"attr"}
_WARNING = re.compile(r"(?:error|ignore|always|all|default|module|once):")


@dataclass(frozen=True, slots=True)
class Hit:
    """A candidate in one string: its span, what it says, and the verdict."""

    start: int
    end: int
    token: str
    verdict: Verdict


def hits(text: str, at: str, context: Context, kind: Kind) -> Iterator[Hit]:
    """Every candidate in one value: the whole of it if it is one name, else the words in it."""
    judge = context.judge
    if not judge.mentioned(text):
        return
    hint: Hint = "unknown" if kind == "prose" or kind == "skip" else kind
    if not any(c in text for c in " \t\n=,;|()\\^:") or _is_object(text):
        verdict = judge.value(text, at, hint) or any_depth(text, context)
        if verdict is not None:
            if verdict.stage != 3 or not stays_beside(context, text, at):
                yield Hit(0, len(text), text, verdict)
            return
    for start, end, token in judge.tokens(text):
        verdict = judge.value(token, at, _token_hint(text, start, token, hint))
        if verdict is None and ":" in token:  # `path:rule`, as flake8 writes it
            token, end = token.split(":")[0], start + token.index(":")
            verdict = judge.value(token, at, _token_hint(text, start, token, hint))
        verdict = _doubted(text, start, end, token, verdict or any_depth(token, context), context, at)
        if verdict is not None:
            yield Hit(start, end, token, verdict)


def _doubted(
    text: str, start: int, end: int, token: str, verdict: Verdict | None, context: Context, at: str
) -> Verdict | None:
    """The verdict, or a listing where the words around leave more than one reading."""
    following = text[end : end + 4]
    if verdict is None and token.startswith("/"):  # in a pattern, "^/" is the checkout's root
        found = context.judge.path(token[1:], "")
        if found is not None and found.kind == "change":
            rooted = Verdict("change", found.reason, "/" + found.new, found.stage, found.rule)
            if text[:start].endswith("^"):
                return rooted
            readings = (f"the path from the root, now {rooted.new}", "an absolute path")
            return Verdict("list", "a path that begins with a slash", rooted.new, 3, "string.rooted", readings)
    if verdict is None:
        stays = context.tree.exists(posixpath.normpath(token.split("*")[0].strip("/") or "?"))
        if stays and not UNKNOWN_UP.search(token):
            return None  # a path of this tree that stays
        if _is_project(text, start, context) or any(
            m.to_path in token or m.target in token or m.target.replace(".", "/") in token for m in context.layout.moves
        ):
            return None
        return Verdict(
            "list", "names nothing that is tracked here", "", 4, "string.other", ("another thing of that name",)
        )
    if verdict.kind != "change":
        return verdict
    if verdict.stage == 3 and stays_beside(context, token, at):
        return None
    if verdict.stage == 3 and following.startswith("\\") and "/" not in following:
        readings = (f"a file beside {token}", f"the folder, now {verdict.new}")
        return Verdict("list", "part of a pattern", verdict.new, 3, "string.pattern", readings)
    if _WARNING.match(text) and text[:start].count(":") == 1:
        quoted = text[start - 1] in "'`" and text[end : end + 1] == text[start - 1]  # an object's name, by whoever
        if quoted or _said_by_moving(text, context):
            return Verdict("change", "the moved code says it by its new name", verdict.new, 3, "string.message")
        readings = (f"the package, now {verdict.new}", "the text of a warning, which stays")
        return Verdict("list", "part of a warning's message", verdict.new, 4, "string.message", readings)
    return verdict


def _said_by_moving(text: str, context: Context) -> bool:
    """Whether the message of a warning filter begins like a text in the moving code, which changes with the move."""
    message = text.split(":")[1].strip().removesuffix(".*").replace("\\\\.", ".").replace("\\.", ".")[:40]
    moving = (path for path in context.layout.moved_files() if path.endswith(".py"))
    return " " in message and any(message.encode() in context.tree.read(path) for path in moving)


_URL = re.compile(r"\w+://(?P<host>[^\s/\"'<>]*)(?P<path>[^\s\"'<>)]*)")
_FORGES = re.compile(r"(?:www\.)?(?:github|gitlab)\.com|bitbucket\.org|codeberg\.org|pypi\.org")


def _is_project(text: str, start: int, context: Context) -> bool:
    """Whether it stands in a host (`NAME.readthedocs.io`) or is a forge's `owner/NAME`: the project, which stays."""
    for url in _URL.finditer(text):
        if url.start() <= start < url.end():
            forge = _FORGES.fullmatch(url["host"]) is not None and url["path"].strip("/").count("/") <= 1
            return forge or not context.judge.mentioned(url["path"])
    return False


def any_depth(text: str, context: Context) -> Verdict | None:
    """A glob such as `**/package/file.py` or `*/site-packages/package`: the part from the package on is judged."""
    parts = text.split("/")
    tops = {m.source.split(".")[0] for m in context.layout.moves}
    first = next((i for i, p in enumerate(parts) if p in tops), 0)
    if not first or not any("*" in p for p in parts[:first]):
        return None
    lead, rest = "/".join(parts[:first]), "/".join(parts[first:])
    for move in context.layout.moves:
        old, new = root_of(move.path, move.source), root_of(move.to_path, move.target)
        found = context.judge.path(posixpath.normpath(f"{old}/{rest}"), "")
        if found is not None and found.kind == "change":
            written = found.new if new == "." else found.new.removeprefix(new + "/")
            return Verdict("change", found.reason, f"{lead}/{written}", 3, "path.glob")
    return None


def _is_object(text: str) -> bool:
    """An entry point: `package.module:attribute`, perhaps with extras."""
    return text.count(":") == 1 and not any(c in text for c in " \t\n=,;|()\\^/")


def _token_hint(text: str, start: int, token: str, default: Hint) -> Hint:
    if "/" in token:
        return "path" if default == "path" else "unknown"
    return hint_before(text, start, default)


def rewrite_sections(editor: Editor, context: Context) -> None:
    """Apply the judge's verdicts of this stage to all values and keys of the file."""
    changed: set[tuple[str | int, ...]] = set()
    edits: list[tuple[int, int, str]] = []
    doc, judge = editor.doc, context.judge
    thin = facts(context).old(editor.path) is not None
    if not judge.mentioned(editor.text):
        return
    before: dict[tuple[str | int, ...], str] = {}
    for item in doc.walk():
        if not isinstance(item, Node) or item.kind != "string":
            continue
        kind = _kind(item, before, editor.path)
        if kind == "skip" and context.plan.target is None and _is_folder_of_project(item.path):
            kind = "path"
        if kind == "skip" or (thin and _belongs_to_build(item.path)):
            continue
        if context.layout.new_roots and in_wheel(item.path):
            continue
        start, end = item.inner
        raw = editor.text[start:end]
        for hit in hits(raw, editor.path, context, kind):
            if hit.verdict.rule == "string.rooted" and item.path[:2] == ("tool", "hatch"):  # patterns as git has them
                hit = replace(hit, verdict=replace(hit.verdict, kind="change"))
            stage = 3 if _early(item.path) and hit.verdict.kind == "change" else hit.verdict.stage
            if stage != editor.stage:
                continue
            if hit.verdict.kind == "change" and _project_reference(item.path, hit, context):
                continue
            if hit.verdict.kind == "change":
                new = hit.verdict.new
                if item.quote.startswith('"') and "\\" in new:
                    new = new.replace("\\", "\\\\")
                edits.append((start + hit.start, start + hit.end, new))
                editor.note(
                    start, raw, raw[: hit.start] + new + raw[hit.end :], f"toml.{hit.verdict.rule}", hit.verdict.reason
                )
                changed.add(item.path)
            elif hit.verdict.kind == "list":
                _list(editor, start + hit.start, hit, kind, item.path)
    for segment in doc.segments():
        _key(editor, context, segment, edits)
    editor.splice(edits)
    _drop_repeated(editor, changed)


def _kind(item: Node, before: dict[tuple[str | int, ...], str], file: str) -> Kind:
    """The hint of the key; in a list of command words also the option before."""
    kind = value_hint(("tool", "tach", *item.path) if posixpath.basename(file) == "tach.toml" else item.path)
    if item.path and isinstance(item.path[-1], int):
        parent = item.path[:-1]
        last = before.get(parent, "")
        before[parent] = f"{last} {item.value}"
        if last.rpartition(" ")[2].startswith("-") and kind == "unknown":
            addopts = "pytest " if str(parent[-1:]).find("addopts") >= 0 else ""
            return hint_before(f"{addopts}{last} ", len(addopts) + len(last) + 1, "unknown")
    if kind == "unknown" and item.path and str(item.path[-1]).replace("_", "-") in ("addopts",):
        return "path"
    return kind


def _early(path: tuple[str | int, ...]) -> bool:
    """Names that the build reads from the files themselves, so that a shim does not help; and filters of warnings."""
    if "filterwarnings" in path[-2:]:
        return True
    if path[-1] in _EARLY_KEYS and "setuptools" in path:
        return True
    return path[:3] == ("tool", "setuptools", "ext-modules")


def _belongs_to_build(path: tuple[str | int, ...]) -> bool:
    return (path[:1] == ("tool",) and len(path) > 1 and path[1] in _BUILD_TABLES) or path[:1] == ("project",)


def in_wheel(path: tuple[str | int, ...]) -> bool:
    """Whether the value is a path in what is built, where a package lies by its name and below no source root."""
    return path[-1] == "versionfile_build" or (len(path) > 1 and path[-2] == "force-include")


def _project_reference(path: tuple[str | int, ...], hit: Hit, context: Context) -> bool:
    """A path to a distribution's folder that stays where its manifest stays."""
    if path[-1] not in ("path", "directory", "workspace", "url") or context.plan.target is None:
        return False
    return any(k.rpartition("/")[0].endswith(hit.token.strip("./")) for k in context.layout.kept)


def _is_folder_of_project(path: tuple[str | int, ...]) -> bool:
    """The folder of a dependency, for uv and poetry: it moves with the package, where its manifest lies in that."""
    sources = path[:3] == ("tool", "uv", "sources") or path[:2] == ("tool", "poetry")
    return sources and path[-1] == "path" and "packages" not in path and "include" not in path


def _key(editor: Editor, context: Context, segment: Segment, edits: list[tuple[int, int, str]]) -> None:
    kind = key_hint(segment.path)
    if kind == "skip":
        return
    for hit in hits(segment.name, editor.path, context, kind):
        if hit.verdict.stage != editor.stage:
            continue
        if hit.verdict.kind == "change":
            new = segment.name[: hit.start] + hit.verdict.new + segment.name[hit.end :]
            written = editor.text[segment.start : segment.end]
            quote = written[0] if written[0] in "\"'" else '"'
            edits.append((segment.start, segment.end, quoted(new, quote)))
            editor.note(segment.start, segment.name, new, f"toml.key.{hit.verdict.rule}", hit.verdict.reason)
        elif hit.verdict.kind == "list":
            _list(editor, segment.start, hit, kind, segment.path)


def _list(editor: Editor, at: int, hit: Hit, kind: Kind, path: tuple[str | int, ...]) -> None:
    where = ".".join(str(p) for p in path)
    quiet = kind == "prose" or hit.verdict.rule == "string.other"
    severity: Literal["note", "warning"] = "note" if quiet else "warning"
    editor.find(
        at, f"toml.{hit.verdict.rule}", f"{where}: {hit.token}", hit.verdict.readings, hit.verdict.reason, severity
    )


# Lists of folders that are read with all that is below them.
_TREES = ("testpaths", "files", "include", "src")


def _drop_repeated(editor: Editor, changed: set[tuple[str | int, ...]]) -> None:
    for parent in sorted({p[:-1] for p in changed if isinstance(p[-1], int)}, key=str):
        pair = next(
            (n for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "array" and n.path == parent), None
        )
        if pair is None or any(i.kind != "string" for i in pair.items):
            continue
        if any(i.value.startswith("-") for i in pair.items):  # a command line may repeat its words
            continue
        seen: set[str] = set()
        doomed = []
        for index, item in enumerate(pair.items):
            inside = parent[-1] in _TREES and any(item.value.startswith(f"{other.value}/") for other in pair.items)
            if item.value in seen or ((*parent, index) in changed and inside):
                doomed.append(index)
            seen.add(item.value)
        for index in reversed(doomed):
            node = next(n for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "array" and n.path == parent)
            editor.remove_item(node, index, "toml.repeated", "the list names it already")
