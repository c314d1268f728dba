"""The libraries that a user may or may not have installed: numpy and pyarrow, behind the extras of the same purpose.

Owns importing them, at their first use, and the error that names the extra.  Must not use them.
"""

from typing import Any


def require_numpy() -> Any:
    """The module numpy.  Raises ImportError that names the extra."""
    try:
        import numpy
    except ImportError as error:
        raise ImportError("batches and dtypes need numpy; pip install 'alphapulse-types[numpy]'") from error
    return numpy


def require_arrow() -> Any:
    """The module pyarrow.  Raises ImportError that names the extra."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError("Arrow tables and schemas need pyarrow; pip install 'alphapulse-types[arrow]'") from error
    return pyarrow
