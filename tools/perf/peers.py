"""`peers`: the codec beside other libraries, with pinned versions, as a page and a plot.

Owns the versions' check and the page.  The measuring is the codec's own benchmark programs, which are run as processes:
all peers in one interleaved run, every round trip checked; then batches and latency, which have programs of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .model import Layout, PerfError
from .processes import IMPLEMENTATION, last_line
from .tables import columns
from .trees import layout_of

OPERATIONS = ("trade build", "trade parse", "book build", "book parse", "book top")
SECONDS = 3600.0


def pinned(requirements: str) -> dict[str, str]:
    """Versions by distribution, as a requirements file pins them."""
    lines = [line.partition("#")[0].strip() for line in requirements.splitlines()]
    return {name: wanted for name, _, wanted in (line.partition("==") for line in lines if "==" in line)}


def unlike(wanted: Mapping[str, str], installed: Callable[[str], str] = version) -> list[str]:
    """What is missing here, or has another version than the pinned one, in words."""
    found = []
    for name, pin in wanted.items():
        try:
            here = installed(name)
        except PackageNotFoundError:
            found.append(f"{name} is missing")
            continue
        if here != pin:
            found.append(f"{name} is {here}, pinned is {pin}")
    return found


def check_versions(root: Path, layout: Layout) -> None:
    """All peers are there in the pinned versions.  Raises PerfError."""
    path = root / layout.folder / "benchmarks" / "requirements.txt"
    wrong = unlike(pinned(path.read_text(encoding="utf-8")))
    if wrong:
        raise PerfError(
            f"{'; '.join(wrong)}; install them with `pip install -r {path.relative_to(root)}`, "
            "or go on with what is there: --any-version"
        )


def program(root: Path, layout: Layout, name: str, *arguments: str) -> str:
    """What one of the codec's benchmark programs prints.  Raises PerfError."""
    paths = [str((root / path).resolve()) for path in layout.paths]
    environment = {**os.environ, IMPLEMENTATION: "c", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-P", "-m", f"{layout.codec}.benchmarks.{name}", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode != 0:
        raise PerfError(f"the benchmark {name} failed: {last_line(done.stderr)}")
    return done.stdout.replace(f"{layout.codec}.", "")  # a page says the same whatever the package is called


def run(root: Path, say: Callable[[str], None], *, rounds: int, any_version: bool, alone: bool) -> dict[str, Any]:
    """All figures.  `alone`: the interleaved run of the peers, without batches and latency.  Raises PerfError."""
    layout = layout_of(root)
    if not any_version:
        check_versions(root, layout)
    say(f"all peers in one interleaved run, {rounds} rounds")
    with tempfile.TemporaryDirectory(prefix="perf-peers-") as folder:
        out = Path(folder, "peers.json")
        program(root, layout, "peers", "--rounds", str(rounds), "--json", str(out))
        found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    found["programs"] = {}
    if not alone:
        for name, arguments in (("batch", ("--rounds", str(rounds), "--clock", "cpu")), ("latency", ())):
            say(name)
            found["programs"][name] = program(root, layout, name, *arguments)
    return found


def goals(found: Mapping[str, Any]) -> list[list[str]]:
    """The goals' rows, as cells."""
    return [
        [goal["row"], goal["what"], f"{goal['median']:.2f}x", f"{goal['best']:.2f}x", goal["verdict"]]
        for goal in found["goals"]
    ]


def table(found: Mapping[str, Any], *, markdown: bool = False) -> list[str]:
    """A line for each peer, a column for each operation: ns with a checksum, and the speed against the reference."""
    cells = {(row["peer"], row["operation"]): row for row in found["rows"] if row["checksum"]}
    names = list(dict.fromkeys(row["peer"] for row in found["rows"]))

    def first(name: str) -> float:
        return min((cells[key]["ns"] for key in cells if key[0] == name), default=float("inf"))

    def cell(name: str, operation: str) -> str:
        row = cells.get((name, operation))
        return f"{row['ns']:,.0f} ({row['speed']:.2f}x)" if row else ""

    rows = [
        [name, str(found["bytes"].get(name, {}).get("trade", "")), *(cell(name, each) for each in OPERATIONS), ""]
        for name in sorted(names, key=first)
    ]
    return columns(("peer", "bytes of a trade", *OPERATIONS, ""), rows, markdown=markdown)


def page(found: Mapping[str, Any], plot: str | None) -> str:
    """The whole page, made by this program and by nobody else."""
    versions = ", ".join(f"{name} {each}" for name, each in found["versions"].items())
    parts = [
        "# The codec beside other libraries",
        "Made by `python -m tools.perf peers --out docs/peers.md --plot docs/peers.png`; how it is measured is in"
        " [performance.md](performance.md). All figures of a table are from one interleaved run, so quote ratios.",
        f"{found['surroundings']}; codec: {found['implementation']}; {found['rounds']} rounds. {versions}.",
    ]
    if plot:
        parts.append(f"![Speed of each library against struct and zlib]({plot})")
    parts += ["## Goals", "\n".join(columns(("row", "speed of", "median", "best", ""), goals(found), markdown=True))]
    parts += [
        "## One message",
        "ns for a message with a checksum, and how many times faster than `struct+zlib`.",
        "\n".join(table(found, markdown=True)),
    ]
    titles = {"batch": "Batches (rows 10 to 13, 18)", "latency": "Latency and memory (rows 14, 15)"}
    for name, text in found["programs"].items():
        parts += [f"## {titles[name]}", f"```text\n{text.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def text(found: Mapping[str, Any]) -> Sequence[str]:
    """For a terminal."""
    lines = [f"{found['surroundings']}; codec: {found['implementation']}; {found['rounds']} rounds", ""]
    lines += [*table(found), "", *columns(("row", "speed of", "median", "best", ""), goals(found))]
    for output in found["programs"].values():
        lines += ["", *output.strip().splitlines()]
    return lines
