"""Public names of the transports.

Owns the list of what users may import; every definition lives in a module beside this one.  nats-py and uvloop are
imported only when they are asked for.
"""

from ..errors import (
    AddressInUse,
    BadSetting,
    BadStream,
    BadUrl,
    BusyReceiver,
    ConnectFailed,
    ConnectionLost,
    EndOfStream,
    InfraError,
    LocalInfraError,
    MessageAboveLimit,
    MissingDependency,
    NotAcknowledged,
    QueueFull,
    RemoteInfraError,
    TransportClosed,
    UnsafeDirectory,
)
from .backoff import Backoff
from .base import (
    Handler,
    Listener,
    ListenerStatistics,
    Transport,
    TransportSettings,
    TransportStatistics,
    joined,
)
from .client import Greeting, ReconnectingClient
from .loop import loop_factory, run
from .nats_address import NatsSettings
from .urls import connect, listen

__all__ = [
    "AddressInUse",
    "Backoff",
    "BadSetting",
    "BadStream",
    "BadUrl",
    "BusyReceiver",
    "ConnectFailed",
    "ConnectionLost",
    "EndOfStream",
    "Greeting",
    "Handler",
    "InfraError",
    "Listener",
    "ListenerStatistics",
    "LocalInfraError",
    "MessageAboveLimit",
    "MissingDependency",
    "NatsSettings",
    "NotAcknowledged",
    "QueueFull",
    "ReconnectingClient",
    "RemoteInfraError",
    "Transport",
    "TransportClosed",
    "TransportSettings",
    "TransportStatistics",
    "UnsafeDirectory",
    "connect",
    "joined",
    "listen",
    "loop_factory",
    "run",
]
