"""The sizes of the fixed TLVs, from the table that the other languages read too."""

import json
from functools import lru_cache

import protocol_v2.tlv.types as tlv_types
from protocol_v2.paths import SIZES_FILE


@lru_cache(maxsize=1)
def size_table() -> dict[str, int]:
    table: dict[str, int] = json.loads(SIZES_FILE.read_text(encoding="utf-8"))
    return table


def expected_size(kind: tlv_types.TLVType) -> int | None:
    """Bytes of the payload, or None where the size is free."""
    return size_table().get(kind.name)
