"""What the tests of refusals share: some messages by hand, and the check of an error with its fields.

Owns no test.
"""

from collections.abc import Callable
from typing import Any

import pytest

from libs.types.protocol.testing import sign
from libs.types.protocol.tests.golden_messages import read

GOLDEN = {golden.name: golden.wire for golden in read()}
TRADE = GOLDEN["coin-trade"]
EMPTY = GOLDEN["no-tlvs"]
TRADE_PAYLOAD = TRADE[34:]
BOOK_PAYLOAD = GOLDEN["small-book"][37:]


def patched(wire: bytes, offset: int, new: bytes, *, signed: bool = True) -> bytes:
    """`wire` with other bytes at `offset`, its checksum made right again unless told otherwise."""
    changed = wire[:offset] + new + wire[offset + len(new) :]
    return sign(changed) if signed else changed


def refused(
    codec: Any, error: str, fields: dict[str, Any], call: Callable[..., Any], *arguments: Any, **options: Any
) -> Any:
    """The error that `call` raises: of this class, with these fields, with a text, and equal to its like."""
    with pytest.raises(codec.ProtocolError) as caught:
        call(*arguments, **options)
    assert type(caught.value).__name__ == error
    details = caught.value.details()
    assert {name: details.get(name) for name in fields} == fields
    assert str(caught.value) and type(caught.value)(*caught.value.args) == caught.value
    return caught.value


def builder_of(codec: Any) -> Any:
    """A builder whose message is `message(..., source=2, sequence=3, timestamp=4)`."""
    return codec.MessageBuilder(relay_domain=1, source=2, sequence=3, timestamp=4)
