# SPDX-License-Identifier: MIT
"""Apache Thrift's transport over stplr: a service moves by the lines that make its transport.

    -from thrift.transport.TSocket import TServerSocket
    +from stplr_thrift import TStaplerServerTransport
    -transport = TServerSocket(port=9090)
    +transport = TStaplerServerTransport("calculator")

    -from thrift.transport.TSocket import TSocket
    +from stplr_thrift import TStaplerTransport
    -transport = TSocket("localhost", 9090)
    +transport = TStaplerTransport("calculator")

It understands those of C++ and C/GLib: transports/thrift/PROTOCOL.md is the wire format of all three.
"""

from ._address import StaplerAddress
from ._client import TStaplerTransport
from ._server import TStaplerServerTransport, TStaplerSession
from ._stream import MAX_MESSAGE_SIZE
from ._uri import client_transport, server_transport

__all__ = [
    "MAX_MESSAGE_SIZE",
    "StaplerAddress",
    "TStaplerServerTransport",
    "TStaplerSession",
    "TStaplerTransport",
    "client_transport",
    "server_transport",
]
