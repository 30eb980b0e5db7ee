# SPDX-License-Identifier: MIT
"""What the servers have in common."""

import logging
import os
import signal
import sys

from stplr_thrift import server_transport
from thrift.server.TServer import TSimpleServer, TThreadedServer, TThreadPoolServer
from thrift.transport.TTransport import TServerTransportBase, TTransportException

import options


class Announcing(TServerTransportBase):
    """Says when clients may connect."""

    def __init__(self, transport, uri):
        self._transport = transport
        self._uri = uri

    def listen(self):
        self._transport.listen()
        print(f"listening on {self._uri}", flush=True)

    def accept(self):
        return self._transport.accept()

    def close(self):
        self._transport.close()


def parse(service, description):
    parser = options.parser(service, f"{description}, until SIGTERM or SIGINT.")
    parser.add_argument("--server", choices=["simple", "threaded", "pool"], default="simple", help="Thrift's server class")
    parser.add_argument("--threads", type=options.between(1, 1000), default=4, metavar="N", help="of --server pool")
    parser.add_argument("--quiet", action="store_true", help="do not print what hello says")
    return parser.parse_args()


def end(*_):
    raise SystemExit(0)


def serve(arguments, processor):
    """Until a signal comes."""
    logging.basicConfig(level=logging.CRITICAL)  # Thrift logs what a handler refuses as an error
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        transport = Announcing(server_transport(arguments.transport), arguments.transport)
    except (ValueError, TTransportException) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    factories = options.wrapper_factory(arguments), options.protocol_factory(arguments)
    if arguments.server == "simple":
        server = TSimpleServer(processor, transport, *factories)
    elif arguments.server == "threaded":
        server = TThreadedServer(processor, transport, *factories, daemon=True)
    else:
        server = TThreadPoolServer(processor, transport, *factories, daemon=True)
        server.setNumThreads(arguments.threads)
    try:
        server.serve()
    except TTransportException as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
    finally:
        transport.close()
