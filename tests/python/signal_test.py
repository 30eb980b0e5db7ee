# SPDX-License-Identifier: MIT
"""Signals: handlers run while a call waits, which goes on; one that raises ends it at once, and nothing is left behind."""

import contextlib
import os
import signal
import threading
import time
import unittest

import stplr
from support import Child, Thread, eventually, in_ioctl, new_name, pair, serving


@contextlib.contextmanager
def handler(number, function):
    before = signal.signal(number, function)
    try:
        yield
    finally:
        signal.signal(number, before)


def interrupt_main(when=lambda: in_ioctl(threading.main_thread().native_id)):
    """Sends SIGINT once the main thread waits in a call."""

    def interrupt():
        assert eventually(when)
        os.kill(os.getpid(), signal.SIGINT)

    return Thread(interrupt)


class InterruptTest(unittest.TestCase):
    def setUp(self):
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)

    def test_before_it_is_received(self):
        with pair() as (channel, connection):
            for call in (connection.call, connection.send):
                other = interrupt_main()
                with self.assertRaises(KeyboardInterrupt):
                    call(b"x")
                other.result()
                with self.assertRaises(stplr.WouldBlock):
                    channel.receive(timeout=0)

    def test_while_the_server_has_it(self):
        with pair() as (channel, connection):
            messages = []

            def serve():
                messages.append(channel.receive())
                assert eventually(lambda: in_ioctl(threading.main_thread().native_id))
                os.kill(os.getpid(), signal.SIGINT)

            room = bytearray(10000)
            server = Thread(serve)
            begin = time.monotonic()
            with self.assertRaises(KeyboardInterrupt):
                connection.call_into(bytes(10000), room)
            self.assertLess(time.monotonic() - begin, 30)
            server.result()
            # Nothing of a call that was given up may come into memory that is not its any more.
            with self.assertRaises(stplr.Gone):
                messages[0].write(b"x" * 100)
            self.assertIsNone(messages[0].reply(b"x" * 10000))
            self.assertEqual(bytes(10000), room)
            room.extend(b"x")
            server = Thread(channel.serve, lambda message: message.data)
            self.assertEqual(b"next", connection.call(b"next"))
            channel.shutdown()
            server.result()

    def test_a_long_one_way_message_that_was_received_in_part(self):
        with pair() as (channel, connection):
            messages = []

            def serve():
                messages.append(channel.receive_into(bytearray(10)))
                os.kill(os.getpid(), signal.SIGINT)

            server = Thread(serve)
            with self.assertRaises(KeyboardInterrupt):
                connection.send(bytes(10000))
            server.result()
            with self.assertRaises(stplr.Gone):
                messages[0].read()

    def test_while_waiting_to_receive(self):
        with pair() as (channel, connection):
            for receive in (channel.receive, channel.receive_pulse, lambda: next(iter(channel))):
                other = interrupt_main()
                with self.assertRaises(KeyboardInterrupt):
                    receive()
                other.result()
            connection.send(b"x", queued=True)
            self.assertEqual(b"x", channel.receive(timeout=0).data)

    def test_while_serving(self):
        with pair() as (channel, connection):
            other = interrupt_main()
            with self.assertRaises(KeyboardInterrupt):
                channel.serve(lambda message: None, threads=3)
            other.result()

    def test_while_waiting_to_connect_and_to_accept(self):
        for wait in (lambda: stplr.connect(new_name(), timeout=None), lambda: listening.accept()):
            with stplr.channel(listen=True) as listening:
                other = interrupt_main()
                with self.assertRaises(KeyboardInterrupt):
                    wait()
                other.result()

    def test_a_handler_of_messages_that_is_interrupted(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"")

            def interrupted(message):
                raise KeyboardInterrupt

            with self.assertRaises(KeyboardInterrupt):
                channel.serve(interrupted)
            with self.assertRaises(stplr.Error):
                client.result()


class HandlerTest(unittest.TestCase):
    def test_a_signal_each_millisecond_loses_nothing(self):
        count = []
        with handler(signal.SIGALRM, lambda *_: count.append(1)):
            with serving(lambda message: message.data, threads=2) as (_, connection):
                signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
                try:
                    for i in range(1000):
                        self.assertEqual(str(i).encode(), connection.call(str(i).encode(), timeout=60))
                    while not count:
                        connection.call(b"")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)

    def test_a_call_goes_on_after_it(self):
        with pair() as (channel, connection):
            seen = []

            def serve():
                message = channel.receive()
                for i in range(3):
                    assert eventually(lambda: in_ioctl(threading.main_thread().native_id))
                    os.kill(os.getpid(), signal.SIGUSR1)
                    assert eventually(lambda: len(seen) > i)
                message.reply(b"answer")

            with handler(signal.SIGUSR1, lambda *_: seen.append(1)):
                server = Thread(serve)
                self.assertEqual(b"answer", connection.call(b""))
                server.result()

    def test_it_does_not_make_a_timeout_longer(self):
        with handler(signal.SIGALRM, lambda *_: None), pair() as (channel, connection):
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
            try:
                for wait in (lambda: connection.call(b"", timeout=0.3), lambda: channel.receive(timeout=0.3)):
                    begin = time.monotonic()
                    with self.assertRaises(stplr.TimedOut):
                        wait()
                    self.assertLess(time.monotonic() - begin, 30)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def test_one_whose_own_calls_fail_does_not_disturb(self):
        failures = []

        def fails(*_):
            try:
                stplr.connect("nobody")
            except stplr.NoSuchName:
                failures.append(1)

        with pair() as (channel, connection), handler(signal.SIGUSR1, fails):

            def serve():
                message = channel.receive()
                for i in range(20):
                    assert eventually(lambda: in_ioctl(threading.main_thread().native_id))
                    os.kill(os.getpid(), signal.SIGUSR1)
                    assert eventually(lambda: len(failures) > i)
                message.reply(b"answer")

            server = Thread(serve)
            self.assertEqual(b"answer", connection.call(b""))
            server.result()

    def test_one_that_closes_what_is_waited_on(self):
        for wait in ("receive", "call"):
            with pair() as (channel, connection):
                thing = channel if wait == "receive" else connection
                with handler(signal.SIGINT, lambda *_: thing.close()):
                    other = interrupt_main()
                    with self.assertRaises(stplr.Closed):
                        channel.receive() if thing is channel else connection.call(b"")
                    other.result()

    def test_one_that_shuts_the_server_down(self):
        def child():
            with stplr.channel(name) as channel:
                signal.signal(signal.SIGTERM, lambda *_: channel.shutdown())
                channel.serve(lambda message: message.data)

        name = new_name()
        server = Child(child)
        with stplr.connect(name, timeout=60) as connection:
            self.assertEqual(b"x", connection.call(b"x"))
            os.kill(server.pid, signal.SIGTERM)
            self.assertEqual(0, server.wait())
            with self.assertRaises(stplr.Gone):
                connection.call(b"x")
