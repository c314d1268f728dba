"""Captured bytes to what they hold, in order: messages, and between them what is none and why.

Owns the way from chunks (of a file, or of a text of hex digits) to `Found` and `Lost`, each with its place in the
stream.  Must not print, and must not decide what a message is: that does `FrameDecoder`.

Together the records cover the stream without a gap.  At most one message and one chunk are in memory at a time, however
long the stream is; damage that goes on is one `Lost`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ._codec import Message
from .constants import HEADER_SIZE, MAX_MESSAGE_SIZE, ChecksumPolicy
from .errors import InvalidMagic, MessageTooLarge, MessageTooSmall, ParseError, ProtocolError, UnsupportedVersion
from .framing import Fault, FrameDecoder
from .values import Value

SHOWN = 64
_AROUND = 4096  # bytes of a wrong message that are kept behind the wrong place
# Faults wait for the end of one call only, and a call decides at most one message and one chunk.
_ALL_FAULTS = 1 << 40

_SEPARATORS = re.compile(r"0[xX]|\\x|[\s:,;._-]")
# Lines of `xxd` and of `hexdump -C`, which ends with a line that has an offset alone.
_XXD = re.compile(r"^[0-9a-fA-F]{8,16}: ((?:[0-9a-fA-F]{2,32} )+)(?: .*)?$")
_HEXDUMP = re.compile(r"^[0-9a-fA-F]{8,16}  ((?:[0-9a-fA-F]{2}\s+){1,16})\|.*\|$")
_END = re.compile(r"^[0-9a-fA-F]{8,16}$")


class Found(Value):
    """A message, `offset` bytes into the stream."""

    offset: int
    message: Message


class Lost(Value):
    """`skipped` bytes at `offset` yield no message, because of `error`, whose offsets count from `offset`.

    `data` is what stands there: the wrong message to some way behind the wrong place, or the first bytes of what is
    none.  `unfinished` says that the stream ended before the message did.
    """

    offset: int
    skipped: int
    error: ProtocolError
    data: bytes
    unfinished: bool = False


def records(
    chunks: Iterable[bytes],
    *,
    checksum: ChecksumPolicy | bool = ChecksumPolicy.ENFORCE,
    limit: int = MAX_MESSAGE_SIZE,
) -> Iterator[Found | Lost]:
    """All that a stream holds.  A message is valid until the next record is asked for.

    Raises FieldRange for a limit that no message can have, and what `chunks` raises.
    """
    decoder = FrameDecoder(checksum=checksum, limit=limit, max_faults=_ALL_FAULTS)
    window, start, place = bytearray(), 0, 0
    waiting: Lost | None = None
    for chunk, last in _with_last(chunks):
        window += chunk
        found = decoder.feed(chunk)
        faults, unfinished = decoder.take_faults(), 0
        for batch in range(2 if last else 1):
            if batch:
                found, unfinished = decoder.close()
                faults = decoder.take_faults()
            for each in _in_order(found, faults, place):
                place += each.skipped if isinstance(each, Fault) else each.size
                if isinstance(each, Fault):
                    joined = _joined(waiting, each, window, start)
                    if joined is None:
                        if waiting is not None:
                            yield waiting
                        joined = Lost(each.offset, each.skipped, each.error, _bytes_of(each, window, start))
                    waiting = joined
                else:
                    if waiting is not None:
                        yield waiting
                    waiting = None
                    yield Found(place - each.size, each)
        del window[: place - start]
        start = place
        if unfinished:
            if waiting is not None:
                yield waiting
            waiting = _unfinished(bytes(window), place, unfinished)
    if waiting is not None:
        yield waiting


def hex_chunks(lines: Iterable[str], name: str) -> Iterator[bytes]:
    """The bytes that a text says: pairs of hex digits with any spaces, colons, commas or `0x` between them.

    What follows a `#` is left out, and so are the columns that `xxd` and `hexdump -C` put around the digits.  `lines`
    may be pieces of longer lines.  Raises ParseError, with the line, for anything else.
    """
    number, fresh, remark, shaped, kept, total = 1, True, False, False, "", 0
    for piece in lines:
        line = piece.rstrip("\r\n")
        columns = (_XXD.match(line) or _HEXDUMP.match(line)) if fresh else None
        if shaped and fresh and _END.match(line):
            text = ""
        elif columns is not None:
            text, shaped = columns[1], True
        else:
            text, sign, _ = ("", "#", "") if remark else line.partition("#")
            remark = bool(sign)
        if text.strip() == "*":
            reason = "a line of * stands for lines that were left out; use `hexdump -Cv`"
            raise ParseError(total, reason, total, f"{name}:{number}")
        digits = _SEPARATORS.sub("", kept + text)
        whole = len(digits) & ~1
        try:
            data = bytes.fromhex(digits[:whole])
        except ValueError:
            wrong = next(each for each in digits if each not in "0123456789abcdefABCDEF")
            raise ParseError(total, f"{wrong!a} is no hex digit", total, f"{name}:{number}") from None
        kept, total = digits[whole:], total + len(data)
        if data:
            yield data
        fresh = piece.endswith("\n")
        remark &= not fresh
        number += fresh
    if kept:
        raise ParseError(total, f"{kept!a} is half of a byte", total, f"{name}:{number}")


def _with_last(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each chunk, and after all of them an empty one that says so."""
    for chunk in chunks:
        yield chunk, False
    yield b"", True


def _in_order(messages: list[Message], faults: list[Fault], place: int) -> Iterator[Message | Fault]:
    """What was found from `place` on, by place: messages do not say theirs, but they fill what the faults leave."""
    at = 0
    for message in messages:
        while at < len(faults) and faults[at].offset == place:
            yield faults[at]
            place += faults[at].skipped
            at += 1
        yield message
        place += message.size
    yield from faults[at:]


def _joined(waiting: Lost | None, fault: Fault, window: bytearray, start: int) -> Lost | None:
    """The same damage going on is no second one."""
    if waiting is None or waiting.error is not fault.error or waiting.offset + waiting.skipped != fault.offset:
        return None
    data, room = waiting.data, SHOWN - len(waiting.data)
    if isinstance(fault.error, InvalidMagic) and room > 0:
        at = fault.offset - start
        data += window[at : at + min(room, fault.skipped)]
    return waiting.changed(skipped=waiting.skipped + fault.skipped, data=data)


def _bytes_of(fault: Fault, window: bytearray, start: int) -> bytes:
    """What is to be shown of a fault: never more than the codec has read to find it, so that no stream costs more."""
    at, error = fault.offset - start, fault.error
    size = HEADER_SIZE + int.from_bytes(window[at + 24 : at + 28], "little")
    match error:
        case InvalidMagic():
            size = min(fault.skipped, SHOWN)
        case UnsupportedVersion() | MessageTooLarge():
            size = HEADER_SIZE
        case MessageTooSmall():
            size = min(error.got, _AROUND)
        case _:
            size = min(size, getattr(error, "offset", 0) + _AROUND)
    return bytes(window[at : at + size])


def _unfinished(left: bytes, place: int, size: int) -> Lost:
    data = left[len(left) - size :]
    need, context = HEADER_SIZE, "a message header"
    if len(data) >= HEADER_SIZE:
        need = HEADER_SIZE + int.from_bytes(data[24:28], "little")
        context = "the message announced by its header"
    return Lost(place, size, MessageTooSmall(need, len(data), context), data, True)
