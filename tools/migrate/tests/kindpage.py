"""docs/reference-kinds.md out of the cases: `python -m tools.migrate.tests.kindpage > docs/reference-kinds.md`.

One row for each file of `tests/kinds`, with the number of cases of each answer; `test_kinds` holds the page to them.
"""

from __future__ import annotations

from tools.migrate.tests.kindcases import FOLDER, Kind, kinds

HEAD = """\
# Kinds of references

What the migration tool finds, kind by kind. Each row is a file of cases that run as tests: texts before and after,
lookalikes of which not a byte may change, and texts that are listed for a person. Python among them is also run, before
the move, with the shims, and after cleanup. How the cases are written and run is at the head of
[kindcases.py](../tools/migrate/tests/kindcases.py) and of [test_kinds.py](../tools/migrate/tests/test_kinds.py).

*Found by* says what decides that a text is a reference. The numbers are cases: *changed*, proved to be *none*,
*listed*. This page is made from the cases by `python -m tools.migrate.tests.kindpage`; a test compares the two.

| kind | found by | changed | none | listed |
| --- | --- | ---: | ---: | ---: |
"""
TAIL = """
Beside these, `tools/migrate/tests/test_scan_*.py` has the cases of single rules, `test_real_*.py` those that came out
of public projects, `test_shapes.py` moves of every shape; `test_programs.py` runs random programs through the rewriter.

What is listed has a rule, which the report shows. A bare word (`string.bare`, `word.bare`), a text that only looks like
a name (`string.missing`), the name of a folder that may be a route (`path.folder`) or lies below an unknown one
(`path.joined`), a part of a longer text (`string.joined`, `string.prefix`), a label (`string.label`, `django.label`), a
column in a statement of SQL (`string.sql`), a field that a format or a template fills in (`string.field`), a route
(`string.route`), a name in a namespace that is given (`string.namespace`), attributes (`string.attribute`), a patch of
a name that gets another home (`string.patched`), a measurement or a topic (`string.measured`), a module that its
package hides (`string.hidden`, `import.hidden`), what a package says of a module that leaves it (`import.computed`,
`import.table`, `import.discovered`), a module whose name becomes that of a variable (`string.variable`), a file that is
called like a module (`path.name`), the folder of a package that keeps its name (`string.folder`), a program that may
find one by the folder it runs in (`root.implied`), a pattern or a folder that holds moving files now and does not find
them at their new place (`path.loses`), an ignore file that matches them there (`path.ignored`), the entry of a document
that is (`document.name`, a note), what the runner of examples gives them by name (`name.given`), what does not parse
(`file.unparsed`), what only a newer Python than the tool's own reads (`syntax.newer`): in each case both readings are
given.
"""


def page() -> str:
    rows = "".join(_row(kind) for kind in kinds())
    total = "| {} kinds | | {} | {} | {} |\n".format(
        len(kinds()), *(sum(k.of(a) for k in kinds()) for a in ("change", "same", "listed"))
    )
    return HEAD + rows + total + TAIL


def _row(kind: Kind) -> str:
    place = f"../{FOLDER.relative_to(FOLDER.parents[3]).as_posix()}/{kind.name}.toml"
    title, found = kind.title.replace("|", "\\|"), kind.found.replace("|", "\\|")
    return f"| [{title}]({place}) | {found} | {kind.of('change')} | {kind.of('same')} | {kind.of('listed')} |\n"


if __name__ == "__main__":
    print(page(), end="")
