"""Which submodules an importer of their package alone can reach as attributes: `import a`, then `a.b.c`.

That works when something in the package happens to load the submodule.  Where the submodule moves away and the package
stays, `submodules` lets the package answer until cleanup; this is the check that it does.  What is lost all the same,
stage 5 says.  Asks real interpreters; knows no plan.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from .environ import child_environment

_ASK = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
sys.path[:0] = sys.argv[2:]
parent, _, leaf = sys.argv[1].rpartition(".")
sys.exit(0 if hasattr(importlib.import_module(parent), leaf) else 1)
"""


def reachable(python: str, root: Path, roots: Sequence[str], names: Iterable[str], timeout: float = 60) -> list[str]:
    """Those of the dotted `names` that are attributes of their parent once that is imported."""
    paths = [str(root / r) for r in roots]
    out = []
    for name in sorted(n for n in names if "." in n):
        command = [python, "-B", "-c", _ASK, name, *paths]
        try:
            done = subprocess.run(
                command, cwd=root, env=child_environment(root), capture_output=True, timeout=timeout, check=False
            )
        except (subprocess.TimeoutExpired, OSError):
            continue
        if done.returncode == 0:
            out.append(name)
    return out
