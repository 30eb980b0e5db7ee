# SPDX-License-Identifier: MIT
"""Pulses, notices of the module's, and events that a client allows."""

import errno
import os
import signal
import threading
import unittest

import stplr
from support import Child, Thread, new_name, pair


class PulseTest(unittest.TestCase):
    def test_code_value_and_sender(self):
        with pair() as (channel, connection):
            for code, value in ((0, 0), (127, 2**64 - 1), (-128, 5)):
                connection.pulse(code, value, priority=10)
                pulse = channel.receive()
                self.assertIsInstance(pulse, stplr.Pulse)
                self.assertEqual((code, value, 10), (pulse.code, pulse.value, pulse.priority))
                self.assertEqual(connection.server().coid, pulse.coid)

    def test_bad_ones(self):
        with pair() as (channel, connection):
            for bad in (dict(code=128), dict(code=-129), dict(code=1, value=-1), dict(code=1, value=2**64),
                        dict(code=1, priority=141), dict(code=1, priority=-2), dict(code=2**32 + 1)):
                with self.assertRaises(ValueError, msg=bad):
                    connection.pulse(**bad)
            with self.assertRaises(stplr.WouldBlock):
                channel.receive(timeout=0)

    def test_as_many_as_may_be(self):
        with pair(pulses=2) as (channel, connection):
            connection.pulse(1)
            connection.pulse(2)
            with self.assertRaisesRegex(stplr.WouldBlock, "as many pulses"):
                connection.pulse(3)
            self.assertEqual([1, 2], [channel.receive().code, channel.receive().code])

    def test_alone(self):
        with pair() as (channel, connection):
            connection.send(b"message", queued=True)
            connection.pulse(1, 2)
            self.assertEqual((1, 2), channel.receive_pulse()[:2])
            with self.assertRaises(stplr.WouldBlock):
                channel.receive_pulse(timeout=0)
            self.assertEqual(b"message", channel.receive().data)

    def test_into_buffers(self):
        with pair() as (channel, connection):
            for buffer in (bytearray(64), [bytearray(10), bytearray(0), bytearray(30)], bytearray(32)):
                connection.pulse(7, 8)
                pulse = channel.receive_into(buffer)
                self.assertEqual((7, 8), pulse[:2])
            connection.pulse(9)
            with self.assertRaises(stplr.Error) as caught:
                channel.receive_into(bytearray(8))
            self.assertEqual(errno.EMSGSIZE, caught.exception.errno)
            self.assertEqual(9, channel.receive().code)

    def test_iterating_drops_them(self):
        with pair() as (channel, connection):
            connection.pulse(1)
            connection.send(b"x", queued=True)
            self.assertEqual(b"x", next(iter(channel)).data)


class NoticeTest(unittest.TestCase):
    def test_a_server_that_ends(self):
        with pair() as (own, to_own), stplr.channel() as other, stplr.Device() as device:
            with device.connect_pid(0, other.chid) as connection:
                connection.notify(own, 77)
                other.close()
                pulse = own.receive()
                self.assertEqual((stplr.PULSE_CONNECTION_DEATH, 77), pulse[:2])
        with pair() as (own, to_own):
            to_own.notify(own, 1)
            to_own.notify(None)
            for bad in (dict(value=-1), dict(value=2**64), dict(priority=200)):
                with self.assertRaises(ValueError):
                    to_own.notify(own, **bad)

    def test_a_client_that_disconnects(self):
        name = new_name()
        with stplr.channel(name, disconnect=True) as channel:
            self.assertEqual(0, Child(lambda: stplr.connect(name).send(b"", queued=True)).wait())
            scoid = channel.receive().scoid
            pulse = channel.receive()
            self.assertEqual((stplr.PULSE_DISCONNECT, scoid), (pulse.code, pulse.scoid))

    def test_a_client_that_wants_to_be_unblocked(self):
        with pair(unblock=True) as (channel, connection):
            client = Thread(connection.call, b"", timeout=0.5)
            message = channel.receive()
            pulse = channel.receive()
            self.assertEqual((stplr.PULSE_UNBLOCK, message.rcvid), pulse[:2])
            self.assertTrue(message.wants_unblock())
            message.error(errno.EINTR)
            with self.assertRaises(stplr.Error) as caught:
                client.result()
            self.assertEqual(errno.EINTR, caught.exception.errno)

    def test_interrupting_a_client_whose_server_decides(self):
        with pair(unblock=True) as (channel, connection):
            def serve():
                message = channel.receive()
                os.kill(os.getpid(), signal.SIGINT)
                assert channel.receive().code == stplr.PULSE_UNBLOCK
                message.reply(b"done")

            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                server = Thread(serve)
                with self.assertRaises(KeyboardInterrupt):
                    connection.call(b"")
                    server.result()
            finally:
                signal.signal(signal.SIGINT, before)
            server.result()


class EventTest(unittest.TestCase):
    def test_a_pulse(self):
        with pair() as (own, to_own), pair() as (server, connection):
            with connection.allow_pulse(to_own, 5, 6, priority=20) as event:
                server.deliver(event.id)
                self.assertEqual((5, 6), own.receive()[:2])
                with self.assertRaises(stplr.Denied):
                    server.deliver(event.id, value=7)
            with self.assertRaisesRegex(stplr.NoSuchName, "taken the event back"):
                server.deliver(event.id)
            event.close()
            with connection.allow_pulse(to_own, 5, update=True) as event:
                server.deliver(event.id, value=2**64 - 1)
                self.assertEqual((5, 2**64 - 1), own.receive()[:2])

    def test_an_eventfd(self):
        with pair() as (server, connection):
            fd = os.eventfd(0)
            try:
                with connection.allow_eventfd(fd) as event:
                    server.deliver(event.id)
                    server.deliver(event.id)
                    self.assertEqual(2, os.eventfd_read(fd))
            finally:
                os.close(fd)
            for bad in (-1, 2**31):
                with self.assertRaises(ValueError):
                    connection.allow_eventfd(bad)
            with self.assertRaises(stplr.Closed):
                connection.allow_eventfd(12345)

    def test_a_signal(self):
        got = []
        before = signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
        try:
            with pair() as (server, connection), connection.allow_signal(signal.SIGUSR1) as event:
                server.deliver(event.id)
                while not got:
                    signal.pause() if not got else None
        finally:
            signal.signal(signal.SIGUSR1, before)
        with pair() as (_, connection):
            for bad in (dict(signal=0), dict(signal=65), dict(signal=1, value=-1), dict(signal=1, code=1)):
                with self.assertRaises(ValueError):
                    connection.allow_signal(**bad)

    def test_a_signal_for_a_thread(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
        try:
            with pair() as (server, connection):
                with connection.allow_signal(signal.SIGUSR2, 9, thread=True, code=-3) as event:
                    server.deliver(event.id)
                    info = signal.sigwaitinfo([signal.SIGUSR2])
                    self.assertEqual((signal.SIGUSR2, -3), (info.si_signo, info.si_code))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])

    def test_on_a_device(self):
        with pair() as (own, to_own), stplr.Device() as device, pair() as (server, connection):
            event = device.allow_pulse(to_own, 1)
            server.deliver(event.id)
            self.assertEqual(1, own.receive().code)
            device.close()
            event.close()
            with self.assertRaises(stplr.NoSuchName):
                server.deliver(event.id)

    def test_of_another_channel(self):
        with pair() as (own, to_own), pair() as (server, connection), pair() as (stranger, _):
            with connection.allow_pulse(to_own, 1) as event:
                with self.assertRaises(PermissionError):
                    stranger.deliver(event.id)
                with self.assertRaises(PermissionError):
                    server.deliver(event.id, scoid=2**32 - 1)
                for bad in (dict(event=-1), dict(event=2**32), dict(event=1, scoid=-1), dict(event=1, value=-1)):
                    with self.assertRaises(ValueError):
                        server.deliver(**bad)
