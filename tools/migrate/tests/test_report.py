"""The report's faces: JSON and back, text, HTML page, GitHub annotations."""

from __future__ import annotations

import dataclasses
import html.parser
import io
import itertools
import json
import re
import time
from typing import Any

import pytest
from rich.console import Console

from tools.migrate.model import Finding, Refused
from tools.migrate.page import render_html
from tools.migrate.report import (
    SCHEMA,
    Report,
    StageSummary,
    gate_text,
    printable,
    render_github,
    render_text,
)
from tools.migrate.tests.report_samples import HOSTILE, hostile_report, sample_findings, sample_report


def text_of(report: Report, **options: Any) -> str:
    stream = io.StringIO()
    render_text(report, Console(file=stream, width=options.pop("width", 100), **options))
    return stream.getvalue()


def embedded(page: str) -> Any:
    """What the page's script reads."""
    return json.loads(page.partition('id="edit-data">')[2].partition("</script>")[0])


class Outline(html.parser.HTMLParser):
    """Tags that are open, ids, and what the browser would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("report", [sample_report(), hostile_report(), Report(plan="p", plan_hash="", root_name="r")])
def test_a_report_reads_back_equal_from_its_json(report: Report) -> None:
    assert Report.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_what_json_cannot_hold_is_normalised_when_the_report_is_made() -> None:
    report = Report(
        plan="p", plan_hash="", root_name="r", gates=({"broken": ("b",), "seen": {"z", "a"}},), graph={"n": (1,)}
    )
    assert report.gates == ({"broken": ["b"], "seen": ["a", "z"]},)
    assert Report.from_dict(json.loads(json.dumps(report.as_dict()))) == report


@pytest.mark.parametrize(
    "change", [{"schema": SCHEMA + 1}, {"schema": None}, {"moves": None}, {"moves": [{"source": "a"}]}, {"extra": 1}]
)
def test_another_document_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="write it again"):
        Report.from_dict(sample_report().as_dict() | change)


def test_a_document_without_a_part_is_refused() -> None:
    data = sample_report().as_dict()
    del data["edits"]
    with pytest.raises(Refused, match="edits"):
        Report.from_dict(data)


def test_the_page_is_well_formed_self_contained_and_accessible() -> None:
    page = Outline(render_html(sample_report()))
    assert page.open == []
    assert not {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "base"}
    for tag, attrs in page.tags:
        assert not {name for name in attrs if name.startswith("on")}, tag
        assert "src" not in attrs
        assert (attrs.get("href") or "#").startswith("#")
        assert tag != "th" or attrs.get("scope")
        assert tag not in {"input", "select"} or attrs.get("aria-label") or attrs.get("type") == "radio"
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in page.tags:
        for name in ("href", "aria-labelledby", "data-filter"):
            if attrs.get(name):
                assert str(attrs[name]).lstrip("#") in ids
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_the_page_says_all_that_the_report_holds() -> None:
    report = sample_report()
    page = render_html(report)
    text = "".join(Outline(page).text)
    wanted = (
        [m.target for m in report.moves]
        + [f"{f.path}:{f.line}" for f in report.findings]
        + [f.path for f in report.edits]
    )
    wanted += [r for f in report.findings for r in f.readings] + [
        subject for s in report.stages for _, subject in s.commits
    ]
    wanted += [
        "tests/test_feed.py::test_reconnect",
        "Do not squash-merge",
        "rollback --to 3",
        "Shim",
        "Gate",
        *report.bisect,
        "2027-03-31",
        "platform team",
        "left as it is: a topic of the exchange",
    ]
    assert [w for w in wanted if w not in text] == []
    files = embedded(page)["files"]
    assert [f["path"] for f in files] == [f.path for f in report.edits]
    assert [e[3] for f in files for e in f["edits"]] == [e.reason for f in report.edits for e in f.edits]
    shown = {line for f in files for _, _, before, after, _, _ in f["hunks"] for line in (*before, *after)}
    assert [e.new for f in report.edits for e in f.edits if not any(e.new in line for line in shown)] == []


def test_hostile_names_are_text_and_nothing_else() -> None:
    page = render_html(hostile_report())
    scripts = [attrs.get("type") for tag, attrs in Outline(page).tags if tag == "script"]
    assert scripts == ["application/json", None]
    assert "<script>alert" not in page
    assert "49[red]" not in page
    assert "".join(Outline(page).text).count(HOSTILE) > 25
    data = embedded(page)
    assert data["files"][0]["path"] == data["members"][0] == data["owners"][0] == data["rules"][0][0] == HOSTILE


def test_invisible_and_reordering_characters_are_shown() -> None:
    finding = Finding("a\u202eyp.b", 1, "r", "nul \x00 esc \x1b[2J half \udc80 bom \ufeff cr \r")
    report = dataclasses.replace(sample_report(), findings=(finding,), root_name="caf\u00e9 \u8cc7")
    for shown in (render_html(report), text_of(report), render_github(report.findings)):
        assert not set("\u202e\x00\x1b\udc80\ufeff\r") & set(shown)
        assert "a\\u202eyp.b" in shown and "\\x1b[2J" in shown and "\\udc80" in shown
    assert "caf\u00e9 \u8cc7" in render_html(report)


@pytest.mark.parametrize(
    "text", ["plain", "caf\u00e9", "\u8cc7\u6599", "a b", 'it\'s "quoted" <b>', "\\x1b", "\U0001f600\u200d"]
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_output_is_the_same_every_time() -> None:
    one, two = sample_report(), Report.from_dict(json.loads(json.dumps(sample_report().as_dict(), sort_keys=True)))
    assert render_html(one) == render_html(two)
    assert text_of(one) == text_of(two)
    assert render_github(one.findings) == render_github(two.findings)


def test_a_big_report_is_rendered_in_less_than_two_seconds() -> None:
    report = sample_report(files=1000, total=5000)
    started = time.process_time()
    page = render_html(report)
    text_of(report)
    json.dumps(report.as_dict())
    assert time.process_time() - started < 2
    assert sum(len(file["edits"]) for file in embedded(page)["files"]) == 5000
    assert len(page) < 4_000_000


def test_text_is_plain_without_a_terminal_and_colourless_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in text_of(sample_report())
    assert "\x1b[32m" in text_of(sample_report(), force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = text_of(sample_report(), force_terminal=True, color_system="standard")
    assert not re.search(r"\x1b\[[\d;]*(?:3\d|4\d|9\d|10\d)m", shown)


def test_text_tells_a_newcomer_what_matters() -> None:
    shown = text_of(sample_report(), width=80)
    assert shown.splitlines()[0] == "Migration unify-types of alphapulse (plan 3f2a1bc9e87d)"
    for part in (
        "protocol_v2 -> libs.types.protocol",
        "4 integrate",
        "9 places wait for a person",
        "either: the import name of",
        "or:     the name of the exchange",
        "Already broken before the move: 2",
        "ConnectionRefusedError: [Errno 111]",
        "rollback --to 4   the tree as it was before stage 4 (integrate)",
        "Do not squash",
        "Next: validate",
    ):
        assert part in shown
    assert (
        shown.index("registry.py:88: error") < shown.index("topics_0.py:14: warning") < shown.index("0000.md:5: note")
    )
    assert "\nmore" not in shown


def test_text_takes_brackets_literally_and_fits_a_narrow_encoding() -> None:
    assert HOSTILE in text_of(hostile_report())
    stream = io.TextIOWrapper(raw := io.BytesIO(), encoding="ascii")
    render_text(dataclasses.replace(sample_report(), root_name="caf\u00e9"), Console(file=stream, width=100))
    stream.flush()
    assert b"caf\\xe9" in raw.getvalue()


def test_github_annotations_are_escaped() -> None:
    found = (Finding("a,b:c%.py", 0, "r:1", "50% of\nthis", ("x", "y"), "hint"), *sample_findings())
    lines = render_github(found).splitlines()
    assert lines[0] == "::warning file=a%2Cb%3Ac%25.py,line=1,title=r%3A1::50%25 of%0Athis%0Aeither: x%0Aor: y%0Ahint"
    assert [line.split()[0] for line in lines[1:]] == ["::error"] * 3 + ["::warning"] * 6 + ["::notice"] * 3
    assert render_github(()) == ""


@pytest.mark.parametrize(
    ("states", "findings", "level", "words"),
    [
        (("done", "next", "waiting"), (), "good", "1 stage is done, 2 to go"),
        (("done", "done", "done"), (), "good", "All stages are done"),
        (("done", "done", "done"), sample_findings(), "warn", "9 places wait"),
        (("done", "failed", "waiting"), (), "bad", "Stage 2 (b) failed"),
        ((), (), "good", "0 places wait"),
    ],
)
def test_the_verdict(states: tuple[Any, ...], findings: tuple[Finding, ...], level: str, words: str) -> None:
    stages = tuple(StageSummary(n, name, state) for n, (name, state) in enumerate(zip("abc", states, strict=False), 1))
    report = Report(plan="p", plan_hash="", root_name="r", stages=stages, findings=findings)
    assert report.verdict[0] == level
    assert words in report.verdict[1]
    assert words in render_html(report)


def test_stages_without_commits_are_not_undone() -> None:
    assert [command[-1] for command, _ in sample_report().undo] == ["4", "3"]
    assert Report(plan="p", plan_hash="", root_name="r").undo == ()


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        ({}, "no worse than before"),
        ({"ok": True, "already_broken": ["a"]}, "no worse than before; 1 test failed before, too"),
        ({"ok": False, "broken": ["a", "b"]}, "worse than before; 2 tests broken by the move"),
        ({"missing": ["a"], "reason": "exit 4"}, "worse than before; 1 test did not run any more; exit 4"),
    ],
)
def test_a_gate_in_a_sentence(gate: dict[str, Any], expected: str) -> None:
    assert gate_text(gate) == expected


def test_a_gate_without_tests_counts_as_broken_as_a_whole() -> None:
    gates = [{"command": "make check", "exit_code": 2}, {"command": "true", "exit_code": 0}]
    report = Report(plan="p", plan_hash="", root_name="r", baseline={"gates": gates})
    assert report.already_broken == (("make check", "the command as a whole", "exit code 2"),)
