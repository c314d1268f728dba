"""One lasting connection to a NATS server.

Owns the client of nats-py, its reconnection and its errors.  Must not know what is sent over it: whoever uses the link
asks it for a live client, and is called back after each connect to subscribe again.

How it works: nats-py's own reconnection waits a fixed time, so it is switched off.  When the client closes by itself, a
task makes another one, waiting as `Backoff` says.  Whoever needs a client meanwhile waits in `client`; when the tries
are used up, all of them get ConnectionLost.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..errors import BadSetting, ConnectFailed, ConnectionLost, InfraError, MissingDependency, TransportClosed
from .nats_address import NatsAddress, NatsSettings, WatchedContext

if TYPE_CHECKING:
    from nats.aio.client import Client


class NatsLink:
    """Made by `open_link`."""

    def __init__(
        self,
        address: NatsAddress,
        settings: NatsSettings,
        timeout: float,
        connected: "Callable[[Client], Awaitable[None]]",
    ) -> None:
        self._address, self._settings, self._timeout, self._connected = address, settings, timeout, connected
        self._client: Client | None = None
        self._up = asyncio.Event()
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self.failure: InfraError | None = None
        self.failed: Callable[[InfraError], None] = lambda error: None
        self.reconnects = self.slow = 0

    @property
    def connected(self) -> bool:
        """Whether there is a live client at this moment."""
        return self._client is not None and self._client.is_connected

    async def client(self) -> "Client":
        """A live client, as soon as there is one.  Raises ConnectionLost, TransportClosed."""
        while True:
            if self.failure is not None:
                raise self.failure
            if self._client is not None and self._client.is_connected:
                return self._client
            self._up.clear()
            self._begin_again()
            await self._up.wait()

    async def open(self) -> None:
        """Connect for the first time, once.  Raises ConnectFailed, BadSetting, MissingDependency."""
        try:
            from nats.aio.client import Client
            from nats.errors import Error
        except ImportError:
            raise MissingDependency("nats-py", "a nats:// URL", "nats") from None
        self._settings.check()
        client, tls, address = Client(), self._settings.tls(), self._address
        secret = self._settings.password()

        def password() -> str:
            _check_used(tls)
            return secret or ""

        try:
            async with asyncio.timeout(self._timeout):
                await client.connect(
                    f"{'tls' if tls else 'nats'}://{address.server}",
                    allow_reconnect=False,
                    connect_timeout=max(1, round(self._timeout)),
                    error_cb=self._on_error,
                    closed_cb=self._on_closed,
                    tls=tls,
                    user=self._settings.user or None,
                    password=None if secret is None else password,
                    user_credentials=self._settings.credentials or None,
                )
                _check_used(tls)
                await self._connected(client)
        except (OSError, Error, TimeoutError, ValueError) as error:
            await _quietly_close(client)
            raise ConnectFailed(address.url, _reason(error)) from None
        except BaseException:
            await _quietly_close(client)
            raise
        if self._closed:
            await _quietly_close(client)
            raise TransportClosed(address.url)
        self._client = client
        self._up.set()

    async def _on_error(self, error: Exception) -> None:
        if type(error).__name__ == "SlowConsumerError":
            self.slow += 1

    async def _on_closed(self) -> None:
        if self._client is not None:  # else the first connect failed, and its caller is told
            self._begin_again()

    def _begin_again(self) -> None:
        if not self._closed and self.failure is None and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        tries, reason = 0, "closed by the server"
        for delay in self._settings.backoff.delays():
            await asyncio.sleep(delay)
            tries += 1
            try:
                await self.open()
            except (ConnectFailed, ConnectionLost) as error:
                reason = error.reason
            except (BadSetting, TransportClosed) as error:
                reason = str(error)
            else:
                self.reconnects += 1
                return
        self._fail(ConnectionLost(self._address.url, f"{reason}, after {tries} tries"))

    def _fail(self, error: InfraError) -> None:
        if self.failure is None:
            self.failure = error
        self._up.set()
        self.failed(self.failure)

    async def close(self) -> None:
        """Close for good.  Never raises."""
        self._closed = True
        self._fail(TransportClosed(self._address.url))
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._client is not None:
            await _quietly_close(self._client)


def _check_used(tls: WatchedContext | None) -> None:
    """nats-py does without TLS where the server does not ask for it; we do not.  Raises ConnectionError."""
    if tls is not None and not tls.used:
        raise ConnectionError("the server does not use TLS, and a CA is configured; no password was sent")


async def _quietly_close(client: "Client") -> None:
    """nats-py raises various things when a client is closed in the middle of something."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(client.close(), 2)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
