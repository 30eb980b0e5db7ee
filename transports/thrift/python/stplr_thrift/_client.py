# SPDX-License-Identifier: MIT
"""The client's end of a Thrift connection over stplr, for where a TSocket stood."""

from __future__ import annotations

import collections
import errno
import io
import threading
import time
from typing import Deque, NoReturn, Optional, Union

import stplr
from thrift.transport.TTransport import TTransportException

from ._address import HANDED_IN, StaplerAddress, address_of
from ._call_kind import is_one_way
from ._handed import take_connection
from ._stream import MAX_MESSAGE_SIZE, Stream, failure

#: A one-way message is queued in the kernel's memory: what comes before these last bytes is not.
_QUEUED_MOST = 256 << 10


class TStaplerTransport(Stream):
    """Carries calls to a service by its name.

    flush() is one system call, which sends what was written and collects the answer, for read() to hand out later; or, when
    what was written is a one-way call, queues it and returns. So it is flush() that waits for the server and raises what
    went wrong:

        NOT_OPEN     never reached the server: not open, no such service, gone. It can be sent again
        END_OF_FILE  the server ended, or the transport was closed, while the server had the call: it may have been executed
        TIMED_OUT    the connection can be used further, unless a part of the call had been sent already, or it was
                     read() that waited for an answer's rest: it is closed then

    One thread may write and flush while another reads. close() may be called by any, and ends a flush() that waits.
    """

    def __init__(
        self,
        address: Union[str, StaplerAddress],
        *,
        timeout: Optional[float] = None,
        max_message_size: int = MAX_MESSAGE_SIZE,
    ):
        """address: "stplr:NAME[?device=N]", or what StaplerAddress.parse() gives.

        timeout: milliseconds that a call may take in all, and open() may wait for a server with too many clients.
        max_message_size: bytes that an answer may have.
        """
        super().__init__()
        self.address = address_of(address)
        self.max_message_size = max_message_size
        self._timeout: Optional[float] = None
        self.setTimeout(timeout)
        self._connection: Optional[stplr.Connection] = None
        self._message_max = 0
        # Held while a call is under way: one at a time.
        self._calling = threading.Lock()
        # Answered and not read yet, oldest first.
        self._answers: Deque[bytes] = collections.deque()

    @classmethod
    def from_fd(
        cls,
        fd: int,
        address: Union[str, StaplerAddress, None] = None,
        *,
        timeout: Optional[float] = None,
        max_message_size: int = MAX_MESSAGE_SIZE,
    ) -> TStaplerTransport:
        """Takes over a connection that was inherited, received, or that the process was started with (stplr.activated()); it
        is open. NOT_OPEN, and it stays the caller's, if it is none, another object's already, O_NONBLOCK, or has ended.

        close() closes it, and ends it for others only if a thread waits in it. address: for open() after close(); without it
        there is no way back.
        """
        connection = take_connection(fd)
        try:
            transport = cls(address or HANDED_IN, timeout=timeout, max_message_size=max_message_size)
        except BaseException:
            connection.into_fd()
            raise
        transport._connection = connection
        transport._message_max = connection.message_max
        return transport

    def setTimeout(self, ms: Optional[float]) -> None:
        """Milliseconds that a call may take in all; None: no limit."""
        if ms is not None and not ms >= 0:
            raise ValueError(f"a timeout is milliseconds from 0 on, or None, not {ms!r}")
        self._timeout = ms / 1000 if ms else None

    def isOpen(self) -> bool:
        """Is it open, and the server still there?"""
        try:
            return self._connection is not None and not self._connection.server().ended
        except stplr.Error:
            return False

    def open(self) -> None:
        """Connects, again if the server has ended. The service must be there; a server that has too many clients to accept
        is waited for."""
        if self.isOpen():
            raise failure(TTransportException.ALREADY_OPEN, self.address, "already open")
        self.close()
        if self.address is HANDED_IN:
            raise failure(
                TTransportException.NOT_OPEN, self.address, "the descriptor was closed, and there is no address to connect to"
            )
        try:
            with stplr.Device(self.address.device) as device:
                self._message_max = device.version.message_max
                self._connection = self._attach(device)
        except stplr.NoSuchName as error:
            raise failure(
                TTransportException.NOT_OPEN, self.address, "there is no such service: is its server running?", error
            )
        except stplr.WouldBlock as error:
            raise failure(TTransportException.TIMED_OUT, self.address, "the server did not accept in time", error)
        except stplr.Error as error:
            raise failure(TTransportException.NOT_OPEN, self.address, error.strerror, error)
        self._written.clear()
        self._answers.clear()
        self._chunk = io.BytesIO()

    def _attach(self, device: stplr.Device) -> stplr.Connection:
        """Waits for room in the server's backlog, but not for a server that is not there, or ends meanwhile."""
        until = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            try:
                return device.connect(self.address.name)
            except stplr.WouldBlock:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise
            try:
                return device.connect(self.address.name, timeout=0.1 if left is None else min(left, 0.1))
            except stplr.TimedOut:
                pass

    def close(self) -> None:
        """Closes the connection; a flush() that waits in another thread ends."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def fileno(self) -> int:
        """For poll(): POLLHUP once the server is gone."""
        return self._open().fileno()

    def server(self) -> stplr.ServerInfo:
        """Who is at the other end, as the kernel knows it."""
        return self._open().server()

    def _open(self) -> stplr.Connection:
        connection = self._connection
        if connection is None:
            raise failure(TTransportException.NOT_OPEN, self.address, "not open")
        return connection

    def write(self, buf: bytes) -> None:
        """Keeps the bytes for flush()."""
        self._open()
        super().write(buf)

    def flush(self) -> None:
        """Sends what was written, and waits for the answer, unless it is a one-way call."""
        flush = self._take_written()
        if not flush:
            return
        with self._calling:
            connection = self._open()
            if is_one_way(flush):
                self._queue(connection, flush)
            else:
                self._exchange(connection, flush)

    def _next_chunk(self) -> bytes:
        if not self._answers:
            # Maybe another thread's call is under way. If not, the server may hold what it had no message to answer with.
            with self._calling:
                if not self._answers:
                    self._collect()
        return self._answers.popleft()

    def _collect(self) -> None:
        connection = self._open()
        try:
            self._exchange(connection, b"")
        except TTransportException as error:
            # The next call would get what this one was to get.
            self.close()
            if error.type != TTransportException.NOT_OPEN:
                raise
            raise failure(TTransportException.END_OF_FILE, self.address, "the server has gone", error)
        except BaseException:
            self.close()
            raise
        if not self._answers:
            raise failure(TTransportException.END_OF_FILE, self.address, "no answer is due")

    def _exchange(self, connection: stplr.Connection, flush: bytes) -> None:
        """Sends a flush, waits for its answer, and keeps that."""
        until = None if self._timeout is None else time.monotonic() + self._timeout
        begun = (len(flush) - 1) // self._message_max * self._message_max if flush else 0
        try:
            self._send_parts(connection, memoryview(flush)[:begun], until)
            answer, info = connection.request(memoryview(flush)[begun:] if begun else flush, timeout=_left(until))
        except BaseException as error:
            self._failed(error, begun, len(flush))
        if info.total > info.length or info.status < 0:
            self.close()
            raise failure(
                TTransportException.UNKNOWN, self.address, "the server does not keep to the protocol: is it one of Thrift?"
            )
        if info.length + info.status > self.max_message_size:
            self.close()
            raise failure(
                TTransportException.SIZE_LIMIT,
                self.address,
                f"max_message_size is {self.max_message_size}, and the answer has {info.length + info.status} bytes or more",
            )
        if answer:
            self._answers.append(answer)

    def _queue(self, connection: stplr.Connection, flush: bytes) -> None:
        """Sends a flush of one-way calls, whose end is queued, so that its caller does not wait for the server."""
        until = None if self._timeout is None else time.monotonic() + self._timeout
        direct = max(0, len(flush) - min(_QUEUED_MOST, self._message_max))
        view = memoryview(flush)
        try:
            self._send_parts(connection, view[:direct], until)
            try:
                connection.send(view[direct:], queued=True, timeout=_left(until))
            except stplr.Error as error:
                if error.errno not in (errno.ENOBUFS, errno.EDQUOT, errno.ENOMEM):
                    raise
                # No more may be queued: then the server takes it from here, and is told that nothing follows.
                connection.send(view[direct:], timeout=_left(until))
                direct = len(flush)
                connection.send(b"", timeout=_left(until))
        except BaseException as error:
            self._failed(error, direct, len(flush))

    def _send_parts(self, connection: stplr.Connection, view: memoryview, until: Optional[float]) -> None:
        for at in range(0, len(view), self._message_max):
            connection.send(view[at : at + self._message_max], timeout=_left(until))

    def _failed(self, error: BaseException, begun: int, length: int) -> NoReturn:
        """Raises what Thrift's users know. A part of a call leaves a gap in the stream: the connection is closed."""
        received = isinstance(error, stplr.Error) and error.received
        if begun or (isinstance(error, stplr.Error) and error.errno == errno.EMSGSIZE):
            self.close()
        if not isinstance(error, stplr.Error):
            raise error
        kind = TTransportException
        if isinstance(error, stplr.TimedOut):
            raise failure(
                kind.TIMED_OUT,
                self.address,
                "no answer in time" if received else "the server did not take the call in time",
                error,
            )
        if isinstance(error, stplr.Closed):
            raise failure(kind.END_OF_FILE if received else kind.NOT_OPEN, self.address, "closed during the call", error)
        if isinstance(error, stplr.Lost):
            raise failure(kind.NOT_OPEN, self.address, "the server has gone, and one-way calls were lost with it", error)
        if isinstance(error, stplr.Gone):
            if received or begun:
                words = "the server ended during the call"
                if begun:
                    words += f" of {length} bytes: does it take calls of this size?"
                raise failure(kind.END_OF_FILE, self.address, words, error)
            raise failure(kind.NOT_OPEN, self.address, "the server has gone", error)
        if error.errno == errno.EMSGSIZE and received:
            raise failure(
                kind.SIZE_LIMIT,
                self.address,
                f"the server does not take calls of this size, {length} bytes: see its maximum message size",
                error,
            )
        raise failure(kind.UNKNOWN, self.address, error.strerror, error)


def _left(until: Optional[float]) -> Optional[float]:
    """Seconds until then: none left is little, not "do not wait"."""
    return None if until is None else max(until - time.monotonic(), 1e-9)
