# SPDX-License-Identifier: MIT
"""The server's end of Thrift connections over stplr, for where a TServerSocket stood."""

from __future__ import annotations

import contextlib
import errno
import time
from typing import Optional, Union

import stplr
from thrift.transport.TTransport import TServerTransportBase, TTransportException

from ._address import StaplerAddress, address_of
from ._handed import Listening, take_channel
from ._stream import MAX_MESSAGE_SIZE, Stream, failure

#: How long to wait for descriptors or memory to be free again, in seconds.
_SHORT_OF_RESOURCES = 0.02


class TStaplerSession(Stream):
    """One client's connection, as TStaplerServerTransport.accept() gives it.

    read() receives the client's next message when the last one has been read; flush() answers it. One that was not answered by
    then is released with what is held for the client, mostly nothing, as it is by close(): it was a one-way call that its
    client took for another. peer tells who the client was when it connected.
    """

    def __init__(
        self, channel: stplr.Channel, address: StaplerAddress, timeout: Optional[float], max_message_size: int
    ):
        super().__init__()
        self.address = address
        self.max_message_size = max_message_size
        self._channel = channel
        self._timeout = timeout
        self._message: Optional[stplr.Message] = None
        # What is flushed is for the client of the last message, also after its answer: it is two way, or its flush has
        # more to come, which may be.
        self._answerable = False
        # Flushed, and not handed to the client yet, for want of room or of a message to answer; and where in it the
        # answers to the last message's flush begin.
        self._held: Union[bytes, memoryview] = b""
        self._held_before = 0
        # Bytes of calls since a flush of the client's ended.
        self._call_size = 0
        self._call_ended = True
        self._ended = False

    @classmethod
    def from_fd(
        cls, fd: int, *, timeout: Optional[float] = None, max_message_size: int = MAX_MESSAGE_SIZE
    ) -> TStaplerSession:
        """Takes over an accepted client's channel that was inherited or received, as by a process for each client. NOT_OPEN,
        and it stays the caller's, if it is none, another object's already, O_NONBLOCK, or has ended.

        timeout: milliseconds that the client may let pass until its next call.
        """
        channel, address = take_channel(fd, listening=False)
        return cls(channel, address, timeout / 1000 if timeout else None, max_message_size)

    @property
    def peer(self) -> Optional[stplr.Peer]:
        """Who connected."""
        return self._channel.peer

    def isOpen(self) -> bool:
        """Was it not closed here?"""
        return not self._channel.closed

    def fileno(self) -> int:
        """For poll(): POLLIN while a message waits, POLLHUP once the client has closed."""
        return self._channel.fileno()

    def close(self) -> None:
        """Answers what waits, with what is held, and closes the channel."""
        with contextlib.suppress(stplr.Error):  # closed already, or no memory: then the end tells the client
            self._release()
        self._message = None
        self._channel.close()

    def _next_chunk(self) -> bytes:
        while not self._ended:
            try:
                self._release()
                message = self._channel.receive(self._timeout)
            except stplr.TimedOut as error:
                raise failure(TTransportException.TIMED_OUT, self.address, "the client did not call in time", error)
            except (stplr.Ended, stplr.Gone, stplr.Closed):
                break
            except stplr.Error as error:
                raise failure(TTransportException.UNKNOWN, self.address, error.strerror, error)
            if isinstance(message, stplr.Message):  # a pulse is not of the stream
                self._take(message)
                if message.data:
                    return message.data
        self._ended = True
        raise failure(TTransportException.END_OF_FILE, self.address, "the client has closed")

    def _take(self, message: stplr.Message) -> None:
        if self._call_ended:
            self._held_before = len(self._held)
            self._call_size = 0
        ends_one_way = message.queued or (not message.wants_reply and not message.length)
        self._message = message
        self._answerable = not ends_one_way
        if ends_one_way:
            self._drop_answers()
        self._call_size += message.length
        self._call_ended = message.wants_reply or ends_one_way
        if self._call_size <= self.max_message_size:
            return
        if message.wants_reply:
            message.error(errno.EMSGSIZE)
        self._ended = True
        raise failure(
            TTransportException.SIZE_LIMIT,
            self.address,
            f"max_message_size is {self.max_message_size}, and the call has {self._call_size} bytes or more",
        )

    def flush(self) -> None:
        """Answers the client with what was written."""
        written = self._take_written()
        if not written or not self._answerable or self._channel.closed:
            return  # nobody waits for an answer to a one-way call: the next call would get it
        if len(self._held) > self.max_message_size:
            self._ended = True
            raise failure(TTransportException.SIZE_LIMIT, self.address, "the client does not collect its answers")
        if len(self._held) + len(written) >= 2**31:
            raise failure(TTransportException.SIZE_LIMIT, self.address, "an answer is longer than 2 GiB")
        self._held = b"".join((self._held, written)) if self._held else written
        if self._message is not None and self._message.wants_reply:
            try:
                self._answer(self._message)
            except stplr.Error as error:
                raise failure(TTransportException.UNKNOWN, self.address, error.strerror, error)

    def _answer(self, message: stplr.Message) -> None:
        """As many of the held bytes as the client's room takes, and how many remain."""
        now = min(len(self._held), message.room, self._channel.message_max)
        whole = now == len(self._held)
        try:
            given = message.reply(self._held if whole else memoryview(self._held)[:now], status=len(self._held) - now)
        except stplr.Error as error:
            self._message = None
            self._answerable = False
            self._drop_answers()
            with contextlib.suppress(stplr.Error):  # it is closed
                message.error(error.errno or errno.EIO)
            raise
        if given is None:
            # The client has given up on its call, or died: what was to answer it is for nobody.
            self._answerable = False
            self._drop_answers()
            return
        self._held = b"" if whole else memoryview(self._held)[now:]
        self._held_before = max(0, self._held_before - now)

    def _drop_answers(self) -> None:
        """Those to the flush that is under way; what was held before stays."""
        self._held = memoryview(self._held)[: self._held_before]

    def _release(self) -> None:
        """Nobody is to wait for ever."""
        if self._message is not None and self._message.wants_reply:
            self._answer(self._message)


class TStaplerServerTransport(TServerTransportBase):  # type: ignore[misc]
    """Clients connect to it by its name. For TSimpleServer, TThreadedServer, TThreadPoolServer and TForkingServer.

    accept() goes on while the kernel is short of descriptors or memory. After close(), which any thread may call, it raises
    NOT_OPEN.
    """

    def __init__(
        self,
        address: Union[str, StaplerAddress],
        *,
        backlog: int = 0,
        client_timeout: Optional[float] = None,
        max_message_size: int = MAX_MESSAGE_SIZE,
    ):
        """address: "stplr:NAME[?device=N&mode=MODE&group=GROUP]", or what StaplerAddress.parse() gives.

        backlog: how many clients may wait to be accepted; 0: 128. client_timeout: milliseconds that a client may let pass
        until its next call. max_message_size: bytes that a call may have, and that are held for a client.
        """
        self.address = address_of(address)
        self.max_message_size = max_message_size
        self._backlog = backlog
        self._client_timeout = client_timeout / 1000 if client_timeout else None
        self._channel: Union[stplr.Channel, Listening, None] = None
        # What was handed in, until listen(); and then there is no other way to listen.
        self._handed: Optional[Listening] = None

    @classmethod
    def from_fd(
        cls, fd: int, *, client_timeout: Optional[float] = None, max_message_size: int = MAX_MESSAGE_SIZE
    ) -> TStaplerServerTransport:
        """Takes over a listening channel that was inherited, received, or that the process was started with
        (stplr.activated()). NOT_OPEN, and it stays the caller's, if it is none, another object's already, or has ended.

        The channel outlives this server: close() closes the descriptor, and the channel goes on for others who have it. Its
        clients wait for the next that serves it.
        """
        channel, address = take_channel(fd, listening=True)
        try:
            transport = cls(address, client_timeout=client_timeout, max_message_size=max_message_size)
        except BaseException:
            channel.into_fd()
            raise
        transport._handed = Listening(channel)
        return transport

    def setBacklog(self, backlog: Optional[int] = None) -> None:
        """Before listen(): how many clients may wait to be accepted; 0 or None: 128."""
        self._backlog = backlog or 0

    def listen(self) -> None:
        """Makes the channel, or begins with the one that was handed in; NOT_OPEN if the name is taken, or there is no device."""
        if self._channel is not None:
            return
        if self._handed is not None:
            if self._handed.channel.closed:
                raise failure(TTransportException.NOT_OPEN, self.address, "the channel that was handed in was closed")
            self._channel = self._handed
            return
        address = self.address
        try:
            self._channel = stplr.channel(
                address.name,
                device=address.device,
                mode=address.mode,
                group=address.group,
                listen=True,
                backlog=self._backlog,
            )
        except stplr.NameTaken as error:
            raise failure(
                TTransportException.NOT_OPEN, address, "the name is taken: is another server running?", error
            )
        except stplr.Error as error:
            raise failure(TTransportException.NOT_OPEN, address, error.strerror, error)

    def isOpen(self) -> bool:
        """Does it listen?"""
        return self._channel is not None

    def fileno(self) -> int:
        """For poll(): POLLIN while a client waits to be accepted."""
        return self._listening().fileno()

    def accept(self) -> TStaplerSession:
        """Waits for the next client."""
        while True:
            channel = self._listening()
            try:
                accepted = channel.accept()
            except (stplr.Closed, stplr.Ended, stplr.Gone) as error:
                raise failure(TTransportException.NOT_OPEN, self.address, "closed", error)
            except stplr.Error as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                    raise failure(TTransportException.UNKNOWN, self.address, error.strerror, error)
                # The client can still be accepted; a server need not end for it.
                time.sleep(_SHORT_OF_RESOURCES)
                continue
            return TStaplerSession(accepted, self.address, self._client_timeout, self.max_message_size)

    def close(self) -> None:
        """Listens no more; accepted clients stay."""
        channel, self._channel = self._channel or self._handed, None
        if channel is not None:
            channel.close()

    def _listening(self) -> Union[stplr.Channel, Listening]:
        channel = self._channel
        if channel is None:
            raise failure(TTransportException.NOT_OPEN, self.address, "not listening")
        return channel
