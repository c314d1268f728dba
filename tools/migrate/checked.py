"""A JSON document in a file of the tool's state with its checksum in front: whole as it was written, or nothing.

What is kept between runs to save time goes through here: a file that is cut short, damaged, or written by anything
else counts as none.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any


def checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=32).hexdigest().encode()


def load(place: Path) -> bytes | None:
    """What was stored there, if it is whole."""
    try:
        first, _, body = place.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if first == checksum(body) else None


def store(place: Path, body: bytes) -> None:
    """Replace the file in one step.  If it cannot be written, the next run is slower, nothing else."""
    temporary = place.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(checksum(body) + b"\n" + body)
        os.replace(temporary, place)


def load_document(place: Path) -> dict[str, Any]:
    """A JSON object that was stored there; an empty one if there is none."""
    body = load(place)
    try:
        document = json.loads(body) if body else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def store_document(place: Path, document: dict[str, Any]) -> None:
    store(place, json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode())
