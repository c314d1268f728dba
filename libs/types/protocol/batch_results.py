"""What `decode_batch` gives: the rows, and beside them what happened to the other messages.

Owns the three forms.  Must not know how they were filled.  Imports numpy, so it is imported only when a batch is read.

All three have `.report` (a `BatchReport`), its parts `.errors`, `.skipped`, `.repeated`, `.consumed`, and `.headers`, a
structured array with one row for each row of the batch, or None when it was not asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import BatchError


@dataclass(frozen=True, slots=True)
class BatchReport:
    """`messages` were met.  `skipped` of them were good and had no TLV of the class.  `repeated` TLVs were left out
    because their message had one already.  `errors` tell of the refused ones.  `consumed` is the offset behind the last
    message: less than the data only where the last one may be incomplete.
    """

    messages: int
    skipped: int
    repeated: int
    consumed: int
    errors: tuple[BatchError, ...]


class Reported:
    """Access to the report, for each form."""

    _report: BatchReport | None = None
    headers: Any = None

    def _attach(self, report: BatchReport | None, headers: Any) -> Any:
        self._report, self.headers = report, headers
        return self

    @property
    def report(self) -> BatchReport:
        """What happened to all messages."""
        if self._report is None:
            raise AttributeError("only the batch that decode_batch returned has a report, not what was made of it")
        return self._report

    @property
    def errors(self) -> tuple[BatchError, ...]:
        """The refused messages, in order."""
        return self.report.errors

    @property
    def skipped(self) -> int:
        """Good messages without a TLV of the class."""
        return self.report.skipped

    @property
    def repeated(self) -> int:
        """TLVs of the class behind the first one of their message; they have no row."""
        return self.report.repeated

    @property
    def consumed(self) -> int:
        """Where an incomplete last message begins; else the size of the data."""
        return self.report.consumed


class Batch(Reported, np.ndarray[tuple[int], np.dtype[np.void]]):
    """A structured array: `batch["price"]`, `len(batch)`.

    What is taken out of it or computed from it is a plain array: the report and the headers belong to the whole.
    """

    def __array_finalize__(self, obj: Any) -> None:
        """Nothing is handed on."""

    def __getitem__(self, key: Any) -> Any:
        return self.view(np.ndarray)[key]

    def __reduce__(self) -> Any:
        made: Any = super().__reduce__()
        rebuild, arguments, state = made
        return rebuild, arguments, (state, self._report, self.headers)

    def __setstate__(self, state: Any) -> None:
        inner, self._report, self.headers = state
        super().__setstate__(inner)


class Columns(Reported, dict[str, "npt.NDArray[Any]"]):
    """Contiguous arrays by name; all have as many rows."""

    @property
    def rows(self) -> int:
        """How many rows the columns have."""
        return len(next(iter(self.values()), ()))


class ArrowBatch(Reported):
    """`table` is a `pyarrow.Table`.  The batch itself can be given to what reads Arrow: `polars.DataFrame(batch)`."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return f"<ArrowBatch of {len(self)} rows, {len(self.errors)} errors>"
