"""From a URL to a transport.

    unix:///absolute/path.sock              a Unix socket
    memory://name                           a listener of this process
    nats://host:port/subject?stream=NAME    a NATS server; see `nats_address` for what follows the question mark

Owns the choice by scheme.  Must not know how any transport works: a transport is imported when its scheme is used, so
nats-py is needed only by those who name it.
"""

import difflib
from importlib import import_module
from typing import cast
from urllib.parse import urlsplit

from ..errors import BadUrl
from .base import DEFAULT_SETTINGS, Listener, Transport, TransportSettings

_CONNECT = {"unix": "infra.transport.unix", "memory": "infra.transport.memory", "nats": "infra.transport.nats"}
_LISTEN = {**_CONNECT, "unix": "infra.transport.unix_listener"}
SCHEMES = tuple(_CONNECT)


def scheme_of(url: str) -> str:
    """The scheme of a transport's URL.  Raises BadUrl, also for a URL that carries a password."""
    try:
        parts = urlsplit(url)
        port_is_number = parts.port is None or True
    except ValueError as error:
        raise BadUrl(without_secret(url), str(error), "a URL such as unix:///run/alphapulse/signals.sock") from None
    if port_is_number and "@" in parts.netloc:
        raise BadUrl(without_secret(url), "credentials in a URL end up in logs", "them in a file; see NatsSettings")
    if parts.scheme not in SCHEMES:
        near = difflib.get_close_matches(parts.scheme, SCHEMES, n=1, cutoff=0.5)
        expected = f"{near[0]}://" if near else " or ".join(f"{scheme}://" for scheme in SCHEMES)
        raise BadUrl(url, f"unknown scheme {parts.scheme!r}", expected)
    return parts.scheme


def is_lossy(url: str) -> bool:
    """Whether messages can be lost there without the end of a connection.  Raises as `scheme_of`."""
    return scheme_of(url) == "nats"


def without_secret(url: str) -> str:
    """The URL with stars for what stands before an @."""
    head, slashes, rest = url.partition("//")
    place, slash, path = rest.partition("/")
    return f"{head}{slashes}***@{place.rpartition('@')[2]}{slash}{path}" if "@" in place else url


async def connect(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> Transport:
    """Connect once.  Raises BadUrl, ConnectFailed; UnsafeDirectory (unix), MissingDependency, BadSetting (nats)."""
    return cast(Transport, await import_module(_CONNECT[scheme_of(url)]).connect(url, settings))


async def listen(url: str, settings: TransportSettings = DEFAULT_SETTINGS) -> Listener:
    """Listen.

    Raises BadUrl, AddressInUse; UnsafeDirectory (unix); ConnectFailed, MissingDependency, BadSetting (nats).
    """
    return cast(Listener, await import_module(_LISTEN[scheme_of(url)]).listen(url, settings))
