# SPDX-License-Identifier: MIT
"""What devices, channels and connections have in common: a file descriptor, and its end.

A descriptor's number may be another file's as soon as it is closed. So a call counts itself in before it takes the
number and out after it; close() marks the object closed, wakes those that wait inside, and the last one out closes
the descriptor. The lock guards the three fields that say so; it is held for moments, never across a call that waits.
It may be taken twice by one thread: a signal handler that closes may have interrupted it right there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
import warnings
import weakref
from types import TracebackType
from typing import Any, Callable, Optional, Type, TypeVar

from . import _check, _error, _library

_Self = TypeVar("_Self", bound="Descriptor")
_living: "weakref.WeakSet[Descriptor]" = weakref.WeakSet()


class Descriptor:
    """Owns a file descriptor. As a context it closes itself at its end; works with select, selectors and asyncio."""

    _kind = "descriptor"

    def __init__(self, fd: int):
        self._fd = fd
        self._lock = threading.RLock()
        self._inside = 0  # calls that use the number
        self._waiting = 0  # of these, those that may wait
        self._closed = False
        self._message_max = 0
        _living.add(self)

    def fileno(self) -> int:
        """The descriptor's number, which stays this object's; ValueError if it is closed."""
        fd = self._fd  # before another thread closes it
        if self._closed:
            raise ValueError(f"the {self._kind} is closed")
        return fd

    @property
    def closed(self) -> bool:
        """Was it closed here?"""
        return self._closed

    @property
    def message_max(self) -> int:
        """The longest message, in bytes, that the module takes."""
        if not self._message_max:
            self._message_max = self._version().message_max
        return self._message_max

    def close(self) -> None:
        """Closes the descriptor; again is no error. Threads that wait on it here end with Closed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._waiting:
                self._wake(self._fd)
            if not self._inside:
                self._close()

    def _wake(self, fd: int) -> None:
        """Ends the waiting of all that wait on it."""

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _enter(self, call: str, waiting: bool = False) -> int:
        """The number, good until _leave() with the same `waiting`."""
        with self._lock:
            if self._closed:
                raise _error.closed(call, self._kind)
            self._inside += 1
            self._waiting += waiting
            return self._fd

    def _leave(self, waiting: bool = False) -> None:
        with self._lock:
            self._inside -= 1
            self._waiting -= waiting
            if self._closed and not self._inside:
                self._close()

    def _call(self, call: str, function: Any, *arguments: Any, about: Optional[str] = None) -> int:
        """One call that does not wait."""
        fd = self._enter(call)
        try:
            result = _library.invoke(function, fd, *arguments)
        finally:
            self._leave()
        if result < 0:
            raise self._failed(call, -result, about)
        return result

    def _over_signals(
        self, call: str, function: Any, *arguments: Any, waiting: bool = True, about: Optional[str] = None
    ) -> int:
        """One call, until it is through: a signal's handler runs, and the call goes on."""
        fd = self._enter(call, waiting)
        try:
            while True:
                result = _library.invoke(function, fd, *arguments)
                if result != -errno.EINTR:
                    break
        finally:
            self._leave(waiting)
        if result < 0:
            raise self._failed(call, -result, about)
        return result

    def _version(self) -> Any:
        """What module it belongs to."""
        version = _library.Version()
        self._call("stplr_version", _library.version, ctypes.byref(version))
        return version

    def _failed(
        self, call: str, error: int, about: Optional[str] = None, detail: str = "", *, received: bool = False
    ) -> Exception:
        """What to raise, which for whoever was inside when it was closed is Closed."""
        if self._closed:
            made = _error.closed(call, self._kind)
            made.received = received
            return made
        return _error.failed(call, error, about, detail, received=received)

    def _forked(self) -> None:
        """In a child: the threads that were inside are not here."""
        self._lock = threading.RLock()
        self._inside = self._waiting = 0
        if self._closed:
            self._close()

    @classmethod
    def from_fd(cls: Type[_Self], fd: int) -> _Self:
        """Takes over a descriptor that was inherited or passed (SCM_RIGHTS), and has it closed on exec.

        If it is refused it stays the caller's: one that is not open, is of another kind, or is another object's already.
        """
        check(fd, cls._is_of_kind, cls._kind)
        return cls(fd)

    def into_fd(self) -> int:
        """Gives the descriptor to the caller, whose it is to close, and is closed itself; not while calls are inside."""
        with self._lock:
            if self._inside:
                raise ValueError(f"calls are inside the {self._kind}")
            fd = self.fileno()
            self._closed = True
            self._fd = -1
            return fd

    @staticmethod
    def _is_of_kind(fd: int) -> int:
        """0, or minus the errno with which a descriptor of another kind answers."""
        return 0

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self, _warn: Any = warnings.warn, _close: Any = os.close) -> None:
        fd = getattr(self, "_fd", -1)
        if fd < 0:
            return
        if not self._closed:
            _warn(f"unclosed {self!r}", ResourceWarning, source=self)
        self._fd = -1
        _close(fd)

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"fd={self._fd}"
        return f"<stplr.{type(self).__name__} {state}>"

    def __reduce__(self) -> Any:
        raise TypeError(f"a {self._kind} cannot be pickled: pass its descriptor to the other process, and use from_fd()")


def check(fd: int, is_of_kind: Callable[[int], int], kind: str) -> None:
    """Raises what is wrong with a descriptor that is to be taken over; is_of_kind() is _is_of_kind()."""
    number = _check.number("a descriptor", fd, -(2**31), 2**31 - 1)
    why = ctypes.create_string_buffer(256)
    error = -_library.invoke(_library.check_version, number, why, len(why)) or -is_of_kind(number)
    if error:
        reason = why.value.decode(errors="replace") or f"descriptor {fd} is no {kind}"
        raise _error.failed("stplr_check_version", error, detail=f": {reason}")
    owner = next((other for other in list(_living) if other._fd == number), None)
    if owner is not None:  # which would close it once more, when it may be another file's
        raise _error.failed("stplr_check_version", errno.EBUSY, detail=f": descriptor {fd} is {owner!r}'s already")
    os.set_inheritable(number, False)


def activated(name: Optional[str] = None) -> int:
    """The descriptor that this process was started with, by a service manager or who does as one: sd_listen_fds(3).

    name: what LISTEN_FDNAMES calls it; None: there is just one. It is closed on exec from now on, and the caller's; from_fd()
    takes it over. Raises Error with ENOENT (NoSuchName) if there is none, ENOTUNIQ if there are several.
    """
    fd = _library.invoke(_library.activated, None if name is None else os.fsencode(name))
    if fd < 0:
        raise _error.failed("stplr_activated", -fd, name)
    return fd


def _forked() -> None:
    for descriptor in list(_living):
        descriptor._forked()


os.register_at_fork(after_in_child=_forked)
