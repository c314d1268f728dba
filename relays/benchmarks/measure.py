"""What all measurements of this folder share: the messages, one at a time through something, and where processes run.

A message that goes from one process to another wakes it.  Where both have the same processor the scheduler does that
alone; where they have two, one processor has to interrupt the other, which may be asleep: on a virtual machine that
takes longer than everything else.  So latency is measured in both places, not in the one that the scheduler picks; and
in the second once more with both sides asking again and again instead of sleeping (`ALPHAPULSE_BUSY_POLL`).
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from libs.types.protocol import InstrumentId, MessageBuilder, RelayDomain, TradeTLV, VenueId

MARKET = RelayDomain.MARKET_DATA
SECONDS = 120.0
BUSY_POLL = 200  # microseconds: longer than a message takes

Percentiles = tuple[float, float, float]


def trades(count: int) -> list[bytes]:
    """Signed trades, numbered from 1."""
    instrument = InstrumentId.coin(VenueId.KRAKEN, "BTCUSD")
    builder = MessageBuilder(relay_domain=MARKET, source=2, sequence=1)
    made = []
    for number in range(1, count + 1):
        trade = TradeTLV.of(instrument, price=45_000 + number, volume=number, timestamp_ns=number, side=0)
        made.append(builder.restart(sequence=number, timestamp=number).add(trade).build())
    return made


def percentiles(nanoseconds: list[int]) -> Percentiles:
    """p50, p99 and p99.9 in microseconds."""
    ordered = sorted(nanoseconds)
    last = len(ordered) - 1
    p50, p99, p999 = (ordered[int(last * share)] / 1000 for share in (0.5, 0.99, 0.999))
    return p50, p99, p999


def ping(send: Callable[[bytes], object], receive: Callable[[], object], messages: list[bytes]) -> list[int]:
    took = []
    for message in messages:
        began = time.perf_counter_ns()
        send(message)
        receive()
        took.append(time.perf_counter_ns() - began)
    return took[len(took) // 10 :]  # the first are for warming up


class Placement(NamedTuple):
    """Where the relay (or the peer in its place) runs, and where the publisher with its subscriber."""

    name: str
    relay: frozenset[int] = frozenset()
    others: frozenset[int] = frozenset()
    busy_poll: int = 0  # microseconds

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Processes that are started within have the relay's place; afterwards this one has the others'."""
        before = _processors()
        _stay_on(self.relay)
        try:
            yield
        finally:
            _stay_on(self.others or before)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Gives this process its processors back in the end."""
        before = _processors()
        try:
            yield
        finally:
            _stay_on(before)


def placements() -> list[Placement]:
    """Those that this machine has."""
    processors = sorted(_processors())
    if not processors:
        return [Placement("as scheduled")]
    one, *more = (frozenset([each]) for each in processors)
    return [Placement("one processor", one, one), *(Placement("two processors", each, one) for each in more[:1])]


def polling(places: list[Placement]) -> list[Placement]:
    """Those of the places where each side has a processor to itself, with both polling."""
    return [place._replace(name="two, polling", busy_poll=BUSY_POLL) for place in places if place.relay != place.others]


def _processors() -> frozenset[int]:
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def _stay_on(processors: frozenset[int]) -> None:
    if processors:
        os.sched_setaffinity(0, processors)


def shown(name: str, place: Placement, values: Percentiles) -> None:
    p50, p99, p999 = values
    print(f"{name:<13} {place.name:<15} p50 {p50:>7,.1f}  p99 {p99:>7,.1f}  p99.9 {p999:>7,.1f} us", flush=True)
