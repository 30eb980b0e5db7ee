# SPDX-License-Identifier: MIT
"""Synchronous message passing between processes, through the kernel module stplr.

A client sends and blocks; a server receives, works and replies; the message is copied once, straight from one process's
memory to the other's. A server:

    import stplr

    with stplr.channel("length") as channel:
        channel.serve(lambda message: str(len(message.data)).encode())

and its client:

    with stplr.connect("length", timeout=1) as connection:
        print(connection.call(b"hello", timeout=5))

Times are seconds: None is no limit, 0 does not wait. What fails raises an OSError that says what to do: stplr.Error
and its subclasses. stplr.aio is the same for asyncio.
"""

from ._channel import (
    LATER,
    PULSE_CONNECTION_DEATH,
    PULSE_DISCONNECT,
    PULSE_UNBLOCK,
    Channel,
    ChannelInfo,
    ClientInfo,
    Later,
    Message,
    Peer,
    Pulse,
)
from ._connection import Connection, ReplyInfo, ServerInfo
from ._descriptor import activated
from ._device import Device, Version, channel, connect
from ._error import (
    Closed,
    Denied,
    Ended,
    Error,
    Gone,
    Lost,
    NameTaken,
    NoDevice,
    NoSuchName,
    Refusal,
    TimedOut,
    WouldBlock,
)
from ._event import Event
from ._name import id_name, name_id

__all__ = [
    "LATER",
    "PULSE_CONNECTION_DEATH",
    "PULSE_DISCONNECT",
    "PULSE_UNBLOCK",
    "Channel",
    "ChannelInfo",
    "ClientInfo",
    "Closed",
    "Connection",
    "Denied",
    "Device",
    "Ended",
    "Error",
    "Event",
    "Gone",
    "Later",
    "Lost",
    "Message",
    "NameTaken",
    "NoDevice",
    "NoSuchName",
    "Peer",
    "Pulse",
    "Refusal",
    "ReplyInfo",
    "ServerInfo",
    "TimedOut",
    "Version",
    "WouldBlock",
    "activated",
    "channel",
    "connect",
    "id_name",
    "name_id",
]
