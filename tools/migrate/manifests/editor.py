"""One TOML text under edit: small changes that keep every other byte.

Owns how a value is replaced, an array entry added or removed, a key put or dropped: commas, indentation, comments,
line ends, a trailing comma that was or was not there.  Each change leaves a note (what, why).  The text is scanned
again after a change, so no position is ever stale.  Knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from ..model import Edit, Finding
from .spans import Document, Header, Node, Pair, scan

_AFTER_ITEM = re.compile(r"[ \t]*(?P<comma>,)?[ \t]*(?P<comment>#[^\r\n]*)?")


class Editor:
    """`text` is the current text; `notes` and `findings` grow with each change."""

    def __init__(self, path: str, text: str, stage: int) -> None:
        self.path, self.text, self.stage = path, text, stage
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.notes: list[Edit] = []
        self.findings: list[Finding] = []
        self._doc: Document | None = None

    @property
    def doc(self) -> Document:
        if self._doc is None or self._doc.text != self.text:
            found = scan(self.text)
            if isinstance(found, str):
                raise ValueError(found)
            self._doc = found
        return self._doc

    def data(self) -> dict[str, Any]:
        return tomllib.loads(self.text)

    # notes

    def note(self, at: int, old: str, new: str, rule: str, reason: str) -> None:
        self.notes.append(Edit(0, 0, old, new, self.text.count("\n", 0, at) + 1, self.stage, rule, reason))

    def find(
        self,
        at: int,
        rule: str,
        text: str,
        readings: Sequence[str] = (),
        hint: str = "",
        severity: Literal["error", "warning", "note"] = "warning",
    ) -> None:
        line = self.text.count("\n", 0, at) + 1
        finding = Finding(self.path, line, rule, text, tuple(readings), hint, severity)
        if finding not in self.findings:
            self.findings.append(finding)

    # changes

    def splice(self, edits: Iterable[tuple[int, int, str]]) -> None:
        for start, end, new in sorted(edits, reverse=True):
            self.text = self.text[:start] + new + self.text[end:]

    def change(self, start: int, end: int, new: str, rule: str, reason: str) -> None:
        self.note(start, self.text[start:end], new, rule, reason)
        self.text = self.text[:start] + new + self.text[end:]

    def set_string(self, node: Node, value: str, rule: str, reason: str) -> None:
        """Another content for a string, in its own quotes where they can hold it."""
        if node.value != value:
            self.change(node.start, node.end, quoted(value, node.quote), rule, reason)

    def remove_item(self, array: Node, index: int, rule: str, reason: str) -> None:
        item = array.items[index]
        self.note(item.start, self.text[item.start : item.end], "", rule, reason)
        self.splice(_without_item(self.text, array, index, self.newline))

    def add_item(self, array: Node, raw: str, rule: str, reason: str) -> None:
        """A new last entry, laid out like the others."""
        text = self.text
        self.note(array.start, "", raw, rule, reason)
        if not array.items:
            self.splice([(array.start + 1, array.start + 1, raw)])
            return
        last = array.items[-1]
        after = _AFTER_ITEM.match(text, last.end)
        assert after is not None
        place = _comma(text, last.end, array.end)
        comma = after["comma"] is not None
        if place is not None and not comma:  # the comma stands on a line of its own
            self.splice([(place + 1, place + 1, f" {raw},")])
            return
        line = text[text.rfind("\n", 0, last.start) + 1 : last.start]
        if line.strip() == "" and "\n" in text[array.start : last.start]:
            indent = self.newline + line
            end = after.end()
            behind = text[last.end : end] if comma else "," + text[last.end : end]
            self.splice([(last.end, end, behind + indent + raw + ("," if comma else ""))])
        elif comma:
            end = last.end + text[last.end :].index(",") + 1
            self.splice([(end, end, f" {raw},")])
        else:
            self.splice([(last.end, last.end, f", {raw}")])

    def set_array(self, path: Sequence[str], wanted: Sequence[str], rule: str, reason: str) -> None:
        """Make the array of strings at `path` hold exactly `wanted`; entries that stay keep place and comment."""
        pair = self.doc.find(*path)
        if pair is None or pair.node.kind != "array":
            if wanted or pair is not None:
                self.put(path, list(wanted), rule, reason)
            return
        for index in range(len(pair.node.items) - 1, -1, -1):
            pair = self.doc.find(*path)
            assert pair is not None
            item = pair.node.items[index]
            if item.kind == "string" and item.value not in wanted:
                self.remove_item(pair.node, index, rule, reason)
        for value in wanted:
            pair = self.doc.find(*path)
            assert pair is not None
            if value not in [i.value for i in pair.node.items]:
                self.add_item(pair.node, quoted(value, '"'), rule, reason)

    def put(self, path: Sequence[str], value: Any, rule: str, reason: str) -> None:
        """Set the key at `path`, made where its siblings stand, or in a table of its own."""
        raw, doc, parent = value if isinstance(value, Raw) else toml_value(value), self.doc, tuple(path[:-1])
        pair = doc.find(*path)
        if pair is not None:
            if self.text[pair.node.start : pair.node.end] != raw:
                self.change(pair.node.start, pair.node.end, raw, rule, reason)
            return
        key = toml_key(path[-1])
        header = doc.header(*parent)
        inline = doc.find(*parent) if parent else None
        above = [h for h in doc.headers if len(h.path) < len(parent)]
        siblings = [p for h in above for p in h.pairs if p.path[: len(parent)] == parent]
        for size in range(1, len(parent)):
            outer = doc.find(*path[:size])
            if outer is not None and outer.node.kind == "table":  # nothing below an inline table has a header
                for name in reversed(path[size + 1 :]):
                    value = {name: value}
                self.put(path[: size + 1], value, rule, reason)
                return
        if header is not None:
            end, line = _end_of_body(self.text, header), f"{key} = {raw}"
        elif inline is not None and inline.node.kind == "table":
            place = inline.node.pairs[-1].node.end if inline.node.pairs else inline.node.start + 1
            self.note(place, "", f"{key} = {raw}", rule, reason)
            new = f", {key} = {raw}" if inline.node.pairs else f" {key} = {raw} "
            self.splice([(place, place, new)])
            return
        elif siblings:
            last = siblings[-1]
            owner = len(last.path) - len(last.keys)
            prefix = self.text[last.start : last.keys[len(parent) - owner].start] if len(parent) > owner else ""
            end, line = _line_end(self.text, last.node.end), f"{prefix}{key} = {raw}"
        else:
            related = [h for h in doc.headers if h.path[:1] == parent[:1]] or [doc.headers[-1]]
            if parent[:2] in {h.path[:2] for h in related} and len(parent) > 1:
                related = [h for h in related if h.path[:2] == parent[:2]]
            end = _end_of_body(self.text, related[-1])
            dotted = ".".join(toml_key(p) for p in parent)
            gap = self.newline if end else ""
            line = f"{gap}[{dotted}]{self.newline}{key} = {raw}"
        self.note(end, "", f"{key} = {raw}", rule, reason)
        if end and self.text[end - 1 : end] != "\n":
            line = self.newline + line
        self.splice([(end, end, line.replace("\n", self.newline).replace("\r\r", "\r") + self.newline)])

    def drop(self, pair: Pair, rule: str, reason: str) -> None:
        """Remove one `key = value`; a comment behind it stays as a line of its own."""
        self.note(pair.start, self.text[pair.start : pair.node.end], "", rule, reason)
        for owner in (x for x in self.doc.walk() if isinstance(x, Node) and x.kind == "table"):
            if any(p.path == pair.path for p in owner.pairs):
                index = [p.path for p in owner.pairs].index(pair.path)
                self.splice([_pair_span(owner, index)])
                return
        start, end = self.text.rfind("\n", 0, pair.start) + 1, _line_end(self.text, pair.node.end)
        comment = self.text[pair.node.end : end].strip()
        self.splice([(start, end, comment + self.newline if comment else "")])

    def drop_table(self, path: Sequence[str], rule: str, reason: str) -> None:
        """Remove the table at `path` with all below it, however it is written."""
        while True:
            doc, size = self.doc, len(path)
            header = next((h for h in doc.headers if h.path[:size] == tuple(path) and h.keys), None)
            pair = next((p for p in doc.pairs if p.path[:size] == tuple(path)), None)
            if header is not None:
                self.drop_header(header, rule, reason)
            elif pair is not None:
                self.drop(pair, rule, reason)
            else:
                return

    def drop_header(self, header: Header, rule: str, reason: str) -> None:
        """Remove a table: its header, its pairs, and the blank lines before it; comments inside go with it."""
        start, end = header.start, _end_of_body(self.text, header)
        self.note(start, self.text[start:end].strip(), "", rule, reason)
        before = self.text[:start].rstrip("\r\n \t")
        keep = self.newline if before else ""
        if not before:
            end += len(self.text[end:]) - len(self.text[end:].lstrip("\r\n"))
        self.text = before + keep + self.text[end:]

    def drop_if_empty(self, path: Sequence[str], rule: str, reason: str) -> None:
        header = self.doc.header(*path)
        below = [h for h in self.doc.headers if h.path[: len(path)] == tuple(path) and h is not header]
        if header is not None and not header.pairs and not below:
            self.drop_header(header, rule, reason)


class Raw(str):
    """TOML source rather than a value."""

    __slots__ = ()


def quoted(value: str, quote: str) -> str:
    """`value` as a TOML string in the quotes asked for, or in others where it needs escapes."""
    if "\n" not in value and "\\" not in value:
        for mark in (quote[:1], '"', "'"):
            if mark and mark not in value:
                return mark + value + mark
    return _spelled(value)


def toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name, '"')


def toml_value(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value, '"')
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        parts = [toml_value(v) for v in value]
        line = f"[{', '.join(parts)}]"
        return line if len(line) <= 88 else "[\n" + "".join(f"    {p},\n" for p in parts) + "]"
    if isinstance(value, dict):
        inner = ", ".join(f"{toml_key(k)} = {toml_value(v)}" for k, v in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return _spelled(value)


def _spelled(value: Any) -> str:
    import tomlkit  # few values need it

    return str(tomlkit.item(value).as_string())


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _end_of_body(text: str, header: Header) -> int:
    return _line_end(text, header.pairs[-1].node.end) if header.pairs else header.end


def _comma(text: str, start: int, end: int) -> int | None:
    """Where the comma behind a value stands, comments passed over."""
    while start < end:
        if text[start] == ",":
            return start
        if text[start] == "#":
            start = _line_end(text, start)
        elif text[start].isspace():
            start += 1
        else:
            return None
    return None


def _pair_span(owner: Node, index: int) -> tuple[int, int, str]:
    pair = owner.pairs[index]
    if index:
        return owner.pairs[index - 1].node.end, pair.node.end, ""
    if len(owner.pairs) > 1:
        return pair.start, owner.pairs[1].start, ""
    return owner.start + 1, owner.end - 1, ""


def _without_item(text: str, array: Node, index: int, newline: str) -> list[tuple[int, int, str]]:
    item = array.items[index]
    last = index == len(array.items) - 1
    after = _AFTER_ITEM.match(text, item.end)
    assert after is not None
    place = _comma(text, item.end, array.end if last else array.items[index + 1].start)
    if place is not None and after["comma"] is None:  # the comma stands on another line: both go, nothing else
        return [(item.start, item.end, ""), (place, place + 1, "")]
    line_start = text.rfind("\n", 0, item.start) + 1
    line_end = _line_end(text, after.end())
    alone = text[line_start : item.start].strip() == "" and text[after.end() : line_end].strip() == ""
    if alone and line_start > array.start:
        indent = text[line_start : item.start]
        edits = [(line_start, line_end, f"{indent}{after['comment']}{newline}" if after["comment"] else "")]
        if last and index and after["comma"] is None:  # no trailing comma was there: leave none
            previous = _AFTER_ITEM.match(text, array.items[index - 1].end)
            if previous is not None and previous["comma"]:
                edits.append((previous.start("comma"), previous.end("comma"), ""))
        return edits
    if index:
        gap = text[array.items[index - 1].end : item.start]
        if "#" in gap or ("\n" in gap and not last):  # what stands between belongs to the entry before
            end = after.end("comma") if after["comma"] else item.end
            return [(item.start, end + len(text[end:]) - len(text[end:].lstrip(" \t")), "")]
        return [(array.items[index - 1].end, item.end, "")]
    if not last:
        following = array.items[1].start
        gap = text[item.end : following]
        return [(item.start, following if "#" not in gap and "\n" not in gap else after.end("comma"), "")]
    end = after.end("comma") if after["comma"] else item.end
    if after["comment"]:
        return [(item.start, end, "")]
    return (
        [(array.start + 1, array.end - 1, "")] if text[end : array.end - 1].strip() == "" else [(item.start, end, "")]
    )
