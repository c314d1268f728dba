"""The table of rules: every rule that the tool uses is known to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tools.migrate.rules import CONFIDENCES, rule

HOME = Path(__file__).resolve().parents[1]


def used() -> set[str]:
    """What the sources pass as `rule=`, and to the constructors and methods that take a rule."""
    found: set[str] = set()
    for file in [*HOME.glob("*.py"), *HOME.glob("scan/*.py"), *HOME.glob("manifests/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            found |= {
                str(k.value.value) for k in node.keywords if k.arg == "rule" and isinstance(k.value, ast.Constant)
            }
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("Edit", "Verdict", "list", "find", "change", "put", "note", "add_item", "splice"):
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                found |= {t for t in texts if re.fullmatch(r"[a-z]+\.[a-z]+(?:[.-][a-z]+)*", t)}
    return found


def test_every_rule_is_of_a_known_family() -> None:
    names = used()
    assert {"import.from", "import.module", "string.bare", "path.tracked", "file.depth"} <= names
    assert sorted(name for name in names if rule(name).kind == "other") == []


def test_what_is_not_known_is_the_least_sure() -> None:
    assert rule("no-such.rule").kind == "other" and rule("no-such.rule").confidence == "likely"
    assert {rule(n).confidence for n in ("import.from", "string.resolves", "string.module")} == set(CONFIDENCES)
