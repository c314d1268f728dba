"""The audit's graph of who depends on whom, without loading what draws graphs unless there is a cycle to be found.

Most migrations have none: what moves is used, and uses nothing that moves.  `graph` has the same answers for any graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Any

# All but what XML 1.0 allows in a document, without line ends and without what reorders text for the eye.
_CONTROL = re.compile(
    "[^\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def graph_of(uses: Collection[tuple[str, str]]) -> tuple[dict[str, Any], str]:
    """The graph of (user, used) pairs as `graph.to_json` and `graph.to_dot` write it."""
    pairs = {(user, used): count for (user, used), count in sorted(Counter(uses).items()) if user != used}
    if _has_cycle(pairs):
        from .graph import dependency_graph, to_dot, to_json  # networkx takes longer to load than most commands run

        whole = dependency_graph(uses)
        return to_json(whole), to_dot(whole)
    nodes = sorted({name for pair in uses for name in pair})
    out, into = Counter(user for user, _ in pairs), Counter(used for _, used in pairs)
    graph = {
        "nodes": [{"id": n, "uses": out[n], "used_by": into[n]} for n in nodes],
        "edges": [{"user": a, "used": b, "uses": n} for (a, b), n in pairs.items()],
        "cycles": [],
    }
    lines = ["digraph dependencies {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    lines += [f"  {quoted(node)};" for node in nodes]
    lines += [f"  {quoted(a)} -> {quoted(b)};" for a, b in pairs]
    return graph, "\n".join([*lines, "}", ""])


def _has_cycle(pairs: Collection[tuple[str, str]]) -> bool:
    """Whether something is left when all that nobody uses has been taken away, again and again."""
    left = set(pairs)
    while left:
        used = {b for _, b in left}
        rest = {(a, b) for a, b in left if a in used}
        if rest == left:
            return True
        left = rest
    return False


def clean(text: str) -> str:
    return _CONTROL.sub(lambda m: m[0].encode("unicode_escape").decode("ascii"), text)


def quoted(name: str) -> str:
    """A name in Graphviz's language."""
    return '"' + clean(name.replace("\\", "\\\\").replace('"', '\\"')) + '"'
