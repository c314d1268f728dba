"""mkdocs: before a build, write the pages and build from where they are.

Owns nothing but the connection, so that another generator needs only `python -m docs.site`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def on_config(config: Any, **_: Any) -> Any:
    """The folder that is built is the staged one, not docs/ itself."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from docs.site.stage import stage

    config["docs_dir"] = str(stage())
    return config
