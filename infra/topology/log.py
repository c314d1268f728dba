"""Structured log lines: one JSON object a line, so that a program can read what a person reads.

    {"time": "2026-01-31T12:00:00.000000Z", "event": "started", "node": "signal", "pid": 4711}

Owns the form of a line.  Must not know what is logged.
"""

import json
import sys
from datetime import UTC, datetime
from typing import TextIO


class Log:
    """Writes lines to a stream; one that cannot be written any more ends the logging and nothing else."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream

    def __call__(self, event: str, **fields: object) -> bool:
        """Write one line at once; whether that was possible."""
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        try:
            self._stream.write(json.dumps({"time": time, "event": event, **fields}, default=str) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return False
        return True
