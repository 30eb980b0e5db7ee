# SPDX-License-Identifier: MIT
"""stplr for asyncio.

A server's end needs no threads: the event loop waits until something can be received. A client's call blocks in the
kernel until it is answered, so each that is in flight has a thread of its own, from a pool that grows and shrinks with
them.

    async with await stplr.aio.connect("length", timeout=1) as connection:
        print(await connection.call(b"hello", timeout=5))

A call whose task is cancelled goes on in its thread until it is answered, its time is up or the connection is closed:
give it a timeout.
"""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import errno
import os
import signal
import threading
import time
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Callable, Deque, Optional, Set, Tuple, Type, TypeVar, Union
from typing import TYPE_CHECKING

import stplr

from . import _check, _error
from ._channel import Later, Message, Pulse, failed, logger, refuse

if TYPE_CHECKING:
    from ._memory import Readable, Writable

_Result = TypeVar("_Result")
Handler = Callable[[Message], "Awaitable[Union[Readable, None, Later]]"]


class Threads:
    """A pool of threads for calls that block in the kernel. Up to `most` at once; what is beyond waits its turn.

    Its threads do not keep the process from ending, and signals are left to others.
    """

    IDLE = 10.0  # seconds after which a thread that has nothing to do ends

    def __init__(self, most: int = 1000):
        self.most = _check.number("the most threads", most, 1, 100000)
        self.reset()

    def reset(self) -> None:
        """In a child, where the threads are not."""
        self._changed = threading.Condition()
        self._work: Deque[Tuple[concurrent.futures.Future[Any], Callable[[], Any]]] = collections.deque()
        self._idle = 0
        self._threads = 0

    def submit(self, function: Callable[[], _Result]) -> concurrent.futures.Future[_Result]:
        """Has one of the threads call it."""
        future: concurrent.futures.Future[_Result] = concurrent.futures.Future()
        with self._changed:
            self._work.append((future, function))
            if self._idle >= len(self._work):
                self._changed.notify()
            elif self._threads < self.most:
                self._threads += 1
                try:
                    threading.Thread(target=self._run, name="stplr-call", daemon=True).start()
                except BaseException:
                    self._threads -= 1
                    if not self._threads:
                        self._work.pop()
                        raise
        return future

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._changed:
                self._idle += 1
                found = self._changed.wait_for(lambda: self._work, self.IDLE)
                self._idle -= 1
                if not found:
                    self._threads -= 1
                    return
                future, function = self._work.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:
                    future.set_exception(error)
            del future, function


_threads = Threads()
os.register_at_fork(after_in_child=_threads.reset)


async def _in_thread(function: Callable[..., _Result], *arguments: Any, **options: Any) -> _Result:
    return await asyncio.wrap_future(_threads.submit(lambda: function(*arguments, **options)))


class _Wrapper:
    """What an asynchronous end has of the plain one that it owns."""

    def __init__(self, plain: Any):
        self._plain = plain

    def fileno(self) -> int:
        """The descriptor's number."""
        return int(self._plain.fileno())

    @property
    def closed(self) -> bool:
        """Was it closed here?"""
        return bool(self._plain.closed)

    def close(self) -> None:
        """Closes it; whoever waits on it gets Closed."""
        self._plain.close()

    def __repr__(self) -> str:
        return f"<stplr.aio.{type(self).__name__} of {self._plain!r}>"


class Connection(_Wrapper):
    """A stplr.Connection, which it owns; its calls are coroutines, of which hundreds may be in flight."""

    def __init__(self, connection: stplr.Connection):
        super().__init__(connection)
        #: The plain connection, for what does not wait (pulse(), allow_eventfd(), ...).
        self.connection = connection

    async def call(
        self,
        message: Readable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
        size: Optional[int] = None,
    ) -> bytes:
        """stplr.Connection.call(). The timeout counts from when it has a thread."""
        return await _in_thread(self.connection.call, message, timeout=timeout, send_timeout=send_timeout, size=size)

    async def request(
        self,
        message: Readable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
        size: Optional[int] = None,
    ) -> Tuple[bytes, stplr.ReplyInfo]:
        """stplr.Connection.request()"""
        return await _in_thread(self.connection.request, message, timeout=timeout, send_timeout=send_timeout, size=size)

    async def call_into(
        self,
        message: Readable,
        reply: Writable,
        *,
        timeout: Optional[float] = None,
        send_timeout: Optional[float] = None,
    ) -> stplr.ReplyInfo:
        """stplr.Connection.call_into(). Cancelled, it may still write to the buffer until it ends."""
        return await _in_thread(
            self.connection.call_into, message, reply, timeout=timeout, send_timeout=send_timeout
        )

    async def send(self, message: Readable, *, queued: bool = False, timeout: Optional[float] = None) -> None:
        """stplr.Connection.send(); queued, without a thread as long as there is room."""
        if queued:
            try:
                return self.connection.send(message, queued=True, timeout=0)
            except _error.WouldBlock:
                if timeout == 0:
                    raise
        await _in_thread(self.connection.send, message, queued=queued, timeout=timeout)

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Channel(_Wrapper):
    """A stplr.Channel, which it owns, in the running event loop; any number of tasks may receive."""

    def __init__(self, channel: stplr.Channel):
        super().__init__(channel)
        #: The plain channel, for what does not wait (client(), deliver(), ...).
        self.channel = channel
        self._loop = asyncio.get_running_loop()
        self._waiters: Deque[asyncio.Future[None]] = collections.deque()
        self._watched = -1  # the descriptor that the loop looks at

    async def receive(self, timeout: Optional[float] = None) -> Union[Message, Pulse]:
        """stplr.Channel.receive()"""
        got: Union[Message, Pulse] = await self._when_readable("stplr_receive", self.channel.receive, timeout)
        return got

    async def accept(self, timeout: Optional[float] = None) -> Channel:
        """stplr.Channel.accept()"""
        return Channel(await self._when_readable("stplr_accept", self.channel.accept, timeout))

    async def serve(
        self, handler: Handler, *, pulse: Optional[Callable[[Pulse], object]] = None, limit: int = 100
    ) -> None:
        """stplr.Channel.serve() with a coroutine function, up to `limit` of which run at once. Cancelled, it cancels them."""
        tasks: Set[asyncio.Task[None]] = set()
        _check.number("the limit", limit, 1, 2**31 - 1)
        try:
            while True:
                if len(tasks) >= limit:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                    continue
                try:
                    got = await self.receive()
                except (_error.Ended, _error.Gone):
                    break
                except _error.Closed:
                    if self.closed:
                        break
                    raise
                if isinstance(got, Message):
                    task = asyncio.create_task(_handle(got, handler))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
                elif pulse:
                    try:
                        pulse(got)
                    except Exception:
                        logger.exception("%r: the handler of pulses failed", self)
                del got
            if tasks:
                await asyncio.wait(tasks)
        finally:
            for task in list(tasks):
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    def close(self) -> None:
        """Closes it; tasks that wait on it get Closed."""
        self._watch(False)
        super().close()
        self._wake_all()

    async def _when_readable(self, call: str, function: Callable[[float], Any], timeout: Optional[float]) -> Any:
        until = None if timeout is None else time.monotonic() + timeout
        _check.deadline(timeout)
        while True:
            try:
                return function(0)
            except _error.WouldBlock:
                if timeout == 0:
                    raise
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise _error.failed(call, errno.ETIMEDOUT)
            await self._readable(left)

    async def _readable(self, left: Optional[float]) -> None:
        """Waits until there may be something; of several tasks the one that has waited longest is woken."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        self._watch(True)
        timer = None if left is None else self._loop.call_later(left, _done, waiter)
        try:
            await waiter
        finally:
            if timer:
                timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            self._watch(bool(self._waiters))

    def _watch(self, on: bool) -> None:
        if on and self._watched < 0 and not self.closed:
            self._watched = self.fileno()
            self._loop.add_reader(self._watched, self._wake_one)
        elif not on and self._watched >= 0:
            self._loop.remove_reader(self._watched)
            self._watched = -1

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break
        self._watch(bool(self._waiters))

    def _wake_all(self) -> None:
        while self._waiters:
            _done(self._waiters.popleft())

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            try:
                message = await self.receive()
            except (_error.Ended, _error.Gone):
                return
            if isinstance(message, Message):
                yield message
            del message

    async def __aenter__(self) -> Channel:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


async def _handle(message: Message, handler: Handler) -> None:
    try:
        answer = await handler(message)
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


def _done(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def connect(
    name: str, *, device: int = 0, timeout: Optional[float] = 0, uid: Optional[int] = None, lend: bool = False
) -> Connection:
    """stplr.connect()"""
    if timeout == 0:
        return Connection(stplr.connect(name, device=device, uid=uid, lend=lend))
    return Connection(await _in_thread(stplr.connect, name, device=device, timeout=timeout, uid=uid, lend=lend))


def channel(name: Optional[str] = None, *, device: int = 0, **options: Any) -> Channel:
    """stplr.channel(), within the running event loop"""
    return Channel(stplr.channel(name, device=device, **options))
