"""String literals of a Python file: which of them name moving code.

Position in the syntax tree gives the hint (an argument of `import_module`, a key of `sys.modules`, the word after "-m",
a part of a path); the `Judge` gives the evidence.  Quoted annotations and code inside strings are scanned as code,
docstrings as documents.  A bare package name without a hint is listed, not changed.
"""

from __future__ import annotations

import ast
import re
from typing import Literal

from ..classify import Hint, Verdict
from .calls import ATTRIBUTE_CALLS, DISTRIBUTION_CALLS, EVALUATING, INSTALLING
from .context import Context
from .distributions import listed, merged_names, normal, scan_distributions
from .documents import scan_docstring
from .escapes import scan_written, written, written_between
from .joins import after, before
from .offsets import Offsets, string_tokens
from .places import Places
from .relatives import scan_relative
from .scopes import Scope, Scopes
from .sink import Sink
from .snippets import scan_annotation, scan_snippet
from .words import Doubt, Style, editable, hint_before, scan_words

_LOGGED = re.compile(r"(?:^|\n|\\n)[ \t]*(?:DEBUG|INFO|WARNING|ERROR|CRITICAL|Level \d+):(?P<name>[^\W\d][\w.]*):")
_LEADING = re.compile(r"\w[\w.]*")
_TRAILING = re.compile(r"(?:\w[\w.]*)?\w$")
_GLUE_LEFT, _GLUE_RIGHT = re.compile(r"[\w.]$"), re.compile(r"\w")
# Statements of SQL, where `shop.total` is a column of a table; a name of code in it would be a value in quotes.
_SQL = re.compile(
    r"""[\s(]*(?:--[^\n]*\n\s*)*(?:
        select\s+\S.*?\sfrom\s | (?:insert|replace|merge)\s+into\s | update\s+\S+\s+(?:\w+\s+)?set\s | delete\s+from\s
        | (?:create|alter|drop|truncate)\s+(?:[a-z]+\s+){0,3}?(?:table|view|index|schema|trigger)\s
        | with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s*\( | (?:left|right|inner|outer|cross)?\s*join\s+\S+\s+on\s
        | where\s+\S+\s*(?:[=<>!]|in\b|like\b|is\b) | (?:order|group)\s+by\s)""",
    re.X | re.S | re.I,
)
_ROUTE = re.compile(r"\^|[\w-]+(?::[\w-]+)+\Z|[^\n]*\(\?P<")  # `^shop/`, `shop:cart`
_CODE = re.compile(r"(?:^|[\n;])[ \t]*(?:import|from)[ \t]+[\w.]+")


class Literals:
    def __init__(self, context: Context, sink: Sink, scopes: Scopes, offsets: Offsets, path: str) -> None:
        self.context, self.sink, self.scopes, self.at, self.path = context, sink, scopes, offsets, path
        self.judge, self.parents = context.judge, context.parents
        # Variables matter only where some string could be a name of moving code.
        follow = any(self.judge.mentioned(v) for v in context.string_values)
        self.places = Places(context, scopes, moves=context.layout.new_path(path) != path, follow=follow)
        self.merged = merged_names(context.layout)
        self.bare = 0

    def scan(self, docstrings: set[int], claimed: set[int]) -> int:
        for node, scope in self.scopes.annotations:
            if self.judge.mentioned(str(node.value)):
                self._annotation(node, scope)
        for node, scope in self.scopes.strings:
            if id(node) in claimed or scan_relative(self.context, self.sink, self.at, node, self.path):
                continue
            if any(normal(str(node.value)).find(name) >= 0 for name in self.merged):
                self._distributions(node)
            if not self.judge.mentioned(str(node.value)):
                continue
            call = self.context.parents.get(node)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "eval" and call.args[0] is node:
                if self.places.given(node):
                    self._literal(node)
                else:
                    self._annotation(node, scope)  # an expression over the names that are seen from here
            elif id(node) in docstrings:
                self.bare += scan_docstring(self.context, self.sink, self.at, node, self.path)
            else:
                self._literal(node)
        for joined in self.scopes.fstrings:
            self._fstring(joined)
        for call in self.context.of(ast.Call):
            if self.places.loggers(call):  # `loggers=dict(pkg=...)`: no keyword can be a dotted name
                for keyword in (k for k in call.keywords if k.arg in self.context.layout.old_names):
                    new = self.context.layout.new_module(str(keyword.arg))
                    readings = (f"the logger of {keyword.arg}, now {new}", "a logger of its own")
                    hint = "write a dictionary with a quoted key"
                    self.sink.list(
                        self.at.start(keyword.value), "name.keyword", str(keyword.arg), readings, hint, "error"
                    )
        return self.bare

    # literals

    def _literal(self, node: ast.Constant) -> None:
        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        if all(self.sink.covered(start + a, start + b) for a, b, _ in pieces):
            return
        whole = len(pieces) == 1 and self.at.source[start + pieces[0][0] : start + pieces[0][1]] == node.value
        doubt = self._meant(node)
        value, first = str(node.value), start + (pieces[0][0] if pieces else 0)
        if whole and doubt is None and self._whole(node, value, first):
            return
        runs, seen = self._run(node) if doubt is None else (False, False)
        if runs or _CODE.search(value):
            outer = self.context if seen else None
            if whole:
                done = scan_snippet(self.context, self.sink, [(value, first)], dedent=True, outer=outer)
            else:
                characters = written(self.at.source, start, pieces, value)
                done = characters is not None and scan_written(self.context, self.sink, characters, outer)
            if done:
                return
        hint = self.places.hint(node)
        stage = 3 if self.places.identity(node) else None
        style = "command" if self.places.command(node) else _style(value)
        for number, (a, b, raw) in enumerate(pieces):
            text = self.at.source[start + a : start + b]
            self._logged(text, start + a)
            left = self.at.source[start : start + pieces[number - 1][1]] if number else before(node, self.parents)
            right = self.at.source[start + pieces[number + 1][0] : end] if number + 1 < len(pieces) else None
            if right is None:
                right = after(node, self.parents) or ""
            alone = self._alone(text, start + a, left, right)
            self._piece(alone, start + a, raw, hint, stage, doubt, style)

    def _logged(self, text: str, base: int) -> None:
        """`INFO:pkg.part:message`, as `assertLogs` and the default format of logging show a record."""
        for match in _LOGGED.finditer(text):
            new = self.context.layout.new_module(match["name"])
            if new is not None:
                start, end = match.span("name")
                reason = f"the logger of {match['name']} is that of {new}"
                self.sink.edit(base + start, base + end, new, stage=3, rule="string.logged", reason=reason)

    def _whole(self, node: ast.Constant, text: str, first: int) -> bool:
        """A string that may be one name or one path, written at `first` without escapes; whether it is settled."""
        if self._alone(text, first, before(node, self.parents), after(node, self.parents) or "") != text:
            return False
        hint = self.places.hint(node)
        verdict = self.judge.value(text, self.path, hint)
        if verdict is None:
            return hint == "path" and self._file(node, text, first)
        if (group := self.places.group(node)) and verdict.rule != "path.tracked":
            return True
        if verdict.rule == "string.folder":
            self._folder(node, text, verdict, first)
            return True
        if verdict.kind != "none" and text.endswith(".") and hint != "module":
            return False  # the beginning of a name, or of something else
        doubt = self._doubt(node, text, verdict, hint, group) if verdict.kind == "change" else None
        if doubt is not None:
            self.sink.list(first, doubt[0], text, doubt[1])
        elif verdict.kind == "change":
            stage = 3 if self.places.identity(node) else verdict.stage
            self.sink.edit(first, first + len(text), verdict.new, stage=stage, rule=verdict.rule, reason=verdict.reason)
            self._application(node, text, verdict.new, first)
        elif self.places.own_label(node) and verdict.new.endswith(f".{text}"):
            return True  # the label stays as it is
        elif verdict.kind == "list" or verdict.rule in ("string.missing", "path.missing"):
            note = verdict.kind == "none" or self.places.is_key(node)
            severity: Literal["note", "warning"] = "note" if note else "warning"
            self.sink.list(first, verdict.rule, text, verdict.readings, severity=severity)
        return True

    def _folder(self, node: ast.Constant, text: str, verdict: Verdict, first: int) -> None:
        """The bare name of a package that only changes its folder: a path for a program, or a word."""
        command = self.places.words_before(node)
        if command and hint_before(command, "", "command") == "path":
            self.sink.edit(first, first + len(text), verdict.new, stage=3, rule="path.tracked", reason=verdict.reason)
        elif self.places.folder(node) is not False:
            self.sink.list(first, verdict.rule, text, verdict.readings, severity="warning" if command else "note")

    def _file(self, node: ast.Constant, text: str, first: int) -> bool:
        """`open("pkg.part")`: where a path is expected, what would be the name of a module is listed."""
        meant = self.judge.value(text, self.path)
        if isinstance(self.parents.get(node), ast.Attribute) or meant is None or meant.kind != "change":
            return False  # `Path("pkg.part".replace(".", "/"))` begins with the name
        self.sink.list(first, "path.name", text, ("a file of that name", f"the module, now {meant.new}"))
        return True

    def _doubt(
        self, node: ast.Constant, text: str, verdict: Verdict, hint: Hint, group: bool | None
    ) -> tuple[str, tuple[str, ...]] | None:
        """(rule, readings) where the place of a text makes another reading as likely as what it resolves to."""
        if verdict.rule == "path.tracked" and hint != "path" and not text.startswith("."):
            full = text.strip().strip("/")
            known = self.places.folder(node)
            dirs, new = self.context.layout.tree.dirs, self.context.layout.old_to_new_path(full)
            if (full in dirs or new in dirs) and (known is False or (known is None and "/" not in full)):
                return "path.folder", (f"the folder, now {verdict.new}", "a route, or a prefix of its own")
        if hint == "module" and self.places.variable(node, text.strip(), verdict.new.strip()):
            return "string.variable", (f"the module, now {verdict.new}", "the name of a variable, which others use")
        if group is None and text in self.context.world.groups:
            return "string.group", (f"the module, now {verdict.new}", "a group of entry points, which keeps its name")
        if verdict.rule == "string.resolves" and text.count(".") == 1 and self.places.label(node):
            return "string.label", (
                "the label of an application, and a model",
                f"a name in a module, now {verdict.new}",
            )
        if verdict.rule == "string.resolves" and self.places.measured(node):
            return "string.measured", ("a measurement, a span or a topic of that name", f"a name, now {verdict.new}")
        return None

    def _application(self, node: ast.Constant, old: str, new: str, first: int) -> None:
        """Django takes an application's label, and with it the names of tables, from the last part of its name."""
        before_, after_ = (name.strip().rpartition(".")[2] for name in (old, new))
        ours = self.places.application(node) and not self.places.labelled(node)
        if before_ != after_ and ours and self.context.resolver.is_module(old.strip()):
            readings = (f"its label was {before_!r}: keep that with `label` in its AppConfig", f"{after_!r} is wanted")
            self.sink.list(first, "django.label", old, readings)

    def _alone(self, text: str, first: int, left: str | None, right: str) -> str:
        """`text` with spaces in the place of words that only are parts of longer ones, because of what stands beside.

        What only running the code could tell is listed.
        """
        word = _LEADING.match(text)
        if word and left != "" and self._names(word.group()):
            if left is None:
                readings = ("the beginning of a name, if what is put before it is empty", "a part of a longer name")
                self.sink.list(first, "string.joined", word.group(), readings)
            if left is None or _GLUE_LEFT.search(left):
                text = " " * word.end() + text[word.end() :]
        word = _TRAILING.search(text)
        if word and _GLUE_RIGHT.match(right) and self._names(word.group()):
            longer = _LEADING.match(word.group() + right)
            assert longer is not None
            verdict = self.judge.value(longer.group(), self.path)
            if verdict is not None and verdict.kind != "none":
                self.sink.list(
                    first + word.start(), "string.joined", longer.group(), (f"{longer.group()}, now {verdict.new}",),
                    "a name in two pieces; edit it by hand", "error",
                )  # fmt: skip
            text = text[: word.start()] + " " * len(word.group()) + text[word.end() :]
        return text

    def _names(self, text: str) -> bool:
        return any(True for _ in self.judge.tokens(text))

    def _piece(
        self, text: str, base: int, raw: bool, hint: Hint, stage: int | None, doubt: Doubt | None, style: Style
    ) -> None:
        """One quoted piece as free text: prefixes of computed names, escaped dots of patterns, and words.

        Such text is shown or compared with what the moved code says of itself (a repr, a message), which changes with
        the move; a name that is imported by it may wait for stage 4.
        """
        shown_stage = stage or (None if hint == "module" else 3)
        # As a pattern has it, in a string with escapes or without.
        dot = "\\\\." if not raw and "\\\\." in text else "\\."
        pattern = r"(?<![\w.])([^\W\d]\w*(?:{0}[^\W\d]\w*)*){0}".format(re.escape(dot))
        for match in re.finditer(pattern, text) if dot in text else ():
            name = match[1].replace(dot, ".")
            new = self.context.layout.new_module(name)
            if new and (self.context.resolver.is_module(name)):
                self.sink.edit(
                    base + match.start(1),
                    base + match.end(1),
                    new.replace(".", dot),
                    stage=3,
                    rule="string.pattern",
                    reason=f"a pattern for names below {name}",
                )
        shown = text if raw else re.sub(r"\\.", "  ", text, flags=re.S)
        for match in re.finditer(r"(?<![\w./@-])([^\W\d]\w*(?:\.[^\W\d]\w*)*)\.(?=$|[%{])", shown):
            name = match[1]
            new = self.context.layout.new_module(name)
            if (
                new
                and self.context.resolver.is_module(name)
                and not self.sink.covered(base + match.start(1), base + match.end(1))
            ):
                if hint == "module":
                    self.sink.edit(
                        base + match.start(1),
                        base + match.end(1),
                        new,
                        stage=stage or 4,
                        rule="string.prefix",
                        reason=f"the beginning of a module's name below {name}",
                    )
                else:
                    self.sink.list(
                        base + match.start(1),
                        "string.prefix",
                        f"{name}.",
                        (f"the beginning of a name in {name}, now {new}.", "data that only looks like one"),
                    )
                    shown = shown[: match.start(1)] + " " * len(name) + shown[match.end(1) :]
        self.bare += scan_words(
            shown, base, self.sink, self.judge, self.path, style, module_hint=hint == "module", stage=shown_stage,
            doubt=doubt,
        )  # fmt: skip

    def _meant(self, node: ast.Constant) -> Doubt | None:
        """Why the names in a text may be others than those of modules."""
        call = self.parents.get(node)
        if isinstance(call, ast.Call) and node in call.args and self.context.called(call) in ATTRIBUTE_CALLS:
            return "string.attribute", ("attributes of an object that is called so",)
        if _ROUTE.match(str(node.value)) and self.places.folder(node) is False:
            return "string.route", ("a route, or the name of one",)
        if self.places.given(node) and not _CODE.search(str(node.value)):
            return "string.namespace", ("a name in the namespace that is given",)
        return _sql(str(node.value))

    def _run(self, node: ast.Constant) -> tuple[bool, bool]:
        """Whether the text is run as code, and whether that is among the names that are seen here."""
        call = self.parents.get(node)
        if not isinstance(call, ast.Call) or call.args[:1] != [node]:
            return False, False
        name = self.context.called(call)
        given = any(keyword.arg == "globals" for keyword in call.keywords)
        return name in EVALUATING, name in ("exec", "runctx") or (name in EVALUATING and given)

    def _annotation(self, node: ast.Constant, scope: Scope) -> None:
        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        if len(pieces) != 1 or self.at.source[start + pieces[0][0] : start + pieces[0][1]] != node.value:
            self._literal(node)
            return
        if not scan_annotation(self.context, self.sink, str(node.value), start + pieces[0][0], scope):
            self._literal(node)

    def _fstring(self, node: ast.JoinedStr) -> None:
        start, end = self.at.span(node)
        segment = self.at.source[start:end]
        if not self.judge.mentioned(segment):
            return
        from ..rewrite import string_parts  # libcst takes a quarter of a second to load

        hint = self.places.hint(node)
        doubt = _sql("".join(str(n.value) if isinstance(n, ast.Constant) else "x" for n in node.values))
        inner = {n.value: n for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        last = 0  # where the text before ends
        parts, done = string_parts(segment) or [], False
        if _CODE.search(segment) or "\\n" in segment:
            characters = written_between(self.at.source, start, parts, node)
            code = "".join(c for c, _ in characters or ())
            done = bool(_CODE.search(code)) and scan_written(self.context, self.sink, characters or [], None)
        for a, b, value in parts:
            if done and value is None:
                continue
            if value is not None and value in inner and self.judge.mentioned(value):
                self._whole(inner[value], value, start + a)
            elif self.judge.mentioned(segment[a:b]):
                # What follows a part is a computed value, so a trailing dot begins a computed name.
                left = segment[:last] if last else before(node, self.parents)
                left = None if "}" in segment[last:a] else left
                alone = self._alone(segment[a:b], start + a, left, "") if value is None else segment[a:b]
                stage = 3 if self.places.identity(node) else None
                self._piece(alone, start + a, False, hint, stage, doubt, _style(segment))
            last = b if value is None else last

    def _distributions(self, node: ast.Constant) -> None:
        """Names of merged distributions: the argument of `importlib.metadata.version` and its like, and commands."""
        start, end = self.at.span(node)
        pieces = string_tokens(self.at.source[start:end])
        call = self.context.parents.get(node)
        new = self.merged.get(normal(str(node.value)))
        first = isinstance(call, ast.Call) and call.args[:1] == [node]
        if new and first and isinstance(call, ast.Call) and self.context.called(call) in DISTRIBUTION_CALLS:
            for a, b, _ in pieces[:1] if len(pieces) == 1 else ():
                reason = f"the distribution {node.value!r} is now part of {new}"
                self.sink.edit(start + a, start + b, new, stage=4, rule="string.distribution", reason=reason)
            return
        if isinstance(call, ast.Call) and len(pieces) == 1 and self.context.called(call) in INSTALLING:
            written = self.at.source[start + pieces[0][0] : start + pieces[0][1]]
            self._installed(call, node, written, start + pieces[0][0])
        for a, b, _ in pieces:
            scan_distributions(self.context.layout, self.sink, self.at.source[start + a : start + b], start + a)

    def _installed(self, call: ast.Call, node: ast.Constant, text: str, first: int) -> None:
        """`session.install("-e", "pkg[dev]", "other>=1")`: a merged distribution by its folder or by its name."""
        match = re.match(r"(?P<name>[\w./-]+)(?P<extras>\[[^\]]*\])?", text)
        place = call.args.index(node) if node in call.args else 0
        option = getattr(call.args[place - 1], "value", "") if place else ""
        if match is None or option in ("-r", "-c"):
            return
        name, end = match["name"], first + match.end("name")
        if option in ("-e", "--editable") or "/" in name:
            folder = editable(self.context.layout, name)
            if folder is not None:
                written = "./" * name.startswith("./") + folder
                self.sink.edit(
                    first, end, written, stage=4, rule="path.project", reason="its distribution is merged there"
                )
        elif new := self.merged.get(normal(name)):
            reason = f"the distribution {name} is now part of {new}"
            self.sink.edit(first, end, new, stage=4, rule="distribution.command", reason=reason)
            if version := text[match.end() :].strip():
                listed(self.sink, first, name, version, new)


def _sql(text: str) -> Doubt | None:
    """The doubt about names in a statement of SQL."""
    return ("string.sql", ("a table and a column of it",)) if _SQL.match(text) else None


def _style(text: str) -> Style:
    """How a text is read: of code that does not parse, what is left of it, is listed word by word."""
    return "config" if _CODE.search(text) else "literal"
