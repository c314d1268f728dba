"""The messages of a recording, byte by byte.

Owns the way back from rows to messages.  Must not read files: tables in, bytes out.

Used to prove that a recording holds what was sent, and to send it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from libs.types.protocol import HEADER_SIZE, MAGIC, HeaderFlags, MessageHeader, RelayDomain, SourceType
from libs.types.protocol.constants import VERSION

from .app import Reason, decoded_classes
from .tables import RAW_TABLE, column_name, frames_of, table_name

Key = tuple[int, int]


def messages_of(tables: Mapping[str, Iterable[Any]], classes: Iterable[Any] | None = None) -> list[bytes]:
    """All messages in the order of their arrival, run by run.

    `tables` has the Arrow tables by name (`trade`, ..., `messages`), as many as there are of each; `classes` are those
    of the recorder.
    """
    known = {table_name(cls): cls for cls in (decoded_classes() if classes is None else classes)}
    heads: dict[Key, dict[str, int]] = {}
    frames: dict[Key, dict[int, bytes]] = {}
    whole: dict[Key, bytes] = {}
    for name, several in tables.items():
        for table in several:
            if name == RAW_TABLE:
                for row in table.select(["run", "arrival", "reason", "data"]).to_pylist():
                    assert row["reason"] in set(Reason)
                    whole[row["run"], row["arrival"]] = row["data"]
                continue
            cls = known[name]
            names = [field.name for field in cls.__layout__.fields]
            payloads = frames_of(cls, table.select([column_name(each) for each in names]).rename_columns(names))
            columns = [each for each in table.column_names if each.startswith("msg_")]
            heading = table.select(["run", "arrival", "tlv_index", *columns]).to_pylist()
            for row, frame in zip(heading, payloads, strict=True):
                key = row["run"], row["arrival"]
                heads[key] = row
                frames.setdefault(key, {})[row["tlv_index"]] = frame.tobytes()
    for key in heads.keys() - whole.keys():
        body = b"".join(frame for _, frame in sorted(frames[key].items()))
        whole[key] = _header(heads[key], len(body)) + body
    return [whole[key] for key in sorted(whole)]


def _header(row: Mapping[str, int], payload_size: int) -> bytes:
    header = MessageHeader(
        magic=MAGIC,
        relay_domain=RelayDomain(row["msg_domain"]),
        version=VERSION,
        source=SourceType(row["msg_source"]),
        flags=HeaderFlags(row["msg_flags"]),
        sequence=row["msg_sequence"],
        timestamp=row["msg_timestamp_ns"],
        payload_size=payload_size,
        checksum=row["msg_checksum"],
    )
    data = bytes(header)
    assert len(data) == HEADER_SIZE
    return data
