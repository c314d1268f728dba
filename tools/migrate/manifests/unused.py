"""Dependencies on a moving distribution that nobody uses.

Owns one question for the audit: which members declare a distribution whose packages their files never import.  What
a member imports is given; nothing is parsed here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..model import Finding
from .declared import Distribution
from .facts import Context, facts, moves_of, others
from .requirements import name_of, normal


def declared_unused(context: Context, imports: Mapping[str, set[str]]) -> list[Finding]:
    """One finding for each requirement on a moving distribution in a member that imports none of its packages.

    `imports` maps a manifest's folder ("." for the root) to the top-level names that the files below it import.  A
    folder that is not in it is not judged; nor is a distribution against itself, or one that ships other code as well,
    because only imports of what moves are known.  Once files have moved the question is out of date.
    """
    if context.layout.moved:
        return []
    known = facts(context)
    moving: dict[str, set[str]] = {}
    for dist in known.distributions.values():
        moves = moves_of(context, dist)
        if moves and not others(context, dist, known.distributions):
            moving[normal(dist.name)] = {m.source.split(".")[0] for m in moves}
    out: list[Finding] = []
    if not moving:
        return out
    for member in sorted(known.distributions.values(), key=lambda d: d.manifest):
        if member.folder not in imports:
            continue
        for where, text in _requirements(member):
            names = moving.get(name_of(text))
            if names is None or name_of(text) == normal(member.name) or names & imports[member.folder]:
                continue
            hint = f"drop it, unless it is needed at run time only ({', '.join(sorted(names))} is never imported)"
            out.append(
                Finding(
                    member.manifest,
                    _line(context, member, text),
                    "unused.dependency",
                    f"{where}: {text}",
                    (),
                    hint,
                    "note",
                )
            )
    return out


def _requirements(dist: Distribution) -> list[tuple[str, str]]:
    out = [("dependencies", r) for r in dist.dependencies]
    out += [(f"optional-dependencies.{extra}", r) for extra, entries in dist.extras.items() for r in entries]
    return out + [
        (f"dependency-groups.{g}", r) for g, entries in dist.groups.items() for r in entries if isinstance(r, str)
    ]


def _line(context: Context, dist: Distribution, text: str) -> int:
    found = context.tree.text(dist.manifest)
    lines = found.body.splitlines() if found else []
    return next((n for n, line in enumerate(lines, 1) if text in line), 1)
