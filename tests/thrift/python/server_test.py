# SPDX-License-Identifier: MIT
"""The server's end and the wire format, from clients and servers of plain stplr (PROTOCOL.md)."""

import errno
import logging
import os
import unittest

import stplr
import stplr_thrift
from kinds import Handler, Service, fails
from suite import suite
from support import PATIENCE, Child, Thread, new_name, readable
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolFactory
from thrift.server.TServer import TForkingServer
from thrift.transport.TTransport import TMemoryBuffer, TTransportException as T, TTransportFactoryBase


def composed(call, *arguments):
    """What a client sends for a call."""
    memory = TMemoryBuffer()
    getattr(suite.Client(TBinaryProtocol(memory)), "send_" + call)(*arguments)
    return memory.getvalue()


def understood(call, answer):
    return getattr(suite.Client(TBinaryProtocol(TMemoryBuffer(answer))), "recv_" + call)()


class WireTest(unittest.TestCase):
    def setUp(self):
        self.service = Service("simple", "none")
        self.addCleanup(self.service.close)
        self.raw = stplr.connect(self.service.name)
        self.addCleanup(self.raw.close)

    def test_a_call_is_its_bytes_and_nothing_else(self):
        answer, info = self.raw.request(composed("add", 1, 2))
        self.assertEqual((3, 0), (understood("add", answer), info.status))

    def test_a_call_in_pieces(self):
        call = composed("add", 1, 2)
        for i in range(len(call) - 1):
            self.raw.send(call[i : i + 1])
        self.assertEqual(3, understood("add", self.raw.call(call[-1:])))

    def test_one_way_calls_however_they_come(self):
        self.raw.send(composed("note", 1, 0, b""), queued=True)
        self.raw.send(composed("note", 2, 0, b""))
        self.raw.send(composed("note", 3, 0, b"") + composed("note", 4, 0, b""), queued=True)
        self.raw.send(composed("note", 5, 0, b""))
        self.raw.send(b"")
        self.assertEqual([1, 2, 3, 4, 5], understood("notes", self.raw.call(composed("notes"))))

    def test_a_one_way_call_that_its_client_takes_for_another(self):
        answer, info = self.raw.request(composed("note", 1, 0, b""))
        self.assertEqual((b"", 0), (answer, info.status))

    def test_a_long_answer_is_collected(self):
        got, info = self.raw.request(composed("make", 100000), size=1000)
        self.assertEqual((1000, 1000), (info.length, info.total))
        while info.status:
            left = info.status
            more, info = self.raw.request(b"", size=30000)
            got += more
            self.assertEqual(left - len(more), info.status)
        self.assertEqual(Handler().make(100000), understood("make", got))
        self.assertEqual((b"", (0, 0, 0)), self.raw.request(b""))

    def test_two_calls_in_one_message(self):
        answer, info = self.raw.request(composed("add", 1, 2) + composed("add", 3, 4))
        both = TMemoryBuffer(answer + self.raw.call(b""))
        client = suite.Client(TBinaryProtocol(both))
        self.assertEqual([3, 7], [client.recv_add(), client.recv_add()])

    def test_an_answer_that_comes_before_its_flush_has_ended(self):
        self.raw.send(composed("add", 1, 2))
        client = suite.Client(TBinaryProtocol(TMemoryBuffer(self.raw.call(composed("add", 3, 4)) + self.raw.call(b""))))
        self.assertEqual([3, 7], [client.recv_add(), client.recv_add()])

    def test_an_answer_to_a_one_way_call_is_not_the_next_calls(self):
        memory = TMemoryBuffer()
        protocol = TBinaryProtocol(memory)
        protocol.writeMessageBegin("unknown", 4, 0)
        protocol.writeByte(0)
        self.raw.send(memory.getvalue(), queued=True)
        self.assertEqual(3, understood("add", self.raw.call(composed("add", 1, 2))))

    def test_a_client_that_gives_up_does_not_get_the_answer_later(self):
        with self.assertRaises(stplr.TimedOut):
            self.raw.call(composed("nap", 1), timeout=0.5)
        self.service.handler.go.set()
        self.assertEqual(3, understood("add", self.raw.call(composed("add", 1, 2))))

    def test_pulses_are_dropped(self):
        self.raw.pulse(5)
        self.assertEqual(3, understood("add", self.raw.call(composed("add", 1, 2))))

    def test_garbage_and_the_next_client(self):
        self.raw.close()  # the simple server has one client at a time
        logging.disable(logging.CRITICAL)
        try:
            for garbage in (b"\0", b"\x80\1\0\1", b"x" * 1000, b"\xff" * 100, bytes(100), b"\x80\1\0\1\x7f\xff\xff\xff"):
                with stplr.connect(self.service.name, timeout=60) as bad:
                    try:
                        bad.call(garbage, timeout=PATIENCE)
                    except stplr.Error:
                        pass
        finally:
            logging.disable(logging.NOTSET)
        client, transport = self.service.client()
        self.assertEqual(3, client.add(1, 2))
        transport.close()


class LimitTest(unittest.TestCase):
    def test_a_call_that_is_too_long(self):
        with Service("simple", "none", max_message_size=1000) as service:
            with stplr.connect(service.name) as raw:
                with self.assertRaises(stplr.Error) as caught:
                    raw.call(bytes(1001))
                self.assertEqual(errno.EMSGSIZE, caught.exception.errno)
                with self.assertRaises(stplr.Gone):
                    while True:
                        raw.call(b"")
            with stplr.connect(service.name) as raw, self.assertRaises(stplr.Gone):
                for _ in range(10):
                    raw.send(bytes(300), timeout=PATIENCE)


class ClientWireTest(unittest.TestCase):
    """A client of Thrift with a server of plain stplr."""

    def setUp(self):
        name = new_name()
        listening = stplr.channel(name, listen=True)
        self.addCleanup(listening.close)
        self.transport = stplr_thrift.TStaplerTransport(name)
        self.transport.open()
        self.addCleanup(self.transport.close)
        self.server = listening.accept()
        self.addCleanup(self.server.close)

    def test_an_answer_in_pieces(self):
        self.transport.write(b"question")
        call = Thread(self.transport.flush)
        with self.server.receive() as message:
            self.assertEqual(b"question", message.data)
            message.reply(b"an", status=4)
        call.result()
        read = Thread(self.transport.readAll, 6)
        for part, left in ((b"s", 3), (b"wer", 0)):
            with self.server.receive() as message:
                self.assertEqual(b"", message.data)
                message.reply(part, status=left)
        self.assertEqual(b"answer", read.result())

    def test_nothing_due_is_the_end(self):
        read = Thread(self.transport.read, 1)
        self.server.receive().reply(b"")
        with fails(self, T.END_OF_FILE):
            read.result()

    def test_a_server_that_is_none_of_thrifts(self):
        self.transport.write(b"question")
        call = Thread(self.transport.flush)
        self.server.receive().reply(b"", status=-1)
        with fails(self, T.UNKNOWN) as caught:
            call.result()
        self.assertIn("is it one of Thrift?", str(caught.exception))
        self.assertFalse(self.transport.isOpen())

    def test_a_long_flush(self):
        most = self.server.message_max
        self.transport.write(bytes(most))
        self.transport.write(bytes(most))
        self.transport.write(b"end")
        call = Thread(self.transport.flush)
        kinds = []
        for _ in range(3):
            message = self.server.receive()
            kinds.append((message.length, message.wants_reply))
        message.reply(b"x")
        call.result()
        self.assertEqual([(most, False), (most, False), (3, True)], kinds)
        self.assertEqual(b"x", self.transport.read(10))

    def test_a_server_that_ends_in_a_long_flush(self):
        most = self.server.message_max
        self.transport.write(bytes(most + 1))
        call = Thread(self.transport.flush)
        self.server.receive()
        self.server.close()
        with fails(self, T.END_OF_FILE) as caught:
            call.result()
        self.assertIn("does it take calls of this size?", str(caught.exception))
        self.assertFalse(self.transport.isOpen())


class SessionTest(unittest.TestCase):
    def setUp(self):
        self.listening = stplr_thrift.TStaplerServerTransport(new_name())
        self.listening.listen()
        self.addCleanup(self.listening.close)

    def test_who_it_is(self):
        with stplr.connect(self.listening.address.name) as raw:
            session = self.listening.accept()
            self.assertEqual((os.getpid(), os.geteuid()), session.peer[:2])
            self.assertTrue(session.isOpen())
            client = Thread(raw.call, b"x")
            readable(session)
            self.assertEqual(b"x", session.read(5))
            session.close()
            session.close()
            self.assertEqual(b"", client.result())
            self.assertFalse(session.isOpen())
            with fails(self, T.END_OF_FILE):
                session.read(1)

    def test_a_client_that_says_nothing(self):
        self.listening.close()
        self.listening = stplr_thrift.TStaplerServerTransport(new_name(), client_timeout=20)
        self.listening.listen()
        self.addCleanup(self.listening.close)
        with stplr.connect(self.listening.address.name):
            session = self.listening.accept()
            with fails(self, T.TIMED_OUT):
                session.read(1)
            session.close()

    def test_the_end_of_the_stream(self):
        with stplr.connect(self.listening.address.name) as raw:
            session = self.listening.accept()
            raw.send(b"last", queued=True)
        self.assertEqual(b"last", session.readAll(4))
        for _ in range(2):
            with fails(self, T.END_OF_FILE):
                session.read(1)
        session.close()

    def test_names(self):
        with fails(self, T.NOT_OPEN) as caught:
            stplr_thrift.TStaplerServerTransport(self.listening.address).listen()
        self.assertIn("is another server running", str(caught.exception))
        self.listening.listen()
        self.assertTrue(self.listening.isOpen())
        self.listening.close()
        self.listening.close()
        with fails(self, T.NOT_OPEN):
            self.listening.accept()

    def test_closed_while_it_accepts(self):
        waiting = Thread(self.listening.accept).blocks()
        self.listening.close()
        with fails(self, T.NOT_OPEN):
            waiting.result()

    def test_short_of_descriptors(self):
        import resource

        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with stplr.connect(self.listening.address.name):
            free = os.dup(0)  # the lowest number that is free
            os.close(free)
            resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
            try:
                waiting = Thread(self.listening.accept)
                self.assertIsNone(waiting.join(0.1))
                self.assertTrue(waiting.is_alive())
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            waiting.result().close()

    def test_the_forking_server(self):
        def child():
            TForkingServer(suite.Processor(Handler()), self.listening, TTransportFactoryBase(), TBinaryProtocolFactory()).serve()

        server = Child(child)
        for _ in range(3):
            transport = stplr_thrift.TStaplerTransport(self.listening.address)
            transport.open()
            client = suite.Client(TBinaryProtocol(transport))
            for i in range(10):
                self.assertEqual(i + 1, client.add(i, 1))
            transport.close()
        server.kill()
        server.wait()
