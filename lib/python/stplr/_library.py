# SPDX-License-Identifier: MIT
"""libstplr as it is: its structures, its calls, and the one way they are called from here.

The structures are those of <linux/stplr.h>, field by field; tests/python/layout_test.py compares them with the
header. ctypes cuts what does not fit into a field without a word, so whatever a caller gives is checked before it
is put into one.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_char_p, c_int, c_int8, c_int32, c_int64, c_size_t, c_ssize_t, c_uint, c_uint8, c_uint16
from ctypes import c_uint32, c_uint64
from typing import Any

SONAME = "libstplr.so.0"

try:
    library = ctypes.CDLL(SONAME, use_errno=True)
except OSError as error:
    raise ImportError(
        f"{error}: install libstplr (the package libstplr0, or `make install-lib`), "
        "or tell where it is by LD_LIBRARY_PATH"
    ) from error

NAME_MAX = 63
CLOCK_MONOTONIC = 1
DEADLINE_NONE = -1
DEADLINE_POLL = 0
PRIORITY_OWN = -1

CHANNEL_ATTACH_ANY = 1 << 0
CHANNEL_CREATOR = 1 << 1
CHANNEL_GROUP = 1 << 2
CHANNEL_LISTEN = 1 << 4
CHANNEL_UNBLOCK = 1 << 5
CHANNEL_DISCONNECT = 1 << 6
CHANNEL_PRIVATE = 1 << 7
CHANNEL_FIXED_PRIORITY = 1 << 8
STATE_ACCEPTED = 1 << 0
STATE_SHUTDOWN = 1 << 1
STATE_ENDED = 1 << 2
STATE_CLOSED = 1 << 3
CONNECT_UID = 1 << 0
CONNECT_LEND = 1 << 2
CONNECT_ENDED = 1 << 0
CONNECT_DETACHED = 1 << 1
SEND_VECTOR = 1 << 0
REPLY_VECTOR = 1 << 1
SEND_QUEUED = 1 << 2
SEND_TELL = 1 << 5
KIND_SEND = 1
KIND_SEND_RECEIVE = 2
KIND_PULSE = 3
INFO_NO_REPLY = 1 << 0
INFO_TRUNCATED = 1 << 1
INFO_UNBLOCK = 1 << 2
INFO_QUEUED = 1 << 3
RECEIVE_VECTOR = 1 << 0
RECEIVE_PULSE = 1 << 2
DATA_VECTOR = 1 << 0
EVENT_PULSE = 1
EVENT_EVENTFD = 2
EVENT_SIGNAL = 3
EVENT_SIGNAL_THREAD = 4
EVENT_UPDATE = 1 << 0
DELIVER_VALUE = 1 << 0


class Iovec(ctypes.Structure):
    """struct stplr_iovec"""

    _fields_ = [("base", c_uint64), ("len", c_uint64)]


class Buffer(ctypes.Structure):
    """struct stplr_buffer"""

    _fields_ = [("addr", c_uint64), ("len", c_uint64)]


class Version(ctypes.Structure):
    """struct stplr_version"""

    _fields_ = [
        ("abi", c_uint32),
        ("version", c_uint32),
        ("features", c_uint64),
        ("message_max", c_uint64),
        ("inline_max", c_uint32),
        ("parts_max", c_uint32),
    ]


class ChannelCreate(ctypes.Structure):
    """struct stplr_channel_create"""

    _fields_ = [
        ("name", c_uint64),
        ("name_len", c_uint32),
        ("flags", c_uint32),
        ("mode", c_uint32),
        ("gid", c_uint32),
        ("chid", c_int32),
        ("backlog", c_uint32),
        ("pulses", c_uint32),
        ("spin_us", c_uint32),
    ]


class ChannelAccept(ctypes.Structure):
    """struct stplr_channel_accept"""

    _fields_ = [
        ("deadline", c_int64),
        ("clock", c_uint32),
        ("flags", c_uint32),
        ("pid", c_int32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("scoid", c_uint32),
        ("coid", c_uint32),
        ("reserved", c_uint32),
    ]


class ChannelInfo(ctypes.Structure):
    """struct stplr_channel_info"""

    _fields_ = [
        ("pid", c_int32),
        ("chid", c_int32),
        ("flags", c_uint32),
        ("state", c_uint32),
        ("device", c_uint32),
        ("client_pid", c_int32),
        ("client_uid", c_uint32),
        ("client_gid", c_uint32),
        ("client_scoid", c_uint32),
        ("client_coid", c_uint32),
        ("reserved", c_uint32 * 2),
        ("name", c_char * 64),
    ]


class ConnectAttach(ctypes.Structure):
    """struct stplr_connect_attach"""

    _fields_ = [
        ("name", c_uint64),
        ("name_len", c_uint32),
        ("flags", c_uint32),
        ("pid", c_int32),
        ("chid", c_int32),
        ("uid", c_uint32),
        ("clock", c_uint32),
        ("deadline", c_int64),
        ("coid", c_uint32),
        ("spin_us", c_uint32),
    ]


class ConnectInfo(ctypes.Structure):
    """struct stplr_connect_info"""

    _fields_ = [
        ("pid", c_int32),
        ("chid", c_int32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("coid", c_uint32),
        ("flags", c_uint32),
        ("queued", c_uint32),
        ("reserved", c_uint32),
        ("dropped", c_uint64),
    ]


class ConnectNotify(ctypes.Structure):
    """struct stplr_connect_notify"""

    _fields_ = [
        ("channel", c_int32),
        ("priority", c_int32),
        ("value", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class MsgSend(ctypes.Structure):
    """struct stplr_msg_send"""

    _fields_ = [
        ("send", Buffer),
        ("reply", Buffer),
        ("send_deadline", c_int64),
        ("reply_deadline", c_int64),
        ("clock", c_uint32),
        ("flags", c_uint32),
        ("token", c_uint64),
        ("reply_len", c_uint64),
        ("reply_total", c_uint64),
        ("status", c_int32),
        ("reserved", c_uint32),
    ]


class MsgInfo(ctypes.Structure):
    """struct stplr_msg_info"""

    _fields_ = [
        ("rcvid", c_int32),
        ("kind", c_uint32),
        ("flags", c_uint32),
        ("priority", c_int32),
        ("len", c_uint64),
        ("src_len", c_uint64),
        ("dst_len", c_uint64),
        ("pid", c_int32),
        ("tid", c_int32),
        ("uid", c_uint32),
        ("gid", c_uint32),
        ("scoid", c_uint32),
        ("coid", c_uint32),
        ("cookie", c_uint64),
        ("reserved", c_uint64 * 2),
    ]


class MsgReceive(ctypes.Structure):
    """struct stplr_msg_receive"""

    _fields_ = [
        ("buffer", Buffer),
        ("deadline", c_int64),
        ("clock", c_uint32),
        ("flags", c_uint32),
        ("reserved", c_uint64),
        ("info", MsgInfo),
    ]


class MsgReply(ctypes.Structure):
    """struct stplr_msg_reply"""

    _fields_ = [
        ("reply", Buffer),
        ("rcvid", c_int32),
        ("status", c_int32),
        ("error", c_uint32),
        ("flags", c_uint32),
        ("result", c_uint32),
        ("reserved", c_uint32),
        ("len", c_uint64),
    ]


class MsgData(ctypes.Structure):
    """struct stplr_msg_data"""

    _fields_ = [
        ("buffer", Buffer),
        ("offset", c_uint64),
        ("rcvid", c_int32),
        ("flags", c_uint32),
        ("len", c_uint64),
    ]


class RawPulse(ctypes.Structure):
    """struct stplr_pulse"""

    _fields_ = [
        ("type", c_uint16),
        ("subtype", c_uint16),
        ("code", c_int8),
        ("zero", c_uint8 * 3),
        ("value", c_uint64),
        ("scoid", c_int32),
        ("zero2", c_uint32),
    ]


class PulseSend(ctypes.Structure):
    """struct stplr_pulse_send"""

    _fields_ = [
        ("value", c_uint64),
        ("priority", c_int32),
        ("code", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class EventRegister(ctypes.Structure):
    """struct stplr_event_register"""

    _fields_ = [
        ("type", c_uint32),
        ("flags", c_uint32),
        ("fd", c_int32),
        ("signo", c_int32),
        ("priority", c_int32),
        ("code", c_int32),
        ("value", c_uint64),
        ("id", c_uint32),
        ("reserved", c_uint32),
    ]


class EventDeliver(ctypes.Structure):
    """struct stplr_event_deliver"""

    _fields_ = [
        ("id", c_uint32),
        ("scoid", c_uint32),
        ("value", c_uint64),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class ClientInfo(ctypes.Structure):
    """struct stplr_client_info"""

    _fields_ = [
        ("scoid", c_uint32),
        ("pid", c_int32),
        ("sid", c_int32),
        ("connections", c_uint32),
        ("uid", c_uint32),
        ("euid", c_uint32),
        ("suid", c_uint32),
        ("gid", c_uint32),
        ("egid", c_uint32),
        ("sgid", c_uint32),
        ("groups", c_uint64),
        ("nr_groups", c_uint32),
        ("rcvid", c_int32),
    ]


def _declare(result: Any, name: str, *arguments: Any) -> Any:
    try:
        function = getattr(library, name)
    except AttributeError:
        raise ImportError(f"{SONAME} has no {name}(): it is older than this package; install both of one release") from None
    function.restype = result
    function.argtypes = arguments
    return function


def _on(name: str, structure: Any) -> Any:
    """A call on a descriptor, with a structure: most are."""
    return _declare(c_int, name, c_int, ctypes.POINTER(structure))


open_why = _declare(c_int, "stplr_open_why", c_uint, c_uint, c_char_p, c_size_t)
check_version = _declare(c_int, "stplr_check_version", c_int, c_char_p, c_size_t)
strerror = _declare(c_char_p, "stplr_strerror", c_char_p, c_int)
deadline = _declare(c_int64, "stplr_deadline", c_int64)
version = _on("stplr_version", Version)
channel_create = _declare(c_int, "stplr_channel_create", c_int, c_char_p, ctypes.POINTER(ChannelCreate))
channel_destroy = _declare(c_int, "stplr_channel_destroy", c_int)
channel_shutdown = _declare(c_int, "stplr_channel_shutdown", c_int)
channel_accept = _on("stplr_channel_accept", ChannelAccept)
channel_info = _on("stplr_channel_info", ChannelInfo)
id_name = _declare(c_char_p, "stplr_id_name", c_uint32, c_char_p)
name_id = _declare(c_int, "stplr_name_id", c_char_p, ctypes.POINTER(c_uint32))
activated = _declare(c_int, "stplr_activated", c_char_p)
connect_attach = _declare(c_int, "stplr_connect_attach", c_int, c_char_p, ctypes.POINTER(ConnectAttach))
connect_detach = _declare(c_int, "stplr_connect_detach", c_int)
connect_info = _on("stplr_connect_info", ConnectInfo)
connect_notify = _on("stplr_connect_notify", ConnectNotify)
msg_send = _on("stplr_msg_send", MsgSend)
msg_send_receive = _on("stplr_msg_send_receive", MsgSend)
msg_receive = _on("stplr_msg_receive", MsgReceive)
msg_reply = _on("stplr_msg_reply", MsgReply)
msg_read = _on("stplr_msg_read", MsgData)
msg_write = _on("stplr_msg_write", MsgData)
msg_info = _declare(c_int, "stplr_msg_info", c_int, c_int32, ctypes.POINTER(MsgInfo))
client_info = _on("stplr_client_info", ClientInfo)
client_cookie = _declare(c_int, "stplr_client_cookie", c_int, c_uint32, c_uint64)
pulse_send = _on("stplr_pulse_send", PulseSend)
event_register = _on("stplr_event_register", EventRegister)
event_unregister = _declare(c_int, "stplr_event_unregister", c_int, c_uint32)
event_deliver = _on("stplr_event_deliver", EventDeliver)


def invoke(function: Any, *arguments: Any) -> int:
    """Makes a call, without the interpreter's lock; what it returns or, if it failed, minus the errno.

    A Python signal handler may run between a call and the look at its errno, and make calls of its own: so each
    leaves the errno as it was.
    """
    before = ctypes.get_errno()
    result: int = function(*arguments)
    if result >= 0:
        return result
    error = ctypes.get_errno()
    ctypes.set_errno(before)
    return -error
