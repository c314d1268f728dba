"""rope's MoveModule on a whole tree, as one command that can be timed beside others.

python tools/migrate/benchmarks/ropemove.py ROOT django/utils django/core [FILE TO LEAVE OUT ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from rope.base.project import Project
from rope.refactor.move import MoveModule


def main(root: str, source: str, folder: str, *left_out: str) -> int:
    """Move the package into the folder, and rewrite every file but those that are left out."""
    project = Project(root, ropefolder=None)  # pyright: ignore[reportArgumentType]
    files = [r for r in project.get_python_files() if r.path not in left_out]
    mover = MoveModule(project, project.get_resource(source))
    changes = mover.get_changes(project.get_resource(folder), resources=files)
    project.do(changes)
    print(f"{len(changes.changes)} changes in {Path(root).name}")
    project.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
