"""The errors of the infrastructure, by who is at fault and by failure mode.

    InfraError
        LocalInfraError             our own call, configuration or machine
            BadUrl                  the URL names no transport
            BadSetting              a setting is outside of what it may be
            UnsafeDirectory         others could put a socket of their own there
            AddressInUse            somebody listens there already
            MissingDependency       an optional package is not installed
            TransportClosed         used after `close`
            QueueFull               more would wait to be sent than the high-water mark allows
            MessageAboveLimit       one message is larger than the server takes
            BusyReceiver            two tasks receive from one transport
            SpawnFailed             a program of the topology cannot be started
            TopologyError           the topology file is wrong
        RemoteInfraError            the peer, or the way to it
            ConnectFailed           nobody answers, or the connection is refused
            ConnectionLost          the connection broke
            EndOfStream             the peer has said that nothing follows
            BadStream               the peer sent bytes that are no messages
            NotAcknowledged         a server did not confirm what was published

Fields are attributes, the message is built from them and says what, where, and what to do next; the constructor's
positional arguments are exactly `args`, so errors compare and pickle.  No text of an error holds a secret: a URL with
a password is refused before anything else.  This module must not know sockets.
"""

from libs.types.common import AlphaPulseError
from libs.types.protocol import ProtocolError


class InfraError(AlphaPulseError):
    """Root of all errors of this package."""


class LocalInfraError(InfraError):
    """This process, its configuration or its machine is at fault."""


class RemoteInfraError(InfraError):
    """The peer or the way to it is at fault: reconnect, or give the peer up."""


class BadUrl(LocalInfraError):
    """`url` names no transport because of `problem`; `expected` says what may stand there."""

    def __init__(self, url: str, problem: str, expected: str) -> None:
        self.url, self.problem, self.expected = url, problem, expected
        super().__init__(url, problem, expected)

    def __str__(self) -> str:
        return f"{self.url}: {self.problem}; expected {self.expected}"


class BadSetting(LocalInfraError):
    """The setting `name` is `value`; `expected` says what it may be."""

    def __init__(self, name: str, value: object, expected: str) -> None:
        self.name, self.value, self.expected = name, value, expected
        super().__init__(name, value, expected)

    def __str__(self) -> str:
        return f"setting {self.name} is {self.value!r}; expected {self.expected}"


class UnsafeDirectory(LocalInfraError):
    """The directory `path` of a socket cannot be trusted: `problem`; `remedy` mends it."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        self.path, self.problem, self.remedy = path, problem, remedy
        super().__init__(path, problem, remedy)

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.remedy}"


class AddressInUse(LocalInfraError):
    """Nobody can listen at `url`: `problem`."""

    def __init__(self, url: str, problem: str) -> None:
        self.url, self.problem = url, problem
        super().__init__(url, problem)

    def __str__(self) -> str:
        return f"{self.url}: {self.problem}; stop it, or listen elsewhere"


class MissingDependency(LocalInfraError):
    """`package` is needed for `purpose` and cannot be imported; the extra `extra` brings it."""

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        self.package, self.purpose, self.extra = package, purpose, extra
        super().__init__(package, purpose, extra)

    def __str__(self) -> str:
        return (
            f"{self.purpose} needs {self.package}, which is not installed; pip install 'alphapulse-infra[{self.extra}]'"
        )


class TransportClosed(LocalInfraError):
    """`url` was used after this side had closed it."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(url)

    def __str__(self) -> str:
        return f"{self.url}: used after close; connect again"


class QueueFull(LocalInfraError):
    """`queued` bytes wait for the peer at `url`, and from `limit` on nothing more is taken."""

    def __init__(self, url: str, queued: int, limit: int) -> None:
        self.url, self.queued, self.limit = url, queued, limit
        super().__init__(url, queued, limit)

    def __str__(self) -> str:
        return f"{self.url}: {self.queued} bytes wait for the peer (limit {self.limit}); wait for room, or drop it"


class MessageAboveLimit(LocalInfraError):
    """A message of `size` bytes was to be sent to `url`, where `limit` are allowed."""

    def __init__(self, url: str, size: int, limit: int) -> None:
        self.url, self.size, self.limit = url, size, limit
        super().__init__(url, size, limit)

    def __str__(self) -> str:
        return (
            f"{self.url}: message of {self.size} bytes, the server takes {self.limit}; split it, or raise max_payload"
        )


class BusyReceiver(LocalInfraError):
    """Two tasks receive from the transport at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(url)

    def __str__(self) -> str:
        return f"{self.url}: another task is receiving here; one transport has one reader"


class TopologyError(LocalInfraError):
    """The topology file is wrong at `line` and `column` (both from 1); `expected` says what may stand there."""

    def __init__(self, source: str, line: int, column: int, problem: str, expected: str) -> None:
        self.source, self.line, self.column, self.problem, self.expected = source, line, column, problem, expected
        super().__init__(source, line, column, problem, expected)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}: {self.problem}; expected {self.expected}"


class SpawnFailed(LocalInfraError):
    """The program of `node` cannot be started: `reason`."""

    def __init__(self, node: str, command: str, reason: str) -> None:
        self.node, self.command, self.reason = node, command, reason
        super().__init__(node, command, reason)

    def __str__(self) -> str:
        return (
            f"{self.node}: cannot start {self.command!r}: {self.reason}; check module or command in the topology file"
        )


class ConnectFailed(RemoteInfraError):
    """No connection to `url` after `attempts` tries; the last one failed with `reason`."""

    def __init__(self, url: str, reason: str, attempts: int = 1) -> None:
        self.url, self.reason, self.attempts = url, reason, attempts
        super().__init__(url, reason, attempts)

    def __str__(self) -> str:
        tries = "" if self.attempts == 1 else f" after {self.attempts} tries"
        return f"{self.url}: cannot connect{tries}: {self.reason}; is it running, and is the address right?"


class ConnectionLost(RemoteInfraError):
    """The connection to `url` broke with `reason`; `unsent` messages were waiting and are gone."""

    def __init__(self, url: str, reason: str, unsent: int = 0) -> None:
        self.url, self.reason, self.unsent = url, reason, unsent
        super().__init__(url, reason, unsent)

    def __str__(self) -> str:
        return f"{self.url}: connection lost ({self.reason}) with {self.unsent} messages unsent; connect again"


class EndOfStream(RemoteInfraError):
    """The peer at `url` sends nothing more; `unfinished` bytes of a message had no end."""

    def __init__(self, url: str, unfinished: int = 0) -> None:
        self.url, self.unfinished = url, unfinished
        super().__init__(url, unfinished)

    def __str__(self) -> str:
        cut = f" in the middle of a message ({self.unfinished} bytes of it)" if self.unfinished else ""
        return f"{self.url}: end of stream{cut}; connect again for more"


class BadStream(RemoteInfraError):
    """The peer at `url` sent bytes that are no message, `offset` bytes after its first: `error`."""

    def __init__(self, url: str, offset: int, error: ProtocolError) -> None:
        self.url, self.offset, self.error = url, offset, error
        super().__init__(url, offset, error)

    def __str__(self) -> str:
        return f"{self.url}: no message at byte {self.offset} of the stream: {self.error}; close the connection"


class NotAcknowledged(RemoteInfraError):
    """The server behind `url` did not confirm `messages` messages after `attempts` tries: `reason`."""

    def __init__(self, url: str, messages: int, attempts: int, reason: str) -> None:
        self.url, self.messages, self.attempts, self.reason = url, messages, attempts, reason
        super().__init__(url, messages, attempts, reason)

    def __str__(self) -> str:
        return (
            f"{self.url}: {self.messages} messages not acknowledged after {self.attempts} tries: {self.reason}; "
            "send them again once the server answers"
        )
