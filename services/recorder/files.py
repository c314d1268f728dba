"""Parts as Parquet files, whole or not at all.

    FOLDER/order_book/date=2026-01-31/venue=KRAKEN/RUN-000001.parquet

Owns names and the writing.  Must not know messages.  This is the only file of the service that touches the disk.

A file is written under a name that no reader looks at, forced to the disk, and then renamed: who lists the folder sees
it complete or not.  A run that was killed leaves at most such a temporary file; `clean` removes it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from .tables import Part

TEMPORARY = ".tmp"


def part_path(folder: Path, part: Part, run: int, number: int) -> Path:
    """Where a part belongs."""
    return folder / part.table / f"date={part.date}" / f"venue={part.venue}" / f"{run}-{number:06d}.parquet"


def write_part(folder: Path, part: Part, run: int, number: int) -> Path:
    """Write one file; writing it again replaces it by itself.  Raises OSError with its name; then nothing is there."""
    import pyarrow.parquet as pq

    path = part_path(folder, part, run, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        with open(temporary, "wb") as stream:
            pq.write_table(part.rows, stream, compression="zstd")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # of a write, which knows no name
            error.filename = str(path)
        raise
    _sync(path.parent)
    return path


def clean(folder: Path) -> Iterator[Path]:
    """Remove what a killed run left half written; gives the names."""
    for path in sorted(folder.glob(f"*/date=*/venue=*/*.parquet{TEMPORARY}")):
        path.unlink(missing_ok=True)
        yield path


def _sync(folder: Path) -> None:
    """Make the new name last, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
