"""Chooses the implementation: the compiled one where it was built, else the Python one.

Owns the choice, and the list of names that an implementation must have: one that lacks a name fails here, at import,
and not at its first use.  The environment variable ALPHAPULSE_CODEC forces it: `c` (an ImportError that says why where
it is missing), `python`, or `auto`.

Type checkers are shown the Python implementation; the compiled one has the same signatures.
"""

import os
from typing import TYPE_CHECKING

from .registry import known_types

VARIABLE = "ALPHAPULSE_CODEC"

_NAMES = (
    "Decoder",
    "Encoder",
    "Message",
    "MessageBuilder",
    "StructBase",
    "TLVView",
    "VectorBase",
    "bind",
    "blank_buffer",
    "configure",
    "configure_vector",
    "decode_rows",
    "element_method",
    "encode_rows",
    "message_runs",
    "open_vector",
    "parse_message",
    "register_source",
    "register_type",
    "scan",
)


def _load() -> "tuple[object, str]":
    wanted = os.environ.get(VARIABLE, "auto") or "auto"
    if wanted not in ("c", "python", "auto"):
        raise ImportError(f"{VARIABLE}={wanted!r} names no implementation; use c, python or auto")
    if wanted != "python":
        try:
            from . import _codec_c  # type: ignore[attr-defined]
        except ImportError as error:
            if wanted == "c":
                raise ImportError(
                    f"{VARIABLE}=c asks for the compiled codec, and it cannot be loaded ({error}); "
                    "install with a C compiler at hand, or unset the variable"
                ) from error
        else:
            return _codec_c, "c"
    from ._python import backend

    return backend, "python"


_loaded, implementation = _load()

if TYPE_CHECKING:
    from ._python.backend import *  # noqa: F403
else:
    globals().update({name: getattr(_loaded, name) for name in _NAMES})
    for _info in known_types():  # the types of which only the size is known; declared ones follow with their class
        if _info is not None:
            _loaded.register_type(_info)
