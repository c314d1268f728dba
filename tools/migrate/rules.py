"""What each rule is about, and how sure an edit by it is: for the report, for `explain`, and for who decides.

Owns the table of the rules' families.  Knows no file, no plan and no edit: a rule's name goes in, words come out.
A rule that is not listed by its whole name is known by what stands before its first dot; one of an unknown family is
"other", and the least sure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Confidence = Literal["certain", "strong", "likely"]

CONFIDENCES: dict[Confidence, str] = {
    "certain": "Syntax decides: the interpreter, or the tool that reads the file, takes it in this way alone.",
    "strong": "Evidence decides: the text resolves to a module that moves, to a name in one, or to a tracked path.",
    "likely": "The place decides: a key, an option or a call beside it says that a name stands here. Read these.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`kind` groups rules for a reader; `about` is a sentence for somebody who asks why."""

    kind: str
    confidence: Confidence
    about: str


_IMPORT = "An import statement whose module moves; the smallest change that gives the same names."
_NAME = "A name that an import binds, read with its attributes; Python's scoping rules say which import that is."
_STRING = "A text in code that resolves to a module that moves, or to a name in one."
_PATH = "A path that names tracked files or folders which move."
_DEPTH = "An expression that climbs from the file's own place, which gets deeper or shallower."
_ROOT = "A folder from which old names are imported: that of the new names joins it, and it goes with the last of them."
_CONFIG = "A value in a configuration file, under a key that holds modules."
_MANIFEST = "A packaging manifest: what it ships, needs or configures follows the move."
_SHIM = "Code that keeps an old name working until cleanup."
_COMMAND = "A command: an option or a program before the word says what it is."

_FAMILIES: dict[str, Rule] = {
    "import": Rule("import", "certain", _IMPORT),
    "name": Rule("name", "certain", _NAME),
    "annotation": Rule("name", "certain", "A quoted annotation, which is code and is read in its scope."),
    "string": Rule("string", "strong", _STRING),
    "bytes": Rule("string", "likely", "Bytes that hold a name; never rewritten."),
    "c": Rule("string", "likely", "A text in a C, C++ or Rust source that names a module which moves."),
    "word": Rule("text", "likely", "A word in prose that may be the package or only a word."),
    "path": Rule("path", "strong", _PATH),
    "file": Rule("path", "strong", _DEPTH),
    "link": Rule("path", "certain", "A symbolic link, or a link in a document, to what moves."),
    "url": Rule("path", "strong", "The address of a file that moves, on the main branch of its own repository."),
    "config": Rule("configuration", "likely", _CONFIG),
    "distribution": Rule("manifest", "strong", "The name of a distribution that becomes part of another one."),
    "toml": Rule("manifest", "certain", _MANIFEST),
    "cfg": Rule("manifest", "certain", _MANIFEST),
    "setup": Rule("manifest", "certain", _MANIFEST),
    "requirements": Rule("manifest", "certain", _MANIFEST),
    "manifest": Rule("manifest", "certain", _MANIFEST),
    "target": Rule("manifest", "certain", "The manifest of the distribution that takes the code in."),
    "thin": Rule("manifest", "certain", "The manifest of an old distribution, which ships the shim until cleanup."),
    "lock": Rule("manifest", "likely", "A lock file that its own tool has to make again."),
    "dependency": Rule("manifest", "likely", "A requirement that code needs at its new place, and no manifest names."),
    "unused": Rule("manifest", "likely", "A dependency that is declared and not imported."),
    "shim": Rule("shim", "certain", _SHIM),
    "duplicate": Rule("import", "certain", "A second definition, equal to the one that stays, becomes an import."),
    "decided": Rule("decision", "certain", "A person has decided what this place means; the decisions file says so."),
    "stubs": Rule("text", "likely", "Stubs of a package that moves, shipped apart from it."),
    "django": Rule("string", "likely", "A label that Django takes from the last part of an application's name."),
    "conflict": Rule("other", "likely", "Two rules claim the same text."),
    "document": Rule("text", "strong", "A document that is called like a module which moves, and keeps its name."),
    "installed": Rule("import", "likely", "An import in what is installed beside the tree; no stage can change it."),
    "pytest": Rule("configuration", "likely", "How pytest names and finds tests that move."),
    "root": Rule("path", "likely", "A program that finds a package by the folder it runs in, which is no root now."),
}
_EXACT: dict[str, Rule] = {
    "import.circle": Rule("import", "strong", "A module that has left a package which needs it, and is loaded first."),
    "string.symbol": Rule("string", "certain", "The plan moves this one name."),
    "string.module": Rule("string", "likely", "The bare name of a package, at a place where a module must stand."),
    "string.context": Rule("string", "likely", "A dotted name below a package that moves, at a place for a module."),
    "string.prefix": Rule("string", "likely", "The beginning of a name that is put together when the code runs."),
    "url.name": Rule("path", "likely", "A name in the address of a page, such as one made of the documentation."),
    "string.relative": Rule("string", "strong", "A name that begins with a dot, below the package of its file."),
    "string.pattern": Rule("string", "likely", "A pattern with escaped dots for names below what moves."),
    "string.bare": Rule("string", "likely", "A bare word: the package, or a word that only looks like it."),
    "string.dynamic": Rule("string", "likely", "A dotted text that only running the code would resolve."),
    "string.missing": Rule("string", "likely", "A dotted text that begins like a module and names nothing there."),
    "string.folder": Rule("path", "likely", "A bare word: a folder that moves, or the package, which keeps its name."),
    "path.pattern": Rule("path", "likely", "A pattern for paths, whose fixed part moves."),
    "path.label": Rule("path", "likely", "A label that names a folder which moves."),
    "path.root": Rule("path", "strong", _ROOT),
    "meson.source": Rule("path", "likely", "A file or folder in a meson.build, which finds nothing by itself."),
    "link.relative": Rule("path", "strong", "A link in a document to a file of this tree."),
    "distribution.command": Rule("manifest", "likely", _COMMAND),
    "file.unparsed": Rule("text", "likely", "A file that does not parse; searched as text, never edited."),
    "syntax.newer": Rule(
        "text", "likely", "In type parameters or an f-string that only a newer Python reads; not edited."
    ),
    "file.binary": Rule("text", "likely", "A binary file; never edited."),
    "file.unknown": Rule("text", "likely", "A file of a kind that the tool does not edit."),
    "file.history": Rule("text", "likely", "A record of the past; it says what was true then."),
}
_OTHER = Rule("other", "likely", "No more is known of this rule than its name.")


def rule(name: str) -> Rule:
    """What the rule is about; one of an unknown family is "other"."""
    return _EXACT.get(name) or _FAMILIES.get(name.partition(".")[0], _OTHER)
