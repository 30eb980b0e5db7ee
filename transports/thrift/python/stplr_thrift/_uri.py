# SPDX-License-Identifier: MIT
"""Transports from a string that a configuration holds, so that a service outgrows the machine by another string."""

from __future__ import annotations

from typing import Optional, Tuple, Union

import stplr
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TTransportException

from ._client import TStaplerTransport
from ._server import TStaplerServerTransport
from ._stream import failure


def client_transport(uri: str, timeout: Optional[float] = None) -> Union[TStaplerTransport, TSocket]:
    """For stplr:NAME[?device=N], activated:NAME, unix:PATH or tcp:HOST:PORT. timeout: milliseconds, as setTimeout() takes them."""
    scheme, place = _split(uri)
    if scheme == "stplr":
        return TStaplerTransport(place, timeout=timeout)
    if scheme == "activated":
        return TStaplerTransport.from_fd(_activated(uri, place), timeout=timeout)
    if scheme == "unix":
        socket = TSocket(unix_socket=place)
    else:
        host, port = _host_and_port(uri, place)
        if not host:
            raise ValueError(f"{uri}: tcp:HOST:PORT wants a host")
        socket = TSocket(host, port)
    socket.setTimeout(timeout)
    return socket


def server_transport(uri: str) -> Union[TStaplerServerTransport, TServerSocket]:
    """For stplr:NAME[?device=N&mode=MODE&group=GROUP], activated:NAME, unix:PATH or tcp:HOST:PORT, whose HOST may be empty.

    activated: what the process was started with under this name (stplr.activated()), which is taken over.
    """
    scheme, place = _split(uri)
    if scheme == "stplr":
        return TStaplerServerTransport(place)
    if scheme == "activated":
        return TStaplerServerTransport.from_fd(_activated(uri, place))
    if scheme == "unix":
        return TServerSocket(unix_socket=place)
    host, port = _host_and_port(uri, place)
    return TServerSocket(host or None, port)


def _split(uri: str) -> Tuple[str, str]:
    scheme, _, place = uri.partition(":")
    if scheme not in ("stplr", "activated", "unix", "tcp"):
        raise ValueError(f"{uri}: a transport is stplr:NAME, activated:NAME, unix:PATH or tcp:HOST:PORT")
    if scheme == "unix" and not place:
        raise ValueError(f"{uri}: unix:PATH wants a path")
    return scheme, place


def _activated(uri: str, name: str) -> int:
    if not name or ":" in name:
        raise ValueError(f"{uri}: activated:NAME wants a name, without a colon")
    try:
        return stplr.activated(name)
    except stplr.Error as error:
        raise failure(TTransportException.NOT_OPEN, uri, error.strerror, error)


def _host_and_port(uri: str, place: str) -> Tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or len(port) > 5 or int(port) > 65535:
        raise ValueError(f"{uri}: tcp:HOST:PORT wants a port up to 65535")
    if len(host) > 2 and host[0] == "[" and host[-1] == "]":
        host = host[1:-1]
    return host, int(port)
