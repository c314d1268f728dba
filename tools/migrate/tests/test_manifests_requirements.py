"""Requirements merged and replaced: pairs, and properties over generated ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tools.migrate.manifests.requirements import combine, merge, satisfiable, unify

OLD = ("wire-fmt",)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (">=3.10", ">=3.11", ">=3.11"),
        (">=4.8", ">=4.10", ">=4.10"),
        (">=3.10,<4", ">=3.9,<3.13", ">=3.10,<3.13"),
        ("", ">=1", ">=1"),
        ("==1.5", ">=1,<2", "==1.5"),
        (">1", ">=1", ">1"),
        ("<2", "<=2", "<2"),
        ("~=1.4", ">=1.5", "~=1.4,>=1.5"),
        (">=1", "!=1.3", ">=1,!=1.3"),
        (">=2", "<2", None),
        ("==1", "==2", None),
        ("==1.*", ">=2", None),
        ("~=1.4", ">=2", None),
    ],
)
def test_specifiers_combine(first: str, second: str, expected: str | None) -> None:
    assert combine(first, second) == expected
    assert combine(second, first) == expected


@pytest.mark.parametrize(
    ("base", "added", "expected"),
    [
        (["attrs>=22"], ["attrs>=23"], ["attrs>=23"]),
        (["Typing_Extensions>=4"], ["typing-extensions>=3"], ["Typing_Extensions>=4"]),
        (["httpx[http2]"], ["httpx[socks]>=1"], ["httpx[http2,socks]>=1"]),
        (["a"], ["b", "a"], ["a", "b"]),
        (["a; python_version<'3.12'"], ["a>=2"], ["a; python_version<'3.12'", "a>=2"]),
        (["a", "wire-fmt"], ["Wire_Fmt>=1"], ["a"]),
        (["a  >= 1 , < 3"], ["a>=1"], ["a  >= 1 , < 3"]),
        (["-r odd"], ["-r odd"], ["-r odd"]),
    ],
)
def test_lists_merge(base: list[str], added: list[str], expected: list[str]) -> None:
    result = merge(base, added, {"wire-fmt"})
    assert (result.entries, result.problems) == (expected, [])
    assert merge(result.entries, added, {"wire-fmt"}).entries == expected


def test_a_conflict_is_a_problem_and_the_first_stays() -> None:
    result = merge(["a<2"], ["a>=2"])
    assert result.entries == ["a<2"]
    assert len(result.problems) == 1


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["wire-fmt"], ["money-types"]),
        (["Wire_Fmt [fast] >= 2", "x"], ["money-types[fast]", "x"]),
        (["wire-fmt", "money-types"], ["money-types", None]),
        (["money-types>=0.3", "wire-fmt"], ["money-types>=0.3", None]),
        (["money-types >= 0.3", "wire-fmt[fast]"], ["money-types[fast]>=0.3", None]),
        (["money-types>=9", "wire-fmt"], ["money-types", None]),
        (["wire-fmt; os_name == 'nt'"], ["money-types; os_name == 'nt'"]),
        (["wire-fmt; os_name == 'nt'", "money-types"], ["money-types", None]),
        (["wire-fmt; os_name=='nt'", "money-types; os_name == 'nt'"], ["money-types; os_name == 'nt'", None]),
        (
            ["wire-fmt; os_name=='nt'", "money-types; os_name=='posix'"],
            ["money-types; os_name == 'nt' or os_name == 'posix'", None],
        ),
        (["wire-fmt<3"], ["money-types<3"]),
    ],
)
def test_merged_names_become_the_target(entries: list[str], expected: list[str | None]) -> None:
    assert unify(entries, OLD, "money-types", "0.4.0").entries == expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (["wire-fmt>=2.2"], ["money-types"]),
        (["money-types>=0.3", "wire-fmt[fast]~=2.1"], ["money-types[fast]>=0.3", None]),
        (["wire-fmt==2.2", "money-types<9"], ["money-types<9", None]),
    ],
)
def test_where_no_version_says_that_it_fits_a_bound_on_a_merged_name_goes(
    entries: list[str], expected: list[str | None]
) -> None:
    result = unify(entries, OLD, "money-types", None)
    assert result.entries == expected and result.notes and not result.problems


@pytest.mark.parametrize(
    "entries",
    [
        ["money-types  >=0.1"],
        ["money-types", "money-types[x]"],
        ["wire-fmt-extra", "wire.fmt2"],
        ["not a requirement", "-e ."],
        [],
        ["money-types>=9"],
    ],
)
def test_lists_without_a_merged_name_stay(entries: list[str]) -> None:
    result = unify(entries, OLD, "money-types", "0.4.0")
    assert result.entries == entries
    assert not result.notes


def test_a_url_is_left_for_a_person() -> None:
    result = unify(["wire-fmt @ git+https://example.org/x"], OLD, "money-types", "0.4.0")
    assert result.entries == ["wire-fmt @ git+https://example.org/x"]
    assert result.problems


NAMES = st.sampled_from(["wire-fmt", "Wire_Fmt", "money-types", "Money.Types", "other", "wire-fmt-extra"])
EXTRAS = st.sets(st.sampled_from(["fast", "docs", "s3"]), max_size=3)
BOUNDS = st.lists(
    st.tuples(
        st.sampled_from([">=", "<", "==", "!=", "~=", ">", "<="]), st.sampled_from(["0.1", "0.4.0", "1.0", "2.3.1"])
    ),
    max_size=3,
)
MARKERS = st.sampled_from(["", "python_version < '3.12'", "os_name == 'nt'", "sys_platform == 'linux' or extra == 'x'"])
REQUIREMENTS = st.builds(
    lambda n, e, b, m: (
        f"{n}{'[' + ','.join(sorted(e)) + ']' if e else ''}{','.join(o + v for o, v in b)}{'; ' + m if m else ''}"
    ),
    NAMES,
    EXTRAS,
    BOUNDS,
    MARKERS,
)
MERGED = {"wire-fmt", "money-types"}


@given(st.lists(REQUIREMENTS, max_size=6), st.sampled_from(["0.1", "0.4.0", "1.0", "3"]))
def test_no_extra_is_lost_and_the_version_fits(entries: list[str], version: str) -> None:
    result = unify(entries, OLD, "money-types", version)
    parsed = [Requirement(e) for e in entries]
    if not any(_key(r) == "wire-fmt" for r in parsed):
        assert result.entries == entries
        return
    kept = [Requirement(e) for e in result.entries if e is not None]
    ours = [r for r in kept if _key(r) in MERGED]
    assert len(ours) == 1
    assert ours[0].extras == set().union(*(r.extras for r in parsed if _key(r) in MERGED))
    assert ours[0].specifier.contains(Version(version), prereleases=True)
    assert [str(r) for r in kept if _key(r) not in MERGED] == [str(r) for r in parsed if _key(r) not in MERGED]
    again = unify([e for e in result.entries if e is not None], OLD, "money-types", version)
    assert again.entries == [e for e in result.entries if e is not None]


@given(st.lists(REQUIREMENTS, max_size=5), st.sampled_from(["linux", "win32"]), st.sampled_from(["nt", "posix"]))
def test_what_was_installed_still_is(entries: list[str], platform: str, system: str) -> None:
    environment = {"sys_platform": platform, "os_name": system, "python_version": "3.12", "extra": ""}

    def wanted(items: list[str]) -> bool:
        found = [Requirement(i) for i in items]
        return any(_key(r) in MERGED and (r.marker is None or r.marker.evaluate(environment)) for r in found)

    result = [e for e in unify(entries, OLD, "money-types", "0.4.0").entries if e is not None]
    assert wanted(result) is wanted(entries)


@given(BOUNDS, BOUNDS)
def test_combined_bounds_mean_the_same(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    one, two = ",".join(o + v for o, v in first), ",".join(o + v for o, v in second)
    both = combine(one, two)
    for version in ("0", "0.1", "0.2", "0.4.0", "0.4.1", "0.9", "1.0", "1.5", "2.3.1", "2.9", "3"):
        inside = SpecifierSet(one).contains(version) and SpecifierSet(two).contains(version)
        assert inside is (both is not None and SpecifierSet(both).contains(version))
    assert both is None or satisfiable(SpecifierSet(both))


def _key(requirement: Requirement) -> str:
    return requirement.name.lower().replace("_", "-").replace(".", "-")


def test_markers_survive_their_quotes() -> None:
    (text,) = unify(['wire-fmt; os_name == "nt"'], OLD, "money-types", None, quotes=['"']).entries
    assert text is not None and '"' not in text
    assert Requirement(text).marker == Marker("os_name == 'nt'")
