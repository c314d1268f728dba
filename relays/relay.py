"""The relay of one domain: batches of checked messages in, the same bytes out to all who want them.

Owns what passes between the peers: the numbers and history of the sources, requests and their answers, the counters.
Must not accept connections (`server`) and never looks into a payload, except into a request made to itself.

How it works: the connection frames and checks by the domain's policy, so what arrives here is whole.  A batch is joined
once and looked at by its runs (one source, consecutive numbers), and the same bytes object goes to every subscriber
without a filter, and into the history.  A request splits the batch: what stands before it has been passed
on when it is answered.  Nothing is sent back to the connection it came from, unless many programs share it.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.relay_messages import (
    HEAD,
    RELAY_SOURCES,
    REQUESTS,
    RecoveryStreamTLV,
    RelayReplyTLV,
    SlowPolicy,
    Status,
    StreamStateTLV,
    SubscribeTLV,
    SyncTLV,
)
from infra.stamping import Stamp
from infra.transport import Transport, joined
from libs.types.protocol import (
    HEADER_SIZE,
    TLV,
    Message,
    RecoveryRequestTLV,
    RecoveryType,
    RemoteProtocolError,
    TLVType,
    parse_message,
)
from libs.types.protocol.framing import message_runs

from .domains import DomainPolicy
from .frames import Batch, Run, batch_of, heads, of_sources
from .history import History, Seen, Stream
from .snapshots import snapshot_of
from .subscribers import Peer
from .topics import Filter, is_known

Log = Callable[..., object]
Audit = Callable[..., bool]
LATENCY_BOUNDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.25, 1.0)
MAX_RECOVERIES_PER_SECOND = 50
MAX_PATTERNS = 64
_PIECE = 256
_REQUESTS = bytes(REQUESTS)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """The bounds of one relay, and what slow subscribers meet unless they ask for something else."""

    queue_bytes: int = 4 * 1024 * 1024
    history_bytes: int = 32 * 1024 * 1024
    slow: SlowPolicy = SlowPolicy.DROP_OLDEST


@dataclass(slots=True)
class Counts:
    """What has happened since the start.  Those of connections that have ended are in it too."""

    messages_in: int = 0
    messages_out: int = 0
    bytes_in: int = 0
    faults: int = 0
    lost: int = 0
    """Messages that slow subscribers did not get."""
    slow_closed: int = 0
    retransmitted: int = 0
    snapshots: int = 0
    requests: int = 0
    refused: int = 0
    """Requests that could not be granted."""
    unaudited: int = 0
    """Messages whose audit line could not be written."""
    batches: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    seconds: float = 0.0


class Relay:
    """One domain."""

    def __init__(self, policy: DomainPolicy, settings: RelaySettings, log: Log, audit: Audit | None = None) -> None:
        self.policy, self.settings, self.counts = policy, settings, Counts()
        self._log, self._audit = log, audit
        self.peers: dict[int, Peer] = {}
        self.streams: dict[int, Stream] = {}
        self.history = History(settings.history_bytes)
        self._stamp = Stamp(policy.domain, RELAY_SOURCES[policy.domain])
        self._number = 0
        self._started = time.time_ns()
        self._quiet_until: dict[tuple[str, int], float] = {}

    def join(self, transport: Transport, *, shared: bool = False) -> Peer:
        """A new connection.  A shared one gets everything from the start, since its programs cannot be told apart."""
        self._number += 1
        peer = Peer(self._number, transport, self.settings.queue_bytes, self.settings.slow, shared)
        peer.on_slow = self._on_slow
        if shared:
            peer.filter = Filter(("*",), self.policy)
        self.peers[peer.number] = peer
        return peer

    def leave(self, peer: Peer) -> None:
        """The connection is over."""
        if self.peers.pop(peer.number, None) is not None:
            self.counts.faults += peer.transport.statistics().faults
            self.counts.lost += peer.lost

    def on_batch(self, peer: Peer, messages: list[Message]) -> None:
        """Pass on what came in one read."""
        began = time.perf_counter()
        data = joined(messages)
        found, _ = message_runs(data, _REQUESTS)
        first = 0
        for at, run in enumerate(found):
            if run[6]:
                self._pass_on(peer, data, found[first:at])
                self._answer(peer, data[run[0] : run[1]])
                first = at + 1
        self._pass_on(peer, data, found[first:] if first else found)
        for each in self.peers.values():
            each.flush()
        took = time.perf_counter() - began
        self.counts.batches[bisect_left(LATENCY_BOUNDS, took)] += 1
        self.counts.seconds += took

    def _pass_on(self, sender: Peer, received: bytes, runs: list[Run]) -> None:
        if not runs:
            return
        batch = batch_of(received, runs)
        self._see(batch.data, runs)
        counts = self.counts
        sender.messages_in += batch.messages
        counts.messages_in += batch.messages
        counts.bytes_in += len(batch.data)
        self.history.add(batch)
        if self._audit is not None:
            self._write_audit(sender, batch)
        cut: dict[frozenset[int], tuple[bytes, int]] = {}
        for peer in self.peers.values():
            wanted = peer.filter
            if wanted is None or (peer is sender and not peer.shared):
                continue
            if wanted.everything or all(map(wanted.passes, batch.spans)):
                peer.send(batch.data, batch.messages)
                counts.messages_out += batch.messages
                continue
            sources = frozenset(filter(wanted.passes, batch.spans))
            if not sources:
                continue
            if sources not in cut:
                cut[sources] = of_sources(received, runs, sources)
            data, count = cut[sources]
            peer.send(data, count)
            counts.messages_out += count

    def _see(self, data: bytes, runs: list[Run]) -> None:
        """Take the numbers over."""
        streams = self.streams
        before = runs[0][0]
        for begin, end, source, first, last, timestamp, _ in runs:
            stream = streams.get(source)
            if stream is not None and first == stream.expected:
                stream.expected = last + 1
                stream.time = timestamp
                continue
            for number, sent, at, behind in heads(data, begin - before, end - before):
                stream = streams.get(source)
                if stream is not None and number == stream.expected:
                    stream.expected = number + 1
                    stream.time = sent
                else:
                    self._out_of_order(stream, source, number, sent, data[at:behind])

    def _out_of_order(self, stream: Stream | None, source: int, number: int, sent: int, message: bytes) -> None:
        if stream is None:
            self.streams[source] = Stream(number + 1, sent)
            return
        expected = stream.expected
        seen = stream.see(number, sent)
        if seen in (Seen.GAP, Seen.RESTART):
            self._log_rarely(seen.value, source, expected=expected, number=number, missing=stream.missing)
        elif seen is Seen.REPEAT and self._is_due("conflict", source) and self.history.differs(source, number, message):
            # Readers drop it by its number: two programs with one source, or one whose clock was set back.
            self._log("conflict", domain=self.policy.domain.name, source=source, number=number,
                      expected=expected, behind_ns=stream.time - sent)  # fmt: skip

    def _log_rarely(self, event: str, source: int, **fields: object) -> None:
        if self._is_due(event, source):
            self._log(event, domain=self.policy.domain.name, source=source, **fields)

    def _is_due(self, event: str, source: int) -> bool:
        """Once a second for each source and kind: no peer can fill a disk, or make a relay search all the time."""
        now = time.monotonic()
        if now < self._quiet_until.get((event, source), 0.0):
            return False
        self._quiet_until[event, source] = now + 1.0
        return True

    def _write_audit(self, sender: Peer, batch: Batch) -> None:
        assert self._audit is not None
        at, end = 0, len(batch.data)
        while at < end:
            source, number, sent, size = HEAD.unpack_from(batch.data, at)
            kind = batch.data[at + HEADER_SIZE] if size else 0
            checksum = int.from_bytes(batch.data[at + HEADER_SIZE - 4 : at + HEADER_SIZE], "little")
            written = self._audit(
                "message", peer=sender.number, source=source, sequence=number, timestamp_ns=sent,
                type=kind, size=HEADER_SIZE + size, checksum=f"{checksum:08x}",
            )  # fmt: skip
            if not written:
                self.counts.unaudited += 1
                self._log_rarely("unaudited", source, sequence=number, unaudited=self.counts.unaudited)
            at += HEADER_SIZE + size

    def _on_slow(self, peer: Peer, lost: int) -> None:
        if peer.gone:
            self.counts.slow_closed += 1
        self._log_rarely(Seen.LATE.value, -peer.number, peer=peer.number, lost=lost, closed=peer.gone)

    # Requests.

    def _answer(self, peer: Peer, data: bytes) -> None:
        self.counts.requests += 1
        try:
            message = parse_message(data, checksum=self.policy.checksum)
            sync, recovery = message.get(SyncTLV), message.get(RecoveryRequestTLV)
            if sync is not None:
                self._reply(peer, *self._synced(sync, message.get_all(RecoveryStreamTLV)))
            elif recovery is not None:
                stream = message.get(RecoveryStreamTLV)
                self._recover(peer, recovery, None if stream is None else stream.source)
            else:
                self._subscribe(peer, message.get_all(SubscribeTLV))
        except (RemoteProtocolError, UnicodeDecodeError) as error:
            self.counts.refused += 1
            self._log("bad-request", peer=peer.number, error=str(error))

    def _reply(self, peer: Peer, *tlvs: TLV) -> None:
        peer.send(self._stamp.message(tlvs, time.time_ns()), 1)

    def _synced(self, sync: SyncTLV, asked: list[RecoveryStreamTLV]) -> list[TLV]:
        """The mark, and what has come of these sources, by which the publisher sees what has not."""
        known = [(each.source, self.streams.get(each.source)) for each in asked]
        return [
            SyncTLV(publisher_id=sync.publisher_id, token=sync.token, relay=self._started),
            *(
                StreamStateTLV(source=source, expected=stream.expected, missing=stream.first_missing,
                               timestamp=stream.time)
                for source, stream in known if stream is not None
            ),
        ]  # fmt: skip

    def _refuse(self, peer: Peer, consumer: int, request: int, status: Status, **fields: int) -> None:
        self.counts.refused += 1
        self._reply(peer, RelayReplyTLV(consumer_id=consumer, request=request, status=int(status), **fields))

    def _subscribe(self, peer: Peer, asked: list[SubscribeTLV]) -> None:
        if not asked:
            return
        first, patterns = asked[0], [each.text for each in asked]
        unknown = [pattern for pattern in patterns if not is_known(pattern, self.policy.domain)]
        if unknown or len(patterns) > MAX_PATTERNS or first.slow not in set(SlowPolicy):
            self._log("refused", peer=peer.number, patterns=unknown or patterns[:4])
            self._refuse(peer, first.consumer_id, SubscribeTLV.TYPE, Status.FAILED)
            return
        if not peer.shared:  # who shares a connection cannot narrow it for the others
            peer.filter = Filter(patterns, self.policy)
            peer.slow = SlowPolicy(first.slow) if first.slow else self.settings.slow
        self._log("subscribed", peer=peer.number, consumer=first.consumer_id, patterns=patterns, slow=peer.slow.name)
        self._reply(
            peer,
            RelayReplyTLV(consumer_id=first.consumer_id, request=SubscribeTLV.TYPE, status=int(Status.SUCCESS)),
        )

    def _recover(self, peer: Peer, request: RecoveryRequestTLV, source: int | None) -> None:
        kind, consumer = int(TLVType.RECOVERY_REQUEST), request.consumer_id
        peer.requests += 1
        if peer.requests > MAX_RECOVERIES_PER_SECOND:
            self._refuse(peer, consumer, kind, Status.TOO_MANY_REQUESTS, source=source or 0)
            return
        if source is None:
            known = self.history.sources
            source = next(iter(known)) if len(known) == 1 else None
        if source is None or source not in self.streams or request.current_sequence <= request.last_sequence:
            self._refuse(peer, consumer, kind, Status.FAILED, source=source or 0)
            return
        if request.request_type == RecoveryType.SNAPSHOT:
            self.counts.snapshots += 1
            snapshot = snapshot_of(self.policy, self.streams, self.history, source, number=self.counts.snapshots,
                                   started_ns=self._started, messages=self.counts.messages_in)  # fmt: skip
            reply = RelayReplyTLV(consumer_id=consumer, request=kind, status=int(Status.SUCCESS), source=source)
            self._reply(peer, reply, snapshot)
            return
        # A consumer that comes back asks for all that follows, so the end is at most what is known.
        first, last = request.last_sequence + 1, min(request.current_sequence, self.streams[source].expected) - 1
        found = self.history.find(source, first, last, self.settings.queue_bytes // 4)
        self.counts.retransmitted += len(found)
        for at in range(0, len(found), _PIECE):
            piece = found[at : at + _PIECE]
            peer.send(b"".join(piece), len(piece))
        missing = max(last - first + 1 - len(found), 0)
        status = Status.SUCCESS if not missing else Status.PARTIAL if found else Status.FAILED
        self._reply(peer, RelayReplyTLV(consumer_id=consumer, request=kind, status=int(status), source=source,
                                        sent=len(found), missing=missing))  # fmt: skip
        self._log("recovered", peer=peer.number, source=source, first=first, last=last, missing=missing)
