# SPDX-License-Identifier: MIT
"""Descriptors that were handed in: inherited, received, or what the process was started with.

One that is refused stays the caller's. Others may hold copies: a channel that was handed in is not this process's to shut
down, so waiting for its clients is ended by a pipe.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
from typing import Callable, NoReturn, Optional, Tuple, TypeVar

import stplr
from thrift.transport.TTransport import TTransportException

from ._address import StaplerAddress
from ._stream import failure

_Kind = TypeVar("_Kind", stplr.Connection, stplr.Channel)


def take_connection(fd: int) -> stplr.Connection:
    """Takes over a client's connection; NOT_OPEN says why not."""
    connection = _take(stplr.Connection.from_fd, fd)
    if connection.server().detached:
        _refuse(connection, "it was ended by another process that has it")
    return _that_waits(connection)


def take_channel(fd: int, *, listening: bool) -> Tuple[stplr.Channel, StaplerAddress]:
    """Takes over a listening channel, or one that was accepted, of this service; NOT_OPEN says why not."""
    channel = _take(stplr.Channel.from_fd, fd)
    about = channel.info()
    if not (about.listens if listening else about.peer):
        _refuse(channel, "it is not a listening channel" if listening else "it is not an accepted client's channel")
    if about.stopped or about.ended:
        _refuse(channel, "it was ended by another process that has it")
    # One that listens is asked for clients, and not waited on.
    return channel if listening else _that_waits(channel), StaplerAddress(about.name, about.device)


def _take(from_fd: Callable[[int], _Kind], fd: int) -> _Kind:
    try:
        return from_fd(fd)
    except stplr.Error as error:
        raise failure(TTransportException.NOT_OPEN, f"descriptor {fd}", error.strerror, error)


def _that_waits(taken: _Kind) -> _Kind:
    if not os.get_blocking(taken.fileno()):
        _refuse(taken, "it has O_NONBLOCK, and a call is to wait: os.set_blocking()")
    return taken


def _refuse(taken: _Kind, why: str) -> NoReturn:
    raise failure(TTransportException.NOT_OPEN, f"descriptor {taken.into_fd()}", why)


class _Event:
    """A pipe of this process's, which is open as long as somebody has it: fileno() is readable once it was set."""

    def __init__(self) -> None:
        self._ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._pid = os.getpid()

    def is_own(self) -> bool:
        """Or a fork's copy?"""
        return self._pid == os.getpid()

    def fileno(self) -> int:
        return self._ends[0]

    def set(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full: then it was set
            os.write(self._ends[1], b"x")

    def __del__(self) -> None:
        for end in self._ends:
            os.close(end)


class Listening:
    """A listening channel that was handed in. Each process that has it after a fork is waited for, and ended, by itself."""

    def __init__(self, channel: stplr.Channel):
        self.channel = channel
        self._lock = threading.RLock()  # guards the following; a signal's handler may close it meanwhile
        self._event: Optional[_Event] = None

    def accept(self) -> stplr.Channel:
        """The next client; Closed after close(). One whom another process takes is waited for on."""
        event = self._own_event()
        waiting = select.poll()
        waiting.register(event, select.POLLIN)
        waiting.register(self, select.POLLIN)
        while True:
            waiting.poll()
            try:
                return self.channel.accept(timeout=0)
            except stplr.WouldBlock:
                pass

    def close(self) -> None:
        """Closes this process's descriptor of it, and ends accept()."""
        self.channel.close()
        # Who makes an event after this sees then that the channel is closed.
        with self._lock:
            if self._event is not None and self._event.is_own():
                self._event.set()

    def fileno(self) -> int:
        """For poll(): POLLIN while a client waits to be accepted."""
        try:
            return self.channel.fileno()
        except ValueError as error:
            raise stplr.Closed(errno.EBADF, str(error))

    def _own_event(self) -> _Event:
        with self._lock:
            if self._event is None or not self._event.is_own():
                self._event = _Event()
            return self._event
