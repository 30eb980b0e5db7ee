# SPDX-License-Identifier: MIT
"""Every server, wrapper and protocol with every type, exceptions, one-way calls and many clients."""

import threading
import unittest

import kinds
from kinds import PROTOCOLS, SERVERS, WRAPPERS, Service
from stplr_thrift._call_kind import is_one_way
from suite import base, suite
from suite.ttypes import broken, refused
from support import Thread
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TApplicationException
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.transport.TTransport import TMemoryBuffer


class MatrixTest(unittest.TestCase):
    def all_calls(self, service):
        client, transport = service.client()
        self.assertEqual(kinds.value(), client.echo(kinds.value()))
        self.assertEqual(kinds.choice_value(), client.pick(kinds.choice_value()))
        for length in (0, 1, 1000, 100000):
            blob = bytes(range(256)) * (length // 256) + b"y" * (length % 256)
            self.assertEqual(blob, client.blob(blob))
        self.assertEqual(3, client.add(1, 2))
        client.refuse(0)
        with self.assertRaises(refused) as caught:
            client.refuse(1)
        self.assertEqual((1, "because"), (caught.exception.code, caught.exception.why))
        with self.assertRaises(broken):
            client.refuse(2)
        with self.assertRaises(TApplicationException):
            client.refuse(3)
        for number in range(10):
            client.note(number, 0, b"ballast" * number * 100)
        self.assertEqual(list(range(10)), client.notes())
        self.assertTrue(transport.isOpen())
        transport.close()
        self.assertFalse(transport.isOpen())

    def test_wrappers_and_protocols(self):
        for wrapper in WRAPPERS:
            for protocol in PROTOCOLS:
                # What Thrift 0.17 does not understand over its own sockets, either; and THeader has framing of its own.
                if (wrapper == "zlib" and "accelerated" in protocol or protocol == "binary_old"
                        or protocol == "header" and wrapper != "none"):
                    continue
                with self.subTest(wrapper=wrapper, protocol=protocol), Service("simple", wrapper, protocol) as service:
                    self.all_calls(service)

    def test_servers(self):
        for server in SERVERS:
            with self.subTest(server), Service(server) as service:
                for _ in range(3):
                    self.all_calls(service)
                    service.handler._notes.clear()

    def test_many_clients(self):
        def calls(number):
            client, transport = service.client()
            for i in range(30):
                assert client.add(number, i) == number + i
                client.note(number, 0, b"")
            client.noted()
            transport.close()

        for server in ("threaded", "pool"):
            with self.subTest(server), Service(server) as service:
                threads = [Thread(calls, number) for number in range(8)]
                for thread in threads:
                    thread.result()
                self.assertEqual(240, service.handler.noted())

    def test_multiplexed(self):
        def processor(handler):
            made = TMultiplexedProcessor()
            made.registerProcessor("base", base.Processor(handler))
            made.registerProcessor("suite", suite.Processor(handler))
            return made

        for wrapper, protocol in (("none", "binary"), ("buffered", "compact"), ("framed", "json")):
            with Service("simple", wrapper, protocol, processor=processor) as service:
                client, transport = service.client()
                protocol = client._iprot
                one = suite.Client(TMultiplexedProtocol(protocol, "suite"))
                two = base.Client(TMultiplexedProtocol(protocol, "base"))
                one.note(1, 0, b"")
                self.assertEqual(1, two.noted())
                self.assertEqual([1], one.notes())
                transport.close()


class CallKindTest(unittest.TestCase):
    def flushed(self, wrapper, protocol, *calls):
        memory = TMemoryBuffer()
        wrapped = WRAPPERS[wrapper]().getTransport(memory)
        client = suite.Client(PROTOCOLS[protocol]().getProtocol(wrapped))
        for call, arguments in calls:
            getattr(client, "send_" + call)(*arguments)
        return memory.getvalue()

    def test_of_every_protocol(self):
        note, add = ("note", (1, 0, b"ballast")), ("add", (1, 2))
        for wrapper in ("none", "framed"):
            for protocol in PROTOCOLS:
                if protocol == "header":
                    continue
                with self.subTest(wrapper=wrapper, protocol=protocol):
                    self.assertTrue(is_one_way(self.flushed(wrapper, protocol, note)))
                    self.assertFalse(is_one_way(self.flushed(wrapper, protocol, add)))
                    self.assertTrue(is_one_way(self.flushed(wrapper, protocol, note, note)))
        self.assertFalse(is_one_way(self.flushed("framed", "binary", note, add)))
        self.assertFalse(is_one_way(self.flushed("zlib", "binary", note)))

    def test_of_names_with_quotes(self):
        self.assertTrue(is_one_way(b'[1,"a\\"b",4,0,{}]'))
        self.assertFalse(is_one_way(b'[1,"a\\"b",1,0,{}]'))

    def test_of_pieces(self):
        for protocol in ("binary", "binary_old", "compact", "json"):
            for wrapper in ("none", "framed"):
                whole = self.flushed(wrapper, protocol, ("note", (1, 0, b"")))
                for length in range(len(whole)):
                    is_one_way(whole[:length])
                    is_one_way(whole[length:])
        for first in range(256):
            for rest in (b"", b"\1", b"\0\0\0", b"\xff" * 7, b'1,"', b'1,"\\', b"\0" * 20):
                is_one_way(bytes([first]) + rest)
        self.assertFalse(is_one_way(b""))
