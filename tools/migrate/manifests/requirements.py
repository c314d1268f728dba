"""PEP 508 requirements: one requirement where there were several.

Owns how names are compared (PEP 503), extras united, specifiers combined and simplified, markers joined, and how
the result is written.  Everything works on strings and returns strings; where a requirement stands (TOML,
setup.cfg, a requirements file) is the caller's business.  A requirement that needs no change comes back with its
own spelling.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import Specifier, SpecifierSet

# Most trees that are planned hold no requirement that matters: packaging is loaded where one is read.
_SEPARATORS = re.compile(r"[-_.]+")
_ORDER = {"===": 0, "==": 0, "~=": 1, ">=": 2, ">": 2, "!=": 3, "<": 4, "<=": 4}


def normal(name: str) -> str:
    """The name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def parse(text: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text.strip())
    except InvalidRequirement:
        return None


def name_of(text: str) -> str:
    """The normalised name of a requirement, "" if it is none."""
    found = parse(text)
    return normal(found.name) if found else ""


def specifier_text(specifiers: SpecifierSet) -> str:
    """Lower bounds first, then exclusions, then upper bounds."""

    def key(item: Specifier) -> tuple[int, str]:
        return _ORDER.get(item.operator, 5), item.version

    return ",".join(str(s) for s in sorted(specifiers, key=key))


def written(
    name: str, extras: Iterable[str] = (), specifiers: str = "", marker: str = "", *, url: str = "", quote: str = '"'
) -> str:
    """A requirement, fit to stand inside `quote` without escapes."""
    extra = ",".join(dict.fromkeys(extras))
    inner = "'" if quote.startswith('"') else '"'
    tail = f"; {marker}".replace('"', inner).replace("'", inner) if marker else ""
    return (
        f"{name}{f'[{extra}]' if extra else ''}{f' @ {url}' if url else specifiers}{' ' if url and tail else ''}{tail}"
    )


# specifiers


def combine(first: str, second: str) -> str | None:
    """Both sets of bounds as one, without what others imply; None if no version can satisfy them."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        both = SpecifierSet(first) & SpecifierSet(second)
    except InvalidSpecifier:
        return None
    return specifier_text(simplified(both)) if satisfiable(both) else None


def simplified(specifiers: SpecifierSet) -> SpecifierSet:
    """Only the strictest lower and the strictest upper bound; an exact version makes bounds superfluous."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    items = sorted(specifiers, key=str)
    exact = [s for s in items if s.operator == "==" and not s.version.endswith(".*")]
    if exact and all(SpecifierSet(str(s)).contains(exact[0].version, prereleases=True) for s in items):
        return SpecifierSet(str(exact[0]))
    lower = [s for s in items if s.operator in (">=", ">")]
    upper = [s for s in items if s.operator in ("<", "<=")]
    keep = [s for s in items if s not in lower and s not in upper]
    if lower:
        keep.append(max(lower, key=lambda s: (Version(s.version), s.operator == ">")))
    if upper:
        keep.append(min(upper, key=lambda s: (Version(s.version), s.operator == "<=")))
    return SpecifierSet(",".join(str(s) for s in keep))


def satisfiable(specifiers: SpecifierSet) -> bool:
    """Whether some version fits; asked of the bounds themselves and their near neighbours."""
    from packaging.version import InvalidVersion, Version

    candidates = {"0", "0.0.0.1"}
    for item in specifiers:
        text = item.version.removesuffix(".*")
        candidates.add(text)
        try:
            release = Version(text).release
        except InvalidVersion:
            continue
        base = ".".join(map(str, release))
        candidates |= {f"{base}.0.0.1", f"{base}.1", base}
        for cut in range(len(release)):
            candidates.add(".".join(map(str, (*release[:cut], release[cut] + 1))))
    for text in candidates:
        try:
            if specifiers.contains(Version(text), prereleases=True):
                return True
        except InvalidVersion:
            if specifiers.contains(text, prereleases=True):
                return True
    return False


def allows(specifiers: SpecifierSet, version: str | None) -> bool:
    """Whether the version satisfies the bounds; an unknown version satisfies any."""
    from packaging.version import InvalidVersion, Version

    try:
        return version is None or specifiers.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


# one list with another (the merged distribution's own dependencies)


@dataclass(slots=True)
class Merge:
    """`entries` is the list afterwards; `problems` what could not be merged."""

    entries: list[str]
    problems: list[str] = field(default_factory=list)


def merge(base: Sequence[str], added: Sequence[str], without: Collection[str] = (), quote: str = '"') -> Merge:
    """`base` with `added`, each name once per marker; names in `without` (normalised) are left out."""
    out = Merge([r for r in base if name_of(r) not in without])
    for text in added:
        new = parse(text)
        if new is None:
            if text not in out.entries:
                out.entries.append(text)
            continue
        if normal(new.name) in without:
            continue
        for index, old_text in enumerate(out.entries):
            old = parse(old_text)
            if old is None or normal(old.name) != normal(new.name) or str(old.marker) != str(new.marker):
                continue
            bounds = combine(str(old.specifier), str(new.specifier))
            if bounds is None or ((old.url or new.url) and old.url != new.url):
                out.problems.append(f"{old_text!r} and {text!r} exclude each other")
                break
            from packaging.specifiers import SpecifierSet  # few merges come this far

            same = SpecifierSet(bounds) == old.specifier and new.extras <= old.extras
            if not same:
                extras = sorted(old.extras | new.extras)
                marker = str(old.marker) if old.marker else ""
                out.entries[index] = written(old.name, extras, bounds, marker, url=old.url or "", quote=quote)
            break
        else:
            out.entries.append(text.replace('"', "'") if quote.startswith('"') else text)
    return out


# dependents


@dataclass(slots=True)
class Unified:
    """For each entry its new text, or None where it goes; `notes` say why, `problems` wait for a person."""

    entries: list[str | None]
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def unify(
    entries: Sequence[str],
    merged: Collection[str],
    target: str,
    version: str | None,
    *,
    quotes: Sequence[str] = (),
    with_extras: bool = True,
) -> Unified:
    """Replace the `merged` distributions (normalised names) by `target`, once, at the first one's place.

    Extras are united.  A bound on a merged name stays only if `version`, the target's, satisfies it; so does the
    target's own, which stays as well where the version is not known.  One unconditional entry makes the result
    unconditional, otherwise the conditions are joined.
    """
    from packaging.specifiers import SpecifierSet

    out = Unified(list(entries))
    found = [
        (i, r) for i, text in enumerate(entries) if (r := parse(text)) and normal(r.name) in {*merged, normal(target)}
    ]
    if not any(normal(r.name) in merged for _, r in found):
        return out
    urls = [r for _, r in found if r.url]
    if urls:
        out.problems += [f"{r} names its source by URL; name {target} there yourself" for r in urls]
        return out
    first = found[0][0]
    extras: list[str] = []
    bounds = SpecifierSet()
    markers: list[str] = []
    for _, requirement in found:
        extras += [e for e in sorted(requirement.extras) if e not in extras]
        markers.append(str(requirement.marker) if requirement.marker else "")
        if not allows(requirement.specifier, version):
            what = f"{requirement.name}{requirement.specifier}"
            out.notes.append(f"the bound of {what} is dropped: {target} is at version {version}")
        elif version is None and requirement.specifier and normal(requirement.name) != normal(target):
            out.notes.append(f"the bound of {requirement.name}{requirement.specifier} says nothing of {target}")
        elif satisfiable(bounds & requirement.specifier):
            bounds &= requirement.specifier
        else:
            out.problems.append(f"{requirement} and the other bounds on {target} exclude each other")
    marker = _union(markers)
    quote = quotes[first] if quotes else '"'
    if extras and not with_extras:
        out.notes.append("extras are not allowed here and are dropped")
        extras = []
    text = written(target, extras, specifier_text(simplified(bounds)), marker, quote=quote)
    before = found[0][1]
    kept = normal(before.name) == normal(target) and parse(text) == before
    out.entries[first] = entries[first] if kept else text
    for index, _ in found[1:]:
        out.entries[index] = None
    return out


def _union(markers: Sequence[str]) -> str:
    """One marker that holds where any of them does; "" (always) if one of them is empty."""
    from packaging.markers import Marker

    distinct = list(dict.fromkeys(markers))
    if "" in distinct:
        return ""
    return distinct[0] if len(distinct) == 1 else str(Marker(" or ".join(f"({m})" for m in distinct)))
