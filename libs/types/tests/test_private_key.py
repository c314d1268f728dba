"""The private key: nothing shows it, nothing copies it, and it can be erased."""

import copy
import dataclasses
import gc
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.common import InvalidFormat, InvalidLength, PrivateKey, SecretWiped, TypedBytes

# All printable, so that it would be seen as bytes, as text and as hex.
RAW = b"do-not-show-this-secret-to-anyon"
MARKS = ("do-not", "show-this", RAW.hex()[:12], RAW.hex()[20:40], RAW.hex().upper()[:12], str(list(RAW[:4]))[1:-1])


def assert_hidden(text: str) -> None:
    assert [mark for mark in MARKS if mark in text] == []


def assert_bytes_hidden(data: bytes) -> None:
    assert RAW[:6] not in data and RAW.hex()[:12].encode() not in data


@dataclasses.dataclass
class Wallet:
    name: str
    key: PrivateKey


SHOWN: list[Callable[[PrivateKey], str]] = [
    repr,
    str,
    ascii,
    format,
    pprint.pformat,
    lambda key: f"{key} {key!r} {key!s} {key!a} {key:>60} {key=}",
    lambda key: format(key, "^70"),
    lambda key: "%s %r" % (key, key),  # noqa: UP031
    lambda key: f"{key} {key!r} {key:<40}",
    lambda key: str([key, (key,), {"key": key}]),
    lambda key: repr(Wallet("main", key)),
    lambda key: repr(vars(Wallet("main", key))),
    lambda key: " ".join(dir(key)),
    lambda key: json.dumps({"key": key}, default=str),
]


@pytest.mark.parametrize("show", SHOWN)
def test_no_text_shows_it(show: Callable[[PrivateKey], str]) -> None:
    assert_hidden(show(PrivateKey(RAW)))


def test_text_says_what_it_is() -> None:
    key = PrivateKey(RAW)
    assert repr(key) == str(key) == f"{key}" == "PrivateKey(hidden)"
    key.wipe()
    assert str(key) == "PrivateKey(wiped)"


def test_logging_does_not_show_it() -> None:
    stream = io.StringIO()
    logger = logging.Logger("private key")
    logger.addHandler(logging.StreamHandler(stream))
    key = PrivateKey(RAW)
    logger.error("key %s, wallet %r", key, Wallet("main", key), extra={"key": key})
    logger.error({"key": key})
    try:
        pickle.dumps(key)
    except TypeError:
        logger.exception("cannot store %s", key)
    assert "PrivateKey(hidden)" in stream.getvalue()
    assert_hidden(stream.getvalue())


REFUSED: list[Callable[[], object]] = [
    lambda: PrivateKey(RAW + b"!"),
    lambda: PrivateKey(RAW[:-1]),
    lambda: PrivateKey(RAW.decode()),  # type: ignore[arg-type]
    lambda: PrivateKey(list(RAW)),  # type: ignore[arg-type]
    lambda: PrivateKey.take(bytearray(RAW + b"!")),
    lambda: PrivateKey.take(RAW),  # type: ignore[arg-type]
    lambda: PrivateKey.from_hex(RAW.hex() + "00"),
    lambda: PrivateKey.from_hex(RAW.hex()[:-1] + "g"),
    lambda: PrivateKey.from_hex(RAW.hex()[:-1]),
    lambda: PrivateKey.from_hex(RAW.hex().encode()),  # type: ignore[arg-type]
    lambda: PrivateKey(RAW).write_to(bytearray(31)),
    lambda: PrivateKey(RAW).write_to(memoryview(bytes(32))),
    lambda: PrivateKey(RAW).write_to(memoryview(bytearray(32)).cast("I")),
    lambda: pickle.dumps(PrivateKey(RAW)),
    lambda: copy.copy(PrivateKey(RAW)),
    lambda: copy.deepcopy({"main": PrivateKey(RAW)}),
    lambda: dataclasses.asdict(Wallet("main", PrivateKey(RAW))),
    lambda: object.__reduce_ex__(PrivateKey(RAW), 4),
    lambda: PrivateKey(RAW).__getstate__(),
    lambda: json.dumps(PrivateKey(RAW)),
    lambda: hash(PrivateKey(RAW)),
    lambda: PrivateKey(RAW) < PrivateKey(RAW),  # type: ignore[operator]
    lambda: vars(PrivateKey(RAW)),
    lambda: PrivateKey(RAW).hex(),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("refused", REFUSED)
def test_no_error_and_no_traceback_shows_it(refused: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError, InvalidFormat, InvalidLength)) as caught:
        refused()
    error = caught.value
    assert error.__cause__ is None
    assert_hidden(str(error) + repr(error) + repr(error.args) + repr(vars(error)))
    if isinstance(error, InvalidFormat | InvalidLength):
        assert_hidden(repr(error.details()))
        assert_bytes_hidden(pickle.dumps(error))
    # With the local variables of every frame, as error reporters print them.  A lambda has none of its own here;
    # its source line names RAW and no more.
    assert_hidden("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))


def test_pickling_says_why() -> None:
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        pickle.dumps(PrivateKey(RAW))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        stream = io.BytesIO()
        with pytest.raises(TypeError):
            pickle.Pickler(stream, protocol).dump(["before", PrivateKey(RAW)])
        assert_bytes_hidden(stream.getvalue())


def test_the_bytes_come_when_asked_for() -> None:
    assert bytes(PrivateKey(RAW)) == bytes(PrivateKey.from_hex("0x" + RAW.hex())) == RAW
    target = bytearray(32)
    PrivateKey(memoryview(RAW)).write_to(target)
    assert target == RAW
    room = bytearray(64)
    PrivateKey(RAW).write_to(memoryview(room)[16:48])
    assert room == bytes(16) + RAW + bytes(16)


def test_take_erases_its_source() -> None:
    source = bytearray(RAW)
    key = PrivateKey.take(source)
    assert source == bytes(32) and bytes(key) == RAW
    wrong = bytearray(RAW[:-1])
    with pytest.raises(InvalidLength):
        PrivateKey.take(wrong)
    assert wrong == RAW[:-1]


def test_wipe_erases_the_storage() -> None:
    key = PrivateKey(RAW)
    storage = key._secret
    assert storage == RAW and not key.is_wiped
    key.wipe()
    key.wipe()
    assert storage == bytes(32) and key.is_wiped
    for use in (bytes, lambda key: key.write_to(bytearray(32)), lambda key: key.__enter__()):
        with pytest.raises(SecretWiped) as caught:
            use(key)
        assert caught.value.type_name == "PrivateKey"


def test_a_with_block_erases_at_its_end() -> None:
    with PrivateKey(RAW) as key:
        storage = key._secret
        assert bytes(key) == RAW
    assert storage == bytes(32) and key.is_wiped
    with pytest.raises(RuntimeError), PrivateKey(RAW) as key:
        storage = key._secret
        raise RuntimeError("inside")
    assert storage == bytes(32)


def test_the_last_reference_erases() -> None:
    key = PrivateKey(RAW)
    storage = key._secret
    del key
    gc.collect()
    assert storage == bytes(32)


def test_equality() -> None:
    key, same, other = PrivateKey(RAW), PrivateKey(RAW), PrivateKey(bytes(32))
    assert key == same and key != other and other != key
    as_object: object = key
    assert as_object != RAW and as_object != None and as_object != str(key)  # noqa: E711
    key.wipe()
    assert key != same and same != key and key == key
    other.wipe()
    assert key != other, "two wiped keys say nothing about what they were"


def test_equality_goes_through_the_constant_time_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def compare(a: bytes, b: bytes) -> bool:
        calls.append(len(a))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    assert PrivateKey(RAW) == PrivateKey(RAW) and PrivateKey(RAW) != PrivateKey(bytes(32))
    assert calls == [32, 32]


def test_it_is_none_of_the_public_values() -> None:
    assert not issubclass(PrivateKey, TypedBytes)
    assert not hasattr(PrivateKey(RAW), "__dict__") and not hasattr(PrivateKey(RAW), "hex")


@given(st.binary(min_size=32, max_size=32))
def test_round_trip(raw: bytes) -> None:
    assert bytes(PrivateKey(raw)) == raw == bytes(PrivateKey.from_hex(raw.hex()))
    assert str(PrivateKey(raw)) == "PrivateKey(hidden)"
