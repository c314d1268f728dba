"""Instrument ids: numbers worked out by hand, the three exact forms, the lossy key, and what is refused."""

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.types.common import TokenAddress
from libs.types.protocol import (
    AssetType,
    FieldRange,
    InstrumentId,
    InvalidInstrument,
    LocalProtocolError,
    TradeTLV,
    VenueId,
)

USDC = "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
U8, U16, U64 = st.integers(0, 2**8 - 1), st.integers(0, 2**16 - 1), st.integers(0, 2**64 - 1)
IDS = st.builds(InstrumentId, asset_id=U64, venue=U16, asset_type=U8, reserved=U8)
# Eight bytes at most, none of them zero.
SYMBOLS = st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: len(text.encode()) <= 8
)


def number(asset_id: int) -> InstrumentId:
    return InstrumentId(asset_id=asset_id, venue=0, asset_type=50, reserved=0)


def coin(symbol: str) -> InstrumentId:
    return InstrumentId.coin(VenueId.BINANCE, symbol)


@pytest.mark.parametrize(
    ("instrument", "asset_id", "venue", "asset_type", "reserved"),
    [
        (InstrumentId.stock(VenueId.NASDAQ, "AAPL"), 0x4141504C_00000000, 2, 1, 0),
        (InstrumentId.stock(2, "ABCDEFGH"), 0x41424344_45464748, 2, 1, 0),
        (InstrumentId.bond(VenueId.NYSE, "US10Y"), 0x55533130_59000000, 1, 2, 0),
        (InstrumentId.coin(VenueId.BINANCE, "BTC"), 0x42544300_00000000, 100, 51, 0),
        (InstrumentId.coin(VenueId.KRAKEN, "\u20ac"), 0xE282AC00_00000000, 101, 51, 0),
        (InstrumentId.ethereum_token("0x" + USDC), 0xA0B86991_C6218B36, 200, 50, 0),
        (InstrumentId.polygon_token(USDC), 0xA0B86991_C6218B36, 202, 50, 0),
        (InstrumentId.bsc_token(bytes.fromhex(USDC)), 0xA0B86991_C6218B36, 203, 50, 0),
        (InstrumentId.arbitrum_token(TokenAddress.from_hex(USDC)), 0xA0B86991_C6218B36, 206, 50, 0),
        # 2 * 31 + 3
        (InstrumentId.pool(VenueId.UNISWAP_V3, number(3), number(2)), 65, 301, 100, 0),
        # 0x41 * 31 + 0x42 is 0x821, of which 0x21 stays in the top byte
        (InstrumentId.pool(VenueId.CURVE, coin("A"), coin("B")), 0x21000000_00000000, 303, 100, 0),
        # 2 * 31 + 3 * 17 + 5
        (InstrumentId.triangular_pool(VenueId.BALANCER, number(5), number(2), number(3)), 118, 304, 100, 1),
        # 2**64 - 1 is -1: 31 * -1 + 17 * -1 - 1
        (InstrumentId.triangular_pool(304, *[number(2**64 - 1)] * 3), 2**64 - 49, 304, 100, 1),
        (InstrumentId.lp_token(VenueId.UNISWAP_V2, InstrumentId.pool(300, number(2), number(3))), 65, 300, 101, 0),
        # 50000 is 0xC350, 20000 is 0x4E20; the low bits of "GH" (0x4748) are 0x748
        (InstrumentId.option(VenueId.DERIBIT, "BTC", 50000, 20000, call=True), 0x0000C350_04E20800, 700, 150, 0),
        (InstrumentId.option(VenueId.DERIBIT, "BTC", 50000, 20000, call=False), 0x0000C350_04E20000, 700, 150, 0),
        (InstrumentId.option(700, "ABCDEFGH", 50000, 20000, call=False), 0x0000C350_04E20748, 700, 150, 0),
        (InstrumentId.option(700, "ABCDEFGH", 50000, 20000, call=True), 0x0000C350_04E20F48, 700, 150, 0),
        (InstrumentId.option(700, "X", 2**32 - 1, 2**20 - 1, call=True), 0xFFFFFFFF_FFFFF800, 700, 150, 0),
    ],
)
def test_numbers(instrument: InstrumentId, asset_id: int, venue: int, asset_type: int, reserved: int) -> None:
    assert instrument.to_dict() == {
        "asset_id": asset_id,
        "venue": venue,
        "asset_type": asset_type,
        "reserved": reserved,
    }
    assert type(instrument) is InstrumentId


def test_bytes_and_keys_by_hand() -> None:
    apple = InstrumentId.stock(VenueId.NASDAQ, "AAPL")
    assert bytes(apple).hex() == "000000004c504141" + "0200" + "01" + "00"
    assert apple.to_u128() == 0x0002_01_00_4141504C00000000
    triangle = InstrumentId.triangular_pool(VenueId.BALANCER, number(5), number(2), number(3))
    assert bytes(triangle).hex() == "7600000000000000" + "3001" + "64" + "01"
    assert triangle.to_u128() == 0x0130_64_01_0000000000000076


def test_the_lossy_key_collides() -> None:
    apple, paypal = (InstrumentId.stock(VenueId.NASDAQ, symbol) for symbol in ("AAPL", "PYPL"))
    assert apple.to_u64_lossy() == paypal.to_u64_lossy() == 0x0002_01_4C00000000
    assert apple != paypal and apple.to_u128() != paypal.to_u128() and len({apple, paypal}) == 2


def test_tokens_that_share_eight_bytes_collide() -> None:
    assert InstrumentId.ethereum_token(USDC) == InstrumentId.ethereum_token(USDC[:16] + "0" * 24)
    assert InstrumentId.ethereum_token(USDC) != InstrumentId.polygon_token(USDC)


@given(IDS)
def test_fields_bytes_and_key_are_one_number(instrument: InstrumentId) -> None:
    raw, key = bytes(instrument), instrument.to_u128()
    assert len(raw) == 12 and InstrumentId.from_buffer(raw) == instrument == InstrumentId.from_u128(key)
    assert InstrumentId(**instrument.to_dict()) == instrument
    assert hash(InstrumentId.from_u128(key)) == hash(instrument)
    asset_id, venue = int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:10], "little")
    assert key == venue * 2**80 + raw[10] * 2**72 + raw[11] * 2**64 + asset_id
    low_40 = instrument.asset_id % 2**40
    assert instrument.to_u64_lossy() == instrument.venue * 2**48 + instrument.asset_type * 2**40 + low_40


@given(IDS, IDS)
def test_equal_exactly_when_the_keys_are(a: InstrumentId, b: InstrumentId) -> None:
    assert (a == b) == (bytes(a) == bytes(b)) == (a.to_u128() == b.to_u128())


@given(st.integers(0, 2**96 - 1))
def test_every_key_of_96_bits_is_an_id(key: int) -> None:
    assert InstrumentId.from_u128(key).to_u128() == key


@given(U16, SYMBOLS)
def test_symbols_come_back(venue: int, symbol: str) -> None:
    for make in (InstrumentId.stock, InstrumentId.bond, InstrumentId.coin):
        assert make(venue, symbol).symbol == symbol
        assert make(venue, symbol).venue == venue


@given(SYMBOLS, SYMBOLS)
def test_two_symbols_are_two_ids(first: str, second: str) -> None:
    assert (coin(first) == coin(second)) == (first == second)


@given(IDS, IDS, IDS)
def test_pools_do_not_depend_on_the_order(a: InstrumentId, b: InstrumentId, c: InstrumentId) -> None:
    assert InstrumentId.pool(301, a, b) == InstrumentId.pool(301, b, a)
    three = InstrumentId.triangular_pool(301, a, b, c)
    assert three == InstrumentId.triangular_pool(301, c, a, b) == InstrumentId.triangular_pool(301, b, a, c)
    assert three.reserved == 1 and InstrumentId.lp_token(301, three).asset_id == three.asset_id


def test_names_and_numbers_without_a_name() -> None:
    named = InstrumentId.coin(VenueId.BINANCE, "BTC")
    assert named.venue_id is VenueId.BINANCE and named.asset_kind is AssetType.COIN
    unnamed = InstrumentId(asset_id=0, venue=9999, asset_type=99, reserved=0)
    assert (unnamed.venue_id, unnamed.asset_kind, unnamed.symbol) == (9999, 99, None)


def test_symbol_is_for_display() -> None:
    assert InstrumentId.ethereum_token(USDC).symbol is None
    assert InstrumentId.pool(301, coin("A"), coin("B")).symbol is None
    assert InstrumentId(asset_id=0x41004200_00000000, venue=2, asset_type=1, reserved=0).symbol == "A"
    assert InstrumentId(asset_id=0, venue=2, asset_type=1, reserved=0).symbol == ""
    assert InstrumentId(asset_id=0x41FF0000_00000000, venue=2, asset_type=1, reserved=0).symbol == "A\\xff"


REFUSED: list[tuple[Callable[[], object], str, int | str]] = [
    (lambda: InstrumentId.stock(2, ""), "symbol", ""),
    (lambda: InstrumentId.stock(2, "ABCDEFGHI"), "symbol", "ABCDEFGHI"),
    (lambda: InstrumentId.bond(2, "\u20ac\u20ac\u20ac"), "symbol", "\u20ac\u20ac\u20ac"),
    (lambda: InstrumentId.coin(100, "A\0B"), "symbol", "A\0B"),
    (lambda: InstrumentId.coin(100, "A\0"), "symbol", "A\0"),
    (lambda: InstrumentId.coin(100, "A\ud800"), "symbol", "A\ud800"),
    (lambda: InstrumentId.option(700, "ABCDEFGHI", 1, 1, call=True), "symbol", "ABCDEFGHI"),
    (lambda: InstrumentId.option(700, "BTC", 2**32, 1, call=True), "strike", 2**32),
    (lambda: InstrumentId.option(700, "BTC", -1, 1, call=True), "strike", -1),
    (lambda: InstrumentId.option(700, "BTC", 1, 2**20, call=True), "expiry", 2**20),
    (lambda: InstrumentId.option(700, "BTC", 1, 20251219, call=True), "expiry", 20251219),
    (lambda: InstrumentId.option(700, "BTC", 1, -1, call=True), "expiry", -1),
    (lambda: InstrumentId.ethereum_token(bytes(19)), "address", "00" * 19),
    (lambda: InstrumentId.ethereum_token(""), "address", ""),
    (lambda: InstrumentId.ethereum_token("0X" + USDC), "address", "0X" + USDC),
    (lambda: InstrumentId.ethereum_token(USDC + "00"), "address", USDC + "00"),
    (lambda: InstrumentId.lp_token(300, coin("BTC")), "pool", 51),
    (lambda: InstrumentId.from_u128(2**96), "key", 2**96),
    (lambda: InstrumentId.from_u128(-1), "key", -1),
    (lambda: InstrumentId.from_u128(10**5000), "key", 10**5000),
]


@pytest.mark.parametrize(("refused", "field", "value"), REFUSED, ids=range(len(REFUSED)))
def test_refused(refused: Callable[[], object], field: str, value: int | str) -> None:
    with pytest.raises(InvalidInstrument) as caught:
        refused()
    error = caught.value
    assert isinstance(error, LocalProtocolError)
    assert (error.field, error.value) == (field, value) and error.reason
    assert str(error).startswith(field) and str(error).endswith(error.reason) and len(str(error)) < 200
    again = pickle.loads(pickle.dumps(error))
    assert again == error and again.details() == error.details()


@pytest.mark.parametrize("at", range(40))
def test_all_digits_of_an_address_are_checked(at: int) -> None:
    text = USDC[:at] + "g" + USDC[at + 1 :]
    for make in (InstrumentId.ethereum_token, InstrumentId.polygon_token, InstrumentId.bsc_token):
        with pytest.raises(InvalidInstrument):
            make(text)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError):
        InstrumentId.ethereum_token(20)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        InstrumentId.option(700, "BTC", 1.5, 1, call=True)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        InstrumentId.from_u128(True)


@pytest.mark.parametrize("venue", [-1, 2**16])
def test_a_venue_has_sixteen_bits(venue: int) -> None:
    with pytest.raises(FieldRange) as caught:
        InstrumentId.stock(venue, "AAPL")
    assert caught.value.field.endswith("venue")
    assert (caught.value.value, caught.value.high) == (venue, 2**16 - 1)


@given(IDS)
def test_ids_travel(instrument: InstrumentId) -> None:
    assert pickle.loads(pickle.dumps(instrument)) == instrument == copy.copy(instrument) == copy.deepcopy(instrument)


@given(IDS)
def test_a_trade_carries_all_twelve_bytes(instrument: InstrumentId) -> None:
    trade = TradeTLV.of(instrument, price=1, volume=2, timestamp_ns=3, side=0)
    assert trade.instrument == instrument and TradeTLV.from_buffer(bytes(trade)).instrument == instrument
