"""Which instrument the exchange and symbol of a capture mean.

Owns the rule.  Must not know formats, files or books.

1. The exchange says the venue, and what kind of instrument its symbols are.  Spot pairs are coins; perpetual contracts
   are swaps, so that the pair and the contract of one name are different instruments.
2. The symbol in capitals, without the separators `-`, `/` and `_`, and without a suffix that only says "perpetual".
3. `XBT` at its beginning is `BTC`.  So BTC-USD, XBT/USD and BTCUSD are the same asset at three venues, and differ by
   the venue alone: that is what makes their prices comparable.
4. Its bytes are the asset id, as `InstrumentId.coin` has them: at most eight.  A longer symbol is an error; give it a
   short name of its own with `aliases`, which are taken as they are.

An inverse contract (Deribit's perpetuals, Bybit's BTCUSD) counts its amounts in dollars.  They are kept as captured;
being swaps, they are never compared with coins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from libs.types.protocol import AssetType, InstrumentId, InvalidInstrument, VenueId

from .errors import Place

_SEPARATORS = str.maketrans("", "", "-/_")


class Listing(NamedTuple):
    """What an exchange lists: its venue, the kind of instrument, the suffix that its symbols end with."""

    venue: int
    kind: AssetType
    suffix: str = ""
    replacement: str = ""


EXCHANGES: Mapping[str, Listing] = MappingProxyType(
    {
        "binance": Listing(VenueId.BINANCE, AssetType.COIN),
        "binance-futures": Listing(VenueId.BINANCE, AssetType.SWAP),
        "bybit": Listing(VenueId.BYBIT_DERIVATIVES, AssetType.SWAP),
        "bybit-spot": Listing(VenueId.BYBIT, AssetType.COIN),
        "coinbase": Listing(VenueId.COINBASE, AssetType.COIN),
        "deribit": Listing(VenueId.DERIBIT, AssetType.SWAP, "-PERPETUAL", "USD"),
        "gemini": Listing(VenueId.GEMINI, AssetType.COIN),
        "huobi": Listing(VenueId.HUOBI, AssetType.COIN),
        "kraken": Listing(VenueId.KRAKEN, AssetType.COIN),
        "kucoin": Listing(VenueId.KUCOIN, AssetType.COIN),
        "okex": Listing(VenueId.OKEX, AssetType.COIN),
        "okex-swap": Listing(VenueId.OKEX, AssetType.SWAP, "-SWAP"),
    }
)


def listing_of(text: str) -> tuple[str, Listing]:
    """What a user says of an exchange that the protocol has no venue for, `bitmex=65010:SWAP`.  Raises ValueError."""
    exchange, equals, rest = text.partition("=")
    number, colon, kind = rest.partition(":")
    venue = int(number) if number.isascii() and number.isdigit() else -1
    if not (exchange and equals and colon and kind in AssetType.__members__ and 0 < venue < 1 << 16):
        raise ValueError(f"{text!r} is no EXCHANGE=VENUE:KIND, such as bitmex=65010:SWAP")
    return exchange, Listing(venue, AssetType[kind])


@dataclass(frozen=True, slots=True)
class Listings:
    """The rule, with what a user adds to it: exchanges, and short names for (exchange, symbol)."""

    exchanges: Mapping[str, Listing] = field(default_factory=lambda: EXCHANGES)
    aliases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    _found: dict[tuple[str, str], InstrumentId] = field(default_factory=dict, init=False, repr=False, compare=False)

    def instrument(self, exchange: str, symbol: str, place: Place) -> InstrumentId:
        """Raises CaptureError for an exchange that is not known, and for a symbol that the rule cannot name."""
        known = self._found.get((exchange, symbol))
        if known is None:
            known = self._found[exchange, symbol] = self._find(exchange, symbol, place)
        return known

    def _find(self, exchange: str, symbol: str, place: Place) -> InstrumentId:
        listing = self.exchanges.get(exchange)
        if listing is None:
            place.refuse("exchange", exchange, f"one of {', '.join(sorted(self.exchanges))}, or a listing for it")
        name = self.aliases.get((exchange, symbol))
        if name is None:
            name = symbol.upper()
            if listing.suffix:
                if not name.endswith(listing.suffix):
                    place.refuse("symbol", symbol, f"a symbol that ends with {listing.suffix}, or an alias for it")
                name = name.removesuffix(listing.suffix) + listing.replacement
            name = name.translate(_SEPARATORS)
            name = "BTC" + name.removeprefix("XBT") if name.startswith("XBT") else name
        try:
            coded = InstrumentId.coin(int(listing.venue), name)
        except InvalidInstrument as error:
            place.refuse("symbol", symbol, f"a name of 1 to 8 bytes, or an alias for it ({error})")
        return coded.replace(asset_type=int(listing.kind))
