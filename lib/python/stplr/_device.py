# SPDX-License-Identifier: MIT
"""A device: a domain of channels and names."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple, Optional

from . import _check, _descriptor, _error, _library
from ._channel import Channel
from ._connection import Connection
from ._event import Events


class Version(NamedTuple):
    """What module is behind a device."""

    abi: int
    version: str
    features: int
    message_max: int  # bytes of the longest message
    inline_max: int
    parts_max: int  # most buffers of one message


class Device(Events):
    """/dev/stplr-N. Channels and names of one device are not seen from another.

    NoDevice if there is none, Denied if it may not be opened, Error with EPROTONOSUPPORT if module and library do not fit;
    each says what to do.
    """

    _kind = "device"

    def __init__(self, number: int = 0):
        self.number = _check.u32("a device's number", number)
        why = ctypes.create_string_buffer(512)
        fd = _library.invoke(_library.open_why, self.number, 0, why, len(why))
        if fd < 0:
            raise _error.no_device(self.number, -fd, why.value.decode(errors="replace"))
        super().__init__(fd)

    @classmethod
    def from_fd(cls, fd: int) -> Device:
        """Takes over a descriptor that was inherited or passed."""
        _descriptor.check(fd, cls._is_of_kind, cls._kind)
        device = cls.__new__(cls)
        device.number = -1
        Events.__init__(device, fd)
        return device

    @property
    def version(self) -> Version:
        """The module's version, features and limits."""
        got = self._version()
        number = f"{got.version >> 16}.{got.version >> 8 & 255}.{got.version & 255}"
        return Version(got.abi, number, got.features, got.message_max, got.inline_max, got.parts_max)

    def channel(
        self,
        name: Optional[str] = None,
        *,
        mode: int = 0o600,
        group: Optional[int] = None,
        listen: bool = False,
        backlog: int = 0,
        pulses: int = 0,
        unblock: bool = False,
        disconnect: bool = False,
        creator: bool = False,
        private: bool = False,
        attach_any: bool = False,
        fixed_priority: bool = False,
    ) -> Channel:
        """Makes a channel, by whose name clients connect; without a name they do by the process and the channel's chid.

        mode: who may connect by the name, write bits as of a Unix socket's file (0: 0o600); group: the name's gid.
        listen: connections wait to be accepted, up to backlog of them (0: 128), and each gets a channel of its own.
        pulses: how many may be queued (0: 128).
        unblock: a client whom a signal or its deadline hits waits on for the answer; the server gets PULSE_UNBLOCK.
        disconnect: PULSE_DISCONNECT when a client process has closed its last connection.
        creator: the channel ends with this process, whoever else holds it. private: only this process may connect.
        attach_any: everybody may connect by process and chid. fixed_priority: threads keep their own priority.

        NameTaken: another channel has the name; Denied: not a member of the group.
        """
        wanted = {
            _library.CHANNEL_LISTEN: listen,
            _library.CHANNEL_UNBLOCK: unblock,
            _library.CHANNEL_DISCONNECT: disconnect,
            _library.CHANNEL_CREATOR: creator,
            _library.CHANNEL_PRIVATE: private,
            _library.CHANNEL_ATTACH_ANY: attach_any,
            _library.CHANNEL_FIXED_PRIORITY: fixed_priority,
        }
        options = _library.ChannelCreate(
            flags=sum(flag for flag, on in wanted.items() if on),
            mode=_check.u32("a mode", mode),
            backlog=_check.u32("a backlog", backlog),
            pulses=_check.u32("a number of pulses", pulses),
        )
        if group is not None:
            options.flags |= _library.CHANNEL_GROUP
            options.gid = _check.u32("a group", group)
        text = None if name is None else _check.name(name)
        call = "stplr_channel_create"
        fd = self._call(call, _library.channel_create, text, ctypes.byref(options), about=name)
        return Channel(fd, options.chid)

    def connect(
        self, name: str, *, timeout: Optional[float] = 0, uid: Optional[int] = None, lend: bool = False
    ) -> Connection:
        """Connects to the channel of that name.

        timeout: seconds to wait for a name that is not there yet, or for room in a listening channel's backlog; 0: do not
        wait; None: no limit. uid: only if the server is this user's. lend: the server may work at the callers' real-time
        priority even beyond its own limits.

        NoSuchName, TimedOut; Denied: the mode forbids it, or the server is another user's than uid.
        """
        options = _library.ConnectAttach(clock=_library.CLOCK_MONOTONIC, deadline=_check.deadline(timeout))
        return self._connect(_check.name(name), options, uid, lend, name)

    def connect_pid(self, pid: int, chid: int, *, uid: Optional[int] = None, lend: bool = False) -> Connection:
        """Connects to a channel by the process that made it (0: this one) and its number there."""
        options = _library.ConnectAttach(
            clock=_library.CLOCK_MONOTONIC,
            pid=_check.number("a pid", pid, 0, 2**31 - 1),
            chid=_check.number("a chid", chid, 1, 2**31 - 1),
        )
        return self._connect(None, options, uid, lend, f"pid {pid}, chid {chid}")

    def _connect(
        self, name: Optional[bytes], options: Any, uid: Optional[int], lend: bool, about: str
    ) -> Connection:
        if uid is not None:
            options.flags |= _library.CONNECT_UID
            options.uid = _check.u32("a uid", uid)
        if lend:
            options.flags |= _library.CONNECT_LEND
        attach = _library.connect_attach
        return Connection(self._over_signals("stplr_connect", attach, name, ctypes.byref(options), about=about))


def channel(name: Optional[str] = None, *, device: int = 0, **options: Any) -> Channel:
    """Device(device).channel(name, ...)"""
    with Device(device) as opened:
        return opened.channel(name, **options)


def connect(
    name: str, *, device: int = 0, timeout: Optional[float] = 0, uid: Optional[int] = None, lend: bool = False
) -> Connection:
    """Device(device).connect(name, ...)"""
    with Device(device) as opened:
        return opened.connect(name, timeout=timeout, uid=uid, lend=lend)
