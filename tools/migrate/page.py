"""The report as one HTML page that a reviewer reads before approving: nothing to load, no server, no network.

Owns what goes into the page and how it is escaped.  The template is markup, `report.css` the looks, `report.js` the
behaviour; the edits are JSON inside the page, from which the script makes markup when somebody opens a file, so that
thousands of them cost nothing until then.  Everything else is there without a script.

Texts come from other people's files.  jinja2 escapes them in markup; in the JSON, which is ASCII, `<`, `>` and `&` are
written as escapes, so no text can end it; the script only ever sets them as text.  The page's policy lets nothing run
but that script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from .environ import COMMAND
from .model import STAGE_NAMES, Finding, counted
from .report import SEVERITIES, Report, gate_text, name_counts, printable
from .rules import CONFIDENCES, rule

STAGE_DOES = {
    1: "Finds every use of the moving packages and records what is already broken. Changes nothing.",
    2: "Writes the plan: the new layout, every edit with its reason, every collision. Changes nothing.",
    3: "Moves the files with git mv and leaves shims at the old names.",
    4: "Rewrites imports, references and manifests of everything that uses an old name.",
    5: "Runs the gates again, imports every module and compares the public names. Changes nothing.",
    6: "Removes the shims, emptied folders and replaced manifests.",
}
GLOSSARY = {
    "Stage": "One of the six steps of a migration. Each one ends with passing gates or leaves no trace.",
    "Shim": "A small module at an old name that gives the very same objects and warns whoever imports it.",
    "Gate": "A command, such as the test suite, that must not be worse after a stage than it was before.",
    "Member": "A distribution of the repository, by its manifest; what is in none counts to its top folder.",
    "Owner": "Whom the CODEOWNERS file of the repository names for a path.",
}


def render_html(report: Report) -> str:
    """The page.  The same report always gives the same bytes."""
    # These take longer to import than the rest of the tool; who asks for text need not wait for them.
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"gate_text": gate_text, "sha256": _sha256, "counted": counted}
    template = environment.from_string(_part("report.html.j2"))
    data = edit_data(report)
    edits = [edit for file in report.edits for edit in file.edits]
    kinds, sure = Counter(rule(e.rule).kind for e in edits), Counter(rule(e.rule).confidence for e in edits)
    page = template.render(
        report=report,
        verdict=report.verdict,
        stage_does=STAGE_DOES,
        stage_names=STAGE_NAMES,
        glossary=GLOSSARY,
        # Markup: the drawings are escaped where they are made, the two files are this package's own.
        drawings=[(name, Markup(svg)) for name, svg in _drawings(report)],
        script=Markup(_part("report.js")),
        style=Markup(_part("report.css")),
        data=Markup(_inert(data)),
        grouped=_is_grouped(report),
        command=COMMAND,
        groups=_groups(report.findings),
        rules=sorted({f.rule for f in report.findings}),
        edit_count=len(edits),
        kinds=sorted(kinds.items()),
        confidences=[(c, about, sure[c]) for c, about in CONFIDENCES.items() if sure[c]],
        members=data["members"],
        owners=data["owners"],
        name_counts=name_counts(report),
        edit_stages=sorted({edit.stage for edit in edits}),
        commits=sum(len(s.commits) for s in report.stages),
        moved=sum(s.moved for s in report.stages),
        seconds=sum(s.seconds for s in report.stages),
        baseline=report.baseline.get("gates", ()),
    )
    return printable(page, one_line=False)


def edit_data(report: Report) -> dict[str, Any]:
    """What the script needs of the edits; names that come again and again are numbers into lists."""
    members, owners = _Numbers(report.members.values()), _Numbers(o for found in report.owners.values() for o in found)
    rules = _Numbers(e.rule for f in report.edits for e in f.edits)
    listed = []
    for file in report.edits:
        listed.append(
            {
                "path": printable(file.path),
                "to": printable(file.new_path) if file.new_path != file.path else "",
                "member": members.of(report.members.get(file.path, "")),
                "owners": [owners.of(owner) for owner in report.owners.get(file.path, ())],
                "edits": [[e.line, e.stage, rules.of(e.rule), printable(e.reason)] for e in file.edits],
                "hunks": [
                    [h.line, _lines(h.above), _lines(h.before), _lines(h.after), _lines(h.below), list(h.edits)]
                    for h in file.hunks
                ],
            }
        )
    return {
        "files": listed,
        "members": members.texts,
        "owners": owners.texts,
        "stages": {str(number): name for number, name in STAGE_NAMES.items()},
        "rules": [[printable(n), rule(n).kind, rule(n).confidence, rule(n).about] for n in rules.names],
    }


class _Numbers:
    """Names, sorted, and the number of each; -1 for what is not among them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))
        self.texts = [printable(name) for name in self.names]
        self._number = {name: number for number, name in enumerate(self.names)}

    def of(self, name: str) -> int:
        return self._number.get(name, -1)


def _groups(findings: Iterable[Finding]) -> list[tuple[str, str, list[Finding]]]:
    by_severity = {severity: [f for f in findings if f.severity == severity] for severity in SEVERITIES}
    return [(severity, about, by_severity[severity]) for severity, about in SEVERITIES.items() if by_severity[severity]]


def _drawings(report: Report) -> list[tuple[str, str]]:
    """The graph as it is, and as it will be: the same packages under their new names."""
    from . import graph

    before = graph.from_json(report.graph)
    if not before:
        return []
    after = graph.renamed(before, {m.source: m.target for m in report.moves})
    return [
        ("before", graph.to_svg(before, {name for m in report.moves for name in (m.source, m.path)})),
        ("after", graph.to_svg(after, {name for m in report.moves for name in (m.target, m.to_path)})),
    ]


def _is_grouped(report: Report) -> bool:
    from .graph import MAX_NODES

    return len(report.graph.get("nodes", ())) > MAX_NODES


def _lines(lines: Iterable[str]) -> list[str]:
    return [printable(line, one_line=False) for line in lines]


def _inert(data: object) -> str:
    """JSON in which no text can end the element that holds it."""
    text = json.dumps(data, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _part(name: str) -> str:
    return (files("tools.migrate") / "templates" / name).read_text("utf-8")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
