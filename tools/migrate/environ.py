"""The environment of the processes that the tool starts in somebody else's checkout.

A git hook or `git rebase --exec` sets GIT_DIR and the like, which would lead every git that is started from here to
that repository, whatever `--root` says; `forget_git_environment` takes them out of this process once, at its start.

The tool may itself be found through PYTHONPATH; its own folder must not become importable there, or a package of the
same name beside the tool would be imported in place of the one that is gone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Those of `git rev-parse --local-env-vars` that say where a repository lies; what configures git stays.
_GIT_PLACES = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
)
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


def forget_git_environment() -> None:
    """Only for the start of a process that is the tool's own."""
    for name in _GIT_PLACES:
        os.environ.pop(name, None)


def command_name() -> str:
    """How a person has started the tool, for messages that name the next command."""
    return "migrate" if Path(sys.argv[0]).stem == "migrate" else "python -m tools.migrate"


COMMAND = command_name()
