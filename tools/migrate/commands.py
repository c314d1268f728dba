"""One plain function for each verb of the command line, callable as a library: values in, values out.

Nothing here prints or exits; who asks somebody is given the way to do it.  What one verb alone needs it imports itself,
for a command that starts should not wait for the others.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .environ import COMMAND
from .executor import Group, collect
from .model import STAGE_NAMES, PlanError, Refused
from .plan import LOCK_FILE, PLAN_FILE
from .reverts import half_undone
from .session import Session, finding_from
from .slices import chosen, from_here, left, pick, without_done
from .stages import Outcome, run_stage
from .stale import successor
from .trailers import reverted
from .tree import Tree

if TYPE_CHECKING:
    from . import checks
    from .explain import Explanation
    from .interview import Ask, Say
    from .report import Report


def run(session: Session, stage: int, only: Sequence[str]) -> Outcome:
    return run_stage(session, stage, tuple(from_here(session.root, word) for word in only))


def rollback(session: Session, to: int, *, hard: bool = False) -> str:
    from .rollback import roll_back

    return roll_back(session, to, hard=hard)


def init(session: Session, *, force: bool = False, ask: Ask | None = None, say: Say = print) -> Path:
    """Write a first plan file; with `ask`, the guesses are asked about before."""
    from .guess import guess, render_plan
    from .questions import ask_about

    path = session.plan_path or session.root / PLAN_FILE
    if path.exists() and not force:
        raise Refused("there is a plan file already", where=str(path), next_step="use --force to replace it")
    found = guess(session.repo.tree(), session.root.name)
    if ask is not None:
        found = ask_about(found, ask, say, dt.date.today())
    path.write_text(render_plan(found), encoding="utf-8")
    return path


def decide(session: Session, ask: Ask, say: Say) -> int:
    """Ask about every place that waits for a person, and keep the answers.  Returns how many there are."""
    from .decisions import render
    from .interview import interview, questions

    saved = session.saved_plan()
    findings = [finding_from(f) for f in saved.document["findings"]] if saved else []
    listed = questions(findings, session.decisions, session.tree, session.layout)
    if not listed:
        say("no place waits for a decision")
    new = interview(listed, ask, say)
    if new:
        text = render(session.decisions.with_others(new), session.plan.name)
        session.decisions_path.write_text(text, encoding="utf-8")
        session.forget()
    return len(new)


def explain(session: Session, location: str) -> Explanation:
    from .explain import explain as explain_line

    return explain_line(session, location)


def status(session: Session) -> dict[str, Any]:
    history, repo = session.history, session.repo
    following = session.next_stage()
    later = successor(repo, session.tree, session.plan.name)
    half = None if later else half_undone(repo, session.plan.name, history, session.reached)
    landed = [s for s in history.slices if repo.is_ancestor(s["end"])]  # not those that somebody has reset
    gone = reverted(repo, session.plan.name)[1] if landed else {}
    landed = [s for s in landed if gone.keys().isdisjoint(repo.commits(s["base"], s["end"]))]
    stages = []
    for number, name in STAGE_NAMES.items():
        state = "done" if session.done(number) else "next" if number == following else "waiting"
        if half:
            state = "undone" if number == half.stage else "done" if number < half.stage else "waiting"
        record = history.done.get(number)
        note = ""
        if state == "undone" and half:
            note = half.says
        elif state == "done" and record and record.base != record.end:
            note = f"{record.base[:10]}..{record.end[:10]}"
        elif number == 4 and state != "done" and landed:
            note = "slices done: " + "; ".join(" ".join(s["only"]) for s in landed)
        stages.append({"stage": number, "name": name, "state": state, "note": note})
    interrupted = ""
    if history.running:
        what = "a rollback" if history.running.rollback else f"stage {history.running.stage}"
        interrupted = f"{what} was interrupted: run the same command again, or roll back"
    saved = session.saved_plan()
    waiting = [f for f in saved.document["findings"] if f["severity"] != "note"] if saved else []
    if (running := history.running) is not None:
        only = "".join(f" --only {folder}" for folder in running.only)
        command = f"rollback --to {running.stage}" if running.rollback else f"--stage {running.stage}{only}"
        coming = f"next: {COMMAND} {command}"
    elif half:
        coming = f"next: {COMMAND} rollback --to {half.stage}  (or take it back: {half.way_back})"
    elif following is None:
        coming = "all stages are done"
    elif later:
        coming = f"next: nothing here, as the migration {later!r} has begun since; go on with its '--plan'"
    else:
        coming = f"next: {COMMAND} --stage {following}  ({STAGE_NAMES[following]})"
    slices = [{"only": s["only"], "end": s["end"]} for s in landed]
    usable = session.usable_plan() if following == 4 and running is None else None
    return {
        "plan": session.plan.name,
        "stages": stages,
        "next": coming,
        "interrupted": interrupted,
        "waiting": waiting,
        "slices": slices,
        "left": left(session, usable) if usable else None,
    }


def dry_run(session: Session, stages: Iterable[int], only: Sequence[str] = ()) -> str:
    """The unified diff of what these stages would do to the tree as it is; nothing is written, no gate runs.

    With `only` it is that of a slice of stage 4.  Several stages are one difference: git applies no patch in which a
    later part removes what an earlier one has made, such as a shim.

    The operations are those of the stages, carried out in memory.  The list of commits that blame ignores is left out:
    it names commits that are not made yet.
    """
    from .difftext import unified

    session.require_clean(deep=False)
    saved = session.usable_plan()
    groups = saved.groups if saved else session.design.groups
    wanted = [n for n in stages if n in (3, 4, 6) and n > session.reached]
    tree = first = session.tree
    moved: dict[str, str] = {}
    for number in range(3, max(wanted, default=0) + 1):
        if number <= session.reached or number not in groups:
            continue
        steps = without_done(session, groups[4]) if number == 4 and session.reached == 3 else groups[number]
        if number == 4 and only:
            words = [from_here(session.root, word) for word in only]
            steps = [Group("", pick(steps, chosen(tree, words)))]
        place = collect(tree, steps)
        tree = place.result()
        if number in wanted:
            moved |= {new: moved.get(old, old) for new, old in place.moved.items()}
        else:
            first = tree
    return unified(first, tree, {new: old for new, old in moved.items() if new in tree})


def check_shims(
    session: Session, *, today: dt.date, pretend_removed: bool, fix: bool, output: checks.Format
) -> tuple[str, int]:
    """The CI check.  Needs the lock and the files, no history and no state of earlier runs."""
    from . import carry, checks, late
    from .journal import Journal
    from .lock import read as read_lock

    tree = session.repo.index_tree()
    if LOCK_FILE not in tree:
        _nothing_has_moved(session, tree)
        return checks.render([], output), 0
    lock = read_lock(tree.read(LOCK_FILE).decode("utf-8", "replace"), LOCK_FILE)
    tree = late.with_hidden(session.repo, lock, tree)
    said: list[str] = []
    if fix:
        with Journal(session.repo.git_dir, lock.plan).locked():
            waiting, uses = late.fix(session, lock, tree, said.append)
        tree = late.with_hidden(session.repo, lock, session.repo.index_tree())
    else:
        layout = late.lock_layout(session, lock, tree)
        waiting = [f.finding() for f in carry.find(session.repo, layout, lock, tree)]
        named = {f.path for f in waiting}
        waiting += [f for f in carry.waiting(session.repo, layout) if f.path not in named]
        uses = late.find(layout, session.jobs, lock.stage).findings()
    violations = checks.check_shims(
        {p: (lambda path=p: tree.read(path)) for p in tree},  # type: ignore[misc]
        lock,
        today=today,
        pretend_removed=pretend_removed,
        version=late.target_version(session, tree),
        uses=uses,
        late=waiting,
    )
    done = "".join(f"{line}\n" for line in said) if output == "text" else ""
    return done + checks.render(violations, output), checks.exit_code(violations)


def _nothing_has_moved(session: Session, tree: Tree) -> None:
    """Without a lock all is well only before the move: a plan is here, and everything still lies where it says.

    Otherwise the check looks at the wrong folder, or somebody has lost the lock; raises PlanError.
    """
    from .layout import resolve_layout

    if not (session.plan_path or session.root / PLAN_FILE).exists():
        raise PlanError(
            f"no {LOCK_FILE} and no plan here, so no migration has begun",
            where=str(session.root),
            next_step="run the stages first",
        )
    plan = session.plan  # one that cannot be read says so itself
    try:
        resolve_layout(plan, tree)
    except PlanError as error:
        raise PlanError(
            f"no {LOCK_FILE} here, and the tree is not as before the move ({error.what})",
            where=str(session.root),
            next_step=f"bring {LOCK_FILE} back from git",
        ) from error


def report(session: Session) -> Report:
    from .gather import report as gathered

    return gathered(session)


def write_html(value: Report, path: Path) -> None:
    from .page import render_html

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_html(value), encoding="utf-8")


def build_demo(folder: Path | None) -> Path:
    from .demo import build

    place = folder or Path(tempfile.mkdtemp(prefix="migrate-demo-")) / "alphapulse"
    build(place)
    return place.resolve()
