# SPDX-License-Identifier: MIT
"""What the examples' programs are told, and what carries their calls."""

import argparse

from stplr_thrift import client_transport
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.transport.TTransport import TBufferedTransportFactory, TFramedTransportFactory, TTransportFactoryBase

WRAPPERS = {"buffered": TBufferedTransportFactory, "framed": TFramedTransportFactory, "none": TTransportFactoryBase}
PROTOCOLS = {
    "binary": TBinaryProtocolAcceleratedFactory,
    "compact": TCompactProtocolAcceleratedFactory,
    "json": TJSONProtocolFactory,
}


def parser(service, description):
    """What both sides understand."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    made.add_argument(
        "--transport",
        metavar="URI",
        default=f"stplr:{service}",
        help="stplr:NAME[?device=N&mode=MODE&group=GROUP], activated:NAME, unix:PATH or tcp:HOST:PORT",
    )
    made.add_argument("--wrapper", choices=WRAPPERS, default="buffered", help="Thrift's transport around it")
    made.add_argument("--protocol", choices=PROTOCOLS, default="binary", help="Thrift's protocol")
    return made


def wrapper_factory(options):
    return WRAPPERS[options.wrapper]()


def protocol_factory(options):
    return PROTOCOLS[options.protocol]()


def connect(options, client):
    """A client (the generated class) of the service."""
    wrapped = wrapper_factory(options).getTransport(client_transport(options.transport))
    wrapped.open()
    return client(protocol_factory(options).getProtocol(wrapped))


def between(least, most):
    """The type of an argument that is a number in this range."""

    def number(text):
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"from {least} to {most}, not {value}")
        return value

    return number
