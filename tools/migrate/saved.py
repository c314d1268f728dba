"""The plan that stage 2 saves and the later ones carry out: its document, and what is read of it.

Owns the form of `plan.json` (its JSON schema is in `schemas/`).  Whether a plan still fits is for `session` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from . import __version__
from .decisions import Decisions
from .design import Design
from .executor import Group, group_dict, group_from_dict
from .layout import Layout
from .plan import Plan

SCHEMA = 1


@dataclass(frozen=True)
class SavedPlan:
    """What `design` wrote: the operations of each stage, and the commit on which they may be carried out."""

    document: dict[str, Any]

    @property
    def plan_hash(self) -> str:
        return str(self.document["plan_hash"])

    @property
    def digest(self) -> str:
        """Of the plan file."""
        return str(self.document["digest"])

    @property
    def commit(self) -> str:
        return str(self.document["commit"])

    @cached_property
    def groups(self) -> dict[int, list[Group]]:
        return {int(n): [group_from_dict(g) for g in listed] for n, listed in self.document["groups"].items()}


def document_of(design: Design, layout: Layout, plan: Plan, decisions: Decisions, tree: str) -> dict[str, Any]:
    """The document of a design; `tree` is git's hash of the tree that it was made for."""
    return {
        "schema": SCHEMA,
        "tool": __version__,
        "plan": plan.name,
        "plan_hash": design.plan_hash,
        "digest": plan.digest,
        "commit": design.commit,
        "tree": tree,
        "inputs": design.inputs,
        "moves": [[m.source, m.target, m.path, m.to_path, m.is_package] for m in layout.moves],
        "groups": {str(n): [group_dict(g) for g in groups] for n, groups in design.groups.items()},
        "edits": {
            p: [[e.start, e.end, e.old, e.new, e.line, e.stage, e.rule, e.reason] for e in edits]
            for p, edits in sorted(design.edits.items())
        },
        "new_paths": {p: layout.new_path(p) for p in sorted(design.edits)},
        "moved": layout.moved_files(),
        "findings": [f.as_dict() for f in design.findings],
        "decisions": decisions.digest,
        "decided": [{**f.as_dict(), "words": d.words} for f, d in design.decided],
    }
