"""Topics: the name under which a source's messages are subscribed to.

Owns the names and the patterns.  Must not know subscribers.

How it works: a message's topic follows from its source byte, so a subscriber's patterns are a set of sources, decided
once for each source.  A pattern is `*`, a prefix that ends in `*`, or a name.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from libs.types.protocol import RelayDomain

from .domains import POLICIES, DomainPolicy

_NAMES: Mapping[RelayDomain, Mapping[int, str]] = MappingProxyType(
    {
        RelayDomain.MARKET_DATA: {
            1: "market_data_binance",
            2: "market_data_kraken",
            3: "market_data_coinbase",
            4: "market_data_polygon",
        },
        RelayDomain.SIGNAL: {20: "arbitrage_signals", 21: "market_maker_signals", 22: "trend_signals"},
        RelayDomain.EXECUTION: {40: "execution_orders", 41: "risk_updates", 42: "execution_fills"},
    }
)
# New names may be subscribed to where sources come and go; elsewhere a name nobody sends under is a slip.
_OPEN = frozenset({RelayDomain.MARKET_DATA})


def topic_of(source: int, policy: DomainPolicy) -> str:
    """The topic of a source's messages."""
    return _NAMES[policy.domain].get(source, policy.default_topic)


def topics_of(domain: RelayDomain) -> tuple[str, ...]:
    """All topics of a domain."""
    return (*_NAMES[domain].values(), POLICIES[domain].default_topic)


def is_known(pattern: str, domain: RelayDomain) -> bool:
    """Whether a pattern can be subscribed to."""
    if domain in _OPEN or pattern.endswith("*"):
        return bool(pattern)
    return pattern in topics_of(domain)


class Filter:
    """Which sources the patterns let through."""

    __slots__ = ("_known", "_policy", "everything", "patterns")

    def __init__(self, patterns: Iterable[str], policy: DomainPolicy) -> None:
        self.patterns, self._policy = frozenset(patterns), policy
        self.everything = "*" in self.patterns
        self._known: dict[int, bool] = {}

    def passes(self, source: int) -> bool:
        """Whether messages of this source are wanted."""
        known = self._known.get(source)
        if known is None:
            topic = topic_of(source, self._policy)
            known = self._known[source] = any(_matches(topic, pattern) for pattern in self.patterns)
        return known


def _matches(topic: str, pattern: str) -> bool:
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern
