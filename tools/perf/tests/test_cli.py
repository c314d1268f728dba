"""The command line: exit codes, messages for what is wrong, files that are written; and plots and pages."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from tools.perf import cli, counting, peers, plot
from tools.perf.model import PerfError
from tools.perf.trees import layout_of

from .conftest import ROOT
from .test_decisions import made

PAGE = ROOT / "docs" / "perf.md"


def write(path: Path, instructions: float, **changes: object) -> str:
    path.write_text(made(instructions, **changes).dump(), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("after", "code"), [(400.0, 0), (402.0, 0), (420.0, 1)])
def test_compare_exits_1_where_something_is_slower(
    after: float, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [write(tmp_path / "a.json", 400.0), write(tmp_path / "b.json", after)]
    assert cli.main(["compare", *files]) == code
    assert ("slower: parse trade" in capsys.readouterr().out) is bool(code)
    assert cli.main(["compare", *files, "--threshold", "10%"]) == 0


def test_compare_does_not_judge_two_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = {"processor": "Q", "system": "Linux"}
    files = [write(tmp_path / "a.json", 400.0), write(tmp_path / "b.json", 900.0, machine=other)]
    assert cli.main(["compare", *files]) == 2
    shown = capsys.readouterr()
    assert "differs: processor: P and Q" in shown.out and "nothing is judged" in shown.err
    assert cli.main(["compare", *files, "--anyway"]) == 1


def test_without_valgrind_a_check_says_so_before_it_builds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    for command in (["check"], ["record"]):
        assert cli.main([*command, "--root", str(ROOT)]) == 2
        shown = capsys.readouterr().err
        assert "valgrind is not installed" in shown and "--gates ratio" in shown and "building" not in shown
    assert counting.version() is None


@pytest.mark.parametrize(
    "arguments",
    [["check", "--threshold", "much"], ["check", "--threshold", "200%"], ["check", "--gates", "speed"],
     ["check", "--rounds", "0"], ["compare", "one.json"], ["plot", "a.json"], []],
)  # fmt: skip
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        cli.main(arguments)
    assert error.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "value"), [("1%", 0.01), ("0.01", 0.01), ("2.5%", 0.025), ("0", 0.0)])
def test_shares(text: str, value: float) -> None:
    assert cli.share(text) == pytest.approx(value)


def test_an_unknown_workload_or_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["record", "--root", str(ROOT), "--no-instructions", "--only", "speed"]) == 2
    assert "'speed' is no workload" in capsys.readouterr().err
    assert cli.main(["check", "--root", str(tmp_path), "--gates", "ratio"]) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_a_record_is_written_and_shown(original: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "now.json"
    arguments = ["record", "--root", str(original), "--implementation", "python", "--out", str(out)]
    few = ["--no-instructions", "--only", "parse trade;framing", "--rounds", "3", "--messages", "5000"]
    assert cli.main([*arguments, *few]) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["implementation"] == "python" and len(document["commit"]) == 40 and not document["dirty"]
    assert set(document["figures"]) == {"parse trade", "framing"}
    assert document["figures"]["parse trade"]["ns"] >= document["figures"]["parse trade"]["best_ns"] > 0
    *objects, columns = document["memory"].values()
    assert len(objects) == 3 and min(objects) > 50 > columns
    assert "parse trade" in capsys.readouterr().out


def test_a_plot_over_commits(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    later = made(300.0, commit="b" * 40, committed="2026-11-09T00:00:00+00:00")
    assert plot.series([made(400.0), later])["parse trade"] == [(0, 1.0), (1, 0.75)]
    files = [write(tmp_path / "a.json", 300.0, committed=later.committed), write(tmp_path / "b.json", 400.0)]
    out = tmp_path / "plot.png"
    assert cli.main(["plot", *files, "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG") and out.stat().st_size > 5000
    first = out.read_bytes()
    assert cli.main(["plot", *files, "--out", str(out)]) == 0 and out.read_bytes() == first
    assert cli.main(["plot", write(tmp_path / "c.json", 1.0, figures={}), "--out", str(out)]) == 2


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(PerfError, match="install the extra"):
        plot.over_commits([made(1.0)], tmp_path / "plot.png")


def test_peers_have_pinned_versions() -> None:
    text = (ROOT / layout_of(ROOT).folder / "benchmarks" / "requirements.txt").read_text(encoding="utf-8")
    wanted = peers.pinned(text)
    assert len(wanted) >= 12 and all(re.fullmatch(r"\d+(\.\d+)+", version) for version in wanted.values())
    assert peers.pinned("# a==1\nb==2.0  # why\nc>=3\n") == {"b": "2.0"}


def test_other_versions_of_peers_are_told() -> None:
    def installed(name: str) -> str:
        if name == "gone":
            raise PackageNotFoundError(name)
        return "1.0"

    found = peers.unlike({"same": "1.0", "other": "2.0", "gone": "1.0"}, installed)
    assert found == ["other is 1.0, pinned is 2.0", "gone is missing"]


@pytest.mark.timeout(600)
def test_peers_in_one_run_as_a_page_and_a_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    out, drawn, figures = (tmp_path / name for name in ("peers.md", "peers.png", "peers.json"))
    command = ["peers", "--root", str(ROOT), "--rounds", "1", "--alone", "--any-version"]
    code = cli.main([*command, "--out", str(out), "--plot", str(drawn), "--json", str(figures)])
    shown = capsys.readouterr()
    if code == 2 and "cannot be loaded" in shown.err:
        pytest.skip("the compiled codec was not built")
    assert code == 0, shown.err
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert {"struct+zlib", "ours Encoder/Decoder"} <= {row["peer"] for row in found["rows"]}
    page = out.read_text(encoding="utf-8")
    assert "| struct+zlib |" in page and "(peers.png)" in page and found["surroundings"] in page
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_commands_that_exist() -> None:
    commands = re.findall(r"^ {4}python -m tools\.perf (.*?)(?: {2,}#.*)?$", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(commands) >= 6
    for command in commands:
        words = re.findall(r'"[^"]*"|\S+', command)
        cli.parser().parse_args([word.strip('"') for word in words])
