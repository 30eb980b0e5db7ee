# SPDX-License-Identifier: MIT
"""A connection: the client's end, which sends."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

from . import _check, _library, _memory
from ._event import Events

if TYPE_CHECKING:
    from ._channel import Channel
    from ._memory import Readable, Writable


class ReplyInfo(NamedTuple):
    """What came with a reply."""

    length: int  # bytes that are in the client's buffer
    total: int  # bytes the server replied; more than length: they did not fit
    status: int  # the server's: 0 unless both sides agree on something else


class ServerInfo(NamedTuple):
    """Who is at the other end of a connection."""

    pid: int  # the process that made the channel; 0 if it has none in this pid namespace
    chid: int  # the channel's number there
    uid: int  # its effective user when it made the channel
    gid: int
    coid: int  # of the connection
    ended: bool  # the channel is gone: sends raise Gone
    detached: bool
    queued: int  # messages that were queued and not received yet
    dropped: int  # such messages that were lost with the channel, in all


class Connection(Events):
    """Leads to a channel: from connect(), Device.connect() or Device.connect_pid().

    Any number of threads may use one at once: each call is a message of its own. Messages are bytes-like objects, or
    lists or tuples of them, which are sent one behind the other; none is copied on the way into the kernel. Signals do not
    end a call; if a signal's Python handler raises (KeyboardInterrupt), the call is given up: a server that has it already
    is not told, its reply finds nobody.

    close() in one thread ends calls that wait in others, and they raise Closed; for that the connection is detached, so
    it ends for every process that shares it. Without threads inside, close() closes this descriptor alone.
    """

    _kind = "connection"

    def __init__(self, fd: int):
        super().__init__(fd)
        self._rooms = _memory.Rooms()

    def call(
        self,
        message: Readable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
        size: Optional[int] = None,
    ) -> bytes:
        """Sends a message, waits for its reply and returns it.

        timeout: seconds that all of it may take; None: no limit; 0: only if a server waits already, and answers at once.
        send_timeout: seconds until a server has received the message, where that is to be less.
        size: most bytes of a reply; by default any reply that the module can carry.

        Raises TimedOut; Gone if the server dies or ends the channel; Error with EMSGSIZE if the message is longer than
        the module takes or the reply longer than size (it was executed, and the reply is lost); and whatever errno the
        server chose. The exception's `received` tells whether a server had got the message.
        """
        reply, info = self.request(message, timeout=timeout, send_timeout=send_timeout, size=size)
        if info.total > info.length:
            raise self._failed(
                "stplr_call",
                errno.EMSGSIZE,
                detail=f": the reply has {info.total} bytes, and there was room for {info.length}: pass size=",
                received=True,
            )
        return reply

    def request(
        self,
        message: Readable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
        size: Optional[int] = None,
    ) -> Tuple[bytes, ReplyInfo]:
        """call(), and what came with the reply. One that is longer than size is cut, and no error."""
        if size is None:
            size = self.message_max
        room = self._rooms.take(_check.number("size", size, 0, 2**31 - 4096 - 1))
        args = _library.MsgSend(reply=_library.Buffer(room.address, size))
        used = size
        try:
            self._two_way(message, args, 0, timeout, send_timeout)
            used = args.reply_len
            return room.take(used), ReplyInfo(used, args.reply_total, args.status)
        finally:
            if not args.token:
                self._rooms.give(room, used)

    def call_into(
        self,
        message: Readable,
        reply: Writable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
    ) -> ReplyInfo:
        """call() with a buffer for the reply, or several that are filled one after the other: nothing is copied here.

        A reply that does not fit is cut, and no error: compare length and total.
        """
        args = _library.MsgSend()
        vector, _, keep = _memory.writable(reply, args.reply)
        self._two_way(message, args, _library.REPLY_VECTOR if vector else 0, timeout, send_timeout, keep)
        return ReplyInfo(args.reply_len, args.reply_total, args.status)

    def send(self, message: Readable, *, queued: bool = False, timeout: Optional[float] = None) -> None:
        """Sends a message one way: returns when a server has received it.

        queued: do not wait for a server; the kernel keeps a copy, which is received even after the connection was closed.
        Only if too much is queued the call waits for room.
        timeout: seconds that it may wait; None: no limit; 0: WouldBlock instead of waiting.
        """
        args = _library.MsgSend(clock=_library.CLOCK_MONOTONIC, send_deadline=_check.deadline(timeout))
        vector, length, keep = _memory.readable(message, args.send)
        args.flags = (_library.SEND_QUEUED if queued else _library.SEND_TELL) | (_library.SEND_VECTOR if vector else 0)
        call = "stplr_send_queued" if queued else "stplr_send"
        self._exchange(call, _library.msg_send, args, length, keep)

    def pulse(self, code: int, value: int = 0, *, priority: int = _library.PRIORITY_OWN) -> None:
        """Sends a pulse: a code from 0 to 127 (to a channel of the process's own from -128) and a value of 64 bits.

        Never waits; WouldBlock: as many are queued as may be. priority: 0 to 140, as a message's; -1: the thread's own.
        """
        args = _library.PulseSend(
            value=_check.u64("a value", value),
            priority=_check.number("a priority", priority, -1, 140),
            code=_check.number("a pulse's code", code, -128, 127),
        )
        self._call("stplr_pulse", _library.pulse_send, ctypes.byref(args))

    def notify(self, channel: Optional[Channel], value: int = 0, *, priority: int = _library.PRIORITY_OWN) -> None:
        """Has a pulse with this value and the code PULSE_CONNECTION_DEATH sent to a channel of the caller's when the
        server's channel ends. None: not any more."""
        args = _library.ConnectNotify(channel=-1)
        if channel is not None:
            args.channel = channel.fileno()
            args.priority = _check.number("a priority", priority, -1, 140)
            args.value = _check.u64("a value", value)
        self._call("stplr_connect_notify", _library.connect_notify, ctypes.byref(args))

    def detach(self) -> None:
        """Ends the connection now, whoever else has it: blocked and later sends raise Closed. It is still to be closed."""
        self._call("stplr_connect_detach", _library.connect_detach)

    def server(self) -> ServerInfo:
        """Who is at the other end, and is it there still?"""
        info = _library.ConnectInfo()
        self._call("stplr_connect_info", _library.connect_info, ctypes.byref(info))
        return ServerInfo(
            info.pid,
            info.chid,
            info.uid,
            info.gid,
            info.coid,
            bool(info.flags & _library.CONNECT_ENDED),
            bool(info.flags & _library.CONNECT_DETACHED),
            info.queued,
            info.dropped,
        )

    def _two_way(
        self,
        message: Readable,
        args: Any,
        flags: int,
        timeout: Optional[float],
        send_timeout: Optional[float],
        reply: Any = None,
    ) -> None:
        """Sends, and waits until the reply is where args says."""
        until = _check.deadline(timeout)
        sooner = until if send_timeout is None else _check.deadline(send_timeout)
        if until != _library.DEADLINE_NONE and (sooner == _library.DEADLINE_NONE or sooner > until):
            sooner = until
        args.clock = _library.CLOCK_MONOTONIC
        args.send_deadline = sooner
        args.reply_deadline = until
        vector, length, keep = _memory.readable(message, args.send)
        args.flags = flags | _library.SEND_TELL | (_library.SEND_VECTOR if vector else 0)
        self._exchange("stplr_call", _library.msg_send_receive, args, length, (keep, reply))

    def _exchange(self, call: str, function: Any, args: Any, length: int, keep: Any) -> None:
        """One message until its end, over signals. What args points to is held by keep until then."""
        fd = self._enter(call, True)
        try:
            while True:
                result = _library.invoke(function, fd, ctypes.byref(args))
                # An EINTR of a message that was received, and is not parked, is the server's choice.
                if result != -errno.EINTR or (args.status and not args.token):
                    break
        except BaseException:  # of a signal's handler
            _give_up(function, fd, args)
            raise
        finally:
            self._leave(True)
        if result < 0:
            raise self._send_failed(call, -result, args, length)

    def _send_failed(self, call: str, error: int, args: Any, length: int) -> Exception:
        detail = ""
        received = bool(args.flags & _library.SEND_TELL and args.status)
        if error == errno.EMSGSIZE and not received:
            most = self.message_max
            if length > most:
                detail = f": it has {length} bytes, and message_max is {most}: send it in pieces, or load the module with more"
        return self._failed(call, error, detail=detail, received=received)


    def _wake(self, fd: int) -> None:
        _library.invoke(_library.connect_detach, fd)

    @staticmethod
    def _is_of_kind(fd: int) -> int:
        return _library.invoke(_library.connect_info, fd, ctypes.byref(_library.ConnectInfo()))


def _give_up(function: Any, fd: int, args: Any) -> None:
    """Drops a message that is parked, or its server could still read and write memory that is not the message's any more.

    A deadline that has passed ends it; the kernel waits for a copy that is under way.
    """
    if not args.token:
        return
    args.send_deadline = 1
    if args.reply_deadline:
        args.reply_deadline = 1
    while _library.invoke(function, fd, ctypes.byref(args)) == -errno.EINTR:
        pass
    args.token = 0
