"""Moving names in free text: comments, docstrings, string literals, documents, scripts, configuration.

Finds each candidate (a dotted name or a path that begins with a moving one), asks the `Judge`, and lets the words just
before it say what a bare package name is (`-m NAME`, `COPY NAME`, `import NAME`).  Bare names in prose are counted, not
listed one by one: a package called `requests` is also a plain word.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from itertools import takewhile
from typing import Literal

from ..classify import WARNING_FILTER, Hint, Judge, Verdict
from ..layout import Layout
from ..options import meaning
from .sink import Sink

Style = Literal["prose", "command", "config", "literal", "anchored"]

_MODULE_BEFORE = re.compile(
    r"""(?: (?:^|[\s\["',])-m | --pyargs | --module | --package | --verifytypes
        | --hidden-import | --collect-(?:all|data|submodules) | --include-(?:package|module)(?:-data)?
        | \bmodule\s*[=:] | \bqualname\s*= | \blogger\s*[=:]
        | :(?:py:)?mod: | \{(?:py:)?mod\} | \b(?:automodule|autopackage|currentmodule|module)(?:::|\}) | \bpython3?\s+-m
        | \b(?:[Mm]odule|No\ module\ named|cannot\ import\ name\ \S+\ from)\ (?=["'`])
        | \b(?:__import__|import_module)(?=\() | \bcallable\s*[=:]
        | (?<!mkdir)(?<!cp)(?<!install)(?<!rsync)(?<!docker\ run)[\s\["',]-p | :\w*Warning:
        )(?:["']?\s*,)?[=\s]*["'`(\[]*\s*$""",
    re.X,
)
# A role or a directive of documentation that takes the name of code, whatever that is.
_CODE_BEFORE = re.compile(
    r"""(?: :(?:py:)?(?:class|meth|func|attr|exc|data|obj|const|type|deco|any):
        | \{(?:py:)?(?:class|meth|func|attr|exc|data|obj|const|type|deco|any)\}
        )`(?:[^`<]*<)?[~!]?$
        | (?<![`\w:}])`~$  # the role that needs no name: "show the last part only" is said of code alone
        """,
    re.X,
)
# Coverage measures the folder of that name, where there is one, else the package.
_MEASURED_BEFORE = re.compile(r"(?:--cov|\bcoverage\b.*\s--source)(?:[\"']?\s*,|[=\s])\s*[\"']?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+[\"']?")  # of a YAML list, one on a line
_FLAG = re.compile(r"[ \t]*-[ \t]+[\"']?(-m|--[\w-]+)[\"']?[ \t]*")
_IMPORT_BEFORE = re.compile(r"(?:^|[\s;`'\"(>])(?:c?import|from)\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*$")
_PATH_BEFORE = re.compile(
    r"""(?: \b(?:COPY|ADD|WORKDIR|cd|pytest|ruff(?:\s+(?:check|format))?|mypy|pyright|black|flake8|isort|pylint|ls|cat
        |find|cp|mv|rm|mkdir|tar|rsync|zip|source|bandit|vulture|pytest\s+-[qvx]+)(?![\w:=-])(?:\s+-[-\w=]+)*
        | \bcompileall(?:\s+-\S+)* | (?:\[|\btest)\s+-[defrswx]
        | working-directory: | \bpath:
        | \bdirectory: | \bfiles:\s*\^? | --rootdir[=\s] | --source[=\s]
        | \bPYTHONPATH["']?\s*[=:]\s*(?:[^\s"':]*:)* )
        \s*["'`]?(?:(?:[\w./*-][\w./*:=-]*|"[^"\n]*"|'[^'\n]*')\s+)*$""",
    re.X,
)
# pytest's -k and -m: parts of tests' names, and markers
_EXPRESSION_BEFORE = re.compile(r"\s-k[=\s]+[\"']?[\w ]*$|\s-m[=\s]+[\"'][\w ]*$")
_CONTINUED = re.compile(r"\\\r?\n")
_INSTALL_BEFORE = re.compile(
    r"""\b(?:pip[\d.]*|pipx|uv|uv\s+pip|uv\s+tool|conda|mamba|brew|apt(?:-get)?|dnf|yum|port|easy_install)\s+install\b[^|;&\n]*$
        | \b(?:uv|poetry|pdm|rye|pipenv|hatch)\s+(?:add|install)\b[^|;&\n]*$""",
    re.X,
)
_MARKED = re.compile(r"[`<]~?!?$")  # prose that says: this is a name of code
_ROOTED = re.compile(r"\bdirector(?:y|ies)[\"']?[ \t]*:[^\n]*$")  # of the bots that update dependencies
_MESSAGE = re.compile(r"(?:^|[\s\"'])(?:error|ignore|always|default|module|once):[ ]?$")  # of a filter: what code says
_WEB = re.compile(r"\bhttps?://[^\s<>\"'`]*$")
_TOP_BEFORE = re.compile(r"\b__import__\(\s*(?:[\"']|  )$")  # two blanks are an escaped quote
_TOP_CLOSED = re.compile(r"(?:[\"']|  )\s*\)")
# What carries its own name there: a stage of an image, a label of a document.
_OWN_NAME = re.compile(
    r"""\b(?:COPY|ADD)\b[^\n]*--from=$ | --mount=\S*\bfrom=$
        | (?: :(?:std:)?(?:ref|numref|doc|term|option|envvar|confval):
          | \{(?:ref|numref|doc|term)\} )`(?:[^`<]*<)?(?:[\w.-]+:)?$""",
    re.X,
)
_LABEL_BEFORE = re.compile(r"[ \t]*(?:module|resource|data)[ \t]+(?:\"[\w-]+\"[ \t]+)?\"")  # of a block of Terraform
_MODEL_BEFORE = re.compile(r"[ \t]*(?:-[ \t]+)?model:[ \t]*[\"']?")
_NOT_FOUND = re.compile(r"No module named [\"'`]$")  # the name that was asked for, by an import of stage 4
_ADDRESS = re.compile(r"\b(?:http|httpApi|httpGet|httpHeaders|alb|websocket|method)[\"']?[ \t]*:(?!//)")
# In a command of a database: `select * from shop.cart`; in Python, "import" would follow.
_TABLE_BEFORE = re.compile(
    r"\b(?:select\s[^\n]*\sfrom|insert\s+into|delete\s+from|(?:create|alter|drop|truncate)\s+(?:table|view)|join)"
    r"\s+[\"'`]?$",
    re.I,
)
_BEGUN = re.compile(r"\.<\w")  # `pkg.part.<name>`: what is meant by that may be no module
_FIELD_BEFORE = re.compile(r"(?:\{\s*|%\(|\{%[^%\n]*\s)$")  # of a format or a template in a string
Doubt = tuple[str, tuple[str, ...]]  # a rule and readings: what would be changed is listed under them


def scan_words(
    text: str,
    base: int,
    sink: Sink,
    judge: Judge,
    at: str,
    style: Style,
    *,
    module_hint: bool = False,
    stage: int | None = None,
    doubt: Doubt | None = None,
) -> int:
    """Scan `text`, which lies at offset `base` of the sink's text.  Returns how many bare mentions were passed over.

    `stage` overrides the stage of the edits, where the text repeats what the moved code itself says.  With `doubt` all
    that would be changed is listed.
    """
    bare = 0
    for start, end, token in judge.tokens(text):
        before = _before(text, start)
        rest = text[end : end + 40]
        hint: Hint = "module" if module_hint else hint_before(before, rest, style)
        if sink.path.endswith((".tf", ".hcl")) and _LABEL_BEFORE.fullmatch(before):
            hint = "unknown"
        heading = re.match(r"[ ]+\w[^`<>\n]*[`>]", text[end:])  # has words, and a label is one
        label = _OWN_NAME.search(before) and not heading
        if (rest.startswith("::") and ":" in token) or label:
            continue  # a directive of a documentation tool, `pkg:example::`
        token, end = trim(token, end)
        if sink.covered(base + start, base + end) or (hint == "path" and _cloned(token, before, sink, base + start)):
            continue
        if "/" in token and re.match(r"\\{1,2}\.py", rest):  # in a pattern: `pkg/part\.py$`
            found = judge.path(f"{token}.py", at, "path")
            if found is not None and found.kind == "change":
                new = found.new.removesuffix(".py")
                sink.edit(base + start, base + end, new, stage=3, rule="path.pattern", reason=found.reason)
                continue
        if _WEB.search(before) and hint != "module":
            _published(token, base + start, sink, judge, at)
            continue
        verdict = _judge(token, judge, at, hint, style, before)
        if verdict and verdict.rule in ("string.missing", "string.dynamic") and _CODE_BEFORE.search(before):
            verdict = replace(verdict, kind="change", reason="a name of code by its role", rule="string.context")
        if verdict is None or (verdict.rule == "path.missing" and style not in ("prose", "literal")):
            _unresolved(token, base + start, before, sink, style, judge)
            continue
        doubtful = (
            doubt
            or _field(before, style)
            or _table(before, style)
            or _model(token, before)
            or (("string.prefix", ("the beginning of something else",)) if _BEGUN.match(rest) else None)
            or _route(text, start, before)
        )
        if verdict.kind == "change" and doubtful:
            sink.list(base + start, doubtful[0], token, (f"a name in the moved code, now {verdict.new}", *doubtful[1]))
        elif verdict.kind == "change":
            logger = style == "command" and (re.search(r"qualname\s*=\s*$", before) or re.match(r"[\"']?:\s", rest))
            soon = logger or WARNING_FILTER.search(before) or (style == "command" and _MESSAGE.search(before))
            when = stage or (3 if soon else verdict.stage)
            when = 4 if _NOT_FOUND.search(before) else when
            sink.edit(base + start, base + end, verdict.new, stage=when, rule=verdict.rule, reason=verdict.reason)
            closed = _TOP_CLOSED.match(text, end)
            if closed and _TOP_BEFORE.search(before):
                _top_level(token, base + start, base + closed.end(), sink, judge, when)
        elif verdict.kind == "list":
            if verdict.rule == "string.folder" and style != "command":
                continue  # in prose it is the name, which stays
            if verdict.rule == "string.folder" and _among_folders(before, text[end:].partition("\n")[0], judge):
                reason = "it stands among folders and files of this tree"
                sink.edit(base + start, base + end, verdict.new, stage=3, rule="path.tracked", reason=reason)
                continue
            if verdict.rule == "string.bare" and style in ("prose", "literal", "anchored"):
                bare += 1
            else:
                sink.list(base + start, verdict.rule, token, verdict.readings)
        elif verdict.rule == "path.missing" or (
            verdict.rule == "string.missing" and (style != "prose" or _is_meant(token, before, judge))
        ):
            sink.list(base + start, verdict.rule, token, verdict.readings, severity="note")
    return bare


def _published(token: str, offset: int, sink: Sink, judge: Judge, at: str) -> None:
    """A name in the address of a page: others decide what it is called, and when; one that is made of code changes."""
    name = posixpath.basename(token).removesuffix(".html")
    found = judge.value(name, at) if "." in name else None
    if found is not None and found.kind == "change":
        readings = ("a page that is called like the code", f"a page that stays; the name is {found.new} afterwards")
        sink.list(offset, "url.name", token, readings, severity="note")


def _is_meant(token: str, before: str, judge: Judge) -> bool:
    """Whether prose means code by a name that nothing has: it is marked, or below a module, which is no plain word."""
    return bool(_MARKED.search(before)) or (judge.below_a_module(token) and not re.search(r"\w+://\S*$", before))


def _top_level(token: str, start: int, end: int, sink: Sink, judge: Judge, stage: int) -> None:
    """`__import__("a.b")` in code that is put together as text gives `a`, as it does in code (see `dynamic`)."""
    top = token.split(".")[0]
    new = judge.layout.new_module(top)
    if new is None:
        readings = (f"the package {top}", f"the package above {judge.layout.new_module(token)}")
        sink.list(start, "import.computed", token, readings, "change what is taken from the call", "error")
    elif "." in new:
        reason = f"the call gives the package above {new}"
        sink.edit(end, end, new[new.index(".") :], stage=stage, rule="string.top", reason=reason)


def _route(text: str, start: int, before: str) -> Doubt | None:
    """Why a `path:` may be that of an address, as serverless and Kubernetes write it: `http: {path: shop/cart}`."""
    if not re.search(r"(?:^|[\s{,])[\"']?path[\"']?:[ \t]*[\"']?$", before):
        return None
    near = [before, *text[:start].splitlines()[-5:-1]]
    return ("string.route", ("the path of an address",)) if any(map(_ADDRESS.search, near)) else None


def _field(before: str, style: Style) -> Doubt | None:
    """Why a name in a string may be none: it stands in a field, `"{pkg.part}".format(...)`, that somebody fills in."""
    if style != "literal" or not _FIELD_BEFORE.search(before):
        return None
    return "string.field", ("a field of a format or a template; what fills it in has this name",)


def _table(before: str, style: Style) -> Doubt | None:
    """Why a name in a command may be a table in a schema of that name."""
    if style != "command" or not _TABLE_BEFORE.search(before):
        return None
    return "string.sql", ("a table in a schema of that name",)


def _among_folders(before: str, rest: str, judge: Judge) -> bool:
    """Whether a word is one of a list, `SOURCES="pkg tests"`, of which all the others are tracked files or folders."""
    left = re.search(r"\w[ \t]*[:?]?=[ \t]*[\"']?(?P<words>(?:[\w./-]+[ \t]+)*)$", before)
    right = re.match(r"(?P<words>(?:[ \t]+[\w./-]+)*)[\"']?[ \t\r]*$", rest)
    others = [*left["words"].split(), *right["words"].split()] if left and right else []
    return bool(others) and all(judge.layout.existed(posixpath.normpath(w)) for w in others)


def _model(token: str, before: str) -> Doubt | None:
    """Why `- model: shop.cart` may be no module: data for Django says so which model a row is of."""
    if token.count(".") != 1 or not _MODEL_BEFORE.fullmatch(before):
        return None
    return "string.label", ("the label of an application, and a model, as in data for Django",)


def _cloned(token: str, before: str, sink: Sink, offset: int) -> bool:
    """`cd NAME` behind `git clone .../NAME`: the folder of the whole repository, not a package in it."""
    if "/" in token or not re.search(r"\bcd\s+[\"']?$", before):
        return False
    return bool(re.search(rf"\bgit\s+clone\b.*[/:]{re.escape(token)}(?:\.git)?[\s\"'`]", sink.body[:offset]))


def _before(text: str, start: int) -> str:
    """The line up to `start`, together with those above it that end in a backslash; for an item, the option above."""
    line = at = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    while at and (match := re.search(r"\\\r?\n\Z", text[max(0, at - 3) : at])):
        at -= len(match.group())
        at = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    if at == line and _ITEM.fullmatch(text[line:start]):
        above = text[:line].splitlines()[-12:]
        if not above or not _FLAG.fullmatch(above[-1]):
            return text[line:start]
        items = list(takewhile(lambda row: _ITEM.match(row), reversed(above)))
        return " ".join(re.sub(r"^[ \t]*-[ \t]+|[\"']", "", row).strip() for row in reversed(items)) + " "
    if at == line and re.match(r"[ \t]+-", text[line:start]):
        first = next((row for row in reversed(text[:line].splitlines()) if re.match(r"\S", row)), "")
        return ("addopts " if first.startswith("addopts") else "") + text[line:start]
    return _CONTINUED.sub(" ", text[at:start]) if at < line else text[line:start]


def hint_before(before: str, rest: str, style: Style) -> Hint:
    if _MEASURED_BEFORE.search(before):
        return "either"
    if _MODULE_BEFORE.search(before):
        return "module" if meaning(before) == "module" else "unknown"
    imported = _IMPORT_BEFORE.search(before)
    # "from" is also an English and an SQL word: in code, "import" follows.
    if imported and (not before.rstrip().endswith("from") or re.match(r"[\w.]*\s+c?import\b", rest)):
        return "module"
    if style in ("command", "config") and _PATH_BEFORE.search(before) and not _EXPRESSION_BEFORE.search(before):
        return "path"
    return "unknown"


def trim(token: str, end: int) -> tuple[str, int]:
    """Cut a pytest node id off its file, and a closing brace that belongs to the text around."""
    cut = token.find("::")
    if cut < 0 and token.endswith("}") and "{" not in token:
        cut = token.index("}")
    if cut < 0 and ":" in token and "/" in token.split(":")[0]:
        cut = token.index(":")  # a volume "src:dst", or "file.py:12"
    if cut < 0 and ":$" in token:
        cut = token.index(":$")  # a list of folders, "src:$PYTHONPATH"
    return (token, end) if cut < 0 else (token[:cut], end - (len(token) - cut))


def _judge(token: str, judge: Judge, at: str, hint: Hint, style: Style, before: str) -> Verdict | None:
    if re.match(r"[\w.]+:[\w-][^/]*/", token) and (asset := judge.value(token, at)) is not None:
        return asset
    project = re.search(r"(?:(?:^|\s)(?:-e|--editable)[=\s]+|\bpip3?\s+install\s+(?:\S+\s+)*)[\"']?$", before)
    if project and re.search(r"(?:-e|--editable)[=\s]+[\"']?$", before) and not judge.layout.plan.target:
        return judge.path(token, at, "path")  # the folder of a project
    if "/" not in token and not token.endswith(".py") and not (project and editable(judge.layout, token)):
        found = judge.value(token, at, hint)
        if found is None and hint == "path":  # programs that take a folder take a module, too
            found = judge.value(token, at)
            found = None if found is not None and found.kind == "none" else found
        distribution = _INSTALL_BEFORE.search(before) or meaning(before) == "distribution"
        bare = found and found.rule in ("string.bare", "string.folder")
        if bare and not judge.layout.plan.target and distribution:
            return None  # which keeps its name
        return found
    if token.startswith("/") and (style == "anchored" or _ROOTED.search(before)):
        found = judge.path(token[1:], ".gitignore")
        return found and _led(found, "/")
    variable = re.match(r"(?:\$\{?\w+\}?|\{\{?[^{}]*\}?\}|%\(\w+\)s)/", token)
    if project and (folder := editable(judge.layout, token[variable.end() :] if variable else token)):
        lead = variable.group() if variable else "./" * token.startswith("./")
        return Verdict("change", "its distribution is merged there", lead + folder, 4, "path.project")
    if variable:
        found = judge.path(token[variable.end() :], "x")
        return None if found is None or found.rule == "path.missing" else _led(found, variable.group())
    if re.search(r"\w+://\S*$", before):
        return None
    return judge.path(token, at, hint)


def _led(verdict: Verdict, lead: str) -> Verdict:
    return Verdict(verdict.kind, verdict.reason, lead + verdict.new, verdict.stage, verdict.rule, verdict.readings)


def _unresolved(token: str, offset: int, before: str, sink: Sink, style: Style, judge: Judge) -> None:
    """A path that names no tracked file: built or made elsewhere, or no path of this tree at all."""
    url = re.search(r"/$" if token.startswith("/") else r"\w+://\S*$", before)  # "//" begins a host or a label
    if (
        style in ("command", "config", "anchored")
        and "/" in token
        and not url
        and not _tracked(token, sink.path, judge)
    ):
        sink.list(
            offset,
            "path.unknown",
            token,
            ("a path that follows the move (in a container, a build folder)", "no path of it"),
            "no tracked file has this path",
        )


def _tracked(token: str, at: str, judge: Judge) -> bool:
    """Whether a path names files of this tree that stay where they are."""
    stem = token.split("*")[0].strip("/")
    places = [posixpath.normpath(posixpath.join(base, stem)) for base in ("", posixpath.dirname(at)) if stem]
    layout = judge.layout
    if any(layout.tree.exists(p) and layout.old_to_new_path(p) is None for p in places):
        return True
    inner = f"/{stem.removeprefix('./')}"  # from a folder that a setting names, as the pages of MkDocs are
    if inner.count("/") < 2 or inner.endswith((".py", ".pyi")) or "." not in posixpath.basename(inner):
        return False
    found = [p for p in layout.tree if p.endswith(inner)]
    return bool(found) and all(layout.old_to_new_path(p) is None for p in found)


def editable(layout: Layout, path: str) -> str | None:
    """Where `pip install -e PATH` finds the project afterwards, if PATH is the folder of a merged distribution."""
    target = layout.plan.target
    clean = posixpath.normpath(path)
    if target is not None and any(posixpath.dirname(k) == clean for k in layout.kept):
        return target.path
    return None


def note_bare(sink: Sink, count: int) -> None:
    sink.list(
        0,
        "word.bare",
        f"{count} bare mention{'s' if count > 1 else ''}",
        ("the package by its name", "a plain word"),
        "prose is left as it is",
        "note",
    )
