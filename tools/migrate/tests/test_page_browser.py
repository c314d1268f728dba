"""The report in a real browser: it opens, filters, zooms, obeys the keyboard, and writes nothing to the console."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.migrate.page import render_html
from tools.migrate.report import Report
from tools.migrate.tests import browser
from tools.migrate.tests.report_samples import HOSTILE, hostile_report, sample_report

pytestmark = pytest.mark.skipif(browser.executable() is None, reason="there is no Chromium on this machine")

EDITS = "document.querySelectorAll('#edits-list > details').length"


@pytest.fixture(scope="module")
def page() -> Iterator[browser.Page]:
    with browser.page() as opened:
        yield opened


@pytest.fixture(autouse=True)
def quiet(page: browser.Page) -> Iterator[None]:
    page.problems.clear()
    yield
    assert page.problems == []


def show(page: browser.Page, folder: Path, report: Report, *, dark: bool = False) -> None:
    file = folder / "report.html"
    file.write_text(render_html(report), encoding="utf-8")
    page.open(file, dark=dark)


def test_a_file_opens_and_shows_its_edits_as_a_diff(page: browser.Page, tmp_path: Path) -> None:
    report = sample_report()
    show(page, tmp_path, report)
    assert page.run(EDITS) == len(report.edits)
    assert page.run("document.querySelectorAll('.hunk').length") == 0
    page.click("#edits-list summary")
    page.wait("document.querySelector('#edits-list details').open && document.querySelector('.hunk')")
    file = report.edits[0]
    shown = page.run("document.querySelector('.hunks').innerText")
    assert all(edit.reason in shown for edit in file.edits)
    assert [line for hunk in file.hunks for line in (*hunk.before, *hunk.after) if line not in shown] == []
    assert page.run("document.querySelector('.row.del mark').textContent") != ""


def test_edits_are_filtered_by_member_owner_kind_and_confidence(page: browser.Page, tmp_path: Path) -> None:
    report = sample_report()
    show(page, tmp_path, report)
    document = report.as_dict()
    for name, wanted in (
        ("kind", lambda f, e: e["kind"] == "manifest"),
        ("confidence", lambda f, e: e["confidence"] == "strong"),
        ("stage", lambda f, e: e["stage"] == 3),
        ("member", lambda f, e: report.members[f["path"]] == "services/gateway"),
        ("owner", lambda f, e: "@feeds" in report.owners.get(f["path"], [])),
    ):
        query = f"#edits-filter select[name={name}]"
        value = {"kind": "manifest", "confidence": "strong", "stage": "3"}.get(name)
        if value is None:
            text = "services/gateway" if name == "member" else "@feeds"
            value = page.run(f"[...document.querySelectorAll('{query} option')].find(o => o.text === '{text}').value")
        page.choose(query, value)
        page.wait("document.querySelector('#edits-filter output').textContent")
        # Edits in one line are one hunk, which is shown as a whole.
        least = sum(wanted(f, e) for f in document["edits"] for e in f["edits"])
        files = sum(any(wanted(f, e) for e in f["edits"]) for f in document["edits"])
        said = page.run("document.querySelector('#edits-filter output').textContent")
        numbers = re.match(r"(\d+) edits? in (\d+) files?", said)
        assert numbers, said
        assert int(numbers[2]) == files == page.run(EDITS) and least <= int(numbers[1]) <= least + 10, (name, said)
        page.click("#edits-filter button[type=reset]")
        page.wait("!document.querySelector('#edits-filter output').textContent")
    page.choose("#edits-filter input", "no-such-text-anywhere")
    page.wait(f"{EDITS} === 0")


def test_the_list_for_a_person_is_filtered(page: browser.Page, tmp_path: Path) -> None:
    report = sample_report()
    show(page, tmp_path, report)
    shown = "[...document.querySelectorAll('#findings-list .finding')].filter(n => n.offsetParent).length"
    assert page.run(shown) == len(report.findings)
    page.choose("[data-filter] select[name=severity]", "error")
    assert page.run(shown) == sum(f.severity == "error" for f in report.findings)
    page.choose("[data-filter] select[name=severity]", "")
    page.choose("[data-filter] select[name=owners]", "@feeds")
    assert page.run(shown) == sum("@feeds" in report.owners.get(f.path, []) for f in report.findings) > 0


def test_the_keyboard_is_enough(page: browser.Page, tmp_path: Path) -> None:
    show(page, tmp_path, sample_report())
    page.run("document.querySelector('#edits-list summary').focus()")
    page.press("Enter")
    page.wait("document.querySelector('.hunk')")
    width = "document.querySelector('[data-drawing]:not([hidden]) svg').getBoundingClientRect().width"
    page.run("document.querySelector('[data-drawing]:not([hidden]) .drawing').focus()")
    before = page.run(width)
    page.press("+")
    assert page.run(width) == pytest.approx(before * 1.25)
    page.press("0")
    assert page.run(width) == pytest.approx(before)
    show(page, tmp_path, sample_report())
    seen = set()
    for _ in range(40):
        page.press("Tab")
        seen.add(page.run("document.activeElement.tagName"))
    assert {"A", "INPUT", "SELECT", "BUTTON"} <= seen


def test_the_drawing_before_and_after(page: browser.Page, tmp_path: Path) -> None:
    show(page, tmp_path, sample_report())
    shown = "document.querySelector('[data-drawing]:not([hidden])')"
    page.click("input[name=drawing][value=before]")
    assert "libs.types.protocol" not in page.run(f"{shown}.querySelector('svg').textContent")
    page.click("input[name=drawing][value=after]")
    assert "libs.types.protocol" in page.run(f"{shown}.querySelector('svg').textContent")
    page.run(f"{shown}.querySelector('select').selectedIndex = 1")
    page.run(f"{shown}.querySelector('select').dispatchEvent(new Event('change'))")
    assert page.run(f"{shown}.querySelector('svg').classList.contains('chosen')")
    assert page.run(f"{shown}.querySelectorAll('.dim').length") > 0


def test_a_screen_reader_is_told_what_is_what(page: browser.Page, tmp_path: Path) -> None:
    show(page, tmp_path, sample_report())
    page.click("#edits-list summary")
    page.wait("document.querySelector('.hunk')")
    told = page.accessible()
    nameless = [
        role for role, name in told if role in ("button", "link", "combobox", "searchbox", "radio") and not name
    ]
    assert nameless == []
    assert ("heading", "What waits for a person") in told and ("main", "") in told
    assert any(role == "region" and "Dependencies" in name for role, name in told)
    texts = [name for _, name in told]
    assert {"before:", "after:"} <= {text.strip() for text in texts}


def test_nothing_hostile_runs(page: browser.Page, tmp_path: Path) -> None:
    show(page, tmp_path, hostile_report())
    page.run("window.alert = () => { throw new Error('it ran'); }")
    page.click("#edits-list summary")
    page.wait("document.querySelector('.hunk')")
    assert page.run("document.querySelectorAll('script').length") == 2
    assert page.run("document.body.innerText").count(HOSTILE) > 25
    assert HOSTILE in page.run("document.querySelector('.hunks').innerText")
    page.choose("#edits-filter input", HOSTILE)
    page.wait("document.querySelector('#edits-filter output').textContent.startsWith('1 edit')")


def test_five_thousand_edits_stay_quick(page: browser.Page, tmp_path: Path) -> None:
    report = sample_report(files=1200, total=5000)
    started = time.perf_counter()
    show(page, tmp_path, report)
    assert page.run(EDITS) == 100
    assert time.perf_counter() - started < 6  # about one second on two idle cores; rendering is most of it
    took = page.run(
        "(() => { const t = performance.now(); document.querySelector('[data-open=yes]').click();"
        " document.body.offsetHeight; return performance.now() - t; })()"
    )
    assert took < 1500, took
    page.choose("#edits-filter select[name=kind]", "import")
    page.wait("document.querySelector('#edits-filter output').textContent")
    page.click("#edits-more")
    page.wait(f"{EDITS} === 200")
    assert page.run("document.activeElement.tagName") == "SUMMARY"


def test_it_is_readable_in_the_dark_and_on_a_narrow_screen(page: browser.Page, tmp_path: Path) -> None:
    show(page, tmp_path, sample_report(), dark=True)
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 26)"
    file = tmp_path / "report.html"
    page.open(file, width=420, height=800)
    page.click("#edits-list summary")
    page.wait("document.querySelector('.hunk')")
    assert page.run("document.documentElement.scrollWidth") <= 420
