"""The command of the codec.

    python -m libs.types.protocol dump FILE         what a capture holds; - is the standard input
    python -m libs.types.protocol map TYPE          the bytes of a message type, by number or name; `header` too

Exit codes: 0 all of it are good messages; 1 something is not; 2 the command line or the input cannot be used, and one
line says why; 130 interrupted.

Owns the command line, the files and the exit codes.  Must not do what `capture` and `dump` do.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from .bytemap import Classes
from .capture import hex_chunks, records
from .constants import MAX_MESSAGE_SIZE
from .dump import Counts, json_end, json_of, text_of
from .errors import ProtocolError
from .header import MessageHeader
from .registry import known_types
from .schema import TLV

FAULTS, USAGE, INTERRUPTED = 1, 2, 130
CHUNK = 1 << 16


class _UsageError(Exception):
    """One line that says what cannot be used, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = _parser().parse_args(arguments)
    try:
        if sys.stdout is None or (sys.stdin is None and getattr(given, "file", "") == "-"):
            raise OSError(errno.EBADF, "the standard input or output is closed")
        classes = _classes(given.classes)
        code = _map(given.type, classes) if given.command == "map" else _dump(given, classes)
        print(end="", flush=True)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return 0  # whoever read has read enough
    except OSError as error:
        print(f"{error.filename or 'dump'}: {error.strerror or error}", file=sys.stderr)
        _forget_output()
    except (ProtocolError, _UsageError) as error:
        print(end="", flush=True)
        print(error, file=sys.stderr)
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m libs.types.protocol", description="Captured bytes, decoded.")
    commands = parser.add_subparsers(dest="command", required=True)
    dump = commands.add_parser("dump", help="decode a capture: one message, or a stream of them")
    dump.add_argument("file", metavar="FILE", help="the capture; - for the standard input")
    dump.add_argument("--json", action="store_true", help="one JSON document a line")
    dump.add_argument("--map", action="store_true", help="every byte of every message")
    dump.add_argument("--hex", action="store_true", help="the input is text: hex digits, or a dump of xxd, hexdump -Cv")
    dump.add_argument("--no-checksum", action="store_true", help="do not verify checksums")
    dump.add_argument("--limit", type=int, default=MAX_MESSAGE_SIZE, metavar="BYTES", help="a message is not larger")
    layout = commands.add_parser("map", help="the bytes of a message type")
    layout.add_argument("type", metavar="TYPE", help="a number, a name such as trade, or header")
    for command in (dump, layout):
        command.add_argument(
            "--with", dest="classes", action="append", default=[], metavar="MODULE",
            help="read types of your own: all TLV classes of this module",
        )  # fmt: skip
    return parser


def _dump(given: argparse.Namespace, classes: Classes) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    counts = Counts()
    with _opened(given.file) as file:
        name = "standard input" if given.file == "-" else given.file
        chunks = hex_chunks(_text(file), name) if given.hex else iter(lambda: file.read(CHUNK), b"")
        for record in records(chunks, checksum=not given.no_checksum, limit=given.limit):
            counts.add(record)
            if given.json:
                print(json_of(record, classes=classes))
            else:
                for line in text_of(record, classes=classes, whole=given.map):
                    print(line)
    print(json_end(counts) if given.json else counts)
    return FAULTS if counts.faults else 0


def _map(wanted: str, classes: Classes) -> int:
    """Print the byte map of a declared type."""
    known: dict[int, Any] = {
        **{each.number: each.cls for each in known_types() if each is not None and each.cls is not None},
        **classes,
    }
    for number, cls in known.items():
        if wanted.lower() in (str(number), cls.__name__.lower(), cls.__name__.removesuffix("TLV").lower()):
            print(f"type {number}: {cls.layout().byte_map()}")
            return 0
    if wanted.lower() in ("header", "messageheader"):
        print(MessageHeader.layout().byte_map())
        return 0
    names = ", ".join(f"{number} {cls.__name__.removesuffix('TLV')}" for number, cls in sorted(known.items()))
    raise _UsageError(f"no struct is declared for {wanted!a}; there are header, {names}")


def _classes(modules: list[str]) -> dict[int, Any]:
    """The TLV classes of these modules, by type number."""
    found: dict[int, Any] = {}
    for name in modules:
        sys.path.insert(0, os.getcwd())
        try:
            module = importlib.import_module(name)
        except Exception as error:  # a module of the user's may fail in any way
            raise _UsageError(f"--with {name}: cannot be imported: {type(error).__name__}: {error}") from None
        finally:
            sys.path.remove(os.getcwd())
        own = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, TLV) and each.TYPE]
        if not own:
            raise _UsageError(f"--with {name}: declares no TLV class")
        found.update((each.TYPE, each) for each in own)
    return found


def _opened(name: str) -> Any:
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb") if name == "-" else open(name, "rb")


def _text(file: BinaryIO) -> Iterator[str]:
    """Lines, or pieces of lines where they are long; what is no ASCII is left for the reader of digits to refuse."""
    for piece in iter(lambda: file.readline(CHUNK), b""):
        yield piece.decode("ascii", "backslashreplace")


def _forget_output() -> None:
    """The interpreter flushes once more at its end, and would complain in lines of its own."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError):  # an output without a number of its own is of this process
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
