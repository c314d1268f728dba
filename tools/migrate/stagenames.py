"""How people name stages on the command line: a number, a name, or all of them."""

from __future__ import annotations

import difflib

from .model import STAGE_NAMES, PlanError


def parse_stage(text: str) -> list[int]:
    """The stages that `--stage` names.  Raises PlanError for anything but 1-6, a name, or `all`."""
    names = {name: n for n, name in STAGE_NAMES.items()}
    if text == "all":
        return [1, 2, 3, 4, 5, 6]
    if text.isdigit() and 1 <= int(text) <= 6:
        return [int(text)]
    if text in names:
        return [names[text]]
    near = difflib.get_close_matches(text, [*names, "all"], 1)
    hint = f"did you mean {near[0]!r}?" if near else f"1 to 6, all, {', '.join(names)}"
    raise PlanError(f"no stage {text!r}", where="--stage", next_step=hint)
