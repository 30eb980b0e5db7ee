# SPDX-License-Identifier: MIT
"""What goes wrong: exceptions that are OSErrors, with the library's words for what the errno means to the call."""

from __future__ import annotations

import errno as _errno
from typing import Optional

from . import _library


class Error(OSError):
    """A call of stplr's failed: errno says how, strerror what that means, call which it was.

    received: of a send that failed, whether a server had got the message by then; if not, it is safe to send it again.
    """

    call: str = ""
    received: bool = False


class NoDevice(Error, FileNotFoundError):
    """There is no such device: the words say whether the module, more of its devices, or a file is missing."""


class NoSuchName(Error, FileNotFoundError):
    """ENOENT: no channel has this name (is the server running?), or there is no such event."""


class NameTaken(Error, FileExistsError):
    """EEXIST: another channel has this name."""


class Denied(Error, PermissionError):
    """EACCES, EPERM: a mode, or the user whose it is, forbids it."""


class TimedOut(Error, TimeoutError):
    """ETIMEDOUT: it did not happen in time."""


class WouldBlock(Error, BlockingIOError):
    """EAGAIN: it would have to wait, and may not."""


class Gone(Error, ProcessLookupError):
    """ESRCH: nobody is at the other end any more: a server that has died, a channel that has ended."""


class Ended(Error, BrokenPipeError):
    """EPIPE, ESHUTDOWN: nothing more will be received: the client has closed, or the channel was shut down."""


class Lost(Error, ConnectionResetError):
    """ECONNRESET: messages that this connection had queued were lost with their channel."""


class Closed(Error):
    """EBADF: it was closed, here or by another thread meanwhile; or a connection was detached."""


class Refusal(Exception):
    """For a handler to raise: the client's call fails with this errno (1 to 511), and nothing is logged."""

    def __init__(self, errno: int):
        super().__init__(errno)
        self.errno = errno


_CLASSES = {
    _errno.ENOENT: NoSuchName,
    _errno.EEXIST: NameTaken,
    _errno.EACCES: Denied,
    _errno.EPERM: Denied,
    _errno.ETIMEDOUT: TimedOut,
    _errno.EAGAIN: WouldBlock,
    _errno.ESRCH: Gone,
    _errno.EPIPE: Ended,
    _errno.ESHUTDOWN: Ended,
    _errno.ECONNRESET: Lost,
    _errno.EBADF: Closed,
}


def failed(call: str, error: int, about: Optional[str] = None, detail: str = "", *, received: bool = False) -> Error:
    """The exception for a call that failed with this errno."""
    words = _library.strerror(call.encode(), error).decode()
    made = _CLASSES.get(error, Error)(error, f"{call}: {words}{detail}", *([about] if about else []))
    made.call = call
    made.received = received
    return made


def closed(call: str, what: str) -> Error:
    """The exception for whoever uses what was closed."""
    made = Closed(_errno.EBADF, f"{call}: the {what} is closed")
    made.call = call
    return made


def no_device(number: int, error: int, why: str) -> Error:
    """The exception for a device that cannot be opened, with the library's reason."""
    missing = error in (_errno.ENOENT, _errno.ENXIO, _errno.ENODEV)
    made = (NoDevice if missing else _CLASSES.get(error, Error))(error, why)
    made.call = "stplr_open"
    made.filename = f"/dev/stplr-{number}"
    return made
