"""Files that are not Python and not manifests: scripts, CI, Dockerfiles, JSON, INI, ignore files, and unknown ones.

Chooses the reader by file name.  What is known to hold commands or configuration is edited where the evidence allows;
a file of unknown kind is only listed.  History files (a changelog) are left as they are.
"""

from __future__ import annotations

import posixpath
import re

from ..classify import Hint
from ..options import meaning
from .beside import scan_beside
from .calls import MEASURED_FLAGS, MODULE_FLAGS, words
from .config import destination, scan_ini, scan_labels, scan_loggers, scan_patterns, scan_volumes
from .context import World
from .csource import SUFFIXES, scan_c
from .cython import SUFFIXES as CYTHON
from .cython import scan_cython, scan_includes
from .distributions import scan_distributions
from .documents import json_strings, scan_markdown, scan_rst
from .globs import scan_globs, scan_lines
from .meson import scan_meson
from .newroots import scan_commands, scan_environment, scan_lists, scan_sections
from .notebooks import scan_notebook
from .pythonpath import scan_pythonpath
from .sink import Sink
from .urls import scan_urls
from .words import hint_before, note_bare, scan_words, trim
from .zcml import scan_zcml

_COMMAND_NAMES = re.compile(
    r"(?:Dockerfile|Containerfile|Makefile|GNUmakefile|Justfile|justfile|Jenkinsfile|Procfile|Vagrantfile|Tiltfile|BUILD"
    r"|WORKSPACE|Snakefile|Rakefile|crontab|\.bazelrc|\.env|\.envrc|pre-commit|commit-msg|pre-push)(?:[.-][\w.-]+)?$"
)
_COMMAND_SUFFIXES = words("""
    .sh .bash .zsh .fish .mk .yml .yaml .cfg .ini .conf .service .bat .cmd .ps1 .nix .bzl .bazel .just .cmake
    .properties .pyx .pxd .pxi .hcl .tf .env .toml .pth
""")
_INI_NAMES = re.compile(
    r"(?:\.coveragerc|\.flake8|\.isort\.cfg|\.?pylintrc|\.importlinter|\.pydocstyle(?:rc)?|\.bumpversion\.cfg"
    r"|\.?(?:tox|pytest|mypy|pylint|flake8|coverage|isort|pydocstyle)\.(?:ini|cfg|conf|rc))$"
)
_TOOL_YAML = re.compile(r"\.?(?:pre-commit-config|mkdocs|codecov|readthedocs|gitlab-ci|travis|bandit)\.ya?ml$")
_ANCHORED = re.compile(r"(?:CODEOWNERS|\.\w*ignore|\.gitattributes|MANIFEST\.in|\.mailmap)$")
_HISTORY = re.compile(
    r"(?i)(?:v?\d[\d.]*[-_.])?(?:CHANGELOG|CHANGES|HISTORY|NEWS|RELEASES?|RELEASE[-_]?NOTES?|AUTHORS|WHATS?[-_]?NEW[-_.\w]*)"
    r"(?:[-_. ]?v?\d[-\w.]*)?(?:\.\w+)?$|v?\d+(?:\.(?:\d+|x))+(?:-notes)?\.\w+$|\.git-blame-ignore-revs$"
)
# `newsfragments/12225.feature`, wherever the folder: the endings are those of towncrier.
_FRAGMENT = re.compile(
    r"(?:.*/)?\d+\.(?:feature|bugfix|doc|removal|misc|deprecation|breaking|security|trivial)(?:\.\d+)?"
    r"(?:\.(?:rst|md|txt))?$"
)
_RECORDS = re.compile(
    r"(?i)(?:^|/)(?:rel(?:ease)?[-_]?notes|changelogs?(?:\.d)?|changes\.d|news\.d|newsfragments|whats?[-_]?new)/"
)
# At the top or in documentation; elsewhere it may be an application that is called so.
_PERHAPS = re.compile(r"(?i)(?:(?:.*/)?docs?/(?:.*/)?)?(?:releases|changes|history|news)(?=/)")
_DOCUMENTS = (".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".org", ".tex", "")
_NOTES = (*_DOCUMENTS, ".yaml", ".yml")  # such as those of reno
_XML = re.compile(r"\.zcml(?:\.in)?$")  # configuration; other XML may be data
_PROSE = (".txt", ".adoc", ".org", ".tex", "")
_BAZEL = re.compile(r"(?:BUILD|WORKSPACE|MODULE|BUCK|PANTS)(?:\.\w+)?$|\.bazelrc$|.*\.(?:bzl|bazel)$")
_PLACES = re.compile(r"^#[:.][^\n]*", re.M)  # what an extraction writes beside a message
_MODEL = "the label of an application, and a model, as in data for Django"
_COPY = re.compile(r"^[ \t]*(?:COPY|ADD)[ \t]+(?P<args>[^\n]+?)[ \t]*$", re.M | re.I)


def scan_text(world: World, sink: Sink, path: str) -> None:
    name = posixpath.basename(path)
    suffix = posixpath.splitext(name)[1].lower()
    body = sink.body
    bare = 0
    if _is_history(world, path, name, suffix, body):
        _history(world, sink)
        return
    scan_urls(world, sink, edits=suffix in _COMMAND_SUFFIXES | {*_DOCUMENTS, ".ipynb", ".json", ".html"})
    if suffix in (".md", ".markdown", ".rst", ".txt", ".ipynb", ".mdx"):
        scan_distributions(world.layout, sink, body)
    if suffix == ".ipynb":
        bare = scan_notebook(world, sink, path)
    elif suffix in (".md", ".markdown", ".mdx"):
        _environment(world, sink)
        bare = scan_markdown(world, sink, path)
    elif suffix == ".rst":
        _environment(world, sink)
        bare = scan_rst(world, sink, path)
    elif suffix in (".json", ".jsonc", ".json5", ".code-workspace", ".webmanifest"):
        scan_distributions(world.layout, sink, body)
        _environment(world, sink)
        bare = _json(world, sink, path)
        scan_lists(world.layout, sink, body)
        scan_globs(world, sink, path)
    elif _ANCHORED.search(name):
        bare = _anchored(world, sink, path)
        scan_lines(world, sink, path)
    elif _COMMAND_NAMES.match(name) or _INI_NAMES.match(name) or suffix in _COMMAND_SUFFIXES or body.startswith("#!"):
        if _INI_NAMES.match(name) or _TOOL_YAML.match(name) or path.startswith(".github/"):
            scan_ini(world, sink, path)
        if suffix in (".yml", ".yaml"):
            scan_patterns(world, sink)
            scan_volumes(world, sink)
            scan_lists(world.layout, sink, body)
            scan_loggers(world, sink, path)
        if _BAZEL.match(name):
            scan_labels(world, sink)
        _environment(world, sink, mark=";" if suffix in (".bat", ".cmd", ".ps1") else ":")
        stage = None
        if suffix in CYTHON:
            stage = scan_cython(world, sink, path)
        else:
            scan_sections(world.layout, sink, path)
            scan_commands(world.layout, sink, body)
        scan_distributions(world.layout, sink, body)
        if re.match(r"(?i)(?:Docker|Container)file", name) or suffix == ".dockerfile":
            _docker_copy(world, sink)
        bare = scan_words(body, 0, sink, world.judge, path, "command", stage=stage)
        scan_beside(world, sink, path, bazel=bool(_BAZEL.match(name)))
        scan_globs(world, sink, path)
    elif _XML.search(name):
        scan_zcml(world, sink, path)
        _list_only(world, sink, path)
    elif suffix in (".po", ".pot"):
        _catalogue(world, sink, path)
    elif name in ("meson.build", "meson.options"):
        scan_meson(world, sink, path)
    elif suffix in SUFFIXES:
        scan_includes(world, sink, path)
        scan_c(world, sink, path)
        _list_only(world, sink, path)
    elif suffix in _PROSE:
        _environment(world, sink)
        bare = scan_words(body, 0, sink, world.judge, path, "prose")
    elif _RECORDS.search(path):
        _history(world, sink)
    else:
        _list_only(world, sink, path)
    if bare:
        note_bare(sink, bare)


def _environment(world: World, sink: Sink, mark: str = ":") -> None:
    """`PYTHONPATH`: roots that only old names need, and those that a name leaves for another one."""
    scan_pythonpath(world.layout, sink, sink.body, mark=mark)
    scan_environment(world.layout, sink, sink.body)


def _history(world: World, sink: Sink) -> None:
    count = sum(1 for _ in world.judge.tokens(sink.body))
    if count:
        readings = ("history, which says what was true then", "current documentation")
        text = f"{count} mention{'s' if count > 1 else ''}"
        sink.list(0, "file.history", text, readings, "left as it is", "note")


def _is_history(world: World, path: str, name: str, suffix: str, body: str) -> bool:
    """Whether a file says what was true then: a document by its name, or by the folder that it is in."""
    if body.startswith("#!") or path.startswith(".github/"):
        return False  # `release.yml` and `scripts/release` are programs
    if (suffix in _DOCUMENTS and _HISTORY.match(name)) or _FRAGMENT.match(path):
        return True
    if suffix in _NOTES and _RECORDS.search(path):
        return True
    folder = _PERHAPS.match(path) if suffix in _DOCUMENTS else None
    return folder is not None and not any(p.endswith(".py") for p in world.layout.tree.under(folder.group()))


def scan_link(world: World, path: str, target: str) -> str | None:
    """The new target of a symbolic link; None if it stays right."""
    if posixpath.isabs(target):
        return None
    full = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if full.startswith(".."):
        return None
    layout = world.layout
    new = layout.old_to_new_path(full) or full
    place = posixpath.dirname(layout.new_path(path))
    if new == full and layout.new_path(path) == path:
        return None
    written = posixpath.relpath(new, place or ".")
    return written if written != posixpath.normpath(target) else None


def _takes(command: str) -> Hint:
    """What stands behind the last option of a command's arguments."""
    text = command.rpartition(" ")[2]
    if text in MEASURED_FLAGS:
        return "either"
    return "module" if text in MODULE_FLAGS and text != "-p" and meaning(command) == "module" else "unknown"


def _json(world: World, sink: Sink, path: str) -> int:
    """Strings of a JSON text: each as one value, or else as a command line."""
    bare = 0
    found = False
    above: tuple[object, ...] = ()
    command = ""  # what stands before this text in the list `above`
    programs: dict[tuple[object, ...], str] = {}  # what a debugger starts, whose arguments stand beside it
    for where, start, end in json_strings(sink.body):
        found = True
        text = sink.body[start:end]
        if above != where[:-1]:
            command = "pytest" if any(str(w).endswith("pytestArgs") for w in where) else programs.get(where[:-2], "")
        if where[-1:] == ("module",):
            programs[where[:-1]] = text
        behind = _takes(command)
        above, command = where[:-1], f"{command} {text}"
        if not world.judge.mentioned(text):
            continue
        loggers = "loggers" in where[:-1]
        known = loggers or where[-1:] == ("module",) or where[-2:-1] == ("modules",)
        hint: Hint = "module" if known else behind
        verdict = world.judge.value(text, path, hint) if "\\" not in text else None
        if where[-1:] == ("model",) and verdict is not None and text.count(".") == 1 and verdict.kind == "change":
            sink.list(start, "string.label", text, (_MODEL, f"a module, now {verdict.new}"))
        elif verdict is None:
            bare += scan_words(re.sub(r"\\.", "  ", text), start, sink, world.judge, path, "command")
        elif verdict.kind == "change":
            # A logger is named after its module, so its configuration goes with the move.
            stage = 3 if loggers else verdict.stage
            sink.edit(start, end, verdict.new, stage=stage, rule=verdict.rule, reason=verdict.reason)
        elif verdict.readings:
            key = where[-1:] == ("key",)
            sink.list(
                start,
                verdict.rule,
                text,
                verdict.readings,
                severity="note" if key or verdict.kind == "none" else "warning",
            )
    if not found:
        bare += scan_words(sink.body, 0, sink, world.judge, path, "literal")
    elif path.endswith(".json5"):  # strings in single quotes, keys without any
        rest = re.sub(r'"(?:[^"\\\n]|\\.)*"', lambda m: " " * len(m.group()), sink.body)
        bare += scan_words(rest, 0, sink, world.judge, path, "command")
    return bare


def _anchored(world: World, sink: Sink, path: str) -> int:
    """Patterns from the root, such as owners and ignores; what they match may be untracked."""
    folders = sorted(((m.path, m.to_path) for m in world.layout.moves), key=lambda pair: -len(pair[0]))
    for match in re.finditer(
        r"^[ \t]*!?(?:(?:include|exclude|graft|prune|recursive-include|recursive-exclude)[ \t]+)?/?(?P<path>[^\s#]+)",
        sink.body,
        re.M,
    ):
        for old, new in folders:
            if match["path"] == old or match["path"].startswith(old + "/"):
                start = match.start("path")
                base = posixpath.dirname(path)
                if base:
                    continue  # such a file below the root has patterns of its own folder
                sink.edit(start, start + len(old), new, stage=3, rule="path.pattern", reason=f"{old} moves to {new}")
                break
    return scan_words(sink.body, 0, sink, world.judge, path, "anchored")


def _docker_copy(world: World, sink: Sink) -> None:
    """The destination of `COPY src dst` inside the image, where it repeats the import path of the old package."""
    for match in _COPY.finditer(sink.body):
        if match["args"].startswith("["):
            continue
        words = list(re.finditer(r"\S+", match["args"]))
        words = [w for w in words if not w.group().startswith("--")]
        if len(words) < 2:
            continue
        last = words[-1]
        for move in world.layout.moves:
            sources = [w.group().removeprefix("./").rstrip("/") for w in words[:-1]]
            if not any(s == move.path or s.startswith(move.path + "/") for s in sources):
                continue
            destination(sink, move, last.group(), match.start("args") + last.start(), "docker.copy")


def _catalogue(world: World, sink: Sink, path: str) -> None:
    """A catalogue of messages: the places of the texts are found anew by whatever extracts them.

    Into a translation they come from the template, `shop.pot` in a folder above, which says it for all of them.
    """
    name, folder, said = f"{posixpath.basename(path).removesuffix('.po')}.pot", path, False
    while not said and (folder := posixpath.dirname(folder)):
        said = _is_said_by(world, f"{folder}/{name}")
    found = [] if said else _places(world, sink.body)
    if found:
        readings = ("places that the next extraction of messages corrects", "places that somebody keeps by hand")
        text = f"{len(found)} place{'s' if len(found) > 1 else ''} of texts"
        sink.list(found[0], "file.unknown", text, readings, "extract the messages again", "note")
    _list_only(world, sink, path)


def _is_said_by(world: World, template: str) -> bool:
    """Whether the template names moving code; read once, not for each of its translations."""
    if template not in world.templates:
        tree = world.layout.tree
        body = tree.read(template).decode(errors="replace") if template in tree else ""
        world.templates[template] = bool(_places(world, body))
    return world.templates[template]


def _places(world: World, body: str) -> list[int]:
    """Where the comments begin that name moving code as the place of a text, once for each name."""
    return [m.start() for m in _PLACES.finditer(body) for _ in world.judge.tokens(m.group())]


def _list_only(world: World, sink: Sink, path: str) -> None:
    for start, end, token in world.judge.tokens(sink.body):
        token, end = trim(token, end)
        if sink.covered(start, end):
            continue
        line = max(sink.body.rfind("\n", 0, start), sink.body.rfind("\r", 0, start)) + 1
        if path.endswith((".po", ".pot")) and _PLACES.match(sink.body, line):
            continue
        hint = hint_before(sink.body[line:start], sink.body[start + len(token) : start + len(token) + 40], "literal")
        is_path = "/" in token and ":" not in token
        verdict = world.judge.path(token, path) if is_path else world.judge.value(token, path, hint)
        if verdict is not None and verdict.kind == "change":
            sink.list(
                start,
                "file.unknown",
                token,
                (f"names moving code, now {verdict.new}", "data"),
                "a kind of file that the tool does not edit",
            )
        elif verdict is not None and verdict.kind == "list":
            sink.list(
                start, "file.unknown", token, verdict.readings, "a kind of file that the tool does not edit", "note"
            )
