# SPDX-License-Identifier: MIT
"""A channel: the server's end, which receives and replies."""

from __future__ import annotations

import ctypes
import errno
import logging
import threading
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple, Optional, Tuple, Type, TypeVar, Union

from . import _check, _error, _library, _memory
from ._descriptor import Descriptor

if TYPE_CHECKING:
    from ._memory import Readable, Writable

logger = logging.getLogger("stplr")
_Self = TypeVar("_Self", bound="Channel")

#: What is received at once; the rest of a longer message is fetched.
WINDOW = 64 << 10

_PULSE = ctypes.sizeof(_library.RawPulse)

#: A client wants to be unblocked (see Device.channel()); the value is its message's rcvid.
PULSE_UNBLOCK = -32
#: A client process has closed all its connections; scoid tells which.
PULSE_DISCONNECT = -33
#: A server's channel has ended: what Connection.notify() asked for.
PULSE_CONNECTION_DEATH = -35


class Pulse(NamedTuple):
    """A pulse that was received: nobody waits for an answer to it."""

    code: int
    value: int
    scoid: int  # the process that made the sender's connection
    priority: int
    coid: int  # the connection it came over
    cookie: int  # what the server attached to that


class Peer(NamedTuple):
    """Who connected to a listening channel."""

    pid: int  # 0 if it has none in this pid namespace
    uid: int  # effective, when it connected
    gid: int
    scoid: int
    coid: int


class ChannelInfo(NamedTuple):
    """What a channel is: for one that was inherited or received."""

    name: str  # of an accepted one, that of the channel it was accepted from; "": none
    device: int  # the N of /dev/stplr-N
    pid: int  # the process that made it; 0 if it has none in this pid namespace
    chid: int  # its number there; 0 for an accepted one
    listens: bool
    peer: Optional[Peer]  # who connected, if it is an accepted one
    stopped: bool  # it was shut down
    ended: bool  # it was destroyed
    closed: bool  # the client of an accepted one has closed


class ClientInfo(NamedTuple):
    """Who is a client process: its identities when it first connected to the channel."""

    pid: int
    sid: int
    connections: int  # how many it has to the channel
    uid: int
    euid: int
    suid: int
    gid: int
    egid: int
    sgid: int
    groups: Tuple[int, ...]


class Message:
    """A message that was received. If its sender waits, it is to be answered once, by any thread.

    One that is forgotten without an answer fails its sender's call with ECANCELED, so that nobody waits for ever. As a
    context it is answered so at its end at the latest; with an exception, with EREMOTEIO.
    """

    __slots__ = ("channel", "data", "_info", "_due", "__weakref__")

    #: The message's bytes; after receive_into() they are in the caller's buffer, and this is empty.
    data: bytes

    def __init__(self, channel: Channel, info: Any):
        self.channel = channel
        self.data = b""
        self._info = info
        # One that is one way and came in part holds its sender, too.
        self._due = info.kind == _library.KIND_SEND_RECEIVE or bool(info.flags & _library.INFO_TRUNCATED)

    @property
    def wants_reply(self) -> bool:
        """Does its sender wait for an answer that was not given yet?"""
        return self._due and bool(self._info.kind == _library.KIND_SEND_RECEIVE)

    @property
    def length(self) -> int:
        """Bytes that were sent."""
        return int(self._info.src_len)

    @property
    def received(self) -> int:
        """Bytes that receive_into() has put into the caller's buffer; read() has the rest."""
        return int(self._info.len)

    @property
    def room(self) -> int:
        """Bytes that its sender takes for an answer."""
        return int(self._info.dst_len)

    @property
    def queued(self) -> bool:
        """Was it sent with queued=True?"""
        return bool(self._info.flags & _library.INFO_QUEUED)

    @property
    def rcvid(self) -> int:
        """The message's id, which a PULSE_UNBLOCK names."""
        return int(self._info.rcvid)

    @property
    def pid(self) -> int:
        """The sender's process; 0 if it has none in this pid namespace, or is gone."""
        return int(self._info.pid)

    @property
    def tid(self) -> int:
        """The sender's thread, likewise."""
        return int(self._info.tid)

    @property
    def uid(self) -> int:
        """The sender's effective user."""
        return int(self._info.uid)

    @property
    def gid(self) -> int:
        """The sender's effective group."""
        return int(self._info.gid)

    @property
    def priority(self) -> int:
        """The sender's: 0 to 39 for nice 19 to -20, 41 to 139 for real-time 1 to 99, 140 for deadlines."""
        return int(self._info.priority)

    @property
    def scoid(self) -> int:
        """The client process, the same for all its connections on the device."""
        return int(self._info.scoid)

    @property
    def coid(self) -> int:
        """The connection it came over."""
        return int(self._info.coid)

    @property
    def cookie(self) -> int:
        """What Channel.set_cookie() has attached to the connection, or 0."""
        return int(self._info.cookie)

    def reply(self, data: Readable = b"", *, status: int = 0) -> Optional[int]:
        """Answers, and never waits. The bytes that the client gets, fewer where its room ends; None: nobody waits, since the
        message is one way, or its sender has given up or died meanwhile, which is no fault of the server's.

        Raises Error with EMSGSIZE if the answer is longer than the module takes: it is then still to be answered.
        """
        args = _library.MsgReply(rcvid=self._info.rcvid, status=_check.number("a status", status, -(2**31), 2**31 - 1))
        vector, length, keep = _memory.readable(data, args.reply)
        if vector:
            args.flags = _library.REPLY_VECTOR
        if not self._claim():
            return None
        answered = self._answer("stplr_reply", args, length)
        del keep
        return int(args.len) if answered else None

    def error(self, errno: int) -> None:
        """Has its sender's call fail with this errno, 1 to 511. Nothing happens where nobody waits."""
        args = _library.MsgReply(rcvid=self._info.rcvid, error=_check.number("an errno", errno, 1, 511))
        if self._claim():
            self._answer("stplr_reply_error", args, 0)

    def read(self, size: Optional[int] = None, offset: int = 0) -> bytes:
        """Bytes of the message from offset on; None: all that follow. Before it is answered."""
        rest = max(0, self.length - offset)
        size = rest if size is None else min(_check.number("size", size, 0, 2**63 - 1), rest)
        if size < 2:
            short = bytearray(size)
            return bytes(short[: self.read_into(short, offset)])
        data, address = _memory.fresh_bytes(size)
        got = self._fetch(address, size, offset)
        return data if got == size else data[:got]

    def read_into(self, buffer: Writable, offset: int = 0) -> int:
        """Reads from offset on into the buffer, or buffers; the bytes read, fewer at the message's end."""
        args = _library.MsgData(rcvid=self._info.rcvid, offset=_check.u64("an offset", offset))
        vector, _, keep = _memory.writable(buffer, args.buffer)
        if vector:
            args.flags = _library.DATA_VECTOR
        else:  # the module refuses to read more at once than it carries, whatever there is
            args.buffer.len = min(args.buffer.len, max(0, self.length - offset))
        return self._transfer("stplr_read", _library.msg_read, args, keep)

    def write(self, data: Readable, offset: int = 0) -> int:
        """Writes into the client's reply buffer before the reply; the bytes written, fewer where its room ends.

        The reply itself goes to offset 0, over them, and its length does not count them.
        """
        args = _library.MsgData(rcvid=self._info.rcvid, offset=_check.u64("an offset", offset))
        vector, _, keep = _memory.readable(data, args.buffer)
        args.flags = _library.DATA_VECTOR if vector else 0
        return self._transfer("stplr_write", _library.msg_write, args, keep)

    def wants_unblock(self) -> bool:
        """On a channel with unblock=True: has a signal or its deadline hit the client, which waits on for the answer?"""
        info = _library.MsgInfo()
        self.channel._call("stplr_msg_info", _library.msg_info, self.rcvid, ctypes.byref(info))
        return bool(info.flags & _library.INFO_UNBLOCK)

    def _claim(self) -> bool:
        """Is there somebody to answer? Then it is done, unless it turns out that it cannot be."""
        if self._due:
            self._due = False
            return True
        if self._info.kind == _library.KIND_SEND_RECEIVE:
            raise RuntimeError("the message was answered already")
        return False

    def _answer(self, call: str, args: Any, length: int) -> bool:
        """Did it reach somebody?"""
        try:
            self.channel._call(call, _library.msg_reply, ctypes.byref(args))
        except _error.Gone:
            return False
        except BaseException as error:
            self._due = not isinstance(error, _error.Closed)
            if isinstance(error, _error.Error) and error.errno == errno.EMSGSIZE:
                most = self.channel.message_max
                raise _error.failed(
                    call, errno.EMSGSIZE, detail=f": it has {length} bytes, and message_max is {most}"
                ) from None
            raise
        return True

    def _transfer(self, call: str, function: Any, args: Any, keep: Any) -> int:
        self.channel._over_signals(call, function, ctypes.byref(args), waiting=False)
        del keep
        return int(args.len)

    def _fetch(self, address: int, size: int, offset: int) -> int:
        """Reads to an address, in as many calls as it takes; the bytes read."""
        got = 0
        most = self.channel.message_max if size > WINDOW else size
        while got < size:
            args = _library.MsgData(
                _library.Buffer(address + got, min(size - got, most)), offset + got, self._info.rcvid
            )
            more = self._transfer("stplr_read", _library.msg_read, args, None)
            if not more:
                break
            got += more
        return got

    def _complete(self, room: _memory.Room) -> None:
        """Takes what was received into a room, and what did not fit there."""
        length, there = self._info.src_len, self._info.len
        if there == length:
            self.data = room.take(length)
            return
        data, address = _memory.fresh_bytes(length)
        ctypes.memmove(address, room.address, there)
        got = there + self._fetch(address + there, length - there, there)
        self.data = data if got == length else data[:got]
        if self._info.kind == _library.KIND_SEND:
            self._due = False  # read to its end, it is the sender's no more

    def _release(self, error: int) -> None:
        """Whoever waits still is to wait no longer."""
        if not self._due:
            return
        self._due = False
        args = _library.MsgReply(rcvid=self._info.rcvid)
        if self._info.kind == _library.KIND_SEND_RECEIVE:
            args.error = error
        try:
            self.channel._call("stplr_reply_error", _library.msg_reply, ctypes.byref(args))
        except OSError:
            pass  # the client has gone, or the channel has

    def __enter__(self) -> Message:
        return self

    def __exit__(self, kind: Any, error: Optional[BaseException], trace: Any) -> None:
        self._release(errno.EREMOTEIO if error else errno.ECANCELED)

    def __del__(self) -> None:
        if getattr(self, "_due", False):
            self._release(errno.ECANCELED)

    def __repr__(self) -> str:
        kind = "two-way" if self._info.kind == _library.KIND_SEND_RECEIVE else "one-way"
        return f"<stplr.Message {kind} of {self.length} bytes from pid {self.pid}{', to be answered' * self.wants_reply}>"


Handler = Callable[[Message], "Union[Readable, None, Later]"]


class Later:
    """The type of LATER."""

    def __repr__(self) -> str:
        return "stplr.LATER"


#: What a handler returns that keeps the message, to answer it later.
LATER = Later()


class Channel(Descriptor):
    """Receives messages and pulses: from channel() or Device.channel(), or accept() of one that listens.

    Any number of threads may receive on one. Iterating over it gives the messages until it ends; pulses are dropped then.

    close() in one thread ends receives that wait in others, and they raise Closed; for that the channel is shut down, for
    every process that shares it. Without threads inside, close() closes this descriptor alone.
    """

    _kind = "channel"

    def __init__(self, fd: int, chid: int = 0, peer: Optional[Peer] = None):
        super().__init__(fd)
        self._rooms = _memory.Rooms()
        #: The number by which Device.connect_pid() finds it; 0 for an accepted one.
        self.chid = chid
        #: Of an accepted one: who connected.
        self.peer = peer

    def receive(self, timeout: Optional[float] = None) -> Union[Message, Pulse]:
        """Waits for a message or a pulse and takes it; all of a message, however long, is in its data.

        timeout: seconds; None: no limit; 0: WouldBlock instead of waiting. Raises TimedOut; Ended when the channel was
        shut down, or an accepted channel's client has closed; Gone when it was destroyed.
        """
        until = _check.deadline(timeout)
        while True:
            room = self._rooms.take(WINDOW)
            args = _library.MsgReceive(
                _library.Buffer(room.address, WINDOW), until, _library.CLOCK_MONOTONIC
            )
            used = 0
            try:
                message = self._receive(args)
                used = args.info.len
                if message is None:
                    return _pulse(_library.RawPulse.from_buffer_copy(room.view), args.info)
                message._complete(room)
                return message
            except _error.Gone as error:
                if not args.info.rcvid:
                    raise
                del error  # its sender has given up while the rest was fetched
            finally:
                self._rooms.give(room, used)

    def receive_into(self, buffer: Writable, timeout: Optional[float] = None) -> Union[Message, Pulse]:
        """receive() into the caller's buffer, or buffers: nothing is copied here. Message.received tells how much that is,
        and read() and read_into() have what did not fit. A pulse wants 32 bytes of room (EMSGSIZE, and it stays)."""
        args = _library.MsgReceive(deadline=_check.deadline(timeout), clock=_library.CLOCK_MONOTONIC)
        vector, _, keep = _memory.writable(buffer, args.buffer)
        args.flags = _library.RECEIVE_VECTOR if vector else 0
        message = self._receive(args)
        if message is not None:
            return message
        parts = keep[0] if vector else [_library.Iovec(args.buffer.addr, args.buffer.len)]
        raw = b"".join(ctypes.string_at(part.base, min(part.len, _PULSE)) for part in parts)
        return _pulse(_library.RawPulse.from_buffer_copy(raw), args.info)

    def receive_pulse(self, timeout: Optional[float] = None) -> Pulse:
        """receive() of pulses only; messages stay."""
        raw = _library.RawPulse()
        args = _library.MsgReceive(
            _library.Buffer(ctypes.addressof(raw), ctypes.sizeof(raw)),
            _check.deadline(timeout),
            _library.CLOCK_MONOTONIC,
            _library.RECEIVE_PULSE,
        )
        self._receive(args)
        return _pulse(raw, args.info)

    def accept(self, timeout: Optional[float] = None) -> Channel:
        """Of a channel that listens: waits for a connection and takes it. The channel that serves it, until Ended."""
        args = _library.ChannelAccept(deadline=_check.deadline(timeout), clock=_library.CLOCK_MONOTONIC)
        waiting = args.deadline != _library.DEADLINE_POLL
        fd = self._over_signals("stplr_accept", _library.channel_accept, ctypes.byref(args), waiting=waiting)
        return type(self)(fd, 0, Peer(args.pid, args.uid, args.gid, args.scoid, args.coid))

    def serve(
        self, handler: Handler, *, pulse: Optional[Callable[[Pulse], object]] = None, threads: int = 1
    ) -> None:
        """Answers each message with what handler(message) returns, until the channel ends or is closed.

        The handler returns bytes-like objects (None: an empty answer), or LATER if it has kept the message to answer it
        later; or answers itself. If it raises Refusal(errno) the client's call fails with that; with any other exception,
        which is logged (logger "stplr"), with EREMOTEIO. What it returns to a one-way message is dropped.

        pulse: is called with each pulse; without it they are dropped. threads: how many receive at once, this one included.
        """
        others = [
            threading.Thread(target=self._serve, args=(handler, pulse), name=f"stplr-serve-{i}", daemon=True)
            for i in range(1, _check.number("threads", threads, 1, 10000))
        ]
        for other in others:
            other.start()
        self._serve(handler, pulse)
        for other in others:
            other.join()

    def shutdown(self) -> None:
        """Receives nothing more: receives and accepts, present and later, raise Ended; sends not received yet, and later
        ones, fail. What was received can still be answered. Good for a signal's handler."""
        self._call("stplr_channel_shutdown", _library.channel_shutdown)

    def destroy(self) -> None:
        """Ends the channel now, whoever else has it: clients and receivers that wait on it raise Gone."""
        self._call("stplr_channel_destroy", _library.channel_destroy)

    def info(self) -> ChannelInfo:
        """What is known of it: its name, whether it listens, whose client it serves."""
        info = _library.ChannelInfo()
        self._call("stplr_channel_info", _library.channel_info, ctypes.byref(info))
        peer = Peer(info.client_pid, info.client_uid, info.client_gid, info.client_scoid, info.client_coid)
        return ChannelInfo(
            info.name.decode(),
            info.device,
            info.pid,
            info.chid,
            bool(info.flags & _library.CHANNEL_LISTEN),
            peer if info.state & _library.STATE_ACCEPTED else None,
            bool(info.state & _library.STATE_SHUTDOWN),
            bool(info.state & _library.STATE_ENDED),
            bool(info.state & _library.STATE_CLOSED),
        )

    def client(self, scoid: int) -> ClientInfo:
        """Who is a client process, by Message.scoid?"""
        info = _library.ClientInfo(scoid=_check.u32("a scoid", scoid))
        room = 0
        while True:
            groups = (ctypes.c_uint32 * room)()
            info.groups, info.nr_groups = ctypes.addressof(groups), room
            self._call("stplr_client_info", _library.client_info, ctypes.byref(info))
            if info.nr_groups <= room:
                break
            room = info.nr_groups
        return ClientInfo(
            info.pid,
            info.sid,
            info.connections,
            info.uid,
            info.euid,
            info.suid,
            info.gid,
            info.egid,
            info.sgid,
            tuple(groups[: info.nr_groups]),
        )

    def set_cookie(self, coid: int, cookie: int) -> None:
        """Attaches a value to a client's connection: it comes with every later message and pulse over it."""
        self._call(
            "stplr_client_cookie",
            _library.client_cookie,
            _check.u32("a coid", coid),
            _check.u64("a cookie", cookie),
        )

    def deliver(self, event: int, *, scoid: int = 0, value: Optional[int] = None) -> None:
        """Notifies a client by an event that it has allowed, and never waits.

        event: its id, as the client told it. scoid: the client process it must be of; 0: any. value: instead of the
        event's own, if it was allowed with update=True.
        """
        args = _library.EventDeliver(id=_check.u32("an event's id", event), scoid=_check.u32("a scoid", scoid))
        if value is not None:
            args.value = _check.u64("a value", value)
            args.flags = _library.DELIVER_VALUE
        self._call("stplr_event_deliver", _library.event_deliver, ctypes.byref(args))

    def __iter__(self) -> Iterator[Message]:
        while True:
            try:
                message = self.receive()
            except (_error.Ended, _error.Gone):
                return
            if isinstance(message, Message):
                yield message
            del message  # or it would be held while the next is waited for

    def _receive(self, args: Any) -> Optional[Message]:
        """The message that has come, None for a pulse. One that is lost on its way to the caller fails its sender."""
        message = None
        try:
            self._over_signals("stplr_receive", _library.msg_receive, ctypes.byref(args))
            if args.info.kind != _library.KIND_PULSE:
                message = Message(self, args.info)
        except BaseException:
            if message is None and args.info.rcvid:
                Message(self, args.info)._release(errno.ECANCELED)
            raise
        return message

    def _serve(self, handler: Handler, pulse: Optional[Callable[[Pulse], object]]) -> None:
        while True:
            try:
                got = self.receive()
            except (_error.Ended, _error.Gone):
                return
            except _error.Closed:
                if self._closed:
                    return
                raise
            if isinstance(got, Message):
                _handle(got, handler)
            elif pulse:
                try:
                    pulse(got)
                except Exception:
                    logger.exception("%r: the handler of pulses failed", self)
            del got

    def _wake(self, fd: int) -> None:
        _library.invoke(_library.channel_shutdown, fd)

    @staticmethod
    def _is_of_kind(fd: int) -> int:
        return _library.invoke(_library.channel_info, fd, ctypes.byref(_library.ChannelInfo()))

    @classmethod
    def from_fd(cls: Type[_Self], fd: int) -> _Self:
        """Takes over a descriptor that was inherited or passed, as Descriptor.from_fd() does; info() tells of what."""
        channel = super().from_fd(fd)
        about = channel.info()
        channel.chid = about.chid
        channel.peer = about.peer
        return channel


def _handle(message: Message, handler: Handler) -> None:
    """Has a message answered, whatever its handler does."""
    try:
        answer = handler(message)
        if isinstance(answer, Later):
            return
        if message._due:
            message.reply(b"" if answer is None else answer)
    except _error.Refusal as refusal:
        refuse(message, refusal)
    except Exception as error:
        failed(message, error)
    except BaseException:
        message._release(errno.ECANCELED)
        raise


def failed(message: Message, error: Exception) -> None:
    """What a handler raised, logged; but that the channel was closed meanwhile is no fault of the handler's."""
    if not (message.channel.closed and isinstance(error, _error.Closed)):
        logger.error("%r: its handler failed", message, exc_info=error)
    message._release(errno.EREMOTEIO)


def refuse(message: Message, refusal: _error.Refusal) -> None:
    """Has the client's call fail as the handler wants."""
    known = isinstance(refusal.errno, int) and 1 <= refusal.errno <= 511
    if not known:
        logger.error("%r: refused with %r, which is no errno from 1 to 511", message, refusal.errno)
    message._release(refusal.errno if known else errno.EREMOTEIO)


def _pulse(raw: Any, info: Any) -> Pulse:
    return Pulse(raw.code, raw.value, raw.scoid, info.priority, info.coid, info.cookie)
