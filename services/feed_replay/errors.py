"""The errors of captures, each with its place.

    CaptureError        file, line and column of what is wrong, and what was expected there
    NoCollector         a venue whose messages have no sender's number

Owns the texts.  Must not know formats.
"""

from typing import NamedTuple, NoReturn

from libs.types.common import AlphaPulseError

SHOWN = 60


class CaptureError(AlphaPulseError):
    """`text` stands in `column` of line `line` of `source`, where `expected` was.

    Lines count from 1, header included; in a Parquet file they are rows.
    """

    def __init__(self, source: str, line: int, column: str, text: str, expected: str) -> None:
        self.source, self.line, self.column, self.text, self.expected = source, line, column, text, expected
        super().__init__(source, line, column, text, expected)

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= SHOWN else self.text[: SHOWN - 3] + "..."
        return f"{self.source}:{self.line}: {self.column}: {shown!r}; expected {self.expected}"


class NoCollector(AlphaPulseError):
    """The protocol names no collector for `venue`, and none was given."""

    def __init__(self, venue: int) -> None:
        self.venue = venue
        super().__init__(venue)

    def __str__(self) -> str:
        return f"venue {self.venue} has no collector among the known sources; say which source number sends it"


class Place(NamedTuple):
    """Where a row comes from."""

    source: str
    line: int

    def refuse(self, column: str, text: str, expected: str) -> NoReturn:
        """Raises CaptureError."""
        raise CaptureError(self.source, self.line, column, text, expected) from None
