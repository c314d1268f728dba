"""The instrument id: twelve packed bytes that say which instrument, where, and of what kind.

Owns how the asset id of each kind is made, and the integer keys of an id.  Must not know venues' symbols, token lists,
or any message that carries an id.

What can be undone: fields, bytes and `to_u128` are one and the same number in three forms, exactly.  What cannot:

- a token keeps 8 of its 20 address bytes, so two tokens may share an id (a chain has to be asked for the rest);
- a pool is one-way: its id is a sum over the ids of its tokens, from which the tokens do not come back, and other
  tokens may give the same sum.  Carry full addresses where it matters;
- an option keeps 11 bits of its symbol, which are zero for symbols of six or fewer characters;
- `to_u64_lossy` forgets most of a symbol.

The numbers are those that other programs of this protocol compute.  What would be cut in silence is refused instead.
"""

from typing import Final, Self

from libs.types.common import InvalidFormat, InvalidLength, TokenAddress

from .errors import InvalidInstrument
from .schema import U8, U16, U64, Struct
from .venues import AssetType, VenueId

SYMBOL_BYTES: Final = 8
ADDRESS_BYTES: Final = 20
MAX_STRIKE: Final = (1 << 32) - 1
MAX_EXPIRY: Final = (1 << 20) - 1
TRIANGULAR: Final = 1

_U64: Final = (1 << 64) - 1
_U96: Final = (1 << 96) - 1
_LOW_40: Final = (1 << 40) - 1
_LOW_11: Final = (1 << 11) - 1
_SYMBOL_CODED: Final = frozenset({AssetType.STOCK, AssetType.BOND, AssetType.COIN})

AddressLike = str | bytes | TokenAddress


class InstrumentId(Struct, packed=True):
    """An instrument; equal and hashed by all twelve bytes."""

    asset_id: U64
    venue: U16
    asset_type: U8
    reserved: U8 = 0

    @classmethod
    def stock(cls, venue: int, symbol: str) -> Self:
        """Raises InvalidInstrument for a symbol that is empty, over 8 UTF-8 bytes, or has a zero byte."""
        return cls._make(_symbol_number(symbol), venue, AssetType.STOCK)

    @classmethod
    def bond(cls, venue: int, symbol: str) -> Self:
        """As `stock`."""
        return cls._make(_symbol_number(symbol), venue, AssetType.BOND)

    @classmethod
    def coin(cls, venue: int, symbol: str) -> Self:
        """A currency as an exchange lists it, not as a contract.  As `stock`."""
        return cls._make(_symbol_number(symbol), venue, AssetType.COIN)

    @classmethod
    def ethereum_token(cls, address: AddressLike) -> Self:
        """Raises InvalidInstrument for anything but 20 bytes, or 40 hex digits with or without 0x."""
        return cls._make(_address_number(address), VenueId.ETHEREUM, AssetType.TOKEN)

    @classmethod
    def polygon_token(cls, address: AddressLike) -> Self:
        """As `ethereum_token`."""
        return cls._make(_address_number(address), VenueId.POLYGON, AssetType.TOKEN)

    @classmethod
    def bsc_token(cls, address: AddressLike) -> Self:
        """A token of BNB Smart Chain.  As `ethereum_token`."""
        return cls._make(_address_number(address), VenueId.BINANCE_SMART_CHAIN, AssetType.TOKEN)

    @classmethod
    def arbitrum_token(cls, address: AddressLike) -> Self:
        """As `ethereum_token`."""
        return cls._make(_address_number(address), VenueId.ARBITRUM, AssetType.TOKEN)

    @classmethod
    def pool(cls, venue: int, a: "InstrumentId", b: "InstrumentId") -> Self:
        """A pool of two assets in any order.  One-way: see the head of the module."""
        low, high = sorted((a.asset_id, b.asset_id))
        return cls._make((low * 31 + high) & _U64, venue, AssetType.POOL)

    @classmethod
    def triangular_pool(cls, venue: int, a: "InstrumentId", b: "InstrumentId", c: "InstrumentId") -> Self:
        """A pool of three assets in any order.  One-way: see the head of the module."""
        x, y, z = sorted((a.asset_id, b.asset_id, c.asset_id))
        return cls._make((x * 31 + y * 17 + z) & _U64, venue, AssetType.POOL, TRIANGULAR)

    @classmethod
    def lp_token(cls, venue: int, pool: "InstrumentId") -> Self:
        """The token that stands for a share of the pool.  Raises InvalidInstrument for what is no pool."""
        if pool.asset_type != AssetType.POOL:
            raise InvalidInstrument("pool", pool.asset_type, f"an asset type of {AssetType.POOL:d} is needed")
        return cls._make(pool.asset_id, venue, AssetType.LP_TOKEN)

    @classmethod
    def option(cls, venue: int, symbol: str, strike: int, expiry: int, *, call: bool) -> Self:
        """`strike` has 32 bits, `expiry` 20: a date such as 20251219 does not fit, a day number does.

        Raises InvalidInstrument for numbers out of range and symbols that `stock` refuses.
        """
        _check_range("strike", strike, MAX_STRIKE)
        _check_range("expiry", expiry, MAX_EXPIRY)
        number = strike << 32 | expiry << 12 | bool(call) << 11 | _symbol_number(symbol) & _LOW_11
        return cls._make(number, venue, AssetType.OPTION)

    @classmethod
    def _make(cls, asset_id: int, venue: int, asset_type: AssetType, reserved: int = 0) -> Self:
        return cls(asset_id=asset_id, venue=int(venue), asset_type=int(asset_type), reserved=reserved)

    @classmethod
    def from_u128(cls, key: int) -> Self:
        """The id that `to_u128` made the key of.  Raises InvalidInstrument for a key of more than 96 bits."""
        _check_range("key", key, _U96)
        return cls(asset_id=key & _U64, venue=key >> 80, asset_type=key >> 72 & 0xFF, reserved=key >> 64 & 0xFF)

    def to_u128(self) -> int:
        """A key of 96 bits that holds all fields: equal keys are equal ids."""
        return self.venue << 80 | self.asset_type << 72 | self.reserved << 64 | self.asset_id

    def to_u64_lossy(self) -> int:
        """A key that other programs use: venue, kind and the low 40 bits of the asset id.

        Not unique: symbols lie in the high bytes, so AAPL and PYPL on one exchange have the same key.
        """
        return self.venue << 48 | self.asset_type << 40 | self.asset_id & _LOW_40

    @property
    def venue_id(self) -> VenueId | int:
        """The venue by name; a number without a name stays the number."""
        try:
            return VenueId(self.venue)
        except ValueError:
            return self.venue

    @property
    def asset_kind(self) -> AssetType | int:
        """The asset type by name; a number without a name stays the number."""
        try:
            return AssetType(self.asset_type)
        except ValueError:
            return self.asset_type

    @property
    def symbol(self) -> str | None:
        """The symbol of a stock, bond or coin, up to its first zero byte; None for other kinds.

        For display: bytes that are no UTF-8, which only another program can have written, show as escapes.
        """
        if self.asset_type not in _SYMBOL_CODED:
            return None
        text, _, _ = self.asset_id.to_bytes(SYMBOL_BYTES, "big").partition(b"\0")
        return text.decode("utf-8", "backslashreplace")


def _symbol_number(symbol: str) -> int:
    """The UTF-8 bytes of the symbol, filled with zeros, as a big-endian number."""
    try:
        raw = symbol.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInstrument("symbol", symbol, f"character {error.start} has no UTF-8 form") from None
    if not raw:
        raise InvalidInstrument("symbol", symbol, "it is empty")
    if len(raw) > SYMBOL_BYTES:
        raise InvalidInstrument("symbol", symbol, f"it has {len(raw)} bytes in UTF-8, an id keeps {SYMBOL_BYTES}")
    if 0 in raw:
        raise InvalidInstrument("symbol", symbol, "a zero byte ends a symbol")
    return int.from_bytes(raw.ljust(SYMBOL_BYTES, b"\0"), "big")


def _address_number(address: AddressLike) -> int:
    """The first 8 bytes of the address as a big-endian number; all 20 are checked."""
    if isinstance(address, str):
        try:
            raw = bytes(TokenAddress.from_hex(address))
        except (InvalidFormat, InvalidLength) as error:
            raise InvalidInstrument("address", address, str(error)) from None
    elif isinstance(address, bytes | TokenAddress):
        raw = bytes(address)
    else:
        raise TypeError(f"an address is text, bytes or a TokenAddress, not {type(address).__name__}")
    if len(raw) != ADDRESS_BYTES:
        raise InvalidInstrument("address", raw.hex(), f"it has {len(raw)} bytes, an address has {ADDRESS_BYTES}")
    return int.from_bytes(raw[:8], "big")


def _check_range(field: str, value: int, high: int) -> None:
    if type(value) is not int:
        raise TypeError(f"{field} is an int, not {type(value).__name__}")
    if not 0 <= value <= high:
        raise InvalidInstrument(field, value, f"it must be 0 to {high}")
