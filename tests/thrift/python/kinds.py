# SPDX-License-Identifier: MIT
"""The tests' service, in every combination of what Thrift for Python has."""

import contextlib
import logging
import threading

import stplr_thrift
from suite import suite
from suite.ttypes import broken, choice, every_type, inner, refused
from support import PATIENCE, Thread, eventually, new_name
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory, TCompactProtocolFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.server.TServer import TForkingServer, TSimpleServer, TThreadedServer, TThreadPoolServer
from thrift.transport.TTransport import (
    TBufferedTransportFactory,
    TFramedTransportFactory,
    TTransportException,
    TTransportFactoryBase,
)
from thrift.transport.TZlibTransport import TZlibTransportFactory

WRAPPERS = {
    "none": TTransportFactoryBase,
    "buffered": TBufferedTransportFactory,
    "framed": TFramedTransportFactory,
    "zlib": TZlibTransportFactory,
}
PROTOCOLS = {
    "binary": TBinaryProtocolFactory,
    "binary_old": lambda: TBinaryProtocolFactory(strictRead=False, strictWrite=False),
    "binary_accelerated": lambda: TBinaryProtocolAcceleratedFactory(fallback=False),
    "compact": TCompactProtocolFactory,
    "compact_accelerated": lambda: TCompactProtocolAcceleratedFactory(fallback=False),
    "json": TJSONProtocolFactory,
    "header": THeaderProtocolFactory,
}
SERVERS = {"simple": TSimpleServer, "threaded": TThreadedServer, "pool": TThreadPoolServer}

# Thrift logs each exception of a handler's.
logging.getLogger().addHandler(logging.NullHandler())


class Handler:
    def __init__(self):
        self._lock = threading.Lock()
        self._notes = []
        self.began = threading.Semaphore(0)
        self.go = threading.Event()

    def noted(self):
        with self._lock:
            return len(self._notes)

    def notes(self):
        with self._lock:
            return list(self._notes)

    def note(self, number, nap_ms, ballast):
        if nap_ms:
            self.began.release()
            assert self.go.wait(PATIENCE)
        with self._lock:
            self._notes.append(number)

    def echo(self, value):
        return value

    def pick(self, value):
        return value

    def blob(self, bytes):
        return bytes

    def make(self, size):
        return bytes(i * 7 & 255 for i in range(256)) * (size // 256) + b"x" * (size % 256)

    def add(self, a, b):
        return a + b

    def refuse(self, code):
        if code == 1:
            raise refused(1, "because")
        if code == 2:
            raise broken("all of it")
        if code:
            raise ValueError("not declared")

    def nap(self, ms):
        """Until the test lets it go on."""
        self.began.release()
        assert self.go.wait(PATIENCE)


def value():
    return every_type(
        True, -8, -1600, 320000, -(2**62), 0.125, "täxt", bytes(range(256)), 2, inner(5, "inner"), [1, -1, 2**40], {1, 2},
        {"a": inner(1), "b": inner(2, "x")}, {"n": [{1: {"s", "t"}}, {}]}, None,
    )


def choice_value():
    return choice(many=[inner(1, "one"), inner(2)])


class Service:
    """A server in threads, until it is closed."""

    def __init__(self, server="threaded", wrapper="buffered", protocol="binary", *, processor=None, name=None, transport=None, **options):
        self.handler = Handler()
        self.transport = transport or stplr_thrift.TStaplerServerTransport(name or new_name(), **options)
        self.name = self.transport.address.name
        self.transport.listen()
        self.wrapper = WRAPPERS[wrapper]()
        self.protocol = PROTOCOLS[protocol]()
        kind = SERVERS[server]
        made = (processor or suite.Processor)(self.handler), _Until(self.transport), self.wrapper, self.protocol
        self._server = kind(*made) if kind is TSimpleServer else kind(*made, daemon=True)
        self._thread = Thread(self._serve)

    def _serve(self):
        try:
            self._server.serve()
        except _Closed:
            pass

    def client(self, **options):
        """A client that is connected, and its transport."""
        transport = stplr_thrift.TStaplerTransport(self.name, **options)
        wrapped = self.wrapper.getTransport(transport)
        wrapped.open()
        return suite.Client(self.protocol.getProtocol(wrapped)), transport

    def close(self):
        self.handler.go.set()
        self.transport.close()
        self._thread.result()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Closed(BaseException):
    """TThreadedServer and TThreadPoolServer go on after every Exception."""


class _Until:
    def __init__(self, transport):
        self._transport = transport

    def listen(self):
        self._transport.listen()

    def accept(self):
        try:
            return self._transport.accept()
        except TTransportException:
            if not self._transport.isOpen():
                raise _Closed
            raise

    def close(self):
        self._transport.close()


@contextlib.contextmanager
def fails(test, *kinds):
    """An exception of Thrift's transport of one of these types."""
    with test.assertRaises(TTransportException) as caught:
        yield caught
    test.assertIn(caught.exception.type, kinds, caught.exception)


def noted(client, count):
    return eventually(lambda: client.noted() >= count)
