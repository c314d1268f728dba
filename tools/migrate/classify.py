"""Whether a piece of text names moving code: change it, prove that it does not, or list it.

The one place that judges strings: literals in Python, values in TOML, words in documents.  `Judge.value` takes a
whole string, `Judge.tokens` finds the candidates inside longer text.  Evidence decides: a dotted name must resolve to
a module or to a name in one, a path must name tracked files; a bare package name is changed only where the context
says what it is (`hint`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .layout import Layout, relative_to
from .patterns import Patterns
from .resolve import Resolver
from .settingnames import setting_names

Hint = Literal["module", "path", "either", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` "change" has `new` and `stage`; "list" has `readings`; "none" is proved by `reason`."""

    kind: Literal["change", "none", "list"]
    reason: str
    new: str = ""
    stage: int = 4
    rule: str = ""
    readings: tuple[str, ...] = ()


# What stands before a category or a module in a filter of warnings, such as `ignore::pkg.SomeWarning`.  Whoever reads
# the filter imports the category at once, with the filters before it in force: an old name would warn there, and under
# "error" that ends the run.  So these change with the move; the new name is there by then, and modules have theirs.
WARNING_FILTER = re.compile(r"(?:^|[\s\"'=])(?:error|ignore|always|all|default|module|once):[^:\n]*:\S*\Z")
_DOTTED = re.compile(  # a module may be called `0002_more`, as migrations are: only a statement could not import it
    r"(?P<name>[^\W\d]\w*(?:\.(?:\d+_)?[^\W\d]\w*)*)(?P<tail>\.\*|\.|:[\w.]*(?:\[[\w,\s-]*\])?|\.\*\*|\*)?"
)
_ASSET = re.compile(r"(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<path>[\w-][\w./-]*)")  # `pkg:templates/page.html`
_LONGER = re.compile(r"(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)+)-[\w.-]+")
_SCHEME = re.compile(r"\b(?:ext|pkg|py|python)://$")  # of logging, Hydra and others, before the name of a module
UNKNOWN_UP = re.compile(r"[}$*?\]][^/]*/(?:[^/]+/)*?\.\.(?:/|\Z)")  # up from a folder that is not known
_FILES = (".py", ".pyi", ".pyw")
_PATHLIKE = re.compile(r"[\w.*?\[\]{}$@~+-]*(?:/[\w.*?\[\]{}$@~+-]*)+")


class Judge:
    """Judges text for one layout; `resolver` gives the evidence."""

    def __init__(self, layout: Layout, resolver: Resolver) -> None:
        self.layout, self.resolver, self.patterns = layout, resolver, Patterns(layout)
        dotted = sorted(layout.old_names, key=len, reverse=True)
        paths = {m.path for m in layout.moves} | {m.path.removesuffix(".py") for m in layout.moves}
        for move in layout.moves:  # also as written from inside an import root
            parts = move.source.split(".")
            paths.add("/".join(parts))
            paths |= {f"{'.'.join(parts[:n])}:{'/'.join(parts[n:])}" for n in range(1, len(parts))}  # as assets
        symbols = {entry.source for entry in layout.plan.symbols}
        # Of what keeps its name only paths are old; a bare word may be its folder.
        self.folders = {m.path: m.to_path for m in layout.moves if m.keeps_name and "/" not in m.path}
        self.settings = setting_names(layout.tree, layout.old_names)
        kept = (m.source for m in layout.moves if m.keeps_name)
        words = {n.rpartition(".")[2] for n in (*dotted, *kept, *symbols)}
        self.words = frozenset(words)
        self._comment = re.compile(rf"#[^\r\n]*?(?:{'|'.join(map(re.escape, sorted(words)))})")
        self.needles = tuple(w.encode() for w in sorted(words))
        files = {n for m in layout.moves if not m.is_package for n in (m.path[:-3], m.source.replace(".", "/"))}
        alternatives = "|".join(  # below a module lies nothing, whatever folder is called like it
            re.escape(n) + "(?!/)" * ("/" in n and n in files)
            for n in sorted({*dotted, *paths, *symbols}, key=len, reverse=True)
        )
        # What may stand before: not part of a longer word, dotted name or path (but "./" and "../" belong to it, and a
        # module may follow its option at once: `python -mpkg`).
        self._token = re.compile(
            rf"(?:(?<![\w.@-])|(?<=[\s\"'\[,(]-m)|(?<=^-m))(?P<lead>(?:%\(\w+\)s/)?(?:\.{{1,2}}/|[\w.*{{}}$-]+/)*|/)(?P<core>{alternatives})(?![\w-])"
        )

    # whole values

    def value(self, text: str, at: str, hint: Hint = "unknown") -> Verdict | None:
        """The verdict on a string that may be one name or one path; None if it mentions no moving name at all.

        `at` is the file that holds it, because paths may be relative to its folder.
        """
        stripped = text.strip()
        if not self.mentioned(stripped):
            return None
        match = _DOTTED.fullmatch(stripped)
        asset = _ASSET.fullmatch(stripped)
        if asset and (spec := self._asset(asset["name"], asset["path"])) is not None:
            return _keep_space(text, stripped, spec)
        if match and hint != "path":
            found = self._dotted(match["name"], match["tail"] or "", at, hint)
            if found is not None and found.kind == "none" and stripped.endswith(_FILES):
                found = self.path(stripped, at, hint) or found  # a file at the top: `tools.py`
            if found is not None:
                return _keep_space(text, stripped, found)
        if "/" in stripped or hint in ("path", "either") or stripped.endswith(".py"):
            found = self.path(stripped, at, hint)
            if found is not None:
                return _keep_space(text, stripped, found)
        longer = _LONGER.fullmatch(stripped)  # f"{cls}-{key}", compared with what is written out
        found = self._dotted(longer["name"], "", at, hint) if longer else None
        if longer and found is not None and found.kind == "change":
            new = found.new + stripped[longer.end("name") :]
            readings = (f"a name of code and what is put behind it, now {new}", "a word of its own")
            return Verdict("list", "begins with a name of code", new, found.stage, "string.prefix", readings)
        if hint == "unknown" and stripped in self.folders:
            new = self.folders[stripped]
            readings = (f"the folder, now {new}", "the package, which keeps its name, or a word of its own")
            return Verdict("list", "a bare name: may be the folder", new, 3, "string.folder", readings)
        return None

    def in_comment(self, source: str) -> bool:
        """Whether a moving word stands behind a `#` (which may be in a string: this only saves reading tokens)."""
        return self._comment.search(source) is not None

    def mentioned(self, text: str) -> bool:
        return any(word in text for word in self.words)

    def _dotted(self, name: str, tail: str, at: str, hint: Hint) -> Verdict | None:
        symbol = self.symbol(name, tail)
        if symbol:
            return Verdict("change", "the plan moves this name", symbol, 4, "string.symbol")
        new = self.layout.new_module(name)
        if new is None:
            return None
        # What moving code says of itself (a text, a docstring) is quoted by tests; those change with the move (see
        # `identity` in places), so this does as well.  Both names can be imported by then.
        stage = 3 if self.layout.new_path(at) != at else 4
        exact = name in self.layout.old_names
        if exact and "." not in name and not tail.startswith(":"):
            if hint == "module" or (tail and tail not in (".", "*")):  # `pkg*` may be files or distributions
                return Verdict("change", f"names the package {name}", new + tail, stage, "string.module")
            as_path = self.path(name + tail, at, hint) if hint in ("path", "either") else None
            if as_path is not None:
                return as_path
            if hint == "either":
                return Verdict("change", f"names the package {name}", new + tail, stage, "string.module")
            return Verdict(
                "list",
                "a bare name: may be the package, or a word that only looks like it",
                new + tail,
                4,
                "string.bare",
                (f"the package, now {new + tail}", "a word of its own (a key, a table, a topic)"),
            )
        kept = "" if tail or hint == "module" else self.hiding(name)
        if kept:
            readings = (f"the module, now {new}", f"{kept}, which its package binds")
            return Verdict("list", "a module, and a name in its package", new, 4, "string.hidden", readings)
        target = name + "." + tail[1:].split("[")[0] if tail.startswith(":") and len(tail) > 1 else name
        answer = self.resolver.resolve(target)
        if name in self.settings and not tail and hint != "module":
            if not answer.found:
                return Verdict("none", "a file of settings has this key")
            readings = ("a setting of that name, which a file sets", f"the {answer.kind}, now {new}")
            return Verdict("list", "a setting, and a name in the code", new, stage, "string.setting", readings)
        if answer.found:
            return Verdict("change", f"resolves to {answer.kind} {target}", new + tail, stage, "string.resolves")
        if answer.kind == "dynamic" or hint == "module":
            if hint == "module":
                return Verdict("change", "names a module by context", new + tail, stage, "string.context")
            return Verdict(
                "list",
                "only known at run time",
                new + tail,
                4,
                "string.dynamic",
                (f"a name in the moved code, now {new + tail}", "data that only looks like a name"),
            )
        return Verdict(
            "none",
            f"{target} is no module and no name in one",
            new + tail,
            4,
            "string.missing",
            ("data that only looks like a name", f"a module made at build time, now {new + tail}"),
        )

    def hiding(self, module: str) -> str:
        """What hides the module, as it is called afterwards, where the two part: `from .parse import parse` in `pkg`.

        Then `pkg.parse` is the function for all who read it as an attribute of the package, once that is loaded.
        """
        package, _, leaf = module.rpartition(".")
        index, current = self.resolver.index, self.layout.current_module(module)
        if not package or not index.is_module(current):
            return ""
        origin = index.names(self.layout.current_module(package)).names.get(leaf)
        kept = f"{self.layout.new_module(package) or package}.{leaf}"
        parts = kept != (self.layout.new_module(module) or module)
        return kept if parts and origin and origin.startswith((f"{module}.", f"{current}.")) else ""

    def below_a_module(self, name: str) -> bool:
        """Whether a name begins with a dotted one of a module that moves: even in prose that is no plain word."""
        parts = re.split(r"[.:]", name)
        begins = (".".join(parts[:n]) for n in range(2, len(parts)))
        index, layout = self.resolver.index, self.layout
        return any(layout.new_module(b) and index.is_module(layout.current_module(b)) for b in begins)

    def _asset(self, name: str, path: str) -> Verdict | None:
        """A file or folder below a package, as Pyramid and others write it; None unless it is tracked."""
        new, index = self.layout.new_module(name), self.resolver.index
        current = self.layout.current_module(name)
        if current not in index.packages or index.binds(current, path):
            return None
        folder = posixpath.dirname(index.files.get(current, "")) or current.replace(".", "/")
        full = f"{folder}/{path.rstrip('/')}"
        if new is not None:
            found = f"{new}:{path}" if self.layout.tree.exists(full) else ""
        else:
            to = self.layout.old_to_new_path(full) if self.layout.existed(full) else None
            inside = to is not None and to.startswith(f"{folder}/")
            found = f"{name}:{to[len(folder) + 1 :]}{'/' * path.endswith('/')}" if to and inside else ""
            if to and not inside:
                return Verdict("list", f"{path} leaves {name}", to, 3, "string.asset", (f"the file {full}, now {to}",))
        stage = 3 if new is None else 4  # no shim stands for files of a package that stays
        return Verdict("change", f"{path} is in the package {name}", found, stage, "string.asset") if found else None

    def symbol(self, name: str, tail: str = "") -> str | None:
        """The new name where the plan moves this one symbol."""
        joined = f"{name}.{tail[1:]}" if tail.startswith(":") else name
        for entry in self.layout.plan.symbols:
            if joined == entry.source or joined.startswith(entry.source + "."):
                moved = entry.target + joined[len(entry.source) :]
                if tail.startswith(":"):
                    module, _, attribute = moved.rpartition(".")
                    return f"{module}:{attribute}"
                return moved
        return None

    # paths

    def path(self, text: str, at: str, hint: Hint = "unknown") -> Verdict | None:
        """The verdict on `text` as a path from the root, from the folder of `at`, or from an import root.

        A file that is made later, below a folder that moves, is evidence only where a path must stand (`hint`).
        """
        file, separator, test = text.partition("::")
        if separator and file.endswith(".py"):  # one test of it, as pytest names it
            found = self.path(file, at, hint)
            return None if found is None else replace(found, new=f"{found.new}::{test}")
        lead = "./" if text.startswith("./") else ""
        tail = "/" if text.endswith("/") and len(text) > 1 else ""
        clean = text[len(lead) : len(text) - len(tail)]
        if not clean or clean.startswith(("/", "~")) or "//" in clean or "\n" in clean or UNKNOWN_UP.search(clean):
            return None
        folder, new_folder = posixpath.dirname(at), posixpath.dirname(self.layout.new_path(at))
        bases = [("", "")]
        if folder:
            bases.append((folder, new_folder))
        if clean.startswith("../"):  # an include that is read from the folder of a tool's settings, above the file's
            above = [folder[: m.start()] for m in re.finditer("/", folder)][::-1]
            bases += [(a, a) for a in above if self.layout.old_to_new_path(a) is None]
        for base, new_base in bases:
            full = posixpath.normpath(posixpath.join(base, clean))
            if full.startswith("..") or full == ".":
                continue
            if not base and folder and self.layout.moved and self._is_beside(posixpath.join(folder, clean), full):
                continue
            new = self._new_full(full)
            if new is None and hint == "path" and not self._stands(posixpath.join(new_base, clean)):
                new = self._below(full)
            if new is None and clean.startswith("../") and self.layout.tree.exists(full):
                return None  # a file that stays
            if new is None:
                continue
            written = relative_to(new, new_base) if base else new
            if (not base and not written.startswith(lead + ".") and lead) or (
                base and lead and not written.startswith(".")
            ):
                written = lead + written
            if written + tail == text:
                return Verdict("none", "the path is the same from the new place", text)
            return Verdict("change", f"{full} moves to {new}", written + tail, 3, "path.tracked")
        anywhere = re.match(r"(?:\*\*?/)+(?=[^*?/]+/[^/])", clean)  # a pattern, `*/pkg/a.py`
        if anywhere and (found := self.path(clean[anywhere.end() :], "", hint)) is not None and not lead:
            return replace(found, new=f"{anywhere.group()}{found.new}{tail}")
        found = self._from_root(clean, hint) if not lead else None
        if found is not None:
            return replace(found, new=found.new + tail)
        new = self._below(clean)
        if new is None:
            return None
        readings = ("a file that is made there, now " + new, "a text that only looks like a path")
        return Verdict("none", "no tracked file has this path", new + tail, 3, "path.missing", readings)

    def _from_root(self, clean: str, hint: Hint) -> Verdict | None:
        """The verdict on a path as an archive or an installation has it: from an import root, `pkg/a.py` in `src`."""
        tree = self.layout.tree
        for root in self.layout.roots:
            full = posixpath.normpath(posixpath.join(root, clean))
            new = None if root == "." or "/" not in clean else self._new_full(full)
            if new is None:
                continue
            homes = [r for r in self._homes() if f"{new}/".startswith(f"{r}/")]
            written = relative_to(new, max(homes, key=len, default="."))
            if written == clean:
                return Verdict("none", "the path is the same from the new import root", clean)
            if hint != "path" and (full in tree.dirs or new in tree.dirs):
                readings = (f"the folder, now {written}", "a route, or a prefix of its own")
                return Verdict("list", "a folder below an import root", written, 3, "path.folder", readings)
            return Verdict("change", f"{full} moves to {new}, written from {root}", written, 3, "path.tracked")
        return None

    def _homes(self) -> Iterator[str]:
        yield from self.layout.roots
        if self.layout.plan.target is not None:
            yield self.layout.plan.target.import_root

    def _below(self, full: str) -> str | None:
        """The new path of what is not tracked, below a folder that moves."""
        folders = (m.path for m in self.layout.moves if m.is_package)
        if any(c in full for c in "*?[{$") or not any(full.startswith(f + "/") for f in folders):
            return None
        return self.layout.old_to_new_path(full)

    def _is_beside(self, near: str, full: str) -> bool:
        """Whether `near` is there and `full`, an old path of what kept its name, is not: both are written alike."""
        kept = any(m.keeps_name and f"{full}/".startswith(f"{m.path}/") for m in self.layout.moves)
        return kept and self.layout.tree.exists(posixpath.normpath(near.rstrip("/")))

    def _stands(self, full: str) -> bool:
        """Whether a tracked file or folder comes to stand there, so that the text has been rewritten already."""
        moves = (m for m in self.layout.moves if full.startswith(m.to_path + "/"))
        return any(self.layout.existed(m.path + full[len(m.to_path) :]) for m in moves)

    def _new_full(self, full: str) -> str | None:
        """The new path of a tracked file, folder or glob that moves; None if nothing of it moves."""
        if not any(c in full for c in "*?[{$"):
            new = self.layout.old_to_new_path(full)
            return new if new and self.layout.existed(full) else None
        fixed: list[str] = []
        for part in full.split("/"):
            if any(c in part for c in "*?[{$"):
                break
            fixed.append(part)
        stem = "/".join(fixed)
        new = self.layout.old_to_new_path(stem) if stem else None
        if new is None:
            return None
        folder = new if self.layout.moved else stem
        if "{" not in full and "$" not in full and not any(True for _ in self.layout.tree.under(folder)):
            return None
        return new + full[len(stem) :]

    # tokens in longer text

    def tokens(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, token) of every candidate in free text, grown to the whole dotted name or path."""
        for match in self._token.finditer(text):
            start, end = match.span()
            grown = re.compile(r"(?:[./:*\w{}$-]*[\w*/}])?").match(text, end)
            stop = grown.end() if grown else end
            token = _TAIL.sub("", text[start:stop])
            if "}" in token and "{" not in token[: token.index("}")]:  # L{shop.cart.Cart}s
                token = token[: token.index("}")]
            # a full stop or a colon that ends a sentence is not part of the name
            trimmed = token.rstrip(".:-")
            if trimmed.startswith("/") and _SCHEME.search(text, max(0, start - 9), start + 1):
                start, trimmed = start + 1, trimmed[1:]
            yield start, start + len(trimmed), trimmed


# What English hangs on a name: "a shop.cart-based shop".
_TAIL = re.compile(
    r"(?<=\w)-(?:aware|backed|based|compatible|driven|flavou?red|internal|level|like|only|powered|provided|related"
    r"|specific|style)$"
)


def _keep_space(text: str, stripped: str, verdict: Verdict) -> Verdict:
    if text == stripped or verdict.kind != "change":
        return verdict
    start = text.index(stripped)
    return Verdict(
        "change",
        verdict.reason,
        text[:start] + verdict.new + text[start + len(stripped) :],
        verdict.stage,
        verdict.rule,
        verdict.readings,
    )
