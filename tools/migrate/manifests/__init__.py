"""Packaging and tool manifests: every TOML file, setup.cfg, setup.py, MANIFEST.in and requirements file.

Owns which files those are and the order of the passes over one file in a stage; the passes are in the other
modules.  In stage 3 everything is set right that breaks when files go (paths, package lists, the merged target), in
stage 4 what the shims kept alive (names, requirements), in stage 6 what served only the old names goes.  Every
function is pure: text and context in, text and notes out.  Nothing here reads a disk, runs git or imports a
package.

    pyproject.toml, setup.cfg, setup.py -> declared -> facts
    text -> spans (positions) -> editor (changes) <- sections, dependents, target, thin, packages, roots, comments
    requirements files -> reqfile; setup.cfg, MANIFEST.in -> setupfiles; setup.py -> setuppy
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from ..model import Finding
from ..plan import LOCK_FILE, PLAN_FILE, is_plan
from .comments import rewrite_comments
from .crossing import crossed
from .dependents import rewrite_dependents
from .editor import Editor
from .facts import Context, Facts, Rewritten, facts
from .newroots import rewrite_new_roots, settings_files
from .packages import rewrite_packages
from .reqfile import rewrite_reqfile
from .requirements import normal
from .roots import old_roots, rewrite_members, rewrite_roots
from .sections import rewrite_sections
from .setupfiles import rewrite_cfg, rewrite_manifest_in
from .setuppy import rewrite_setup_py
from .spans import scan
from .target import first_text, rewrite_target
from .thin import dead_at_once, doomed, leave_workspace, leftovers, rewrite_thin
from .unshipped import leaving_parts
from .unused import declared_unused

__all__ = [
    "Context",
    "Facts",
    "Rewritten",
    "crossed",
    "declared_unused",
    "facts",
    "new_manifests",
    "rewrite_manifest",
    "wants",
]

_LOCKS = {"uv.lock": "uv lock", "poetry.lock": "poetry lock", "pdm.lock": "pdm lock", "Pipfile.lock": "pipenv lock"}
_SHIPS = re.compile(
    r"\[+tool\.(?:hatch\.build\.targets\.wheel|pdm\.build|poetry|flit|setuptools)\b(?!.*sdist)"
)  # see unshipped
_REQUIREMENTS = re.compile(r"(?:^|.*[-_.])(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in)$")
_PACKAGING = {"pyproject.toml", "setup.py", "setup.cfg", "MANIFEST.in"}
_ENDS = (".toml", ".txt", ".in", ".lock", "setup.py", "setup.cfg", "Pipfile")


@lru_cache(maxsize=1 << 16)  # asked of every path several times
def wants(path: str) -> bool:
    """Whether the file is rewritten here."""
    above, _, base = path.rpartition("/")
    if not base.endswith(_ENDS):
        return False
    folder = above.rpartition("/")[2]
    if base in (PLAN_FILE, LOCK_FILE):
        return False
    if base in _LOCKS or base in _PACKAGING or base.endswith((".toml", "Pipfile")):
        return True
    return bool(_REQUIREMENTS.match(base)) or (
        folder in ("requirements", "constraints") and base.endswith((".txt", ".in"))
    )


def rewrite_manifest(path: str, text: str, stage: int, context: Context) -> Rewritten:
    """The file after `stage`, given its text after the stage before; `path` is where it was before the move."""
    done = _rewritten(path, text, stage, context)
    if stage != 3 or done.text is None or not path.endswith((".toml", ".cfg", "MANIFEST.in")):
        return done
    return replace(done, findings=(*done.findings, *_losing(path, done.text, context)))


def _losing(path: str, text: str, context: Context) -> Iterator[Finding]:
    """Patterns and folders that find less than before, as the file will be: what names the move is set right there."""
    for start, token, change in context.judge.patterns.in_text(text, path):
        above = [line for line in text[:start].splitlines() if line.startswith("[")]
        if above and _SHIPS.match(above[-1]):
            continue
        severity: Literal["warning", "note"] = "warning" if "*" in token else "note"
        yield Finding(path, text.count("\n", 0, start) + 1, "path.loses", token, change.told(), change.hint(), severity)


def _rewritten(path: str, text: str, stage: int, context: Context) -> Rewritten:
    base = posixpath.basename(path)
    if base in _PACKAGING and _is_deleted(path, stage, context):
        return Rewritten(None, (), tuple(_left_alone(path, context)) if _declares(path, context) else ())
    if base in _LOCKS:
        return Rewritten(text, (), tuple(_lock(path, text, stage, context)))
    if base.endswith((".toml", "Pipfile")):
        return _toml(path, text, stage, context)
    rewrite = _OTHER.get(base, rewrite_reqfile)
    new, notes, findings = rewrite(path, text, stage, context)
    return Rewritten(new, tuple(notes), tuple(findings))


_OTHER: dict[str, Callable[..., tuple[str, list, list]]] = {  # type: ignore[type-arg]
    "setup.cfg": rewrite_cfg,
    "setup.py": rewrite_setup_py,
    "MANIFEST.in": rewrite_manifest_in,
}


def new_manifests(stage: int, context: Context) -> dict[str, Rewritten]:
    """Manifests that the stage creates: the target's, in stage 3, where it has none."""
    known = facts(context)
    if stage == 3 and context.layout.new_roots:
        return {path: Rewritten(text) for path, text in settings_files(context).items()}
    if stage != 3 or context.plan.target is None or known.target_manifest in context.tree:
        return {}
    editor = Editor(known.target_manifest, first_text(context), stage)
    rewrite_target(editor, context)
    return {known.target_manifest: Rewritten(editor.text, (), tuple(editor.findings))}


def _toml(path: str, text: str, stage: int, context: Context) -> Rewritten:
    if not _relevant(path, text, context) or is_plan(text):
        return Rewritten(text)
    problem = scan(text)
    if isinstance(problem, str):
        if not context.judge.mentioned(text) or stage != 3:
            return Rewritten(text)
        finding = Finding(path, 1, "toml.syntax", "not valid TOML, left as it is", (), problem)
        return Rewritten(text, (), (finding,))
    editor, known = Editor(path, text, stage), facts(context)
    dist = known.old(path)
    thin = dist is not None and dist.manifest == path
    if not thin:
        rewrite_packages(editor, context)
    if stage == 3:
        rewrite_new_roots(editor, context)
    if stage == 3 and thin and dist is not None:
        rewrite_thin(editor, context, dist)
    if stage == 3 and path == known.target_manifest:
        rewrite_target(editor, context)
    if stage == 4:
        rewrite_dependents(editor, context)
    if stage in (3, 4):
        rewrite_sections(editor, context)
    if stage == 4:
        rewrite_comments(editor, context)
    if stage == 4 and thin:
        leave_workspace(editor, context)
    rewrite_members(editor, context)
    rewrite_roots(editor, context)
    if stage == 6 and thin and dist is not None:
        what = ", ".join(leftovers(context, dist)[0][:5])
        editor.find(
            0, "thin.kept", f"{dist.name} is not deleted: {what}", hint="move or delete what is left, then this file"
        )
    problem = scan(editor.text)
    if isinstance(problem, str):  # an edit that breaks the file is worse than none
        finding = Finding(
            path, 1, "toml.edit", "the edits would break the file, it is left as it is", (), problem, "error"
        )
        return Rewritten(text, (), (finding,))
    return Rewritten(editor.text, tuple(editor.notes) if editor.text != text else (), tuple(editor.findings))


def _relevant(path: str, text: str, context: Context) -> bool:
    """Whether any pass could have something to do; most files of a large tree are done with this."""
    known = facts(context)
    if path == known.target_manifest or "workspace" in text or context.judge.mentioned(text):
        return True
    if posixpath.basename(path) == "pyproject.toml" and (context.layout.new_roots or leaving_parts(context, path)):
        return True
    names = normal(text) if known.merged else ""  # normalised like the names that are looked for
    return any(n in names for n in known.merged) or any(old in text for old, _ in old_roots(context))


def _is_deleted(path: str, stage: int, context: Context) -> bool:
    if path in context.layout.scripts:  # it has gone to the target
        return False
    if dead_at_once(context, path):
        return stage >= 3
    return stage == 6 and (posixpath.dirname(path) or ".") in doomed(context)


def _declares(path: str, context: Context) -> bool:
    dist = facts(context).old(path)
    return dist is not None and dist.manifest == path


def _left_alone(path: str, context: Context) -> list[Finding]:
    dist = facts(context).old(path)
    papers = leftovers(context, dist)[1] if dist is not None else []
    if not papers:
        return []
    text = f"left in the folder of {dist.name if dist else path}: {', '.join(papers[:5])}"
    return [Finding(path, 1, "thin.left", text, (), "move it to the target's folder, or delete it", "note")]


def _lock(path: str, text: str, stage: int, context: Context) -> list[Finding]:
    known = facts(context)
    names = [d for d in known.merged if d in text] or [m.source for m in context.layout.moves if m.source in text]
    if stage != 4 or not names:
        return []
    command = _LOCKS[posixpath.basename(path)]
    return [Finding(path, 1, "lock.stale", f"names {', '.join(names)}", (), f"regenerate with '{command}'", "error")]
