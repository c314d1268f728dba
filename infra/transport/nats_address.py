"""Where and how to meet a NATS server: the URL, and what is secret or a file.

    nats://host:port/subject[?stream=NAME][&durable=NAME][&queue=GROUP][&send=SUBJECT][&receive=SUBJECT]

Whoever listens at `subject` receives on `subject.in` and sends on `subject.out`; whoever connects does the opposite.
`send` and `receive` name other subjects, or nothing for a direction that is not used.  With `stream`, what is sent is
acknowledged by that JetStream stream, which is made where it is missing.  With `durable`, what is received comes from
the stream by a consumer of that name, from where it stopped.  `queue` shares plain messages among receivers.

Owns the reading of both.  Must not import nats-py.
"""

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import BadSetting, BadUrl
from .backoff import Backoff

DEFAULT_PORT = 4222
_EXPECTED = "nats://host:port/subject?stream=NAME&durable=NAME"
_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*\Z")
_PATTERN = re.compile(r"([^\s.*>]+|\*)(\.([^\s.*>]+|\*))*(\.>)?\Z|>\Z")
_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
_VARIABLES = {
    "credentials": "ALPHAPULSE_NATS_CREDENTIALS",
    "user": "ALPHAPULSE_NATS_USER",
    "password_file": "ALPHAPULSE_NATS_PASSWORD_FILE",
    "ca": "ALPHAPULSE_NATS_CA",
    "certificate": "ALPHAPULSE_NATS_CERTIFICATE",
    "key": "ALPHAPULSE_NATS_KEY",
}


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """A NATS URL taken apart."""

    url: str
    server: str
    send: str
    receive: str
    stream: str
    durable: str
    queue: str


@dataclass(frozen=True, slots=True)
class NatsSettings:
    """What a URL must not hold, and how patient to be.  All files are paths; an empty text means none.

    `credentials` is a NATS credentials file; `user` with `password_file` the older way.  `ca` turns TLS on and names
    who may have signed the server's certificate; `certificate` and `key` are this client's own.
    """

    credentials: str = ""
    user: str = ""
    password_file: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    backoff: Backoff = field(default_factory=Backoff)
    batch_bytes: int = 128 * 1024
    ack_timeout: float = 5.0
    ack_tries: int = 5
    ack_wait: float = 30.0
    stream_max_bytes: int = 1024 * 1024 * 1024

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "NatsSettings":
        """The files named by ALPHAPULSE_NATS_CREDENTIALS, _USER, _PASSWORD_FILE, _CA, _CERTIFICATE, _KEY."""
        return cls.from_files({name: environment.get(variable, "") for name, variable in _VARIABLES.items()})

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "NatsSettings":
        """From the names of the fields that are texts."""
        known = {name: files.get(name, "") for name in _VARIABLES}
        return cls(
            known["credentials"],
            known["user"],
            known["password_file"],
            known["ca"],
            known["certificate"],
            known["key"],
        )

    def environment(self) -> dict[str, str]:
        """The opposite: what a child process needs to find the same files."""
        return {variable: getattr(self, name) for name, variable in _VARIABLES.items() if getattr(self, name)}

    def password(self) -> str | None:
        """Raises BadSetting for a file that cannot be read."""
        if not self.password_file:
            return None
        try:
            return Path(self.password_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting("password_file", self.password_file, f"a readable text file ({_short(error)})") from None

    def check(self) -> None:
        """Raises BadSetting for a file that is not there, or half of a pair."""
        for name in ("credentials", "ca", "certificate", "key"):
            if getattr(self, name) and not Path(getattr(self, name)).is_file():
                raise BadSetting(name, getattr(self, name), "a file that exists")
        if bool(self.certificate) != bool(self.key):
            raise BadSetting("certificate", self.certificate, "certificate and key together")
        if self.certificate and not self.ca:
            raise BadSetting("ca", self.ca, "the certificate of who signed the server's")

    def tls(self) -> "WatchedContext | None":
        """Raises BadSetting for files that hold no certificates."""
        if not self.ca:
            return None
        try:
            context = WatchedContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.ca)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise BadSetting("ca", self.ca, f"certificates in PEM ({_short(error)})") from None
        return context


class WatchedContext(ssl.SSLContext):
    """Knows whether it was used: a server that does not ask for TLS is otherwise talked to in plain text."""

    used = False

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        self.used = True
        return super().wrap_bio(*arguments, **options)


def nats_address(url: str, *, listening: bool) -> NatsAddress:
    """Take a NATS URL apart.  Raises BadUrl."""
    parts = urlsplit(url)
    try:
        port = parts.port or DEFAULT_PORT
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise BadUrl(url, str(error), _EXPECTED) from None
    unknown = set(query) - {"stream", "durable", "queue", "send", "receive"}
    if parts.scheme != "nats" or not parts.hostname or unknown or parts.fragment:
        problem = f"unknown option {sorted(unknown)[0]!r}" if unknown else "no NATS server"
        raise BadUrl(url, problem, _EXPECTED)
    subject = parts.path.removeprefix("/")
    inward, outward = (f"{subject}.in", f"{subject}.out") if subject else ("", "")
    receive, send = (inward, outward) if listening else (outward, inward)
    send, receive = query.get("send", send), query.get("receive", receive)
    if subject and not _SUBJECT.match(subject):
        raise BadUrl(url, f"{subject!r} is no subject", "words with dots between them")
    if send and not _SUBJECT.match(send):
        raise BadUrl(url, f"{send!r} is no subject to send on", "words with dots between them, and no wildcard")
    if receive and not _PATTERN.match(receive):
        raise BadUrl(url, f"{receive!r} is no subject to receive", "words, * and a final >, with dots between them")
    if not send and not receive:
        raise BadUrl(url, "no subject", _EXPECTED)
    for name in ("stream", "durable", "queue"):
        if name in query and not _NAME.match(query[name]):
            raise BadUrl(url, f"{name} {query[name]!r} is no name", "letters, digits, dash and underscore")
    if "durable" in query and ("stream" not in query or "queue" in query):
        raise BadUrl(url, "durable without stream, or with queue", _EXPECTED)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return NatsAddress(
        url, f"{host}:{port}", send, receive, *(query.get(name, "") for name in ("stream", "durable", "queue"))
    )


def _short(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
