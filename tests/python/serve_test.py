# SPDX-License-Identifier: MIT
"""serve(): threads, handlers that raise, refuse, answer later; and many threads on one connection."""

import errno
import logging
import threading
import unittest

import stplr
from support import Thread, pair, serving


class ServeTest(unittest.TestCase):
    def call_fails(self, connection, wanted):
        with self.assertRaises(stplr.Error) as caught:
            connection.call(b"x")
        self.assertEqual(wanted, caught.exception.errno)
        self.assertTrue(caught.exception.received)

    def test_what_a_handler_returns(self):
        answers = {b"bytes": b"B", b"array": bytearray(b"A"), b"parts": [b"P", memoryview(b"Q")], b"none": None}
        with serving(lambda message: answers[message.data]) as (_, connection):
            for name, wanted in ((b"bytes", b"B"), (b"array", b"A"), (b"parts", b"PQ"), (b"none", b"")):
                self.assertEqual(wanted, connection.call(name))
                connection.send(name)

    def test_a_handler_that_raises(self):
        def handler(message):
            return {}[message.data]

        with self.assertLogs("stplr", logging.ERROR) as logs, serving(handler) as (_, connection):
            self.call_fails(connection, errno.EREMOTEIO)
            self.call_fails(connection, errno.EREMOTEIO)
            connection.send(b"x")
        self.assertEqual(3, len(logs.records))
        self.assertIn("KeyError", logs.output[0])
        self.assertIn("two-way of 1 bytes", logs.output[0])

    def test_a_handler_that_returns_what_cannot_be_sent(self):
        for bad in ("text", 5, [None], memoryview(b"abcd")[::2], bytes(1 << 25)):
            with serving(lambda message: bad) as (_, connection), self.assertLogs("stplr", logging.ERROR):
                self.call_fails(connection, errno.EREMOTEIO)

    def test_a_handler_that_refuses(self):
        def handler(message):
            raise stplr.Refusal(int(message.data))

        with serving(handler) as (_, connection):
            with self.assertNoLogs("stplr"):
                with self.assertRaises(stplr.Denied):
                    connection.call(b"13")
            for bad in (b"0", b"-1", b"512"):
                with self.assertLogs("stplr", logging.ERROR):
                    with self.assertRaises(stplr.Error) as caught:
                        connection.call(bad)
                self.assertEqual(errno.EREMOTEIO, caught.exception.errno)

    def test_a_handler_that_answers_itself(self):
        def handler(message):
            message.reply(b"itself")
            if message.data == b"raise":
                raise ValueError("after the answer")
            return b"not this"

        with serving(handler) as (_, connection):
            self.assertEqual(b"itself", connection.call(b""))
            with self.assertLogs("stplr", logging.ERROR):
                self.assertEqual(b"itself", connection.call(b"raise"))
                connection.call(b"")

    def test_a_handler_that_answers_later(self):
        kept = []

        def handler(message):
            kept.append(message)
            if len(kept) < 5:
                return stplr.LATER
            while kept:
                kept.pop().reply(b"later")

        with serving(handler) as (_, connection):
            clients = [Thread(connection.call, b"") for _ in range(5)]
            self.assertEqual([b"later"] * 5, [client.result() for client in clients])

    def test_pulses(self):
        got = []

        def pulse(received):
            got.append(received.code)
            if received.code == 1:
                raise ValueError("a pulse's handler")

        with pair() as (channel, connection):
            server = Thread(channel.serve, lambda message: b"", pulse=pulse)
            with self.assertLogs("stplr", logging.ERROR):
                for code in (1, 2, 3):
                    connection.pulse(code)
                connection.call(b"")
                channel.shutdown()
                server.result()
            self.assertEqual([1, 2, 3], got)
        with serving(lambda message: b"still there") as (_, connection):
            connection.pulse(1)
            self.assertEqual(b"still there", connection.call(b""))

    def test_bad_threads(self):
        with pair() as (channel, _):
            for bad in (0, -1, 10**9):
                with self.assertRaises(ValueError):
                    channel.serve(lambda message: None, threads=bad)


class ThreadsTest(unittest.TestCase):
    def test_many_on_one_connection(self):
        def client(number):
            for i in range(40):
                sent = f"{number} {i} ".encode() * (i * 100)
                assert connection.call(sent) == sent

        with serving(lambda message: message.data, threads=4) as (_, connection):
            clients = [Thread(client, number) for number in range(16)]
            for one in clients:
                one.result()

    def test_as_many_at_once_as_there_are_threads(self):
        barrier = threading.Barrier(8, timeout=60)

        def handler(message):
            barrier.wait()

        with serving(handler, threads=8) as (_, connection):
            clients = [Thread(connection.call, b"") for _ in range(8)]
            for one in clients:
                one.result()

    def test_other_threads_run_while_one_waits(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"").blocks()
            self.assertEqual(499500, sum(range(1000)))
            channel.receive().reply()
            client.result()
