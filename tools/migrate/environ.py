"""The environment of the processes that the tool starts in somebody else's checkout.

The tool may itself be found through PYTHONPATH; its own folder must not become importable there, or a package of the
same name beside the tool would be imported in place of the one that is gone.
"""

from __future__ import annotations

import os
from pathlib import Path

_OWN_ROOT = Path(__file__).resolve().parents[2]


def child_environment(root: Path) -> dict[str, str]:
    """A copy of the environment without the way to the tool's own folder, unless `root` is that folder."""
    env = dict(os.environ)
    path = env.get("PYTHONPATH")
    if path is None or root.resolve() == _OWN_ROOT:
        return env
    kept = [p for p in path.split(os.pathsep) if p and Path(p).resolve() != _OWN_ROOT]
    if kept:
        env["PYTHONPATH"] = os.pathsep.join(kept)
    else:
        del env["PYTHONPATH"]
    return env
