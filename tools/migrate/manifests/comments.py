"""Comments in TOML files that name moving code.

Owns finding comments (a `#` outside of strings) and judging the words in them.  A path or a dotted name that
resolves follows the move; a bare package name in prose is only noted.
"""

from __future__ import annotations

import re

from .editor import Editor
from .facts import Context
from .sections import hits
from .spans import Node


def rewrite_comments(editor: Editor, context: Context) -> None:
    if not context.judge.mentioned(editor.text):
        return
    strings = sorted((n.start, n.end) for n in editor.doc.walk() if isinstance(n, Node) and n.kind == "string")
    strings += sorted((s.start, s.end) for s in editor.doc.segments())
    edits = []
    for match in re.finditer(r"#[^\r\n]*", _masked(editor.text, strings)):
        comment = editor.text[match.start() : match.end()]
        for hit in hits(comment, editor.path, context, "prose"):
            start = match.start() + hit.start
            # comments never break a build, so all of them wait for stage 4
            if hit.verdict.kind == "change":
                edits.append((start, match.start() + hit.end, hit.verdict.new))
                editor.note(start, hit.token, hit.verdict.new, "toml.comment", hit.verdict.reason)
            elif hit.verdict.kind == "list":
                editor.find(start, "toml.comment", comment, hit.verdict.readings, hit.verdict.reason, "note")
    editor.splice(edits)


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """The text with the content of strings and keys blanked, so that a `#` in them is none."""
    out, at = [], 0
    for start, end in sorted(spans):
        if start < at:
            continue
        out += [text[at:start], re.sub(r"[^\r\n]", " ", text[start:end])]
        at = end
    return "".join([*out, text[at:]])
