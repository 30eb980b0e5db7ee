# SPDX-License-Identifier: MIT
"""The client's end: who is not there, timeouts, limits, ends of either side, threads, signals, forks."""

import os
import signal
import threading
import unittest

import stplr
import stplr_thrift
from kinds import Service, fails
from suite import suite
from support import Child, Thread, eventually, in_ioctl, new_name
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TTransportException as T


class OpenTest(unittest.TestCase):
    def test_nobody_there(self):
        transport = stplr_thrift.TStaplerTransport("nobody")
        with fails(self, T.NOT_OPEN) as caught:
            transport.open()
        self.assertIn("is its server running", str(caught.exception))
        self.assertIsInstance(caught.exception.inner, stplr.NoSuchName)
        for use in (transport.flush, lambda: transport.read(1), lambda: transport.write(b"x"), transport.server):
            if use != transport.flush:
                with fails(self, T.NOT_OPEN):
                    use()
        self.assertFalse(transport.isOpen())
        transport.close()

    def test_no_device(self):
        with fails(self, T.NOT_OPEN) as caught:
            stplr_thrift.TStaplerTransport("stplr:x?device=77").open()
        self.assertIn("devices=78", str(caught.exception))
        with fails(self, T.NOT_OPEN):
            stplr_thrift.TStaplerServerTransport("stplr:x?device=77").listen()

    def test_twice_and_again(self):
        with Service() as service:
            client, transport = service.client()
            with fails(self, T.ALREADY_OPEN):
                transport.open()
            self.assertEqual(os.getpid(), transport.server().pid)
            transport.close()
            transport.close()
            transport.open()
            self.assertEqual(3, client.add(1, 2))
            transport.close()

    def test_a_full_backlog(self):
        listening = stplr_thrift.TStaplerServerTransport(new_name(), backlog=1)
        listening.listen()
        first = stplr_thrift.TStaplerTransport(listening.address)
        first.open()
        second = stplr_thrift.TStaplerTransport(listening.address, timeout=50)
        with fails(self, T.TIMED_OUT):
            second.open()
        second.setTimeout(None)
        waiting = Thread(second.open)
        listening.accept().close()
        waiting.result()
        for transport in (first, second, listening):
            transport.close()

    def test_addresses(self):
        parse = stplr_thrift.StaplerAddress.parse
        self.assertEqual(("x", 0, 0o600, None), self.parts(parse("stplr:x")))
        self.assertEqual(("x", 0, 0o600, None), self.parts(parse("x?")))
        self.assertEqual(("a.b_c-d", 2, 0o666, 5), self.parts(parse("stplr:a.b_c-d?mode=666&group=5&device=2")))
        self.assertEqual(("@42", 2, 0o600, None), self.parts(parse("stplr:@42?device=2")))
        self.assertEqual(0, parse("x?group=root").group)
        self.assertEqual("stplr:x?device=2", str(parse("x?device=2&mode=660")))
        for bad in ("", "stplr:", "a b", "x" * 64, "x?y", "x?device", "x?device=a", "x?device=4294967295", "x?device=-1",
                    "x?mode=8", "x?mode=0", "x?mode=1000", "x?mode=", "x?group=nobody-has-it", "x?device=1&device=1",
                    "x?&", "x?device=1&", "unix:/x", "x?group=4294967295", "@", "@042", "@4294967296", "a@b"):
            with self.assertRaises(ValueError, msg=bad) as caught:
                parse(bad)
            self.assertIn("stplr:NAME", str(caught.exception))

    @staticmethod
    def parts(address):
        return address.name, address.device, address.mode, address.group

    def test_strings(self):
        from thrift.transport.TSocket import TServerSocket, TSocket

        client, server = stplr_thrift.client_transport, stplr_thrift.server_transport
        self.assertIsInstance(client("stplr:x"), stplr_thrift.TStaplerTransport)
        self.assertIsInstance(server("stplr:x"), stplr_thrift.TStaplerServerTransport)
        for uri in ("unix:/tmp/x", "tcp:localhost:1", "tcp:[::1]:1"):
            self.assertIs(TSocket, type(client(uri, 1000)))
            self.assertIs(TServerSocket, type(server(uri)))
        self.assertEqual("::1", client("tcp:[::1]:1").host)
        server("tcp::9090")
        for bad in ("", "x", "stplr:", "unix:", "tcp:", "tcp:x", "tcp:x:", "tcp:x:y", "tcp:x:65536", "tcp:x:-1", "udp:x:1"):
            for make in (client, server):
                with self.assertRaises(ValueError, msg=bad):
                    make(bad)
        with self.assertRaises(ValueError):
            client("tcp::9090")


class CallTest(unittest.TestCase):
    def test_a_call_that_takes_too_long_and_the_next(self):
        with Service() as service:
            client, transport = service.client(timeout=500)
            with fails(self, T.TIMED_OUT):
                client.nap(1)
            service.handler.go.set()
            transport.setTimeout(None)
            self.assertEqual(3, client.add(1, 2))
            transport.close()
            for bad in (-1, float("nan")):
                with self.assertRaises(ValueError):
                    transport.setTimeout(bad)

    def test_a_one_way_call_does_not_wait(self):
        with Service("simple") as service:
            client, transport = service.client()
            for number in range(5):
                client.note(number, 1, b"")
            self.assertTrue(service.handler.began.acquire(timeout=60))
            self.assertEqual(0, service.handler.noted())
            service.handler.go.set()
            self.assertEqual([0, 1, 2, 3, 4], client.notes())
            transport.close()

    def test_one_way_calls_are_executed_after_their_client_has_closed(self):
        with Service() as service:
            client, transport = service.client()
            client.note(1, 1, b"")
            client.note(2, 0, b"")
            transport.close()
            service.handler.go.set()
            self.assertTrue(eventually(lambda: service.handler.noted() == 2))

    def test_long_calls_and_answers(self):
        with Service("simple") as service:
            client, transport = service.client()
            with stplr.Device() as device:
                most = device.version.message_max
            blob = bytes(range(256)) * (most // 256 + 1000)
            self.assertEqual(blob, client.blob(blob))
            self.assertEqual(2 * most, len(client.make(2 * most)))
            for ballast in (256 << 10, (256 << 10) + 1, most, most + 1):
                client.note(ballast, 0, blob[:ballast])
            self.assertEqual(4, client.noted())
            transport.close()

    def test_several_calls_in_flight_by_their_halves(self):
        with Service("simple", "none") as service:
            client, transport = service.client()
            for i in range(5):
                client.send_add(i, 10)
            self.assertEqual([10, 11, 12, 13, 14], [client.recv_add() for _ in range(5)])
            with fails(self, T.END_OF_FILE):
                client.recv_add()
            transport.close()

    def test_limits(self):
        with Service(max_message_size=10000) as service:
            client, transport = service.client()
            self.assertEqual(9000, len(client.blob(bytes(9000))))
            with fails(self, T.SIZE_LIMIT) as caught:
                client.blob(bytes(11000))
            self.assertIn("11", str(caught.exception))
            self.assertFalse(transport.isOpen())
        with Service() as service:
            client, transport = service.client(max_message_size=10000)
            with fails(self, T.SIZE_LIMIT) as caught:
                client.make(11000)
            self.assertIn("max_message_size is 10000", str(caught.exception))
            self.assertFalse(transport.isOpen())

    def test_threads_take_turns_on_one_connection(self):
        with Service("simple", "none") as service:
            _, transport = service.client()

            def calls(number):
                # each with a protocol of its own, and the lock that Thrift's users take
                for i in range(50):
                    with lock:
                        assert suite.Client(TBinaryProtocol(transport)).add(number, i) == number + i

            lock = threading.Lock()
            threads = [Thread(calls, number) for number in range(4)]
            for thread in threads:
                thread.result()
            transport.close()


class EndTest(unittest.TestCase):
    def test_a_server_that_dies_in_a_call(self):
        def child():
            transport = stplr_thrift.TStaplerServerTransport(name)
            transport.listen()
            session = transport.accept()
            session.read(1)
            os.kill(os.getpid(), signal.SIGKILL)

        name = new_name()
        server = Child(child)
        transport = stplr_thrift.TStaplerTransport(name)
        self.assertTrue(eventually(lambda: self.opens(transport)))
        client = suite.Client(TBinaryProtocol(transport))
        with fails(self, T.END_OF_FILE) as caught:
            client.add(1, 2)
        self.assertTrue(caught.exception.inner.received)
        server.wait()
        self.assertFalse(transport.isOpen())
        with fails(self, T.NOT_OPEN):
            client.add(1, 2)
        with fails(self, T.NOT_OPEN):
            transport.open()
        with Service(name=name):
            transport.open()
            self.assertEqual(3, client.add(1, 2))
            transport.close()

    @staticmethod
    def opens(transport):
        try:
            transport.open()
            return True
        except T:
            return False

    def test_closed_by_another_thread_during_a_call(self):
        with Service() as service:
            client, transport = service.client()
            call = Thread(client.nap, 1)
            self.assertTrue(service.handler.began.acquire(timeout=60))
            transport.close()
            with fails(self, T.END_OF_FILE):
                call.result()
            service.handler.go.set()
            transport.open()
            self.assertEqual(3, client.add(1, 2))
            transport.close()

    def test_a_client_that_dies_in_a_call_and_the_next(self):
        with Service("simple") as service:
            client = Child(lambda: service.client()[0].nap(1))
            self.assertTrue(service.handler.began.acquire(timeout=60))
            client.kill()
            client.wait()
            service.handler.go.set()
            client, transport = service.client()
            self.assertEqual(3, client.add(1, 2))
            transport.close()

    def test_an_interrupt_ends_a_call(self):
        with Service() as service:
            client, transport = service.client()

            def interrupt():
                assert service.handler.began.acquire(timeout=60)
                assert eventually(lambda: in_ioctl(threading.main_thread().native_id))
                os.kill(os.getpid(), signal.SIGINT)

            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                other = Thread(interrupt)
                with self.assertRaises(KeyboardInterrupt):
                    client.nap(1)
                other.result()
            finally:
                signal.signal(signal.SIGINT, before)
            service.handler.go.set()
            self.assertEqual(3, client.add(1, 2))
            transport.close()

    def test_a_signal_each_millisecond_loses_nothing(self):
        before = signal.signal(signal.SIGALRM, lambda *_: None)
        with Service() as service:
            client, transport = service.client()
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
            try:
                for i in range(300):
                    self.assertEqual(i + 1, client.add(i, 1))
                    client.note(i, 0, b"")
                self.assertEqual(list(range(300)), client.notes())
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
            transport.close()

    def test_a_fork(self):
        def child():
            assert client.add(2, 3) == 5
            transport.close()

        with Service() as service:
            client, transport = service.client()
            self.assertEqual(3, client.add(1, 2))
            self.assertEqual(0, Child(child).wait())
            self.assertEqual(7, client.add(3, 4))
            transport.close()
