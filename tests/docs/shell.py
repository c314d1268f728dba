"""Runs the `console` blocks of a page: one shell for the page, each command's output held against what is shown.

Owns the notation.  A line that begins with `$ ` is a command, `> ` goes on with it; what follows is its output, in
which `...` stands for anything: alone for any number of lines, inside of a line for any text.  A command must succeed,
or end with the code that `  # exit N` behind it says.  Where nothing is shown, nothing is compared.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import Block

SECONDS = 300


@dataclass(frozen=True, slots=True)
class Step:
    """One command, what it has to print, and how it has to end."""

    command: str
    shown: tuple[str, ...]
    code: int
    where: str


def steps(block: Block) -> list[Step]:
    """The commands of a block."""
    found: list[Step] = []
    command: list[str] = []
    shown: list[str] = []

    def close() -> None:
        if command:
            last = re.search(r"\s+# exit (\d+)$", command[-1])
            text = "\n".join(command)
            text = text[: -len(last[0])] if last else text
            found.append(Step(text, tuple(shown), int(last[1]) if last else 0, block.where))

    for line in block.text.splitlines():
        if line.startswith("$ "):
            close()
            command, shown = [line[2:]], []
        elif line.startswith(">") and command and not shown:
            command.append(line[2:])
        else:
            shown.append(line)
    close()
    return found


def run_page(blocks: list[Block], folder: Path, environment: dict[str, str]) -> None:
    """Run all steps in one shell in `folder`.  Raises AssertionError for the first that differs."""
    todo = [step for block in blocks for step in steps(block)]
    marks = [f"=== {number} of {os.urandom(6).hex()} " for number in range(len(todo))]
    lines = ["exec 2>&1 < /dev/null"]
    for step, mark in zip(todo, marks, strict=True):
        lines += [step.command, f"code=$?; echo; echo '{mark}'$code"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        check=False, timeout=SECONDS,
    )  # fmt: skip
    rest = done.stdout
    for step, mark in zip(todo, marks, strict=True):
        output, found, rest = rest.partition(mark)
        assert found, f"{step.where}: the shell ended in `{step.command}`:\n{output}"
        code, _, rest = rest.partition("\n")
        assert int(code) == step.code, f"{step.where}: `{step.command}` ended with {code}:\n{output}"
        assert not step.shown or agrees(step.shown, output), (
            f"{step.where}: `{step.command}` printed\n{output}\nshown is\n" + "\n".join(step.shown)
        )


def agrees(shown: tuple[str, ...], output: str) -> bool:
    """Whether the output is what the page shows."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(map(re.escape, line.rstrip().split("..."))) + r"[ \t]*\n"
    text = "\n".join(line.rstrip() for line in output.strip("\n").splitlines()) + "\n"
    return re.fullmatch(pattern, text if output.strip() else "") is not None
