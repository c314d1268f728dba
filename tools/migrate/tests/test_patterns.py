"""Patterns over paths: the matching beside pathlib's on a real folder, and any text at all in the place of settings."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tools.migrate.layout import resolve_layout
from tools.migrate.patterns import Patterns
from tools.migrate.plan import parse_plan
from tools.migrate.tree import Tree

PLAN = '[migration]\nname = "deep"\n[[move]]\nfrom = "app.parts.box"\nto = "box"\n'
FILES = {
    "app/__init__.py": "",
    "app/parts/__init__.py": "",
    "app/parts/other.py": "",
    "app/parts/box/__init__.py": "",
    "app/parts/box/size.py": "",
    "app/parts/box/data/a.json": "{}",
    "docs/box.md": "",
}


@pytest.fixture(scope="module")
def patterns() -> Patterns:
    return Patterns(resolve_layout(parse_plan(PLAN), Tree.from_files(FILES)))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The tree before the move and after it, as folders."""
    before, after = (tmp_path_factory.mktemp(name) for name in ("before", "after"))
    for path in FILES:
        for root, place in ((before, path), (after, path.replace("app/parts/box", "box"))):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_text("")
    return before, after


def found(root: Path, pattern: str) -> set[str]:
    """Files that pathlib finds, and those below a folder that it finds."""
    hits = {str(p.relative_to(root)) for p in root.glob(pattern)}
    files = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
    return {f for f in files if f in hits or any(str(above) in hits for above in PurePosixPath(f).parents)}


part = st.sampled_from(
    [
        "app",
        "parts",
        "box",
        "*",
        "**",
        "*.py",
        "b?x",
        "[ab]*",
        "[!a]*",
        "size.py",
        "o*",
        "data",
        "*s*",
        "__init__.py",
        "a.json",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(part, min_size=1, max_size=5))
@example(parts=["**", "box", "**"])
@example(parts=["app", "**", "*.py"])
def test_a_pattern_finds_what_pathlib_finds(parts: list[str], patterns: Patterns, folders: tuple[Path, Path]) -> None:
    pattern = "/".join(parts)
    before, after = (found(root, pattern) for root in folders)
    pairs = patterns.pairs
    change = patterns.change(pattern)
    assert set(change.lost) == {old for old, new in pairs if old in before and new not in after}
    assert set(change.gained) == {new for old, new in pairs if new in after and old not in before}
    assert change.kept == sum(old in before and new in after for old, new in pairs)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.text(),
        st.text("ap/*?[]{}!^$().+|\\,-: \n\"'#box"),
        st.lists(
            st.sampled_from(["app", "/", "*", "**", "{a,b}", ".*", "\\.", "(", ")", "\n", "  - ", "include: ", " "])
        ).map("".join),
    ),
    path=st.sampled_from(["ci.yml", ".github/workflows/ci.yml", "app/pyproject.toml", "a.json"]),
)
def test_any_text_is_read(text: str, path: str, patterns: Patterns) -> None:
    for offset, token, change in patterns.in_text(text, path):
        assert text[offset:].startswith(token.strip("./")) or token in text
        assert change.lost and set(change.lost) <= {old for old, _ in patterns.pairs}


def test_the_time_grows_with_the_text_and_not_faster(patterns: Patterns) -> None:
    for text in (
        "a/b+c" * 100_000,
        "- " + "w/x " * 100_000,
        "/" * 300_000,
        "[!" * 150_000,
        "{" * 100_000 + "*/",
        "(a|" * 99_999,
    ):
        assert not list(patterns.in_text(text, "ci.yml"))


def test_names_of_files_alone_and_classes_in_brackets() -> None:
    plan = '[migration]\nname = "m"\n[[move]]\nfrom = "tool"\nto = "pkg.tool"\n'
    own = Patterns(resolve_layout(parse_plan(plan), Tree.from_files({"tool.py": "", "pkg/__init__.py": ""})))
    text = "paths: [*.py, docs/*]\n  - t?ol.p*\n  - *tool*\n"
    assert [token for _, token, _ in own.in_text(text, ".github/ci.yml")] == ["*.py", "t?ol.p*"]
    deep = Patterns(resolve_layout(parse_plan(PLAN), Tree.from_files(FILES)))
    text = "omit = app/*/bo[xy]\npaths: [app/*/b*]\nfiles: app/parts/[!o]*\n"
    found = [token for _, token, _ in deep.in_text(text, "tox.ini")]
    assert found == ["app/*/bo[xy]", "app/*/b*", "app/parts/[!o]*"]
