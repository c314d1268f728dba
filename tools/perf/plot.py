"""Plots as PNG files: figures over commits, and the codec beside other libraries.

Owns how they look.  It is the only module that imports matplotlib, which is an extra, when it is asked to draw.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .model import PerfError, Record

_WIDTH, _DPI = 9.0, 110


def _pyplot() -> Any:
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise PerfError(f"no plot without matplotlib ({error}); install the extra: pip install matplotlib") from error


def _save(pyplot: Any, figure: Any, out: Path) -> None:
    try:
        # No time and no version in it: the same figures give the same file.
        figure.savefig(out, dpi=_DPI, metadata={"Software": None})
    except (OSError, ValueError) as error:
        raise PerfError(f"{out}: {error}; a plot's name ends in .png") from error
    finally:
        pyplot.close(figure)


def series(records: Sequence[Record]) -> dict[str, list[tuple[int, float]]]:
    """For each workload the commits that count it, in order, and its instructions relative to the first of them."""
    found: dict[str, list[tuple[int, float]]] = {}
    first: dict[str, float] = {}
    for at, record in enumerate(records):
        for name, figures in record.figures.items():
            if figures.instructions:
                start = first.setdefault(name, figures.instructions)
                found.setdefault(name, []).append((at, figures.instructions / start))
    return found


def over_commits(records: Sequence[Record], out: Path) -> None:
    """Instructions of each workload over the commits, oldest first, relative to its first count.  Raises PerfError."""
    ordered = sorted(records, key=lambda record: (record.committed, record.taken))
    lines = series(ordered)
    if not lines:
        raise PerfError("these records count no instructions; take them where valgrind is installed")
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(_WIDTH, 5.2), layout="constrained")
    for number, (name, points) in enumerate(lines.items()):
        marker = "os^DvPX"[number % 7]  # colours come again after ten
        axes.plot([at for at, _ in points], [ratio for _, ratio in points], marker=marker, label=name, linewidth=1.2)
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.set_xticks(range(len(ordered)), [record.commit[:8] for record in ordered], rotation=35, ha="right")
    axes.set_ylabel("instructions for a message,\nrelative to the first count (less is faster)")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, ncols=1, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    _save(pyplot, figure, out)


def beside_peers(rows: Sequence[Mapping[str, Any]], operations: Sequence[str], title: str, out: Path) -> None:
    """Speed against the reference, a bar for each peer, a column for each operation.  Raises PerfError."""
    pyplot = _pyplot()
    figure, all_axes = pyplot.subplots(1, len(operations), figsize=(_WIDTH + 1, 6.2), layout="constrained")
    for axes, operation in zip(all_axes, operations, strict=True):
        some = sorted((row["speed"], row["peer"]) for row in rows if row["operation"] == operation and row["checksum"])
        names = [name for _, name in some]
        colours = ["tab:blue" if name.startswith(("ours", "python")) else "0.7" for name in names]
        bars = axes.barh(names, [speed for speed, _ in some], color=colours)
        axes.bar_label(bars, [f"{speed:.2g}" for speed, _ in some], fontsize=7, padding=2)
        axes.set_xscale("log")
        axes.axvline(1.0, color="0.4", linewidth=0.8)
        axes.set_title(operation, fontsize=10)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(title, fontsize=8)
    _save(pyplot, figure, out)
