"""Reads golden/messages.toml: whole messages byte for byte, and what they say.

Owns the notation of that file.  Must not use the codec: these are the bytes that it is held against.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("golden") / "messages.toml"


@dataclass(frozen=True, slots=True)
class GoldenTLV:
    """A TLV as it stands in a message; `name` is that of its class, None for a type that nobody declared."""

    type: int
    extended: bool
    name: str | None
    fields: dict[str, Any]
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Golden:
    """One message: its bytes, its header without magic, version and size, its TLVs."""

    name: str
    wire: bytes
    header: dict[str, int]
    tlvs: tuple[GoldenTLV, ...]


def read() -> list[Golden]:
    """All messages of the file."""
    found = []
    for each in tomllib.loads(FILE.read_text(encoding="utf-8"))["message"]:
        tlvs = tuple(
            GoldenTLV(
                tlv["type"],
                tlv["extended"],
                tlv.get("class"),
                {name: _value(name, value) for name, value in tlv.get("fields", {}).items()},
                bytes.fromhex(tlv["payload"]) if "payload" in tlv else None,
            )
            for tlv in each.get("tlv", [])
        )
        header = {name: _value(name, value) for name, value in each["header"].items()}
        found.append(Golden(each["name"], _wire(each["wire"]), header, tlvs))
    return found


def _wire(text: str) -> bytes:
    return b"".join(bytes(int(word[3:])) if word.startswith("00*") else bytes.fromhex(word) for word in text.split())


def _value(name: str, value: Any) -> Any:
    """Quoted text is decimal for numbers too large for TOML, else hex bytes; which one, the field's name says."""
    if isinstance(value, list):
        return [_value(name, item) for item in value]
    if isinstance(value, dict):
        return {inner: _value(inner, item) for inner, item in value.items()}
    if isinstance(value, str):
        raw = any(part in name for part in ("addr", "pool", "token", "trace_id", "sqrt_price_x96_after"))
        return bytes.fromhex(value) if raw else int(value)
    return value
