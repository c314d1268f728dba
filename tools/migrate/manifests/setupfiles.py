"""setup.cfg and MANIFEST.in.

Owns the lines of an INI file as setuptools reads it: sections, keys, values that continue on indented lines, with
their positions.  Package lists get the new packages beside the shim's in stage 3 and lose the shim in stage 6;
paths follow in stage 3, names and requirements in stage 4.  The other sections (mypy, flake8, pytest, coverage,
isort) are judged value by value like those of a TOML file.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..classify import WARNING_FILTER
from ..model import Edit, Finding
from .declared import Distribution
from .facts import Context, facts, relative, stays_beside
from .hints import value_hint
from .packages import directory_entry, mapped_names, not_shipped, unseen
from .pbr import mapped_folders, out_of_reach
from .reqfile import lines_of, rewrite_lines
from .roots import wanted_roots
from .sections import hits, in_wheel
from .setuproots import cfg_new_roots
from .thin import requirement_on_target
from .unshipped import leaving_parts, matched

_SECTION = re.compile(r"\[(?P<name>[^\]\r\n]+)\]")
_KEY = re.compile(r"(?P<key>[^\s#;=:\[][^=:\r\n]*?)[ \t]*[=:][ \t]*")
_BUMPED = re.compile(r"^\[bumpversion:file(?:\([^)\r\n]*\))?:(?P<path>[^\]\r\n]+)\]", re.M)  # a version is in that file
_REQUIRES = {"install_requires", "setup_requires", "tests_require"}
_POINTS = ("options.entry_points", "entry_points")  # of setuptools, and of pbr


@dataclass(slots=True)
class Option:
    section: str
    key: str
    key_start: int
    start: int  # of the value
    end: int
    line: int


def options(text: str) -> list[Option]:
    out: list[Option] = []
    section, at = "", 0
    for number, raw in enumerate(text.splitlines(keepends=True), 1):
        line = raw.rstrip("\r\n")
        if line[:1].isspace() and line.strip() and out:
            out[-1].end = at + len(line)
        elif match := _SECTION.match(line):
            section = match["name"]
        elif line.strip() and line[0] not in "#;" and (key := _KEY.match(line)):
            out.append(Option(section, key["key"].strip(), at, at + key.end(), at + len(line), number))
        at += len(raw)
    return out


class _Cfg:
    def __init__(self, path: str, text: str, stage: int, context: Context) -> None:
        self.path, self.text, self.stage, self.context = path, text, stage, context
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.notes: list[Edit] = []
        self.findings: list[Finding] = []

    def get(self, section: str, key: str) -> Option | None:
        return next((o for o in options(self.text) if o.section == section and o.key.replace("-", "_") == key), None)

    def values(self, option: Option) -> list[str]:
        raw = self.text[option.start : option.end]
        parts = raw.splitlines() if "\n" in raw else raw.split(",")
        return [p.strip() for p in parts if p.strip() and not p.strip().startswith("#")]

    def set(self, option: Option, wanted: list[str], reason: str, rule: str = "cfg.packages") -> None:
        """Another list for the option, laid out as it was."""
        raw = self.text[option.start : option.end]
        if self.values(option) == wanted:
            return
        if "\n" in raw or any("," in w for w in wanted):
            found = re.search(r"\n([ \t]+)\S", raw)
            indent = self.newline + (found[1] if found else "    ")
            new = "".join(indent + w for w in wanted)
        else:
            new = ", ".join(wanted)
        self.notes.append(Edit(0, 0, raw.strip(), new.strip(), option.line, self.stage, rule, reason))
        self.text = self.text[: option.start].rstrip(" " if "\n" in new else "") + new + self.text[option.end :]

    def note(self, line: int, new: str, reason: str) -> None:
        """Write down a key that was added."""
        self.notes.append(Edit(0, 0, "", new, line, self.stage, "cfg.root", reason))

    def drop(self, option: Option, reason: str) -> None:
        start = self.text.rfind("\n", 0, option.key_start) + 1
        end = self.text.find("\n", option.end)
        self.notes.append(Edit(0, 0, self.text[start : option.end], "", option.line, self.stage, "cfg.option", reason))
        self.text = self.text[:start] + (self.text[end + 1 :] if end >= 0 else "")


def rewrite_cfg(path: str, text: str, stage: int, context: Context) -> tuple[str, list[Edit], list[Finding]]:
    cfg = _Cfg(path, text, stage, context)
    dist = facts(context).old(path)
    if stage in (3, 6):
        _packages(cfg)
    _roots(cfg)
    cfg_new_roots(cfg)
    if stage == 3 and dist is not None and dist.manifest == path:
        _thin(cfg, dist)
    if stage == 4:
        _requirements(cfg)
    if stage in (3, 4):
        _judged(cfg)
    return cfg.text, cfg.notes, cfg.findings


def _unshipped(cfg: _Cfg, searched: Option) -> None:
    """Parts that leave their package for a top-level name which `packages = find:` does not take."""
    included, left_out = (cfg.get("options.packages.find", key) for key in ("include", "exclude"))
    include = cfg.values(included) if included else ["*"]
    for move in leaving_parts(cfg.context, cfg.path):
        if not matched(move.target, include, cfg.values(left_out) if left_out else ()):
            readings = (f"{move.target} would be missing from the wheel", "it is shipped by another distribution")
            text, hint = f"packages = find: {move.target}", f"name {move.target.split('.')[0]} in it"
            line = (included or searched).line
            cfg.findings.append(Finding(cfg.path, line, "cfg.unshipped", text, readings, hint, "error"))


def _packages(cfg: _Cfg) -> None:
    why = "the package is shipped under its new name" if cfg.stage == 3 else "its shim is gone"
    folder = posixpath.dirname(cfg.context.layout.new_path(cfg.path)) or "."
    for section, key in (("options", "packages"), ("options.packages.find", "include")):
        option = cfg.get(section, key)
        if option is None:
            continue
        names = cfg.values(option)
        wanted = mapped_names(cfg.context, names, cfg.stage, cfg.path)
        if key == "include":
            stems = {n: n.rstrip("*.") for n in names}
            new = {n: cfg.context.layout.new_module(s) for n, s in stems.items()}
            wanted = [n for n in names if cfg.stage == 3 or new[n] is None]
            wanted += [w for n in names if new[n] and (w := f"{new[n]}{n[len(stems[n]) :]}") not in wanted]
        if wanted != names:
            cfg.set(option, wanted, why)
    _folders(cfg, why)
    searched = cfg.get("options", "packages")
    if searched is not None and cfg.stage == 3 and cfg.values(searched) == ["find:"]:
        for target, parent in unseen(cfg.context, cfg.path):
            _, text, readings, hint = not_shipped("packages = find:", target, parent)
            cfg.findings.append(Finding(cfg.path, searched.line, "cfg.namespaces", text, readings, hint, "error"))
        _unshipped(cfg, searched)
    option = cfg.get("options", "package_dir")
    if option is not None:
        pairs = [tuple(p.strip() for p in v.split("=", 1)) for v in cfg.values(option) if "=" in v]
        wanted = [f"{k} = {v}".strip() if k else f"= {v}" for k, v in pairs]
        for name, _ in pairs:
            move = cfg.context.layout.old_names.get(name)
            entry = move and directory_entry(move.target, relative(move.to_path, folder))
            if cfg.stage == 6 and name and cfg.context.layout.new_module(name):
                wanted = [w for w in wanted if not w.startswith(f"{name} =")]
            elif entry and cfg.stage == 3 and not any(w.startswith(f"{entry[0]} =") for w in wanted):
                wanted.append(f"{entry[0]} = {entry[1]}")
        if [w.replace(" ", "") for w in wanted] != [v.replace(" ", "") for v in cfg.values(option)]:
            cfg.set(option, wanted, why)
    for section in ("options.package_data", "options.exclude_package_data"):
        for data in [o for o in options(cfg.text) if o.section == section]:
            new_name = cfg.context.layout.new_module(data.key) if data.key != "*" else None
            if new_name is None:
                continue
            current = next((o for o in options(cfg.text) if o.section == section and o.key == data.key), data)
            if cfg.stage == 6:
                cfg.drop(current, why)
            elif not any(o.section == section and o.key == new_name for o in options(cfg.text)):
                line = new_name + cfg.text[current.key_start + len(current.key) : current.end]
                cfg.notes.append(Edit(0, 0, "", line, current.line, cfg.stage, "cfg.packages", why))
                cfg.text = cfg.text[: current.end] + cfg.newline + line + cfg.text[current.end :]


def _folders(cfg: _Cfg, why: str) -> None:
    """The list of pbr."""
    option = cfg.get("files", "packages")
    if option is None:
        return
    names = cfg.values(option)
    for target, part in out_of_reach(cfg.context, names, cfg.path) if cfg.stage == 3 else ():
        readings = (f"{target} would be missing from the wheel", "something else ships it")
        hint = f"pbr looks no deeper than that: give {part} an __init__.py before the move, or choose another target"
        text = f"[files] packages, and {part} has no __init__.py"
        cfg.findings.append(Finding(cfg.path, option.line, "cfg.namespaces", text, readings, hint, "error"))
    cfg.set(option, mapped_folders(cfg.context, names, cfg.stage, cfg.path), why)


def _roots(cfg: _Cfg) -> None:
    """Import roots, as `rewrite_roots` treats them in TOML."""
    folder = posixpath.dirname(cfg.path) or "."
    for section, key, implied in (
        ("tool:pytest", "pythonpath", False),
        ("mypy", "mypy_path", True),
        ("isort", "src_paths", True),
    ):
        option = cfg.get(section, key)
        if option is None:
            continue
        raw = cfg.text[option.start : option.end]
        entries = [e for e in re.split(r"[\s,:;]+", raw) if e]
        wanted = wanted_roots(cfg.context, entries, folder, cfg.stage, implied=implied)
        reason = "the new names are imported from there" if cfg.stage == 3 else "it served only the old names"
        if wanted == entries:
            continue
        if not wanted:
            cfg.drop(option, reason)
        elif "\n" in raw:
            cfg.set(option, wanted, reason, "cfg.root")
        else:
            mark = next((m for m in (":", ",", ";") if m in raw), " " if key == "pythonpath" else ":")
            cfg.notes.append(Edit(0, 0, raw, mark.join(wanted), option.line, cfg.stage, "cfg.root", reason))
            cfg.text = cfg.text[: option.start] + mark.join(wanted) + cfg.text[option.end :]


def _thin(cfg: _Cfg, dist: Distribution) -> None:
    why = "thin until cleanup: the target ships this now"
    option = cfg.get("options", "install_requires")
    wanted = requirement_on_target(cfg.context)
    if option is not None:
        cfg.set(option, [wanted], why, "cfg.requirement")
    else:
        found = re.search(r"^\[options\][^\n]*(\n|$)", cfg.text, re.M)
        line = f"install_requires ={cfg.newline}    {wanted}{cfg.newline}"
        if found:
            cfg.text = cfg.text[: found.end()] + line + cfg.text[found.end() :]
        else:
            cfg.text = cfg.text.rstrip() + f"{cfg.newline}{cfg.newline}[options]{cfg.newline}{line}"
        cfg.notes.append(Edit(0, 0, "", wanted, 1, 3, "cfg.requirement", why))
    for extra in dist.extras:
        option = cfg.get("options.extras_require", extra.replace("-", "_"))
        if option is not None:
            cfg.set(option, [requirement_on_target(cfg.context, extra)], why, "cfg.extra")
    while points := next((o for o in options(cfg.text) if o.section == "options.entry_points"), None):
        cfg.drop(points, "the target declares it now")
    cfg.text = re.sub(r"(\r?\n)*^\[options\.entry_points\][^\n]*(\n|$)", "\\2", cfg.text, flags=re.M)


def _requirements(cfg: _Cfg) -> None:
    for section, key in [(o.section, o.key) for o in options(cfg.text)]:
        if not ((section == "options" and key in _REQUIRES) or section == "options.extras_require"):
            continue
        option = next(o for o in options(cfg.text) if (o.section, o.key) == (section, key))
        block = cfg.text[option.start : option.end]
        lines = [x for x in lines_of(block + "\n", option.start, option.line) if x.body]
        if block and not block.endswith("\n"):
            lines = [x for x in lines if x.start < option.end]
        text = cfg.text if cfg.text[option.end :] else cfg.text + cfg.newline
        new, notes, findings = rewrite_lines(text, lines, cfg.path, cfg.context)
        cfg.text = new if text == cfg.text else new.removesuffix(cfg.newline)
        cfg.notes += notes
        cfg.findings += findings


def _judged(cfg: _Cfg) -> None:
    """Every other value, and the module patterns in the names of mypy's sections."""
    edits: list[tuple[int, int, str, str]] = []
    thin = facts(cfg.context).old(cfg.path) is not None
    for option in options(cfg.text):
        build = option.section.startswith("options") or option.section == "metadata"
        if option.section in ("options.package_data", "options.exclude_package_data"):
            continue
        if option.section == "options.packages.find" and option.key != "exclude":
            continue
        if option.section.startswith("options") and option.key in {*_REQUIRES, "packages", "package_dir", "py_modules"}:
            continue
        if cfg.context.layout.new_roots and in_wheel((option.section, option.key)):
            continue
        if (option.section, option.key) == ("files", "packages"):  # of pbr: folders, each with the packages below it
            continue
        if (
            option.section == "options.extras_require"
            or (thin and build)
            or (option.section, option.key) == ("metadata", "name")
        ):
            continue
        names = ["tool", *option.section.replace("tool:", "").split("."), option.key]
        patterns = (option.section, option.key) == ("options.packages.find", "exclude")
        kind = "module" if option.section in _POINTS or patterns else value_hint(tuple(names))
        kind = "path" if option.key == "addopts" else kind
        for raw in re.finditer(r"[^\r\n]+", cfg.text[option.start : option.end]):
            if raw[0].strip().startswith("#"):
                continue
            # the name of an entry point stays, whatever it is
            skip = raw[0].find("=") + 1 if option.section in _POINTS else 0
            _collect(cfg, option.start + raw.start() + skip, raw[0][skip:], kind, edits)
    for match in re.finditer(r"^\[mypy-(?P<names>[^\]\r\n]+)\]", cfg.text, re.M):
        at = match.start("names")
        for name in re.finditer(r"[^,\s]+", match["names"]):
            _collect(cfg, at + name.start(), name[0], "module", edits)
    for match in _BUMPED.finditer(cfg.text):
        _collect(cfg, match.start("path"), match["path"], "path", edits)
    for start, end, new, reason in sorted(edits, reverse=True):
        line = cfg.text.count("\n", 0, start) + 1
        cfg.notes.append(Edit(0, 0, cfg.text[start:end], new, line, cfg.stage, "cfg.value", reason))
        cfg.text = cfg.text[:start] + new + cfg.text[end:]


def _collect(cfg: _Cfg, at: int, text: str, kind: str, edits: list[tuple[int, int, str, str]]) -> None:
    early = text.lstrip().startswith("attr:") or "attr:" in cfg.text[max(0, at - 8) : at + 8]
    for hit in hits(text, cfg.path, cfg.context, kind):  # type: ignore[arg-type]
        soon = early or WARNING_FILTER.search(text[: hit.start])
        stage = 3 if soon and hit.verdict.kind == "change" else hit.verdict.stage
        if stage != cfg.stage:
            continue
        if hit.verdict.kind == "change":
            edits.append((at + hit.start, at + hit.end, hit.verdict.new, hit.verdict.reason))
        elif hit.verdict.kind == "list":
            line = cfg.text.count("\n", 0, at) + 1
            cfg.findings.append(
                Finding(cfg.path, line, "cfg.value", hit.token, hit.verdict.readings, hit.verdict.reason)
            )


def _paths(words: list[str]) -> list[str]:
    """The words of one line that are paths from the folder of the file; the others are patterns for a file's name."""
    command = words[0] if words else ""
    if command in ("recursive-include", "recursive-exclude"):
        return words[1:2]
    return words[1:] if command in ("include", "exclude", "graft", "prune") else []


def rewrite_manifest_in(path: str, text: str, stage: int, context: Context) -> tuple[str, list[Edit], list[Finding]]:
    """MANIFEST.in: paths follow the files in stage 3; those that leave the distribution's folder are listed."""
    notes: list[Edit] = []
    findings: list[Finding] = []
    if stage != 3:
        return text, notes, findings
    out = []
    for number, raw in enumerate(text.splitlines(keepends=True), 1):
        words = raw.split()
        line = raw
        for word in _paths(words):
            verdict = context.judge.path(word, path, "path")
            if verdict is None or verdict.kind != "change" or stays_beside(context, word, path):
                continue
            if verdict.new.startswith(".."):
                hint = f"the file is {verdict.new} now; name it in the MANIFEST.in of its new distribution"
                findings.append(Finding(path, number, "manifest.path", raw.strip(), (), hint))
                continue
            line = re.sub(rf"(?<=\s){re.escape(word)}(?=\s|$)", lambda _, new=verdict.new: new, line, count=1)  # type: ignore[misc]
        if line != raw:
            notes.append(Edit(0, 0, raw.strip(), line.strip(), number, 3, "manifest.path", "the files move"))
        out.append(line)
    return "".join(out), notes, findings
