"""Writes all pages of the site into a folder, from which a site generator makes HTML.

Owns the order of work.  The generator needs no plugin of its own for any of it: it gets plain Markdown, and pictures.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from . import api, flow, pages, reference

BUILT = pages.ROOT / "build" / "site-pages"


def stage(target: Path = BUILT) -> Path:
    """Make `target` anew; returns it."""
    shutil.rmtree(target, ignore_errors=True)
    pages.copy_pages(target)
    made = {
        "reference/migrate.md": reference.migrate_page(),
        "reference/programs.md": reference.programs_page(),
        "reference/plan-file.md": reference.plan_page(),
        "reference/migration.schema.json": reference.plan_schema(),
        "reference/errors.md": reference.errors_page(),
        "adr/index.md": reference.decisions_page(),
        **{f"reference/api/{name}.md": api.api_page(name) for name in api.PACKAGES},
    }
    for place, text in made.items():
        path = target / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in target.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        drawn = flow.with_drawings(text)
        if drawn != text:
            path.write_text(drawn, encoding="utf-8")
    return target
