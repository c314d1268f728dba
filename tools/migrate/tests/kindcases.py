"""The cases of `tests/kinds`: one TOML file for each kind of reference, and what the tool makes of each case.

A file has a `title` and `found` (what decides), and three lists, which are the three answers of the tool:

    [[change]]  before, after   the reference is rewritten; nothing may be listed unless `rules` says so
    [[same]]    text            proved to be none: not a byte changes, and nothing is listed
    [[listed]]  text, rules     left as it is, and listed for a person under these rules

`at` is the file that is looked at (default: the kind's `at`, or app/use.py), `world` one of `kindworlds`, `files` what
else stands in the tree, `encoding` how the text is written.  Python below app/ is also run, before and after: `run()`
if there is one.  `run = false` is for what cannot run here (another library, an error on purpose).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tools.migrate.design import Design, make_design
from tools.migrate.layout import Layout, resolve_layout
from tools.migrate.manifests import wants
from tools.migrate.plan import parse_plan
from tools.migrate.scan import make_world, scan_tree
from tools.migrate.tests.kindworlds import WORLDS
from tools.migrate.tree import LINK, Tree

FOLDER = Path(__file__).with_name("kinds")
Answer = Literal["change", "same", "listed"]
_KEYS = {"name", "at", "world", "before", "after", "text", "rules", "files", "encoding", "run", "after_files", "python"}


@dataclass(frozen=True)
class Case:
    kind: str
    answer: Answer
    name: str
    world: str
    at: str
    before: str
    after: str
    rules: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    after_files: Mapping[str, str] = field(default_factory=dict)  # what else changes, by new path
    encoding: str = "utf-8"
    run: bool = True
    python: tuple[int, ...] = (3, 11)  # what can read it

    @property
    def id(self) -> str:
        return f"{self.kind}: {self.name}"

    def data(self) -> dict[str, str | bytes]:
        """All files before the move."""
        return {**WORLDS[self.world].files, **self.files, self.at: self.before.encode(self.encoding)}


@dataclass(frozen=True)
class Kind:
    name: str
    title: str
    found: str
    cases: tuple[Case, ...]

    def of(self, answer: Answer) -> int:
        return sum(c.answer == answer for c in self.cases)


@cache
def kinds() -> tuple[Kind, ...]:
    return tuple(_kind(path) for path in sorted(FOLDER.glob("*.toml")))


def cases() -> list[Case]:
    return [case for kind in kinds() for case in kind.cases]


def _kind(path: Path) -> Kind:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    at, world = table.get("at", "app/use.py"), table.get("world", "shop")
    found: list[Case] = []
    answers: tuple[Answer, ...] = ("change", "same", "listed")
    for answer in answers:
        for row in table.get(answer, ()):
            assert set(row) <= _KEYS, (path.name, set(row) - _KEYS)
            before = row["before" if answer == "change" else "text"]
            case = Case(
                kind=path.stem,
                answer=answer,
                name=row["name"],
                world=row.get("world", world),
                at=row.get("at", at),
                before=before,
                after=row["after"] if answer == "change" else before,
                rules=tuple(row.get("rules", ())),
                files=row.get("files", {}),
                after_files=row.get("after_files", {}),
                encoding=row.get("encoding", "utf-8"),
                run=row.get("run", table.get("run", True)),
                python=tuple(map(int, row.get("python", "3.11").split("."))),
            )
            found.append(case)
    return Kind(path.stem, table["title"], table["found"], tuple(found))


# what the tool makes of a case


@dataclass(frozen=True)
class Result:
    design: Design
    layout: Layout
    new_path: str
    text: str  # of the case's file, after cleanup
    rules: tuple[str, ...]  # of the findings in the case's file
    readings: tuple[str, ...]

    def files(self, stage: int) -> dict[str, bytes]:
        tree = self.design.trees[stage]
        return {p: tree.read(p) for p in tree if tree.modes[p] != LINK}


def migrated(case: Case) -> Result:
    tree = Tree.from_files(case.data())
    layout = resolve_layout(parse_plan(WORLDS[case.world].plan), tree)
    world = make_world(layout)
    design = make_design(world, scan_tree(world, skip=wants), tree, "0" * 40)
    new = layout.new_path(case.at)
    after = design.trees[6]
    text = after.read(new).decode(case.encoding) if new in after else "(removed)"
    ours = [f for f in design.findings if f.path in (case.at, new)]
    return Result(
        design, layout, new, text, tuple(sorted({f.rule for f in ours})),
        tuple(f"{f.line} {f.severity} {f.rule}: {f.text} {list(f.readings)}" for f in ours),
    )  # fmt: skip


def left_over(case: Case, result: Result) -> list[str]:
    """Edits that a second look, at the tree after stage 4, still wants to make in the case's file."""
    tree = result.design.trees[6]
    layout = resolve_layout(parse_plan(WORLDS[case.world].plan), tree, moved=True)
    scans = scan_tree(make_world(layout), skip=lambda p: wants(p) or p != result.new_path)
    return [f"{e.line} {e.rule}: {e.old} -> {e.new}" for s in scans for e in s.edits]


# running cases

_RUNNER = r"""
import builtins, importlib, json, logging, os, sys, warnings
warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
path, modules, hook = list(sys.path), set(sys.modules), builtins.__import__
finders, gcd = list(sys.meta_path), importlib._bootstrap._gcd_import
out = []
for root, paths, module in json.load(sys.stdin):
    os.chdir(root)
    sys.path[:] = [os.path.join(root, p) for p in paths] + path
    importlib.invalidate_caches()
    try:
        found = importlib.import_module(module)
        out.append(repr(found.run() if hasattr(found, "run") else None))
    except BaseException as error:
        out.append(f"{type(error).__name__}: {error}")
    builtins.__import__, importlib._bootstrap._gcd_import = hook, gcd
    sys.meta_path[:] = finders
    for name in set(sys.modules) - modules:
        if any(str(getattr(sys.modules[name], a, None) or "").startswith(root) for a in ("__file__", "__path__")) or (
            name.split(".")[0] in NAMES
        ):
            del sys.modules[name]
    logging.Logger.manager.loggerDict.clear()
print(json.dumps(out))
"""


def runs(case: Case) -> bool:
    return case.run and case.at.startswith("app/") and case.at.endswith(".py")


def outcomes(
    place: Path, jobs: Sequence[tuple[Mapping[str, bytes | str], Iterable[str]]], module: str = "app.use"
) -> list[str]:
    """What `module.run()` gives in each of the trees, all in one new interpreter, one after the other."""
    orders: list[Any] = []
    for number, (files, roots) in enumerate(jobs):
        root = place / str(number)
        for path, content in files.items():
            if path.endswith((".py", ".json", ".toml", ".ini", ".cfg", ".txt", ".html")):
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content if isinstance(content, bytes) else content.encode())
        orders.append([str(root.resolve()), list(roots), module])
    tops = {n.split(".")[0] for w in WORLDS.values() for pair in w.names for n in pair} | {"app", "my", "libs"}
    code = _RUNNER.replace("NAMES", repr(tuple(sorted(tops))))
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_"))}
    ran = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(orders), capture_output=True, text=True, check=False, env=env,
        timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout.splitlines()[-1])
    assert isinstance(answers, list)
    return answers


def as_before(case: Case, text: str) -> str:
    """What the moved code says of itself, by the old names."""
    for old, new in WORLDS[case.world].names:
        text = text.replace(new, old).replace(new.replace(".", "/"), old.replace(".", "/"))
    return text
