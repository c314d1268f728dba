"""The codec against a reader that was written without it: the same headers, TLVs and fields."""

import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import libs.types.protocol
from libs.types.protocol.registry import TypeState, described_types
from libs.types.protocol.testing import messages, strategy
from libs.types.protocol.tests.golden_messages import read
from libs.types.protocol.tests.independent_reader import STRUCTS, read_message, read_struct
from libs.types.protocol.tests.vendor import NUMBERS


def agree(codec: Any, wire: bytes) -> None:
    header, tlvs = read_message(wire)
    parsed = codec.parse_message(wire)
    assert parsed.header.to_dict() == {"magic": 0xDEADBEEF, **header}
    assert header["checksum"] == zlib.crc32(wire[32:], zlib.crc32(wire[:28]))
    assert [(view.type, view.extended, bytes(view.payload)) for view in parsed] == tlvs
    for view in parsed:
        if view.type in STRUCTS:
            assert view.decode().to_dict() == read_struct(view.type, bytes(view.payload))


def test_every_struct_is_described() -> None:
    decoded = {number for number, _, state, _, _ in described_types() if state is TypeState.DECODED}
    assert set(STRUCTS) == decoded - set(NUMBERS)


@pytest.mark.parametrize("golden", read(), ids=lambda golden: golden.name)
def test_golden_messages(codec: Any, golden: Any) -> None:
    agree(codec, golden.wire)


@given(wire=messages(6))
@settings(max_examples=200, deadline=None)
def test_random_messages(codec: Any, wire: bytes) -> None:
    agree(codec, wire)


@pytest.mark.parametrize("number", STRUCTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_random_structs(codec: Any, number: int, data: st.DataObject) -> None:
    (name,) = [
        name for name in libs.types.protocol.__all__
        if name.endswith("TLV") and getattr(getattr(libs.types.protocol, name), "TYPE", 0) == number
    ]  # fmt: skip
    made = data.draw(strategy(getattr(codec, name)))
    assert read_struct(number, bytes(made)) == made.to_dict()
    size: Any = STRUCTS[number].sizeof() if number != 101 else 32
    assert size == getattr(codec, name).SIZE
