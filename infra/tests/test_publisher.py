"""What a publisher makes of the answers to its marks, against a relay that the test plays itself."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from infra.errors import NotAcknowledged
from infra.publisher import Publisher
from infra.relay_messages import RecoveryStreamTLV, StreamStateTLV, SyncTLV
from infra.transport import Transport, listen
from libs.types.protocol import Message, MessageBuilder, ProtocolError, RelayDomain

MARKET = RelayDomain.MARKET_DATA


def made(number: int, source: int = 1, time: int | None = None) -> bytes:
    builder = MessageBuilder(relay_domain=MARKET, source=source, sequence=number, timestamp=time or number)
    return builder.add_raw(254, b"\x11" * 40).build()


class PlayedRelay:
    """One connection to a publisher: what came between two marks, and the answer that the test wants."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._left: list[Message] = []

    async def until_mark(self) -> tuple[list[tuple[int, int]], SyncTLV, list[int]]:
        """The (source, number) of what came, the mark, and the sources it asks about."""
        came: list[tuple[int, int]] = []
        while True:
            if not self._left:
                self._left = await self.transport.receive()
            message = self._left.pop(0)
            sync = message.get(SyncTLV)
            if sync is not None:
                return came, sync, [int(each.source) for each in message.get_all(RecoveryStreamTLV)]
            came.append((int(message.source), message.sequence))

    async def answer(self, sync: SyncTLV, *states: tuple[int, int, int, int], relay: int = 7) -> None:
        builder = MessageBuilder(relay_domain=MARKET, source=80, sequence=0)
        builder.add(SyncTLV(publisher_id=sync.publisher_id, token=sync.token, relay=relay))
        for source, expected, missing, timestamp in states:
            builder.add(StreamStateTLV(source=source, expected=expected, missing=missing, timestamp=timestamp))
        await self.transport.send(builder.build())


async def both(url: str, kept_bytes: int = 1 << 20) -> tuple[Publisher, PlayedRelay]:
    async with await listen(url) as listener:
        publisher = Publisher(url, MARKET, source=1, kept_bytes=kept_bytes)
        await publisher.open()
        return publisher, PlayedRelay(await listener.accept())


LOST = {
    "nothing of a source came": ([(2, 3, 0, 2)], [(1, 1), (1, 2), (1, 3)]),
    "an earlier run had these numbers": ([(1, 9, 0, 2), (2, 3, 0, 2)], [(1, 1), (1, 2), (1, 3)]),
    "the end is missing": ([(1, 3, 0, 3), (2, 3, 0, 2)], [(1, 3)]),
    "the middle is missing": ([(1, 4, 2, 3), (2, 3, 0, 2)], [(1, 2), (1, 3)]),
    "of both": ([(1, 3, 0, 3), (2, 1, 0, 2)], [(2, 1), (2, 2), (1, 3)]),
}


@pytest.mark.parametrize("what", LOST)
async def test_a_mark_that_outlived_its_messages_acknowledges_nothing(unix_url: str, what: str) -> None:
    states, again = LOST[what]
    publisher, relay = await both(unix_url)
    for each in (made(1), made(1, 2), made(2), made(2, 2), made(3)):
        await publisher.publish(each)
    finishing = asyncio.create_task(publisher.finish())
    came, mark, sources = await relay.until_mark()
    assert (len(came), sorted(sources)) == (5, [1, 2])
    await relay.answer(mark, *states)
    came, mark, _ = await relay.until_mark()
    assert came == again and publisher.acknowledged == 0 and not finishing.done()
    await relay.answer(mark, (1, 4, 0, 3), (2, 3, 0, 2))
    assert await finishing and publisher.acknowledged == 5 and publisher.resent == len(again)
    await publisher.close()
    await relay.transport.close()


async def test_what_a_relay_refuses_is_an_error(unix_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.publisher.ASK_AGAIN_SECONDS", 0.02)
    monkeypatch.setattr("infra.publisher.TRIES", 3)
    publisher, relay = await both(unix_url)
    for number in (1, 2, 3):
        await publisher.publish(made(number))
    finishing = asyncio.create_task(publisher.finish())
    sent_again = 0
    while not finishing.done():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                came, mark, _ = await relay.until_mark()
                sent_again += came == [(1, 2), (1, 3)]
                await relay.answer(mark, (1, 4, 2, 3))
    with pytest.raises(NotAcknowledged, match=r"3 messages .* the relay goes on missing 2 of source 1"):
        await finishing
    assert sent_again == 3
    await publisher.close()
    await relay.transport.close()


async def test_what_is_no_message_of_the_domain_is_refused_at_once(unix_url: str) -> None:
    """A relay passes it over, so it was lost without a word until so many followed that `publish` had to wait."""
    publisher, relay = await both(unix_url)
    signal = MessageBuilder(relay_domain=RelayDomain.SIGNAL, source=1, sequence=1).build()
    cases = {
        signal: "relay_domain is 2, must be 1 to 1",
        made(1)[:-1]: "needs 74 bytes, got 73",
        made(1) + made(2): "74 bytes follow the message",
        b"x" * 40: "magic is 0x78787878",
        b"": "needs 32 bytes, got 0",
    }
    for data, said in cases.items():
        with pytest.raises(ProtocolError, match=said):
            await publisher.publish(data)
    assert publisher.sent == 0
    await publisher.close()
    await relay.transport.close()


async def test_a_buffer_can_be_used_again(unix_url: str) -> None:
    """What was sent again was what stood in the buffer by then."""
    publisher, relay = await both(unix_url)
    buffer = bytearray(74)
    for number in (1, 2, 3):
        buffer[:] = made(number)
        await publisher.publish(buffer)
        await publisher.finish(0)
    came, mark, _ = await relay.until_mark()
    while mark.token < 3:
        more, mark, _ = await relay.until_mark()
        came += more
    assert came == [(1, 1), (1, 2), (1, 3)]
    await relay.answer(mark)
    assert (await relay.until_mark())[0] == [(1, 1), (1, 2), (1, 3)]
    await publisher.close()
    await relay.transport.close()


async def test_another_relay_hears_all_that_is_kept(unix_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the connection survives a relay, as at a NATS server; the first mark is to learn who is there."""
    monkeypatch.setattr("infra.publisher.is_lossy", lambda url: True)
    publisher, relay = await both(unix_url)
    _, mark, sources = await relay.until_mark()
    assert sources == []
    await relay.answer(mark, relay=1)
    for number in (1, 2):
        await publisher.publish(made(number))
        finishing = asyncio.create_task(publisher.finish())
        _, mark, _ = await relay.until_mark()
        await relay.answer(mark, (1, number + 1, 0, number), relay=number)
        if number == 2:
            came, mark, _ = await relay.until_mark()
            assert came == [(1, 1), (1, 2)]
            await relay.answer(mark, (1, 3, 0, 2), relay=number)
        assert await finishing
    await publisher.close()
    await relay.transport.close()


async def test_what_is_not_kept_is_not_asked_for_twice(unix_url: str) -> None:
    publisher, relay = await both(unix_url, kept_bytes=1)
    await publisher.publish(made(1))
    finishing = asyncio.create_task(publisher.finish())
    await relay.answer((await relay.until_mark())[1], (1, 2, 0, 1))
    assert await finishing
    for number in (2, 3, 4):
        await publisher.publish(made(number))
    finishing = asyncio.create_task(publisher.finish())
    await relay.answer((await relay.until_mark())[1], (1, 5, 1, 4))
    came, mark, _ = await relay.until_mark()
    assert (1, 1) not in came and came[-1] == (1, 4)
    await relay.answer(mark, (1, 5, 1, 4))
    assert await finishing and publisher.acknowledged == 4
    await publisher.close()
    await relay.transport.close()


async def test_a_mark_without_an_answer_is_repeated(unix_url: str, folder: Path) -> None:
    publisher, relay = await both(unix_url)
    await publisher.publish(made(1))
    finishing = asyncio.create_task(publisher.finish())
    _, first, _ = await relay.until_mark()
    came, second, _ = await relay.until_mark()
    assert came == [] and second.token > first.token
    await relay.answer(second, (1, 2, 0, 1))
    assert await finishing
    await relay.answer(first, (1, 1, 0, 0))  # late, and forgotten
    await publisher.close()
    await relay.transport.close()
