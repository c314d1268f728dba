"""The pages that are made for the site: all are there, links lead somewhere, pictures say what their source says.

The build itself, strict about every link, is in `.ci/run`: it needs the generator.
"""

from __future__ import annotations

import importlib
import json
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.site import flow, pages, reference, stage
from docs.site.ranks import Edge, placed
from tests.docs.blocks import ROOT, blocks
from tests.docs.blocks import pages as written
from tools.migrate import plan

DRAWINGS = [block for page in written() for block in blocks(page) if block.language == "mermaid"]


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage.stage(tmp_path_factory.mktemp("site") / "pages")


def nav(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [name for each in (entry.values() if isinstance(entry, dict) else entry) for name in nav(each)]


def test_the_navigation_has_every_page(staged: Path) -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    there = {path.relative_to(staged).as_posix() for path in staged.rglob("*.md")}
    decisions = {name for name in there if re.match(r"adr/\d", name)}
    listed = nav(settings["nav"])
    assert set(listed) == there - decisions and len(listed) == len(set(listed))
    assert len(decisions) == len(list((ROOT / "docs/adr").glob("0*.md"))) > 15


def test_links_lead_to_pages(staged: Path) -> None:
    wrong = []
    for path in staged.rglob("*.md"):
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", re.sub(r"`[^`\n]*`", "", text)):
            if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                wrong.append(f"{path.relative_to(staged)}: {target}")
    assert not wrong


def test_links_are_rewritten_for_the_place() -> None:
    places = {"README.md": "index.md", "docs/a.md": "a.md", "relays/README.md": "packages/relays.md"}
    text = "[x](../docs/a.md#b) [y](../README.md) [code](relay.py) [web](https://x.org)\n```\n[k](../README.md)\n```\n"
    assert pages.with_links(text, "relays/README.md", places) == (
        "[x](../a.md#b) [y](../index.md) code [web](https://x.org)\n```\n[k](../README.md)\n```\n"
    )


def test_reference_pages_say_what_the_code_says(staged: Path) -> None:
    commands = (staged / "reference/migrate.md").read_text(encoding="utf-8")
    assert "## `migrate check-shims`" in commands and "`--pretend-removed`" in commands and "`--build-only`" in commands
    errors = (staged / "reference/errors.md").read_text(encoding="utf-8")
    for module in reference.ERROR_MODULES.values():
        for name in dir(importlib.import_module(module)):
            if name.endswith(("Mismatch", "Error", "Refused")) and not name.startswith("_"):
                assert f"`{name}`" in errors, name
    assert "| `TruncatedTLV` | RemoteProtocolError |" in errors and "| 3 | `Refused` |" in errors
    api = (staged / "reference/api/libs.types.protocol.md").read_text(encoding="utf-8")
    assert "### parse_message" in api and "### TradeTLV" in api and "asset_id" in api
    for name in importlib.import_module("libs.types.protocol").__all__:
        assert re.search(rf"^(### |- `){name}", api, re.MULTILINE) or name == "implementation", name
    assert "parse_message(\n    buf: Buffer,\n    offset: int = 0," in api, "whichever codec runs"
    programs = (staged / "reference/programs.md").read_text(encoding="utf-8")
    assert programs.count("usage: ") + programs.count("Usage: ") >= len(reference.PROGRAMS)


def test_the_schema_is_that_of_the_plan_file() -> None:
    schema = json.loads(reference.plan_schema())
    example = tomllib.loads((ROOT / "tools/migrate/demo/legacy/migration.toml").read_text(encoding="utf-8"))
    assert set(example) <= set(schema["properties"]) == set(plan._SCHEMA)
    for table, rows in example.items():
        one = schema["properties"][table]
        for row in rows if isinstance(rows, list) else [rows]:
            keys = one["items"] if one["type"] == "array" else one
            assert set(keys["required"]) <= set(row) <= set(keys["properties"])
            for key, value in row.items():
                pattern = keys["properties"][key].get("pattern")
                assert pattern is None or re.search(pattern, value)


@pytest.mark.parametrize("block", DRAWINGS, ids=lambda block: block.where)
def test_drawings_have_every_box_and_arrow(block: Any) -> None:
    nodes, edges = flow.parsed(block.text)
    picture = ET.fromstring(flow.drawn(block.text))
    assert len(picture.findall(".//path[@marker-end]")) == len(edges) >= 3
    shown = "".join("".join(text.itertext()) for text in picture.iter("text"))
    for node in nodes.values():
        assert all(line in shown for line in node.text)
    boxes = placed({name: flow._size(node) for name, node in nodes.items()}, edges).boxes
    for name, one in boxes.items():
        for other_name, other in boxes.items():
            apart = (
                abs(one.x - other.x) >= (one.width + other.width) / 2
                or abs(one.y - other.y) >= (one.height + other.height) / 2
            )
            assert name == other_name or apart, f"{name} covers {other_name}"


def test_what_cannot_be_drawn_is_an_error() -> None:
    for text in ("sequenceDiagram\n", "flowchart LR\n a ==> b\n", "flowchart LR\n a --> (b)\n"):
        with pytest.raises(flow.FlowError):
            flow.drawn(text)


def test_a_loop_is_drawn() -> None:
    graph = placed({"a": (10, 10), "b": (10, 10)}, [Edge("a", "b"), Edge("b", "a")])
    assert len(graph.paths) == 2
