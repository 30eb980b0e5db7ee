# SPDX-License-Identifier: MIT
"""Events: what a client allows a server to notify it by, while it does not wait for it."""

from __future__ import annotations

import ctypes
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Optional, Protocol, Type

from . import _check, _library
from ._descriptor import Descriptor

if TYPE_CHECKING:
    from ._connection import Connection


class HasFileno(Protocol):
    """What select() takes, too."""

    def fileno(self) -> int: ...


class Event:
    """An event that was allowed. Tell the server its id; close() takes it back, as the end of what it was made on does."""

    def __init__(self, on: Descriptor, id: int):
        self.id = id
        self._on: Optional[weakref.ref[Descriptor]] = weakref.ref(on)

    def close(self) -> None:
        """Takes it back; again, or after it has ended by itself, is no error."""
        on, self._on = self._on() if self._on else None, None
        if on is None or on.closed:
            return
        try:
            on._call("stplr_event_unregister", _library.event_unregister, self.id)
        except OSError:
            pass  # it had ended

    def __enter__(self) -> Event:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<stplr.Event {self.id}>"


class Events(Descriptor):
    """Allows events: a connection for its own channel alone, a device for all channels that the process connects to."""

    def allow_pulse(
        self, to: Connection, code: int, value: int = 0, *, priority: int = _library.PRIORITY_OWN, update: bool = False
    ) -> Event:
        """The server may send this pulse over `to`, which leads to a channel of the caller's own.

        update: the server may put another value into it. The event refers to what `to` is now.
        """
        return self._allow(
            _library.EVENT_PULSE,
            fd=to.fileno(),
            code=_check.number("a pulse's code", code, -128, 127),
            value=_check.u64("a value", value),
            priority=_check.number("a priority", priority, -1, 140),
            flags=_library.EVENT_UPDATE if update else 0,
        )

    def allow_eventfd(self, eventfd: int | HasFileno) -> Event:
        """The server may add 1 to this eventfd (os.eventfd())."""
        fd = eventfd if isinstance(eventfd, int) else eventfd.fileno()
        return self._allow(_library.EVENT_EVENTFD, fd=_check.number("a descriptor", fd, 0, 2**31 - 1))

    def allow_signal(
        self, signal: int, value: int = 0, *, thread: bool = False, code: int = 0, update: bool = False
    ) -> Event:
        """The server may send this signal, to the process or, with `thread`, to the calling thread.

        value: what sigwaitinfo() would show as si_value; code: of a thread's, 0 or -128 to -1, its si_code.
        """
        return self._allow(
            _library.EVENT_SIGNAL_THREAD if thread else _library.EVENT_SIGNAL,
            fd=-1,
            signo=_check.number("a signal", signal, 1, 64),
            value=_check.u64("a value", value),
            code=_check.number("a signal's code", code, -128, 0),
            flags=_library.EVENT_UPDATE if update else 0,
        )

    def _allow(self, type: int, **fields: Any) -> Event:
        args = _library.EventRegister(type=type, **fields)
        self._call("stplr_event_register", _library.event_register, ctypes.byref(args))
        return Event(self, args.id)
