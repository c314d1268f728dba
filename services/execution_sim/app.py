"""Signals into orders and fills, against the last known prices.

    sim = ExecutionSim(Config())
    for data in sim.handle(message, now_ns): send to the execution relay
    sim.on_time(now_ns): some times a second: what is too old is forgotten

Owns the state between messages: prices, positions, and which signals were acted upon.  Must not open sockets and must
not read a clock: time is an argument.

How it works: quotes and signals come in one stream (the book builder's), so the prices are those that the signal was
made from, as far as they still stand.  A signal gives two orders: buy for the capital that it asks for, at most at the
best ask and the tolerance; then sell what was bought, at least at the best bid less the tolerance.  All limits are
checked before the first order.  What cannot be traded is rejected, and says why.

A signal is acted upon once: (strategy, signal id) is remembered until the signal expires, and an expired one is refused
anyway.  So a replay after a reconnect gives no second order, and the memory stays bounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from infra.stamping import Stamp
from libs.types.protocol import (
    TLV,
    ArbitrageSignalTLV,
    InstrumentId,
    InvalidPayload,
    Message,
    OrderBookTLV,
    QuoteTLV,
    RelayDomain,
    RemoteProtocolError,
    SignalIdentityTLV,
    SourceType,
    StateInvalidationTLV,
    TLVType,
    parse_message,
)
from libs.types.protocol.buffers import Buffer

from .config import MAX_I64, SECOND, Config
from .fills import SCALE, Position, take, up
from .layouts import FillTLV, OrderRequestTLV, OrderStatusTLV, Reason, Side, Status
from .prices import Prices, Sides

__all__ = [
    "Config",
    "Counts",
    "ExecutionSim",
    "FillTLV",
    "OrderRequestTLV",
    "OrderStatusTLV",
    "Pnl",
    "Position",
    "Reason",
    "Side",
    "Status",
]

Published = tuple[TLV, ...]
_BPS = 10_000
_MAX_U32 = 2**32 - 1


@dataclass(slots=True)
class Counts:
    """What happened to what arrived."""

    messages: int = 0
    unreadable: int = 0
    """Messages that are none, or are damaged."""
    foreign: int = 0
    """Messages of the execution or system domain."""
    prices: int = 0
    refused: int = 0
    """Quotes and books that break a rule."""
    outdated: int = 0
    crowded: int = 0
    """Quotes and signals for which there is no room."""
    invalidated: int = 0
    signals: int = 0
    """Signals that were acted upon: orders were sent, or a rejection."""
    replayed: int = 0
    expired: int = 0
    malformed: int = 0
    """Signals that name no two instruments of exchanges."""
    rejected: int = 0
    orders: int = 0
    fills: int = 0


class Pnl(NamedTuple):
    """In 1e-8 USD.  `value` is what closing all positions would bring."""

    cash: int
    fees: int
    value: int

    @property
    def total(self) -> int:
        """What was earned, or lost."""
        return self.cash - self.fees + self.value


class ExecutionSim:
    """Messages of the signal domain in, messages of the execution domain out."""

    def __init__(self, config: Config | None = None, *, first_sequence: int = 1) -> None:
        self.config, self.counts = config or Config(), Counts()
        self._stamp = Stamp(RelayDomain.EXECUTION, SourceType.EXECUTION_ENGINE, first=first_sequence)
        self._prices = Prices(self.config.max_instruments)
        self._positions: dict[InstrumentId, Position] = {}
        self._done: dict[tuple[int, int], int] = {}
        self._last_order = 0
        self.halted = False

    def handle(self, data: Message | Buffer, now_ns: int) -> list[bytes]:
        """One message that was checked, or its bytes.  What cannot be read is counted; nothing a peer sends raises.

        Nothing of the message's buffer is kept.
        """
        try:
            message = data if isinstance(data, Message) else parse_message(data)
        except RemoteProtocolError:
            self.counts.unreadable += 1
            return []
        return [self._stamp.message(tlvs, now_ns) for tlvs in self.on_message(message, now_ns)]

    def on_message(self, message: Message, now_ns: int) -> list[Published]:
        """The TLVs of the messages that follow from this one."""
        self.counts.messages += 1
        if message.relay_domain not in (RelayDomain.SIGNAL, RelayDomain.MARKET_DATA):
            self.counts.foreign += 1
            return []
        out: list[Published] = []
        for view in message:
            if view.type in (TLVType.QUOTE, TLVType.ORDER_BOOK):
                self._on_prices(view.decode(), now_ns)
            elif view.type == TLVType.STATE_INVALIDATION:
                gone: StateInvalidationTLV = view.decode()
                self.counts.invalidated += self._prices.drop(gone.instruments)
            elif view.type == TLVType.ARBITRAGE_SIGNAL:
                out += self._on_signal(view.decode(), message.get(SignalIdentityTLV), now_ns)
        return out

    def on_time(self, now_ns: int) -> None:
        """Forget signals that have expired, and prices that are too old to trade at."""
        self._done = {key: until for key, until in self._done.items() if not _expired(until, now_ns)}
        self._prices.forget(now_ns - self.config.max_age_ns)

    @property
    def positions(self) -> Mapping[InstrumentId, Position]:
        """By instrument; those that were traded."""
        return MappingProxyType(self._positions)

    def pnl(self) -> Pnl:
        """At the last known prices, whatever their age."""
        value = 0
        for instrument, position in self._positions.items():
            sides = self._prices.get(instrument)
            bid = sides.bids[0][0] if sides is not None and sides.bids else None
            ask = sides.asks[0][0] if sides is not None and sides.asks else None
            value += position.value(bid, ask)
        held = self._positions.values()
        return Pnl(sum(each.cash for each in held), sum(each.fees for each in held), value)

    def resume(self) -> None:
        """Trade again after the loss limit; it halts again with the next signal where the loss is still there."""
        self.halted = False

    def _on_prices(self, tlv: QuoteTLV | OrderBookTLV, now_ns: int) -> None:
        self.counts.prices += 1
        try:
            self.counts.outdated += not self._prices.set(tlv, now_ns)
        except InvalidPayload:
            self.counts.refused += 1
        except OverflowError:
            self.counts.crowded += 1

    def _on_signal(
        self, signal: ArbitrageSignalTLV, identity: SignalIdentityTLV | None, now_ns: int
    ) -> list[Published]:
        key = signal.strategy_id, signal.signal_id
        if key in self._done:
            self.counts.replayed += 1
            return []
        if _expired(signal.valid_until, now_ns):
            self.counts.expired += 1
            return []
        legs = _legs(signal)
        if legs is None:
            self.counts.malformed += 1
            return []
        if len(self._done) >= self.config.max_signals:
            self.counts.crowded += 1
            return []
        self._done[key] = signal.valid_until
        self.counts.signals += 1
        known = identity is not None and (identity.strategy_id, identity.signal_id) == key
        whose = identity.copy() if identity is not None and known else _identity_of(signal)
        return self._execute(signal, whose, *legs, now_ns)

    def _execute(
        self, signal: ArbitrageSignalTLV, whose: SignalIdentityTLV, buy: InstrumentId, sell: InstrumentId, now_ns: int
    ) -> list[Published]:
        oldest = now_ns - self.config.max_age_ns
        buy_at, sell_at = self._prices.fresh(buy, oldest), self._prices.fresh(sell, oldest)
        if buy_at is None or sell_at is None or not buy_at.asks or not sell_at.bids:
            return self._rejected(whose, 0, Reason.NO_PRICE)
        ask, bid = buy_at.asks[0][0], sell_at.bids[0][0]
        quantity = signal.required_capital_usd_q8 * SCALE // ask
        if quantity <= 0:
            return self._rejected(whose, 0, Reason.TOO_SMALL)
        tolerance = min(signal.slippage_tolerance_bps, _BPS)
        highest = ask * (_BPS + tolerance) // _BPS
        lowest = max(up(bid * (_BPS - tolerance), _BPS), 1)
        reason = self._limit_broken(buy, sell, highest, bid, quantity)
        if reason is not Reason.NONE:
            return self._rejected(whose, min(quantity, MAX_I64), reason)
        out, bought = self._order(whose, buy, Side.BUY, highest, quantity, buy_at)
        more, _ = self._order(whose, sell, Side.SELL, lowest, bought, sell_at)
        return out + more

    def _limit_broken(self, buy: InstrumentId, sell: InstrumentId, highest: int, bid: int, quantity: int) -> Reason:
        """Which limit the two orders would break at worst; NONE for none."""
        config = self.config
        self.halted = self.halted or self.pnl().total <= -config.max_loss
        if self.halted:
            return Reason.LOSS_LIMIT
        if max(quantity, highest) > MAX_I64 or up(max(highest, bid) * quantity, SCALE) > config.max_order:
            return Reason.ORDER_LIMIT
        nothing = Position()
        for instrument, change, price in ((buy, quantity, highest), (sell, -quantity, bid)):
            before = self._positions.get(instrument, nothing).quantity
            after = abs(before + change)
            # What makes a position smaller is always allowed.
            if after > abs(before) and up(after * price, SCALE) > config.max_position:
                return Reason.POSITION_LIMIT
        return Reason.NONE

    def _order(
        self, whose: SignalIdentityTLV, instrument: InstrumentId, side: Side, limit: int, quantity: int, sides: Sides
    ) -> tuple[list[Published], int]:
        """Send one order and fill it: the messages, and how much was filled.

        Its limit is not worse than the best price, so something is filled.
        """
        self._last_order = self._last_order % _MAX_U32 + 1
        self.counts.orders += 1
        request = OrderRequestTLV(
            asset_id=instrument.asset_id,
            limit_price=limit,
            quantity=quantity,
            order_id=self._last_order,
            venue_id=instrument.venue,
            asset_type=instrument.asset_type,
            side=side,
        )
        levels = sides.asks if side is Side.BUY else sides.bids
        fills, left = take(levels, side, limit, quantity, self.config.fee_of(instrument.venue))
        levels[:] = left
        out: list[Published] = [(whose, request)]
        position = self._positions.get(instrument, Position())
        filled = 0
        for number, fill in enumerate(fills, 1):
            position = position.after(side, fill)
            filled += fill.quantity
            out.append(
                (
                    FillTLV(
                        price=fill.price,
                        quantity=fill.quantity,
                        fee=fill.fee,
                        order_id=request.order_id,
                        venue_id=instrument.venue,
                        side=side,
                        last=number == len(fills),
                    ),
                )
            )
        self._positions[instrument] = position
        self.counts.fills += len(fills)
        status = Status.FILLED if filled == quantity else Status.PARTIALLY_FILLED
        ended = OrderStatusTLV(filled=filled, remaining=quantity - filled, order_id=request.order_id, status=status)
        return [*out, (ended,)], filled

    def _rejected(self, whose: SignalIdentityTLV, quantity: int, reason: Reason) -> list[Published]:
        self.counts.rejected += 1
        status = OrderStatusTLV(filled=0, remaining=quantity, order_id=0, status=Status.REJECTED, reason=reason)
        return [(whose, status)]


def _expired(valid_until: int, now_ns: int) -> bool:
    """A signal is valid to the end of the second that it names."""
    return now_ns // SECOND > valid_until


def _legs(signal: ArbitrageSignalTLV) -> tuple[InstrumentId, InstrumentId] | None:
    """Where to buy and where to sell; None for a signal between pools, and for one that contradicts itself.

    Without a chain, the places of the pools hold instrument ids, filled with zeros.
    """
    if signal.chain_id != 0:
        return None
    size = InstrumentId.SIZE
    found = []
    for pool, venue in ((signal.source_pool, signal.source_venue), (signal.target_pool, signal.target_venue)):
        instrument = InstrumentId.from_buffer(bytes(pool[:size]))
        if any(pool[size:]) or instrument.venue != venue or instrument.reserved:
            return None
        found.append(instrument)
    buy, sell = found
    same = (buy.asset_id, buy.asset_type) == (sell.asset_id, sell.asset_type) and buy.venue != sell.venue
    return (buy, sell) if same else None


def _identity_of(signal: ArbitrageSignalTLV) -> SignalIdentityTLV:
    return SignalIdentityTLV(
        signal_id=signal.signal_id,
        strategy_id=signal.strategy_id,
        confidence=0,
        strategy_version=0,
        chain_id=signal.chain_id,
    )
