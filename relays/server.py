"""The connections of a relay: accepting, reading, giving up on peers that only waste its time, and the end.

Owns the tasks.  What a message means is for `relay`.

How it works: each connection is framed and checked by its transport with the domain's policy, and its batches go to the
relay from inside the read.  Once a second every connection is looked at: who sends nothing but noise, or faults without
end, or was too slow, is closed.  At the end no connection is accepted any more, and what waits for subscribers leaves
first, for a limited time.
"""

import asyncio
import contextlib
from functools import partial

from infra.errors import InfraError
from infra.transport import Listener, TransportSettings, listen
from infra.transport.urls import scheme_of

from .domains import DomainPolicy
from .relay import Log, Relay
from .subscribers import Peer

MAX_FAULTS = 1000
MAX_NOISE = 1024 * 1024
TICK = 1.0


def settings_of(
    policy: DomainPolicy, *, max_connections: int = 1000, high_water: int = 1024 * 1024
) -> TransportSettings:
    """How a relay's connections read: a damaged message is skipped, never passed on, and the connection is kept."""
    return TransportSettings(
        limit=policy.max_message,
        checksum=policy.checksum,
        domain=policy.domain,
        strict=False,
        max_connections=max_connections,
        high_water=high_water,
        low_water=high_water // 4,
    )


class Server:
    """One relay at one place."""

    def __init__(self, relay: Relay, listener: Listener, log: Log) -> None:
        self.relay, self.listener, self._log = relay, listener, log
        self._shared = scheme_of(listener.url) == "nats"
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    async def start(cls, relay: Relay, url: str, settings: TransportSettings, log: Log) -> "Server":
        """Listen.  Raises BadUrl, AddressInUse, UnsafeDirectory, ConnectFailed."""
        server = cls(relay, await listen(url, settings), log)
        log("listening", url=url, domain=relay.policy.domain.name)
        return server

    async def accept_all(self) -> None:
        """Serve until cancelled."""
        async for transport in self.listener:
            peer = self.relay.join(transport, shared=self._shared)
            task = asyncio.create_task(self._serve(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def watch(self) -> None:
        """Look at every connection once a second, until cancelled."""
        refused = 0
        while True:
            await asyncio.sleep(TICK)
            doors = self.listener.statistics()
            if doors.refused > refused:
                self._log("refused", connections=doors.refused - refused, open=doors.open)
                refused = doors.refused
            for peer in list(self.relay.peers.values()):
                peer.requests = 0
                reason = "too slow or gone" if peer.gone else out_of_step(peer)
                if reason and not self._shared:
                    self._log("closing", peer=peer.number, reason=reason)
                    peer.gone = True
                    await asyncio.shield(self._close(peer))

    async def _serve(self, peer: Peer) -> None:
        try:
            await peer.transport.deliver(partial(self.relay.on_batch, peer))
            await peer.drain()
        except InfraError as error:
            self._log("connection", peer=peer.number, error=str(error))
        except Exception as error:  # a defect here must cost one connection and not the relay
            self._log("defect", peer=peer.number, error=repr(error))
        finally:
            await self._close(peer)

    async def _close(self, peer: Peer) -> None:
        await peer.close()
        self.relay.leave(peer)

    async def stop(self, seconds: float) -> None:
        """Accept nothing more, send what waits for at most `seconds`, close everything."""
        await self.listener.close()
        peers = list(self.relay.peers.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(peer.drain() for peer in peers))
        await asyncio.gather(*(self._close(peer) for peer in peers))
        if self._tasks:
            await asyncio.wait(self._tasks)
        counts = self.relay.counts
        self._log("stopped", messages_in=counts.messages_in, messages_out=counts.messages_out, lost=counts.lost)


def out_of_step(peer: Peer) -> str:
    """Why a connection is not worth keeping; empty for one that is."""
    seen = peer.transport.statistics()
    if seen.faults > MAX_FAULTS and seen.faults > seen.messages_in // 100:
        return f"{seen.faults} faults"
    if seen.bytes_in > MAX_NOISE and not seen.messages_in:
        return f"{seen.bytes_in} bytes and no message"
    return ""
