"""Typed bytes: lengths, hex text in and out, identity by type, order, and how they travel."""

import copy
import pickle
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.common import (
    BlockHash,
    EthAddress,
    EthSignature,
    Hash256,
    InvalidFormat,
    InvalidLength,
    PoolAddress,
    PublicKey,
    TokenAddress,
    TxHash,
    TypedBytes,
)

LENGTHS: dict[type[TypedBytes], int] = {
    EthAddress: 20,
    PoolAddress: 20,
    TokenAddress: 20,
    TxHash: 32,
    BlockHash: 32,
    Hash256: 32,
    EthSignature: 65,
    PublicKey: 64,
}
EACH = pytest.mark.parametrize("kind", LENGTHS)
USDC = "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
BYTES20 = st.binary(min_size=20, max_size=20)


@EACH
def test_every_kind_has_the_whole_behaviour(kind: type[TypedBytes]) -> None:
    raw = bytes(range(1, LENGTHS[kind] + 1))
    value = kind(raw)
    assert bytes(value) == value.value == value.inner == raw
    assert value.hex() == raw.hex() and len(value) == kind.LENGTH == len(raw)
    assert repr(value) == str(value) == f"{value}" == f"{kind.__name__}(0x{raw.hex()})"
    assert kind.from_hex(value.hex()) == kind.from_hex("0x" + value.hex().upper()) == value
    assert not hasattr(value, "__dict__")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert again == value and type(again) is kind
    assert copy.copy(value) is value and copy.deepcopy([value])[0] is value
    with pytest.raises(AttributeError):
        value.value = raw  # type: ignore[misc]


@EACH
@pytest.mark.parametrize("difference", [-1, 1])
def test_exact_length(kind: type[TypedBytes], difference: int) -> None:
    length = LENGTHS[kind]
    with pytest.raises(InvalidLength) as caught:
        kind(bytes(length + difference))
    error = caught.value
    assert (error.length, error.expected, error.type_name) == (length + difference, length, kind.__name__)
    assert error.unit == "bytes" and pickle.loads(pickle.dumps(error)) == error
    with pytest.raises(InvalidLength) as caught:
        kind.from_hex("0" * (2 * length + difference))
    assert (caught.value.length, caught.value.unit) == (2 * length + difference, "hex digits")


@pytest.mark.parametrize("at", range(40))
@pytest.mark.parametrize("bad", ["g", " ", "x", "\u0661", "\n"])
def test_every_character_is_checked(at: int, bad: str) -> None:
    text = USDC[:at] + bad + USDC[at + 1 :]
    if (at, bad) == (1, "x"):
        text = "0X" + USDC
    with pytest.raises(InvalidFormat) as caught:
        EthAddress.from_hex(text)
    assert caught.value.text == text


@pytest.mark.parametrize("text", [USDC + "\n", " " + USDC, USDC + " ", "0x0x" + USDC, "0X" + USDC, "-" + USDC[1:]])
def test_nothing_may_stand_around_the_digits(text: str) -> None:
    with pytest.raises(InvalidFormat):
        EthAddress.from_hex(text)


@pytest.mark.parametrize("text", ["", "0x", USDC[:39], USDC + "0"])
def test_text_of_another_length(text: str) -> None:
    with pytest.raises(InvalidLength):
        EthAddress.from_hex(text)


def test_from_any_buffer() -> None:
    raw = bytes(range(20))
    backing = bytearray(raw)
    value = EthAddress(backing)
    backing[0] = 255
    assert value == EthAddress(raw) == EthAddress(memoryview(raw)) == EthAddress(array("I", raw))
    assert EthAddress(memoryview(bytes(range(40)))[::2]) == EthAddress(bytes(range(0, 40, 2)))
    assert hash(EthAddress(backing)) == hash(EthAddress(bytes(backing)))


@pytest.mark.parametrize("raw", [20, None, [0] * 20, "0" * 20, EthAddress(bytes(20))])
def test_only_buffers(raw: object) -> None:
    with pytest.raises(TypeError, match="EthAddress is made of bytes, not"):
        EthAddress(raw)  # type: ignore[arg-type]


def test_hex_of_bytes_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="takes text"):
        EthAddress.from_hex(b"00")  # type: ignore[arg-type]


def test_kinds_do_not_mix() -> None:
    values: list[TypedBytes] = [kind(bytes(length)) for kind, length in LENGTHS.items()]
    assert len(set(values)) == len(values)
    token: object = TokenAddress(bytes(20))
    assert token != PoolAddress(bytes(20)) and token != bytes(20)
    with pytest.raises(TypeError):
        _ = TokenAddress(bytes(20)) < PoolAddress(bytes(20))  # type: ignore[operator]


@given(BYTES20, BYTES20)
def test_order_and_text_are_those_of_the_bytes(a: bytes, b: bytes) -> None:
    x, y = TokenAddress(a), TokenAddress(b)
    assert (x < y, x <= y, x > y, x >= y, x == y) == (a < b, a <= b, a > b, a >= b, a == b)
    assert TokenAddress.from_hex(x.hex()) == x == TokenAddress.from_hex("0x" + x.hex().upper())


def test_pattern_matching() -> None:
    match TokenAddress.from_hex(USDC):
        case PoolAddress():
            pytest.fail("another type")
        case TokenAddress(raw):
            assert raw.hex() == USDC.lower()
