"""Order books from the market data; out come best prices, and signals where two venues cross.

    builder = BookBuilder(Config())
    for data in builder.handle(message, now_ns): send to the signal relay
    for data in builder.on_time(now_ns): the same, some times a second: what heard nothing for too long goes

Owns the state between messages.  Must not open sockets and must not read a clock: time is an argument, the same for
all calls (the wall clock, or the headers' time of a replay).

How it works: of each instrument at each venue the best bid and ask are kept, from the last OrderBook or Quote; a Trade
is remembered and moves no price.  A change gives a QuoteTLV, and a comparison with the same asset at the other venues.
A book that breaks a rule is refused and counted, and what was kept is dropped, because it is not the venue's state any
more.  What is dropped for whatever reason is said in a StateInvalidationTLV, so that nobody acts on the last quote.

Everything is published in the signal domain, by one source with one sequence: who follows it sees the quotes from which
a signal was made before the signal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.stamping import Stamp
from libs.types.protocol import (
    MAX_INSTRUMENTS,
    TLV,
    AssetType,
    ChecksumPolicy,
    InstrumentId,
    InvalidationReason,
    InvalidPayload,
    Message,
    OrderBookTLV,
    QuoteTLV,
    RelayDomain,
    RemoteProtocolError,
    SourceType,
    StateInvalidationTLV,
    TLVType,
    TradeTLV,
    parse_message,
)
from libs.types.protocol.buffers import Buffer

from .arbitrage import Opportunity, crossing, worthwhile
from .config import Config
from .signals import signal_tlvs
from .tops import Top, top_of_book, top_of_quote

__all__ = ["BookBuilder", "Config", "Counts", "Opportunity", "Top"]

Published = tuple[TLV, ...]
_U64 = 2**64 - 1


@dataclass(slots=True)
class Counts:
    """What happened to what arrived."""

    messages: int = 0
    unreadable: int = 0
    """Messages that are none, or are damaged."""
    foreign: int = 0
    """Messages of another domain."""
    trades: int = 0
    books: int = 0
    quotes: int = 0
    other: int = 0
    """TLVs of other types."""
    refused: int = 0
    """Books and quotes that break a rule: crossed, out of order, with prices or sizes that are not above 0."""
    outdated: int = 0
    """Books and quotes that are older than what is kept."""
    crowded: int = 0
    """TLVs of instruments for which there is no room (`Config.max_instruments`)."""
    invalidated: int = 0
    stale: int = 0
    published: int = 0
    signals: int = 0
    below_threshold: int = 0


class _Kept:
    """What is known of one instrument at one venue."""

    __slots__ = ("heard_ns", "instrument", "last_trade", "received_ns", "timestamp_ns", "top")

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self.top: Top | None = None
        self.timestamp_ns = self.received_ns = self.heard_ns = 0
        self.last_trade: tuple[int, int, int] | None = None


class BookBuilder:
    """Messages of the market data in, messages of the signal domain out."""

    def __init__(self, config: Config | None = None, *, first_sequence: int = 1) -> None:
        self.config, self.counts = config or Config(), Counts()
        self._stamp = Stamp(RelayDomain.SIGNAL, SourceType.ARBITRAGE_STRATEGY, first=first_sequence)
        # By asset (what the id is without its venue), then by venue.
        self._kept: dict[tuple[int, int, int], dict[int, _Kept]] = {}
        self._size = 0
        self._open: dict[tuple[InstrumentId, InstrumentId], Opportunity] = {}
        self._last_signal = 0

    def handle(self, data: Message | Buffer, now_ns: int) -> list[bytes]:
        """One message, or its bytes.  What cannot be read is counted; nothing a peer sends raises.

        Nothing of the message's buffer is kept.
        """
        try:
            message = data if isinstance(data, Message) else parse_message(data, checksum=ChecksumPolicy.SKIP)
        except RemoteProtocolError:
            self.counts.unreadable += 1
            return []
        return self._stamped(self.on_message(message, now_ns), now_ns)

    def on_time(self, now_ns: int) -> list[bytes]:
        """Drop what is stale, and forget instruments of which nothing was heard for as long."""
        limit = now_ns - self.config.max_age_ns
        everything = [kept for venues in self._kept.values() for kept in venues.values()]
        gone = [kept for kept in everything if kept.top is not None and kept.received_ns < limit]
        self.counts.stale += len(gone)
        published = self._dropped(gone, InvalidationReason.STALENESS, 0, now_ns)
        for kept in everything:
            if kept.heard_ns < limit:
                asset = _asset(kept.instrument)
                del self._kept[asset][kept.instrument.venue]
                self._size -= 1
                if not self._kept[asset]:
                    del self._kept[asset]
        return self._stamped(published, now_ns)

    def on_message(self, message: Message, now_ns: int) -> list[Published]:
        """The TLVs of the messages that follow from this one."""
        self.counts.messages += 1
        if message.relay_domain != RelayDomain.MARKET_DATA:
            self.counts.foreign += 1
            return []
        out: list[Published] = []
        for view in message:
            kind = view.type
            if kind == TLVType.ORDER_BOOK:
                self.counts.books += 1
                out += self._on_top(view.decode(), top_of_book, now_ns)
            elif kind == TLVType.QUOTE:
                self.counts.quotes += 1
                out += self._on_top(view.decode(), top_of_quote, now_ns)
            elif kind == TLVType.TRADE:
                self._on_trade(view.decode(), now_ns)
            elif kind == TLVType.STATE_INVALIDATION:
                out += self._on_invalidation(view.decode(), now_ns)
            else:
                self.counts.other += 1
        return out

    def top(self, instrument: InstrumentId) -> Top | None:
        """The best prices that are kept; None where there are none."""
        kept = self._kept.get(_asset(instrument), {}).get(instrument.venue)
        return None if kept is None else kept.top

    def last_trade(self, instrument: InstrumentId) -> tuple[int, int, int] | None:
        """Price, volume and time of the last trade."""
        kept = self._kept.get(_asset(instrument), {}).get(instrument.venue)
        return None if kept is None else kept.last_trade

    def _entry(self, tlv: TradeTLV | QuoteTLV | OrderBookTLV, now_ns: int) -> _Kept | None:
        asset, venue = (tlv.asset_id, tlv.asset_type, tlv.reserved), tlv.venue_id
        venues = self._kept.get(asset)
        kept = None if venues is None else venues.get(venue)
        if kept is None:
            if self._size >= self.config.max_instruments:
                self.counts.crowded += 1
                return None
            self._size += 1
            kept = _Kept(tlv.instrument)
            self._kept.setdefault(asset, {})[venue] = kept
        kept.heard_ns = now_ns
        return kept

    def _on_trade(self, trade: TradeTLV, now_ns: int) -> None:
        self.counts.trades += 1
        kept = self._entry(trade, now_ns)
        if kept is not None and (kept.last_trade is None or trade.timestamp_ns >= kept.last_trade[2]):
            kept.last_trade = (trade.price, trade.volume, trade.timestamp_ns)

    def _on_top(self, tlv: OrderBookTLV | QuoteTLV, read: Any, now_ns: int) -> Iterable[Published]:
        kept = self._entry(tlv, now_ns)
        if kept is None:
            return []
        if kept.top is not None and tlv.timestamp_ns < kept.timestamp_ns:
            self.counts.outdated += 1
            return []
        try:
            top: Top = read(tlv)
        except InvalidPayload:
            self.counts.refused += 1
            return self._dropped([kept], InvalidationReason.STALENESS, 0, now_ns)
        before, kept.top = kept.top, top
        kept.timestamp_ns, kept.received_ns = tlv.timestamp_ns, now_ns
        if top == before:
            return []
        self.counts.published += 1
        quote = QuoteTLV.of(kept.instrument, **top._asdict(), timestamp_ns=kept.timestamp_ns)
        return [(quote,), *self._signals(kept, now_ns)]

    def _signals(self, kept: _Kept, now_ns: int) -> list[Published]:
        """What the changed book offers together with those of the other venues, in the order of their numbers."""
        if not self._comparable(kept.instrument):
            return []
        oldest = now_ns - self.config.max_age_ns
        out = []
        others = self._kept[_asset(kept.instrument)]
        for venue in sorted(others):
            other = others[venue]
            if other is kept or other.top is None or other.received_ns < oldest:
                continue
            for buy, sell in ((kept, other), (other, kept)):
                out += self._signal(buy, sell, now_ns)
        return out

    def _signal(self, buy: _Kept, sell: _Kept, now_ns: int) -> list[Published]:
        assert buy.top is not None and sell.top is not None
        pair = buy.instrument, sell.instrument
        found = crossing(buy.top, buy.instrument.venue, sell.top, sell.instrument.venue, self.config)
        if found is None or not worthwhile(found, self.config):
            self.counts.below_threshold += found is not None
            self._open.pop(pair, None)
            return []
        if self._open.get(pair) == found:
            return []
        self._open[pair] = found
        self.counts.signals += 1
        # Rising, and the same again for the same messages at the same times.
        self._last_signal = max(self._last_signal + 1, now_ns) & _U64
        return [signal_tlvs(found, *pair, self._last_signal, now_ns, self.config)]

    def _comparable(self, instrument: InstrumentId) -> bool:
        """Coins that are priced in dollars; a profit in another currency must not be called dollars."""
        return instrument.asset_type == AssetType.COIN and (instrument.symbol or "").endswith(self.config.quotes)

    def _on_invalidation(self, tlv: StateInvalidationTLV, now_ns: int) -> list[Published]:
        known = [self._kept.get(_asset(each), {}).get(each.venue) for each in tlv.instruments]
        kept = [each for each in known if each is not None and each.top is not None]
        self.counts.invalidated += len(kept)
        return self._dropped(kept, tlv.reason, tlv.sequence, now_ns)

    def _dropped(self, gone: list[_Kept], reason: int, sequence: int, now_ns: int) -> list[Published]:
        """Forget the prices, and say so: one TLV for each 16 instruments of a venue."""
        by_venue: dict[int, list[InstrumentId]] = {}
        for kept in gone:
            if kept.top is not None:
                kept.top = None
                by_venue.setdefault(kept.instrument.venue, []).append(kept.instrument)
        dropped = {instrument for instruments in by_venue.values() for instrument in instruments}
        if dropped:
            self._open = {pair: found for pair, found in self._open.items() if not dropped & set(pair)}
        return [
            (
                StateInvalidationTLV(
                    sequence=sequence,
                    timestamp_ns=now_ns,
                    instruments=instruments[at : at + MAX_INSTRUMENTS],
                    venue=venue,
                    reason=reason,
                ),
            )
            for venue, instruments in by_venue.items()
            for at in range(0, len(instruments), MAX_INSTRUMENTS)
        ]

    def _stamped(self, published: list[Published], now_ns: int) -> list[bytes]:
        return [self._stamp.message(tlvs, now_ns) for tlvs in published]


def _asset(instrument: InstrumentId) -> tuple[int, int, int]:
    return instrument.asset_id, instrument.asset_type, instrument.reserved
