"""Reports to test and to look at: a realistic one (40 files, 150 edits, 12 findings) and one of hostile texts.

Run as a script it writes the page of the realistic one to the file named on the command line; two numbers behind it
make it larger (files, edits).
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

from tools.migrate.graph import dependency_graph, to_json
from tools.migrate.hunks import hunks_of
from tools.migrate.model import Edit, Finding, Move
from tools.migrate.page import render_html
from tools.migrate.report import FileEdits, Report, ShimStatus, StageSummary

HOSTILE = "<script>alert('x')</script>\"&'{{7*7}}[red]"
MOVES = (
    Move("protocol_v2", "libs.types.protocol", "protocol_v2", "libs/types/protocol", True, "protocol-v2"),
    Move("alphapulse_types", "libs.types.common", "libs/types/alphapulse_types", "libs/types/common", True),
)
RULES = (
    ("import.from", "from protocol_v2.tlv import TradeTLV", "from libs.types.protocol.tlv import TradeTLV", 4),
    ("name", "protocol_v2.parse_message", "libs.types.protocol.parse_message", 4),
    ("string.resolves", "protocol_v2.tlv.types", "libs.types.protocol.tlv.types", 4),
    ("import.relative", "..common.errors", "libs.types.common.errors", 3),
    ("toml.requirement", "protocol-v2>=2.1", "alphapulse-types>=0.2", 4),
    ("path.tracked", "protocol_v2/tlv/types.py", "libs/types/protocol/tlv/types.py", 6),
)
LINES = {
    "import.from": ("", "  # the wire format"),
    "name": ("MESSAGE = ", "(buffer, strict=True)"),
    "string.resolves": ('HANDLER = "', '"'),
    "import.relative": ("from ", " import TypedValueError"),
    "toml.requirement": ('NEEDS = ["', '"]'),
    "path.tracked": ('SOURCE = ROOT / "', '"'),
}
WHAT = {
    "import.from": "module protocol_v2.tlv",
    "name": "a name of module protocol_v2",
    "string.resolves": "module protocol_v2.tlv.types",
    "import.relative": "module alphapulse_types.errors",
    "toml.requirement": "the distribution of protocol_v2",
    "path.tracked": "a tracked file",
}
OWNERS = {"gateway": ("@gateway",), "relay": ("@feeds", "@platform"), "execution": ("@feeds",)}
USERS = (
    "services.gateway",
    "services.relay.market",
    "services.relay.signal",
    "services.execution",
    "services.strategies",
    "services.portfolio",
    "scripts.replay",
    "scripts.backfill",
    "libs.adapters",
    "libs.codec",
    "libs.health",
    "tools.bench",
)


def sample_graph() -> dict[str, Any]:
    rng = random.Random(7)
    pairs = [(user, "protocol_v2") for user in USERS for _ in range(rng.randint(1, 9))]
    pairs += [(user, "alphapulse_types") for user in USERS[::2]] + [("protocol_v2", "alphapulse_types")] * 11
    pairs += [
        ("services.gateway", "libs.adapters"),
        ("services.execution", "libs.codec"),
        ("scripts.replay", "libs.codec"),
    ]
    pairs += [
        ("libs.adapters", "libs.health"),
        ("libs.health", "libs.adapters"),
        ("services.strategies", "libs.health"),
    ]
    return to_json(dependency_graph(pairs))


def sample_edits(files: int, total: int) -> tuple[FileEdits, ...]:
    rng, made = random.Random(3), []
    for i in range(files):
        count = total // files + (i < total % files)
        edits, body = [], '"""Sample."""\n\n'
        for n in range(count):
            rule, old, new, stage = RULES[rng.randrange(len(RULES))]
            reason = f"{old.split()[1 if ' ' in old else 0]} is {WHAT[rule]}, which moves"
            left, right = LINES[rule]
            start = len(body) + len(left)
            line = body.count("\n") + 1
            body += f"{left}{old}{right}\n\n\ndef step_{n}(value: int) -> int:\n    return value + {n}\n"
            edits.append(Edit(start, start + len(old), old, new, line, stage, rule, reason))
        name = f"{USERS[i % len(USERS)].replace('.', '/')}/{('feed', 'router', 'state', 'test_wire')[i % 4]}_{i}.py"
        path, target = name, name
        if i % 8 == 0:
            path, target = f"protocol_v2/tlv/part_{i}.py", f"libs/types/protocol/tlv/part_{i}.py"
        made.append(FileEdits(path, target, tuple(edits), hunks_of(body, edits)))
    return tuple(made)


def sample_findings() -> tuple[Finding, ...]:
    either = ("the import name of the moving package", "the name of the exchange's wire format")
    found = [
        Finding(
            "services/gateway/registry.py",
            88,
            "dynamic-import",
            'import_module(f"{prefix}.tlv.{kind}")',
            ("`prefix` is always protocol_v2", "`prefix` is set by a plugin"),
            "Make the prefix a constant, then rerun.",
            "error",
        ),
        Finding(
            "deploy/relay.service",
            12,
            "path",
            "WorkingDirectory=/srv/app/protocol_v2",
            ("the folder of this repository", "a folder of the server's own"),
            "Ask who installs the unit.",
            "error",
        ),
        Finding(
            "services/execution/pickles.py",
            31,
            "pickle",
            "b'cprotocol_v2.tlv.types\\nTradeTLV\\n'",
            ("data that is read back", "a fixture"),
            "Keep the shim until old files are gone.",
            "error",
        ),
    ]
    for i in range(6):
        hint = "Rename it if it is the import name." if i % 2 else ""
        found.append(
            Finding(f"services/relay/market/topics_{i}.py", 14 + i, "bare-word", '"protocol_v2"', either, hint)
        )
    for i in range(3):
        found.append(
            Finding(f"docs/adr/000{i}.md", 5, "prose", "protocol_v2 was chosen in 2024", either[:1], "", "note")
        )
    return tuple(found)


def sample_report(files: int = 40, total: int = 150) -> Report:
    stages = (
        StageSummary(1, "audit", "done", findings=12, gate="recorded: 214 tests, 2 fail already", seconds=4.2),
        StageSummary(2, "design", "done", edits=total, findings=12, gate="not run: the tree is unchanged", seconds=1.8),
        StageSummary(
            3,
            "migrate",
            "done",
            (
                ("9f3c2e7a1b0d4c55", "Move protocol_v2 and alphapulse_types, unchanged"),
                ("17ab90cd2e3f4a5b", "Repair relative imports; shims at the old names"),
            ),
            18,
            27,
            0,
            "no worse than before",
            21.4,
        ),
        StageSummary(
            4,
            "integrate",
            "done",
            (
                ("c0ffee1234567890", "Use libs.types in services/gateway"),
                ("deadbeef12345678", "Use libs.types in all other services"),
            ),
            120,
            0,
            12,
            "no worse than before",
            33.0,
        ),
        StageSummary(5, "validate", "next"),
        StageSummary(6, "cleanup", "waiting", note="Not before 2027-03-31, the date in the plan file."),
    )
    broken = ["tests/test_feed.py::test_reconnect", "tests/test_wire.py::test_v1"]
    gate = {"command": "python -m pytest -q", "broken": (), "missing": (), "already_broken": tuple(broken), "ok": True}
    outcomes = {**{f"tests/test_wire.py::test_{i}": "passed" for i in range(212)}, **dict.fromkeys(broken, "failed")}
    messages = {broken[0]: "ConnectionRefusedError: [Errno 111]\nmore", broken[1]: "AssertionError: assert 1 == 2"}
    baseline = {"gates": [{"command": gate["command"], "exit_code": 1, "outcomes": outcomes, "messages": messages}]}
    edits, findings = sample_edits(files, total), sample_findings()
    paths = sorted({*(f.path for f in edits), *(f.path for f in findings)})
    users = tuple(f.path for f in edits if not f.path.startswith("protocol_v2/"))
    return Report(
        plan="unify-types",
        plan_hash="3f2a1bc9e87d6c5b4a39281706f5e4d3",
        root_name="alphapulse",
        moves=MOVES,
        stages=stages,
        edits=edits,
        findings=findings,
        graph=sample_graph(),
        gates=({"stage": 3, **gate}, {"stage": 4, **gate}),
        baseline=baseline,
        api=(
            Finding(
                "libs/types/common/__init__.py",
                3,
                "value-changed",
                "__version__ = '0.2'",
                ("'0.1' before",),
                "Expected.",
            ),
        ),
        unused_dependencies=(
            Finding("services/relay/pyproject.toml", 14, "unused", "alphapulse-types>=0.1", hint="Remove it."),
        ),
        public_names={"before": 312, "after": 312, "the same object": 311},
        bisect=("9f3c2e7a1b: files are at their new place, relative imports are repaired in the next commit",),
        shims=(
            ShimStatus("protocol_v2", MOVES[0].target, "protocol_v2.py", "platform team", "2027-03-31", "", users[:9]),
            ShimStatus("alphapulse_types", MOVES[1].target, "alphapulse_types.py", "", "", "0.3"),
        ),
        members={path: "/".join(path.split("/")[:2]) for path in paths},
        owners={path: list(OWNERS[path.split("/")[1]]) for path in paths if path.split("/")[1] in OWNERS},
        decided=(
            {"path": "docs/wire.md", "line": 9, "text": "wire", "words": "left as it is: a topic of the exchange"},
        ),
    )


def hostile_report() -> Report:
    finding = Finding(f"{HOSTILE}.py", 1, HOSTILE, HOSTILE, (HOSTILE, HOSTILE), HOSTILE, "error")
    edit = Edit(0, 1, HOSTILE, HOSTILE, 1, 4, HOSTILE, HOSTILE)
    gate = {"stage": 3, "command": HOSTILE, "broken": [HOSTILE], "details": {HOSTILE: HOSTILE}, "reason": HOSTILE}
    return Report(
        plan=HOSTILE,
        plan_hash=HOSTILE,
        root_name=HOSTILE,
        moves=(Move(HOSTILE, "b", HOSTILE, HOSTILE, True, HOSTILE),),
        stages=(StageSummary(3, HOSTILE, "failed", ((HOSTILE, HOSTILE),), gate=HOSTILE, note=HOSTILE),),
        edits=(FileEdits(HOSTILE, HOSTILE + "x", (edit,), hunks_of(HOSTILE, (edit,))),),
        findings=(finding,),
        api=(finding,),
        unused_dependencies=(finding,),
        gates=(gate,),
        graph=to_json(dependency_graph([(HOSTILE, "b"), ("b", HOSTILE)])),
        baseline={"gates": [{"command": HOSTILE, "outcomes": {HOSTILE: "failed"}, "messages": {HOSTILE: HOSTILE}}]},
        public_names={HOSTILE: 1},
        bisect=(HOSTILE,),
        warnings=(HOSTILE,),
        shims=(ShimStatus(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (HOSTILE,)),),
        members={f"{HOSTILE}.py": HOSTILE, HOSTILE: HOSTILE},
        owners={f"{HOSTILE}.py": [HOSTILE], HOSTILE: [HOSTILE]},
        decided=({"path": HOSTILE, "line": 1, "text": HOSTILE, "words": HOSTILE},),
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render_html(sample_report(*map(int, sys.argv[2:]))), encoding="utf-8")
