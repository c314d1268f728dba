"""Patterns and folders that hold moving files and do not name what moves: `app/*/cart.py`, `["app/**"]`, `COPY app`.

Nothing in such a text is a reference that could be rewritten, and yet it finds other files after the move than before.
`Patterns.change` says which; whoever reads a file decides what to make of it.  `in_text` finds the texts in files of
commands and settings.  Knows no sink: both the scanners and the manifests ask here.

Programs read a star in two ways, as one part of a path or as any number of parts.  Where it is not known which one
reads the text, what either loses counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .layout import Layout

# A run of characters that a pattern may consist of; what stands before one, or behind it, may say that it is none.
_RUN = re.compile(r"[\w.@+*?/\[\]{},!^-]+")
_NO_START = re.compile(r"[:\\$}%~]\Z")
_LONGEST = 200  # characters of a pattern, and of a line that is looked at before one
# A run that a regular expression may consist of, and what says that it is one.
_REGULAR_RUN = re.compile(r"[\w.@+*?/\[\]{},!^$()|\\-]+")
_REGULAR = re.compile(r"\.[*+]|\\\.|\[\^/\]")
# Keys of settings whose values are files or folders to look at, or to leave out, with all that is below them.
_READ_KEYS = re.compile(
    r"testpaths|files?|paths?|src|sources?|(?:extend_|force_)?(?:in|ex)cludes?|extend_skip|skip(?:_glob)?|omit|watch"
    r"|norecursedirs|mypy_path|src_paths|only_include|changes|paths_ignore|ignore_paths|volumes|targets|(?:source_)?roots?"
    r"|directories|source_dir|exclude_dirs"
)
# What a distribution ships is looked at by the manifests, with other rules.
_SHIPPED_KEYS = re.compile(r"(?:default_)?members|packages|where|(?:exclude_)?package_data|package_dir")
_KEY = re.compile(r"^[ \t]*(?:-[ \t]+)?[\"']?(?P<key>[A-Za-z][\w.-]*)[\"']?[ \t]*[:=]")
_HEADER = re.compile(r"\[[\w.:\"' -]+\]+[ \t]*$")
_ITEM = re.compile(r"(?:[ \t]+|[ \t]*-[ \t]+|(?=[\"'\[]))[\[\"',\w./ \t*!-]*")
# Programs that take folders and read all that is below them; options stand between.
_READS = re.compile(
    r"""(?: \b(?:COPY|ADD|pytest|ruff(?:\s+(?:check|format))?|mypy|pyright|basedpyright|pytype|black|flake8|isort|pylint
        |pydocstyle|interrogate|codespell|autoflake|pyupgrade|docformatter|radon\s+\w+|xenon|semgrep|nosetests|bandit
        |vulture|tar|rsync|zip|cp|find|compileall|sphinx-apidoc)(?![\w:=.-])(?:\s+-[-\w=./]+)*\s+
        | (?:--cov|--source|--include|--omit|--exclude|-v|--volume|discover\s+-s|--start-directory)[=\s]
        | \bgraft\s+ | \brecursive-include\s+
        | ^[ \t]*-[ \t]+["']?(?=\./) )["']?(?:[\w./*-]+\s+)*$""",
    re.X,
)
_COPIES = re.compile(r"\b(?:COPY|ADD|cp|rsync|mv)\b")  # the last of whose folders is where things go
_COMMENT = re.compile(r"(?<![\w\"'/])#[^\n]*")


@dataclass(frozen=True, slots=True)
class Change:
    """Paths before the move that a pattern matched and does not match any more, and new paths that it matches now."""

    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    kept: int = 0

    def told(self) -> tuple[str, str]:
        """Two readings for a person."""
        few = ", ".join(self.lost[:2]) + (f" and {len(self.lost) - 2} more" if len(self.lost) > 2 else "")
        return f"it need not find {few}", "it must find them at the new place as well"

    def hint(self) -> str:
        """How much it is."""
        many = len(self.lost)
        return f"{many} that it finds today move to where it does not look" if many > 1 else "it does not look there"


class Patterns:
    """Patterns over the files of one layout, which may be from before the move or from after it."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._known: dict[tuple[str, str, bool], Change] = {}

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(old path, new path) of every file that moves."""
        layout = self.layout
        if not layout.moved:
            return tuple(sorted(layout.moved_files().items()))
        found: list[tuple[str, str]] = []
        for move in layout.moves:
            files = layout.tree.under(move.to_path) if move.is_package else [move.to_path]
            found += [(move.path + new[len(move.to_path) :], new) for new in files]
        return tuple(sorted((old, new) for old, new in found if layout.old_to_new_path(old) == new))

    @cached_property
    def folders(self) -> frozenset[str]:
        """Folders that hold a moving one, and do not hold it afterwards."""
        found: set[str] = set()
        for move in self.layout.moves:
            above = posixpath.dirname(move.path)
            while above and not f"{move.to_path}/".startswith(above + "/"):
                found.add(above)
                above = posixpath.dirname(above)
        return frozenset(found)

    def change(self, pattern: str, folder: str = "", *, loose: bool = False) -> Change:
        """What `pattern`, seen from `folder` as it was before the move, finds less and more."""
        key = (pattern, folder, loose)
        if key not in self._known:
            new_folder = self.layout.old_to_new_path(folder) or folder
            lost: dict[str, None] = {}
            gained: dict[str, None] = {}
            kept = 0
            for old_form, new_form in zip(
                _expressions(_joined(folder, pattern), loose),
                _expressions(_joined(new_folder, pattern), loose),
                strict=True,
            ):
                for old, new in self.pairs:
                    before, after = old_form.match(old) is not None, new_form.match(new) is not None
                    kept += before and after
                    if before and not after:
                        lost[old] = None
                    elif after and not before:
                        gained[new] = None
            self._known[key] = Change(tuple(lost), tuple(gained), kept)
        return self._known[key]

    def in_text(self, text: str, path: str) -> Iterator[tuple[int, str, Change]]:
        """(offset, text, change) of each pattern or folder in a file of commands or settings that loses something."""
        folder = posixpath.dirname(path)
        loose = not path.startswith(".github/")
        body = _COMMENT.sub(lambda m: " " * len(m.group()), text) if not path.endswith(".json") else text
        for match in _RUN.finditer(body) if "*" in body else ():
            start, end = match.span()
            if "*" not in match.group() or end - start > _LONGEST:
                continue
            if _NO_START.match(body[max(0, start - 1) : start]) or body[end : end + 1] in ("\\", "$", "(", ")", "|"):
                continue
            for at, token in _split(match.group(), start):
                change = self.lost(token, folder, loose=loose)
                if change is not None and not _SHIPPED_KEYS.fullmatch(_key_of(body, at)):
                    yield at, token, change
        for match in _REGULAR_RUN.finditer(body) if "/" in body else ():
            token = match.group().strip(",")
            if len(token) <= _LONGEST and "/" in token and _REGULAR.search(token):
                change = self._matched(token.replace("\\\\", "\\"))  # a string may have its backslashes twice
                if change.lost and not _SHIPPED_KEYS.fullmatch(_key_of(body, match.start())):
                    yield match.start(), token, change
        for match in self._plain.finditer(body) if self.folders else ():
            if _is_read(body, match.start()) and (change := self.lost(match.group(), folder)) is not None:
                yield match.start(), match.group(), change

    def lost(self, token: str, folder: str, *, loose: bool = False) -> Change | None:
        """The change of a pattern that is seen from the root or from `folder`, if it loses something."""
        # Without a slash only names of files count: `*bold*` is no pattern, `*.py` is.
        if not re.search(r"\w", token) or ("/" not in token.strip("/") and "*" in token and "." not in token):
            return None
        if _REGULAR.search(token):
            return None
        for base in dict.fromkeys(("", folder)):
            change = self.change(token, base, loose=loose)
            if change.lost:
                return change
        return None

    def _matched(self, text: str) -> Change:
        """What a regular expression over paths from the root finds less; some programs begin them with a slash."""
        key = (text, "", False)
        if key not in self._known:
            try:
                form = re.compile(text)
            except re.error:  # part of a longer one, or none
                return Change()
            lost = [
                o for o, n in self.pairs for lead in ("", "/") if form.search(lead + o) and not form.search(lead + n)
            ]
            self._known[key] = Change(tuple(dict.fromkeys(lost)))
        return self._known[key]

    @cached_property
    def _plain(self) -> re.Pattern[str]:
        either = "|".join(re.escape(f) for f in sorted(self.folders, key=len, reverse=True))
        return re.compile(rf"(?<![\w./*@$}}-])(?:\./)?(?:{either})/?(?![\w./*?\[{{$-])")


def _is_read(text: str, start: int) -> bool:
    """Whether a folder at this place is one whose files are read: by a program, or as the value of such a key."""
    line = text.rfind("\n", 0, start) + 1
    if start - line > 5 * _LONGEST:
        return False  # no command, and no setting that anybody wrote
    before = text[max(line, start - _LONGEST) : start]
    if _COPIES.search(before) and not re.match(r"\S*[ \t]+[^\s&|;]", text[start : start + _LONGEST]):
        return False
    return _READS.search(before) is not None or _READ_KEYS.fullmatch(_key_of(text, start)) is not None


def _key_of(text: str, start: int) -> str:
    """The key whose value holds this place, on its line or above a list; "" if none is seen."""
    line = text.rfind("\n", 0, start) + 1
    before = text[line : line + _LONGEST][: start - line]
    if found := _KEY.match(before):
        return _last_part(found["key"])
    if not _ITEM.fullmatch(before):
        return ""
    for above in reversed(text[max(0, line - 4000) : line].splitlines()[-40:]):
        if found := _KEY.match(above):
            return _last_part(found["key"])
        if _HEADER.match(above) or (above.strip() and not _ITEM.match(above)):
            return ""
    return ""


def _last_part(key: str) -> str:
    """`sonar.sources` and `Extend-Exclude` as keys are written above."""
    return key.rpartition(".")[2].lower().replace("-", "_")


def _split(run: str, start: int) -> Iterator[tuple[int, str]]:
    """The patterns in a run of characters: `src/**,lib/**` are two, `{a,b}/*` is one."""
    if "{" not in run:
        for part in re.finditer(r"[^,]+", run):
            word = part.group().strip("!^")
            # A bracket that nothing closes, or around all of it, is that of a list: a class holds no slash.
            if word.startswith("[") and "]" not in word.partition("/")[0]:
                word = word[1:]
            if word.endswith("]") and "[" not in word.rpartition("/")[2]:
                word = word[:-1]
            yield start + part.start() + part.group().index(word), word
    else:
        yield start, run.strip("!^,")


def _joined(folder: str, pattern: str) -> str:
    return posixpath.normpath(posixpath.join(folder, pattern.strip("/") or "."))


@lru_cache(maxsize=4096)
def _expressions(pattern: str, loose: bool) -> tuple[re.Pattern[str], ...]:
    """The pattern as regular expressions over paths; what lies below a folder that matches does so as well."""
    forms = []
    for star in ("[^/]*", ".*") if loose and re.search(r"(?<!\*)\*(?!\*)", pattern) else ("[^/]*",):
        out, at, depth = "", 0, 0
        while at < len(pattern):
            rest, char = pattern[at:], pattern[at]
            if rest.startswith("**/"):
                out, at = out + "(?:.*/)?", at + 3
                continue
            if rest.startswith("**"):
                out, at = out + ".*", at + 2
                continue
            group = re.match(r"\[!?[^\]/]+\]", rest)
            if group:
                inner = group.group()[1:-1].replace("\\", "\\\\")
                out, at = out + f"[{'^' + inner[1:] if inner.startswith('!') else inner}]", at + group.end()
                continue
            if char == "{" and "}" in rest:
                out, depth = out + "(?:", depth + 1
            elif char == "}" and depth:
                out, depth = out + ")", depth - 1
            elif char == "," and depth:
                out += "|"
            else:
                out += star if char == "*" else "[^/]" if char == "?" else re.escape(char)
            at += 1
        try:
            forms.append(re.compile(out + ")" * depth + r"(?:/.*)?\Z", re.S))
        except re.error:  # no pattern, whatever else it is
            forms.append(re.compile(r"(?!)"))
    return tuple(forms)
