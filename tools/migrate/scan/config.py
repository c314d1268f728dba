"""Configuration files that are no manifests: INI sections and keys, pre-commit patterns, compose volumes.

A bare package name says nothing by itself; the key it stands under does (`known_first_party`, `source`, `testpaths`).
Runs before the plain word scan, which leaves alone what is edited here.
"""

from __future__ import annotations

import re

from ..classify import Hint
from ..model import Move
from .calls import words
from .context import World
from .newroots import scan_setting
from .roots import scan_roots
from .sink import Sink

_MODULE_KEYS = words("""
    known_first_party known_third_party known_local_folder application_import_names application_package_names packages
    source_pkgs ignored_modules load_plugins root_package root_packages forbidden_modules source_modules modules layers
    containers django_settings_module plugins extension_pkg_allow_list extension_pkg_whitelist
""")
_PATH_KEYS = words("""
    testpaths files exclude extend_exclude norecursedirs src_paths paths watch include omit norecurse skip src src_path
    mypy_path package_dir directories
""")
_EITHER_KEYS = words("source cov")
_SECTION = re.compile(r"^\[mypy-(?P<names>[^\]\n]+)\]", re.M)
_KEY = re.compile(
    r"^[ \t]*(?:- )?(?P<key>[A-Za-z][\w-]*)[ \t]*[:=]"
    r"(?P<value>[^\n]*(?:\n(?:[ \t]+(?![ \t]|(?:- )?[\w-]+[ \t]*[:=])[^\n]*|[ \t]*(?=\n)))*)",
    re.M,
)
_PATTERN = re.compile(r"^[ \t-]*(?:files|exclude|include|if|changes|paths)[ \t]*:(?P<value>[^\n]*)", re.M)
_LABEL = re.compile(r"(?<![\w:@/])//(?P<path>[\w.-]+(?:/[\w.-]+)*)")
_LOGGERS = re.compile(
    r"^(?P<i>[ \t]*)[\"']?loggers[\"']?:[ \t]*\r?\n(?P<body>(?:(?P=i)[ \t]+[^\n]*\n?|[ \t\r]*\n)*)", re.M
)
_VOLUME = re.compile(r"^[ \t]*-[ \t]+[\"']?(?P<source>[^:\s\"'#]+):(?P<target>/[^:\s\"'#]+)", re.M)


def scan_ini(world: World, sink: Sink, path: str) -> None:
    """`[mypy-a.*]` sections, and keys whose bare words are modules or paths."""
    for match in _SECTION.finditer(sink.body):
        for name in re.finditer(r"[^\s,]+", match["names"]):
            _value(world, sink, path, name.group(), match.start("names") + name.start(), "module")
    for match in _KEY.finditer(sink.body):
        # PYTHONPATH itself is a variable, whose folders are divided as in a shell (see `pythonpath`).
        if match["key"].lower() in ("pythonpath", "mypy_path", "extra_paths") and match["key"] != "PYTHONPATH":
            mark = " " if match["key"].lower() == "pythonpath" else ":"
            scan_roots(world.layout, sink, match["value"], match.start("value"), mark)
            scan_setting(world.layout, sink, match["value"], match.start("value"), mark)
        hint = _hint(match["key"])
        if hint is None:
            continue
        for word in re.finditer(r"[^\s,;]+", re.sub(r"#[^\n]*", lambda m: " " * len(m.group()), match["value"])):
            if (bare := word.group().strip("\"'")) in world.layout.old_names or bare in world.judge.folders:
                text = word.group().strip("\"'")
                offset = match.start("value") + word.start() + word.group().index(text)
                _value(world, sink, path, text, offset, hint)


def _hint(key: str) -> Hint | None:
    name = key.lower().replace("-", "_")
    return (
        "module"
        if name in _MODULE_KEYS
        else "path"
        if name in _PATH_KEYS
        else "either"
        if name in _EITHER_KEYS
        else None
    )


def _value(world: World, sink: Sink, path: str, text: str, offset: int, hint: Hint) -> None:
    verdict = world.judge.value(text, path, hint)
    if verdict is not None and verdict.kind == "change":
        sink.edit(
            offset, offset + len(text), verdict.new, stage=verdict.stage, rule="config.key", reason=verdict.reason
        )


def scan_patterns(world: World, sink: Sink) -> None:
    """`files: ^(pkg|other)/`: a folder named inside a group of a regular expression."""
    for match in _PATTERN.finditer(sink.body):
        for move in world.layout.moves:
            name = re.escape(move.path)
            for found in re.finditer(rf"(?<=[(|])\^?(?P<name>{name})(?=[|)/])", match["value"]):
                start = match.start("value") + found.start("name")
                sink.edit(
                    start,
                    start + len(move.path),
                    move.to_path,
                    stage=3,
                    rule="path.pattern",
                    reason=f"{move.path} moves to {move.to_path}",
                )


def scan_labels(world: World, sink: Sink) -> None:
    """`//pkg/part:target` of Bazel and its kin; `//pkg` is short for `//pkg:pkg`, so its target is written out."""
    for match in _LABEL.finditer(sink.body):
        new = world.layout.old_to_new_path(match["path"])
        if new is None:
            continue
        old_name, new_name = (p.rpartition("/")[2] for p in (match["path"], new))
        following = sink.body[match.end() : match.end() + 1]
        short = following not in (":", "/") and not match["path"].endswith("/...") and old_name != new_name
        written = f"{new}:{old_name}" if short else new
        reason = f"{match['path']} moves to {new}"
        sink.edit(*match.span("path"), written, stage=3, rule="path.label", reason=reason)


def scan_loggers(world: World, sink: Sink, path: str) -> None:
    """`loggers:` of a logging configuration in YAML: its keys are names that modules give themselves (stage 3)."""
    for block in _LOGGERS.finditer(sink.body):
        keys = list(re.finditer(r"^(?P<indent>[ \t]+)[\"']?(?P<name>[\w.]+)[\"']?:", block["body"], re.M))
        for key in keys:
            new = world.layout.new_module(key["name"])
            if key["indent"] != keys[0]["indent"] or new is None or not world.resolver.is_module(key["name"]):
                continue
            start = block.start("body") + key.start("name")
            reason = f"{key['name']} moves to {new}, and its logger is named after it"
            sink.edit(start, start + len(key["name"]), new, stage=3, rule="config.logger", reason=reason)


def scan_volumes(world: World, sink: Sink) -> None:
    """`- ./pkg:/app/pkg`: inside the container the folder repeats the import path, as in `COPY`."""
    for match in _VOLUME.finditer(sink.body):
        source = match["source"].removeprefix("./").rstrip("/")
        for move in world.layout.moves:
            if source == move.path or source.startswith(move.path + "/"):
                destination(sink, move, match["target"], match.start("target"), "compose.volume")


def destination(sink: Sink, move: Move, text: str, offset: int, rule: str) -> None:
    """Correct the import path of a moved package inside an image, where a destination repeats it."""
    if move.keeps_name:
        return  # it is imported there as before
    inner, new_inner = move.source.replace(".", "/"), move.target.replace(".", "/")
    found = re.search(rf"(?:(?<=/)|^){re.escape(inner)}(?=/|$)", text)
    if found:
        old = move.path if text[: found.end()].endswith(move.path) else inner
        start = offset + found.end() - len(old)
        reason = f"inside the image the package is imported as {move.target}"
        sink.edit(start, start + len(old), new_inner, stage=3, rule=rule, reason=reason)
