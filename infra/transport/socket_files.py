"""Socket files: where they may lie, and who may put one there.

Owns the checks of the directory and the binding of a socket to a path.  Must not know asyncio's transports.

How it works: who can write to a directory can replace the sockets in it, so a directory must belong to this user (or
to root) and be writable for nobody else; one that is missing is made with mode 0700.  A dead process leaves its socket
file behind.  While the directory is locked (`flock` on itself, so no lock file is left), the old file is tried:
if somebody answers, the address is taken; if not, the file is removed and the new socket takes its place.  Without
the lock, two starting at once could each remove the other's socket.
"""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import AddressInUse, BadUrl, UnsafeDirectory

# The address of a Unix socket is a field of fixed size; 108 bytes with the closing zero on Linux, 104 elsewhere.
MAX_SOCKET_PATH = 103
_LOCK_SECONDS = 5.0
_EXPECTED = "unix:///absolute/path.sock"


def socket_path(url: str) -> Path:
    """The path in a `unix:` URL.  Raises BadUrl."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "unix" or parts.netloc or parts.query or parts.fragment:
        raise BadUrl(url, "no Unix socket", _EXPECTED)
    if not path.startswith("/") or path.endswith("/") or "\0" in path:
        raise BadUrl(url, "no absolute path of a file", _EXPECTED)
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise BadUrl(url, f"the path has {len(os.fsencode(path))} bytes", f"at most {MAX_SOCKET_PATH}")
    return Path(path)


def check_directory(path: Path) -> None:
    """Refuse a directory in which others could place a socket.  Raises UnsafeDirectory, OSError."""
    with _opened(path) as descriptor:
        _check(descriptor, path)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise UnsafeDirectory(str(path), "not a directory of its own", "name one that is no link") from None
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _check(descriptor: int, path: Path) -> None:
    found = os.fstat(descriptor)
    if found.st_uid not in (os.geteuid(), 0):
        raise UnsafeDirectory(str(path), f"belongs to user {found.st_uid}", "use a directory of your own")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = stat.S_IMODE(found.st_mode)
        raise UnsafeDirectory(str(path), f"others can write to it (mode {mode:04o})", "chmod 700, or use another")


def bind(url: str, backlog: int) -> socket.socket:
    """A listening socket at the path of `url`.

    Raises BadUrl, UnsafeDirectory, AddressInUse where somebody listens, OSError.
    """
    path = socket_path(url)
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(mode=0o700)
    with _opened(path.parent) as descriptor:
        _check(descriptor, path.parent)
        _lock(descriptor, url)
        _remove_dead(path, url)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.setblocking(False)
            listening.bind(str(path))
            os.chmod(path, 0o600)
            listening.listen(backlog)
        except BaseException:
            listening.close()
            raise
    return listening


def _lock(descriptor: int, url: str) -> None:
    """Only for as long as it takes to bind; closing the descriptor unlocks."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise AddressInUse(url, "another process holds the lock on its directory") from None
            time.sleep(0.005)


def _remove_dead(path: Path, url: str) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise AddressInUse(url, "a file that is no socket lies there")
    if is_live(path):
        raise AddressInUse(url, "somebody listens there already")
    path.unlink()


def is_live(path: Path) -> bool:
    """Whether somebody listens at the path.  Raises OSError for what is neither yes nor no."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            return True  # its queue of connections is full
        except (ConnectionRefusedError, FileNotFoundError):
            return False
    return True


def identity(path: Path) -> tuple[int, int] | None:
    """What tells this file from one that takes its place; None where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
