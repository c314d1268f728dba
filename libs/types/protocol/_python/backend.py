"""The names that an implementation offers, as the Python one has them; `_codec` chooses between this and `_codec_c`."""

from typing import Any

from ..registry import TypeInfo
from .batch import blank_buffer, decode_rows, encode_rows
from .build import MessageBuilder
from .decoders import Decoder
from .encoders import Encoder
from .messages import Message, TLVView, parse_message, scan
from .runs import message_runs
from .structs import StructBase, bind
from .vectors import VectorBase, element_method, open_vector

__all__ = [
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
]


def configure(header: Any) -> None:
    """Take the class that reads message headers."""
    Message._header_class = header


def configure_vector(vector: Any) -> None:
    """Take the class that vectors are shown as."""
    VectorBase._view_class = vector


def register_source(number: int) -> None:
    """Nothing to do: the checks read the registry itself."""


def register_type(info: TypeInfo) -> None:
    """Nothing to do: the checks read the registry itself."""
