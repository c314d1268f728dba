"""The plot of the growth: time and memory against the number of files, a line for each series of trees.

It is the only module that imports matplotlib, and only when it is asked to draw.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT, _DPI = 9.5, 4.2, 110


@dataclass(frozen=True)
class Point:
    """One tree in the plot."""

    series: str
    files: int
    users: int  # files with references
    cpu: float  # seconds of stages 1 to 4
    memory: float  # MB


def draw(points: Sequence[Point], title: str, out: Path) -> None:
    """Write the plot; its kind is that of the file's name (.png, .svg).  Raises RuntimeError without matplotlib."""
    pyplot = _pyplot()
    figure, (time_axes, memory_axes) = pyplot.subplots(1, 2, figsize=(_WIDTH, _HEIGHT), layout="constrained")
    for number, name in enumerate(dict.fromkeys(point.series for point in points)):
        own = sorted((point for point in points if point.series == name), key=lambda point: point.files)
        files, style = [point.files for point in own], {"marker": "os^D"[number % 4], "linewidth": 1.4, "label": name}
        time_axes.plot(files, [point.cpu for point in own], **style)
        memory_axes.plot(files, [point.memory for point in own], **style)
        for point in own:
            time_axes.annotate(
                f"{point.users:,}", (point.files, point.cpu), xytext=(0, 6), textcoords="offset points",
                fontsize=7, ha="center",
            )  # fmt: skip
    time_axes.set_ylabel("cpu seconds of stages 1 to 4\n(beside the points: files with references)")
    memory_axes.set_ylabel("memory of all processes at its peak, MB")
    for axes in (time_axes, memory_axes):
        axes.set_xlabel("Python files")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.margins(y=0.12)
        axes.spines[["top", "right"]].set_visible(False)
    time_axes.legend(fontsize=8, frameon=False, loc="upper left")
    figure.suptitle(title, fontsize=8)
    # No time and no version in it: the same figures give the same file.
    figure.savefig(out, dpi=_DPI, metadata={"Software": None} if out.suffix == ".png" else {"Date": None})
    pyplot.close(figure)


def _pyplot() -> Any:
    try:
        matplotlib = importlib.import_module("matplotlib")
        matplotlib.use("agg")
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise RuntimeError(f"no plot without matplotlib ({error}); pip install matplotlib") from error
