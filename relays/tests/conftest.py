"""What the tests of the relays share: the async runner and folders of the infrastructure, and a relay in a process.

Owns the fixtures.  A relay of these tests runs on the loop of the test, over a real Unix socket.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from infra.tests.conftest import folder, make_message, pytest_pyfunc_call
from infra.transport import Transport, TransportSettings, connect
from libs.types.protocol import Message, RelayDomain
from relays.domains import POLICIES
from relays.relay import Relay, RelaySettings
from relays.server import Server, settings_of

__all__ = ["folder", "make_message", "pytest_pyfunc_call"]

Lines = list[dict[str, Any]]


class Running:
    """A relay, what it logs, and connections to it."""

    def __init__(self, url: str, server: Server, lines: Lines) -> None:
        self.url, self.server, self.relay, self.lines = url, server, server.relay, lines
        self._opened: list[Transport] = []

    async def connect(self) -> Transport:
        transport = await connect(self.url, TransportSettings(strict=False, checksum=self.relay.policy.checksum))
        self._opened.append(transport)
        return transport

    async def close(self) -> None:
        for transport in self._opened:
            await transport.close()

    def events(self, name: str) -> Lines:
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture
def running(folder: Path) -> Callable[..., Any]:
    """async with running(domain, **settings): a relay."""

    @contextlib.asynccontextmanager
    async def start(
        domain: RelayDomain = RelayDomain.MARKET_DATA,
        *,
        connections: int = 1000,
        high_water: int = 1 << 20,
        **given: Any,
    ) -> AsyncIterator[Running]:
        import asyncio

        lines: Lines = []

        def log(event: str, **fields: object) -> bool:
            lines.append({"event": event, **fields})
            return True

        policy = POLICIES[domain]
        relay = Relay(policy, RelaySettings(**given), log, log if policy.audited else None)
        url = f"unix://{folder}/{domain.name.lower()}.sock"
        server = await Server.start(
            relay, url, settings_of(policy, max_connections=connections, high_water=high_water), log
        )
        tasks = [asyncio.create_task(server.accept_all()), asyncio.create_task(server.watch())]
        here = Running(url, server, lines)
        try:
            yield here
        finally:
            await here.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.stop(2.0)

    return start


async def take(transport: Transport, count: int) -> list[Message]:
    """The next `count` messages, at least."""
    got: list[Message] = []
    while len(got) < count:
        got += await transport.receive()
    return got
