"""What a call did, as a value that can be compared across implementations.

Owns the comparison: results by their bytes and fields; errors of the protocol by class, fields and text; other errors
by class, because their words are the interpreter's own.
"""

from collections.abc import Callable
from typing import Any


def outcome(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, ...]:
    """("gave", result) or ("raised", what)."""
    try:
        return ("gave", shown(call(*arguments, **options)))
    except Exception as error:
        details = getattr(error, "details", None)
        if details is None:
            return ("raised", type(error).__name__)
        return ("raised", type(error).__name__, details(), str(error), error.args)


def shown(value: Any) -> Any:
    """The value in plain data, whichever load of the package it is from."""
    kind = type(value)
    if hasattr(kind, "__layout__"):
        fields = {field.name: shown(getattr(value, field.name)) for field in kind.__layout__.fields}
        return (kind.__name__, bytes(value), fields, hash(value) == hash(value.copy()), repr(value))
    if kind.__name__ == "Message":
        views = [shown(view) for view in value]
        head = (value.relay_domain, value.source, value.sequence, value.timestamp, value.size, len(value))
        return (bytes(value), bytes(value.buffer), head, shown(value.header), views, repr(value))
    if kind.__name__ == "TLVView":
        return (value.type, value.extended, value.offset, len(value), bytes(value.payload), repr(value))
    if kind.__name__ == "FixedVec":
        return (len(value), value.capacity, [shown(item) for item in value], bytes(value.as_memoryview()),
                shown(value.to_tuples()), repr(value))  # fmt: skip
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    if isinstance(value, int):
        return int(value)
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else value
