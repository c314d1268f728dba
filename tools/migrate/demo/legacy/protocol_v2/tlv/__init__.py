"""Type, length, value: what a message carries after its header."""

from .builder import MessageBuilder
from .parser import Message, parse_message
from .types import TLVType, Trade, UsdFixedPoint8

__all__ = ["Message", "MessageBuilder", "TLVType", "Trade", "UsdFixedPoint8", "parse_message"]
