"""The code blocks of the pages that people read: found, and told apart by what they are.

Owns the reading of Markdown, as much of it as is needed for that.  Must not run anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Made by programs, and held against them by tests of their own.
MADE = {"docs/wire-format.md", "docs/reference-kinds.md", "docs/peers.md"}
COMMAND_LANGUAGES = {"", "sh", "console", "bash"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block; `language` is empty for an indented one."""

    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The command lines of a block that has any: joined where they go on, without prompts, remarks and output."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")]
        bare = (re.sub(r"(?:^|\s)#\s.*", "", line).strip() for line in lines)
        return [line for line in bare if line]


def pages() -> list[str]:
    """Every page that somebody wrote, by its path in the repository."""
    skipped = ("tools/migrate/demo/legacy", "tools/migrate/tests", ".venv", "build")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/**/README.md")]
    ]
    return sorted({name for name in found if name not in MADE and not name.startswith(skipped)})


def blocks(page: str) -> list[Block]:
    """The blocks of one page, in order."""
    found: list[Block] = []
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = re.match(r"^(```|~~~)\s*([\w-]*)", line)
        if fence:
            end = next(each for each in range(at + 1, len(lines)) if lines[each].startswith(fence[1]))
            found.append(Block(page, at + 1, fence[2] or "text", "\n".join(lines[at + 1 : end]) + "\n"))
            at = end + 1
        elif line.startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            text = "\n".join(each[4:] for each in lines[at:end]).rstrip() + "\n"
            found.append(Block(page, at + 1, "", text))
            at = end
        else:
            at += 1
    return found
