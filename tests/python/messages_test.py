# SPDX-License-Identifier: MIT
"""Messages of every kind of buffer and length, answers, and what goes wrong with them."""

import array
import errno
import gc
import mmap
import unittest

import stplr
from support import Thread, pair, readable, serving


def echo(message):
    return message.data


class CallTest(unittest.TestCase):
    def test_lengths(self):
        with serving(echo) as (channel, connection):
            most = channel.message_max
            for length in [0, 1, 2, 511, 512, 1023, 1024, 1025, 4096, 4097, 65535, 65536, 65537, 1 << 20, most]:
                sent = bytes(i * 31 & 255 for i in range(256)) * (length // 256 + 1)
                sent = sent[:length]
                self.assertEqual(sent, connection.call(sent), length)

    def test_kinds_of_buffers(self):
        wanted = b"abcdefgh"
        memory = mmap.mmap(-1, 8)
        memory[:] = wanted
        buffers = [
            wanted,
            bytearray(wanted),
            memoryview(wanted),
            memoryview(b"xx" + wanted + b"x")[2:10],
            memoryview(bytearray(wanted)),
            array.array("I", wanted),
            memoryview(array.array("H", wanted)),
            memory,
            memoryview(wanted).cast("B", (2, 4)),
        ]
        with serving(echo) as (_, connection):
            for buffer in buffers:
                self.assertEqual(wanted, connection.call(buffer), repr(buffer))
            self.assertEqual(wanted * len(buffers), connection.call(buffers))
            self.assertEqual(wanted * 2, connection.call((buffers[0], b"", buffers[1])))
            self.assertEqual(b"", connection.call([]))
            self.assertEqual(b"", connection.call([b"", bytearray()]))

    def test_what_is_no_buffer_reaches_nobody(self):
        with pair() as (channel, connection):
            for bad in ["text", 5, None, ["text"], [b"x", 5], {1: 2}, iter([b"x"])]:
                for send in (connection.call, connection.send):
                    with self.assertRaises(TypeError, msg=repr(bad)):
                        send(bad)
            with self.assertRaises(stplr.WouldBlock):
                channel.receive(timeout=0)

    def test_a_view_that_is_not_contiguous(self):
        view = memoryview(b"abcdefgh")[::2]
        with serving(echo) as (_, connection):
            with self.assertRaisesRegex(BufferError, r"contiguous \(bytes\(view\)"):
                connection.call(view)
            self.assertEqual(b"aceg", connection.call(bytes(view)))
            with self.assertRaisesRegex(BufferError, "contiguous and writable"):
                connection.call_into(b"x", memoryview(bytearray(8))[::2])

    def test_a_read_only_buffer_for_a_reply(self):
        with serving(echo) as (_, connection):
            for buffer in [b"12345678", memoryview(b"12345678"), [bytearray(8), b"12345678"]]:
                with self.assertRaisesRegex(BufferError, "writable"):
                    connection.call_into(b"x", buffer)

    def test_into_buffers(self):
        with serving(echo) as (_, connection):
            room = bytearray(8)
            self.assertEqual((5, 5, 0), connection.call_into(b"hello", room))
            self.assertEqual(b"hello\0\0\0", room)
            parts = [bytearray(2), array.array("H", [0]), bytearray(0), memoryview(bytearray(3))]
            self.assertEqual((7, 9, 0), connection.call_into(b"abcdefghi", parts))
            self.assertEqual(b"abcdefg", b"".join(bytes(part) for part in parts))
            self.assertEqual((0, 5, 0), connection.call_into(b"hello", bytearray()))
            self.assertEqual((0, 5, 0), connection.call_into(b"hello", []))
            both = bytearray(b"there")
            self.assertEqual((5, 5, 0), connection.call_into(both, both))

    def test_what_comes_with_a_reply(self):
        with serving(echo) as (_, connection):
            self.assertEqual((b"hello", (5, 5, 0)), connection.request(b"hello"))
            self.assertEqual((b"he", (2, 5, 0)), connection.request(b"hello", size=2))
            self.assertEqual((b"", (0, 0, 0)), connection.request(b""))

    def test_many_parts(self):
        with serving(echo) as (_, connection):
            self.assertEqual(b"x" * 1024, connection.call([b"x"] * 1024))
            with self.assertRaisesRegex(stplr.Error, "too many parts") as caught:
                connection.call([b"x"] * 1025)
            self.assertEqual(errno.EINVAL, caught.exception.errno)
            self.assertFalse(caught.exception.received)

    def test_100_megabytes(self):
        with pair() as (channel, connection):
            big = bytes(100_000_000)
            for send in (connection.call, connection.send):
                with self.assertRaisesRegex(
                    stplr.Error, f"100000000 bytes, and message_max is {channel.message_max}: send it in pieces"
                ) as caught:
                    send([big[:50_000_000], memoryview(big)[50_000_000:]])
                self.assertEqual(errno.EMSGSIZE, caught.exception.errno)
                self.assertFalse(caught.exception.received)
            client = Thread(connection.call, b"")
            message = channel.receive()
            with self.assertRaisesRegex(stplr.Error, "100000000 bytes, and message_max") as caught:
                message.reply(big)
            self.assertTrue(message.wants_reply)
            self.assertEqual(5, message.reply(b"small"))
            self.assertEqual(b"small", client.result())

    def test_replies_that_do_not_fit(self):
        with serving(lambda message: b"0123456789") as (_, connection):
            with self.assertRaisesRegex(stplr.Error, "the reply has 10 bytes, and there was room for 9") as caught:
                connection.call(b"", size=9)
            self.assertEqual(errno.EMSGSIZE, caught.exception.errno)
            self.assertTrue(caught.exception.received)
            self.assertEqual(b"0123456789", connection.call(b"", size=10))
            with self.assertRaises(ValueError):
                connection.call(b"", size=-1)

    def test_a_buffer_keeps_its_size_while_it_is_sent(self):
        buffer = bytearray(b"hello")
        with pair() as (channel, connection):
            client = Thread(connection.call, buffer).blocks()
            with self.assertRaises(BufferError):
                buffer.extend(b"x" * 100000)
            with channel.receive() as message:
                self.assertEqual(b"hello", message.data)
                message.reply()
            self.assertEqual(b"", client.result())
            del client
            gc.collect()
            buffer.extend(b"x")


class AnswerTest(unittest.TestCase):
    def test_what_is_told_of_a_message(self):
        import os

        with pair() as (channel, connection):
            client = Thread(connection.call, b"abc", size=77)
            message = channel.receive()
            self.assertEqual((b"abc", 3, 77, True, False), (
                message.data, message.length, message.room, message.wants_reply, message.queued))
            self.assertEqual((os.getpid(), client.native_id, os.geteuid(), os.getegid()), (
                message.pid, message.tid, message.uid, message.gid))
            self.assertEqual(connection.server().coid, message.coid)
            self.assertGreater(message.rcvid, 0)
            self.assertIn("two-way of 3 bytes", repr(message))
            self.assertEqual(2, message.reply(b"ok", status=-7))
            self.assertFalse(message.wants_reply)
            self.assertEqual(b"ok", client.result())

    def test_status(self):
        with pair() as (channel, connection):
            client = Thread(connection.call_into, b"", bytearray(9))
            message = channel.receive()
            for bad in (2**31, -(2**31) - 1):
                with self.assertRaises(ValueError):
                    message.reply(status=bad)
            message.reply([b"a", b"bc"], status=-(2**31))
            self.assertEqual((3, 3, -(2**31)), client.result())

    def test_twice(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"")
            message = channel.receive()
            message.reply(b"once")
            for again in (message.reply, lambda: message.error(5)):
                with self.assertRaisesRegex(RuntimeError, "answered already"):
                    again()
            self.assertEqual(b"once", client.result())

    def test_a_client_that_has_given_up(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"", timeout=0.5)
            message = channel.receive()
            with self.assertRaises(stplr.TimedOut) as caught:
                client.result()
            self.assertTrue(caught.exception.received)
            self.assertIsInstance(caught.exception, TimeoutError)
            self.assertIsNone(message.reply(b"late"))

    def test_errors_that_the_server_chose(self):
        classes = {errno.EACCES: PermissionError, errno.ETIMEDOUT: TimeoutError, errno.EDOM: OSError, 511: OSError}
        classes[errno.EINTR] = classes[errno.EAGAIN] = OSError
        with pair() as (channel, connection):
            for number, kind in classes.items():
                client = Thread(connection.call, b"")
                message = channel.receive()
                for bad in (0, -1, 512):
                    with self.assertRaises(ValueError):
                        message.error(bad)
                message.error(number)
                with self.assertRaises(kind) as caught:
                    client.result()
                self.assertEqual(number, caught.exception.errno)
                self.assertIsInstance(caught.exception, stplr.Error)

    def test_forgotten(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"")
            channel.receive()
            with self.assertRaises(stplr.Error) as caught:
                client.result()
            self.assertEqual(errno.ECANCELED, caught.exception.errno)

    def test_as_a_context(self):
        with pair() as (channel, connection):
            for inside, wanted in [(lambda: None, errno.ECANCELED), (lambda: 1 / 0, errno.EREMOTEIO)]:
                client = Thread(connection.call, b"")
                message = channel.receive()
                try:
                    with message:
                        inside()
                except ZeroDivisionError:
                    pass
                with self.assertRaises(stplr.Error) as caught:
                    client.result()
                self.assertEqual(wanted, caught.exception.errno)

    def test_iterating_over_what_is_not_answered(self):
        with pair() as (channel, connection):
            first = Thread(connection.call, b"1").blocks()
            second = Thread(connection.call, b"2").blocks()
            for message in channel:
                if message.data == b"2":
                    message.reply(b"two")
                    channel.shutdown()
            with self.assertRaises(stplr.Error) as caught:
                first.result()
            self.assertEqual(errno.ECANCELED, caught.exception.errno)
            self.assertEqual(b"two", second.result())


class OneWayTest(unittest.TestCase):
    def test_returns_when_it_was_received(self):
        with pair() as (channel, connection):
            client = Thread(connection.send, [b"one", b"way"]).blocks()
            message = channel.receive()
            client.result()
            self.assertEqual(b"oneway", message.data)
            self.assertFalse(message.wants_reply)
            self.assertIsNone(message.reply(b"nobody"))
            message.error(5)

    def test_a_long_one_returns_when_it_was_read(self):
        with pair() as (channel, connection):
            sent = bytes(range(256)) * 1000
            client = Thread(connection.send, sent).blocks()
            message = channel.receive()
            self.assertEqual(sent, message.data)
            client.result()

    def test_a_long_one_that_is_read_in_pieces(self):
        with pair() as (channel, connection):
            sent = bytes(range(256)) * 10
            client = Thread(connection.send, sent).blocks()
            parts = [bytearray(10), bytearray(20)]
            message = channel.receive_into(parts)
            self.assertEqual((30, 2560, b""), (message.received, message.length, message.data))
            self.assertEqual(sent[:30], b"".join(parts))
            self.assertEqual(sent[30:], message.read(offset=30))
            client.result()

    def test_a_long_one_that_is_forgotten(self):
        with pair() as (channel, connection):
            client = Thread(connection.send, bytes(100)).blocks()
            channel.receive_into(bytearray(10))
            client.result()

    def test_queued(self):
        with stplr.Device() as device, device.channel() as channel:
            with device.connect_pid(0, channel.chid) as connection:
                for i in range(100):
                    connection.send([b"number ", str(i).encode()], queued=True)
                self.assertEqual(100, connection.server().queued)
            for i in range(100):
                message = channel.receive(timeout=0)
                self.assertEqual((f"number {i}".encode(), True), (message.data, message.queued))

    def test_queued_without_room(self):
        with pair() as (channel, connection):
            count = 0
            with self.assertRaisesRegex(stplr.WouldBlock, "no room to queue"):
                while True:
                    connection.send(b"x", queued=True, timeout=0)
                    count += 1
            with self.assertRaises(stplr.TimedOut):
                connection.send(b"x", queued=True, timeout=0.01)
            waiting = Thread(connection.send, b"last", queued=True).blocks()
            channel.receive()
            waiting.result()
            for _ in range(count - 1):
                channel.receive(timeout=0)
            self.assertEqual(b"last", channel.receive(timeout=0).data)

    def test_queued_messages_that_are_lost(self):
        with pair() as (channel, connection):
            connection.send(b"x", queued=True)
            channel.close()
            with self.assertRaises(ConnectionResetError) as caught:
                connection.send(b"y")
            self.assertIsInstance(caught.exception, stplr.Lost)
            with self.assertRaises(stplr.Gone):
                connection.send(b"y")
            self.assertTrue(connection.server().ended)
            self.assertEqual(1, connection.server().dropped)


class PartsTest(unittest.TestCase):
    def test_the_rest_of_a_call(self):
        with pair() as (channel, connection):
            sent = bytes(range(256)) * 1000
            client = Thread(connection.call_into, sent, bytearray(100))
            message = channel.receive_into(bytearray(10))
            self.assertEqual(sent, message.read())
            self.assertEqual(sent[5:15], message.read(10, 5))
            self.assertEqual(sent[-1:], message.read(10, len(sent) - 1))
            self.assertEqual(b"", message.read(10, len(sent)))
            self.assertEqual(b"", message.read(0))
            parts = [bytearray(3), bytearray(4)]
            self.assertEqual(7, message.read_into(parts, 1))
            self.assertEqual(sent[1:8], b"".join(parts))
            big = bytearray(channel.message_max + 100)
            self.assertEqual(len(sent) - 1, message.read_into(big, 1))
            self.assertEqual(sent[1:], big[: len(sent) - 1])
            self.assertEqual(0, message.read_into(big, 10**6))
            for bad in (-1, 2**64):
                with self.assertRaises(ValueError):
                    message.read_into(bytearray(1), bad)
            self.assertEqual(6, message.write([b"abc", b"def"], 90))
            self.assertEqual(4, message.write(b"abcdef", 96))
            self.assertEqual(0, message.write(b"abcdef", 1000))
            message.reply()
            self.assertEqual((0, 0, 0), client.result())
            with self.assertRaises(stplr.Gone):
                message.read(1)

    def test_what_was_written_is_there(self):
        with pair() as (channel, connection):
            room = bytearray(8)
            client = Thread(connection.call_into, b"", room)
            message = channel.receive()
            message.write(b"5678", 4)
            message.reply(b"12")
            client.result()
            self.assertEqual(b"12\0\x005678", room)

    def test_a_client_that_gives_up_while_its_message_is_fetched(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, bytes(1000), timeout=0.5)
            message = channel.receive_into(bytearray(1))
            with self.assertRaises(stplr.TimedOut):
                client.result()
            with self.assertRaises(stplr.Gone):
                message.read()


class TimeoutTest(unittest.TestCase):
    def test_nobody_receives(self):
        with pair() as (channel, connection):
            for call in (connection.call, connection.send):
                with self.assertRaises(stplr.TimedOut) as caught:
                    call(b"x", timeout=0.01)
                self.assertFalse(caught.exception.received)
                with self.assertRaises(BlockingIOError):
                    call(b"x", timeout=0)
            with self.assertRaises(stplr.TimedOut):
                connection.call(b"x", send_timeout=0.01)
            with self.assertRaises(stplr.TimedOut):
                connection.call(b"x", timeout=0.01, send_timeout=100)
            with self.assertRaises(stplr.WouldBlock):
                connection.call(b"x", send_timeout=0)
            with self.assertRaises(stplr.WouldBlock):
                channel.receive(timeout=0)

    def test_a_send_timeout_does_not_end_a_call_that_was_received(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"x", send_timeout=1)
            message = channel.receive()
            self.assertFalse(client.join(1.2))
            message.reply(b"late")
            self.assertEqual(b"late", client.result())

    def test_nothing_comes(self):
        with pair() as (channel, _), self.assertRaisesRegex(stplr.TimedOut, "no message came in time"):
            channel.receive(timeout=0.01)
        with pair() as (channel, _), self.assertRaises(stplr.TimedOut):
            channel.receive_pulse(timeout=0.01)
        with pair(listen=True) as (channel, _):
            with channel.accept(timeout=0.01), self.assertRaises(stplr.TimedOut):
                channel.accept(timeout=0.01)

    def test_bad_ones(self):
        with pair() as (channel, connection):
            for bad in (-1, -0.001, float("nan"), float("-inf")):
                with self.assertRaisesRegex(ValueError, "seconds from 0 on"):
                    connection.call(b"", timeout=bad)
                with self.assertRaises(ValueError):
                    channel.receive(timeout=bad)
            with self.assertRaises(TypeError):
                connection.call(b"", timeout="1")

    def test_very_long_and_very_short(self):
        with serving(echo) as (_, connection):
            for timeout in (1e9, 1e10, 1e300, float("inf"), 10**30):
                self.assertEqual(b"x", connection.call(b"x", timeout=timeout))
        with pair() as (_, connection), self.assertRaises(stplr.TimedOut):
            connection.call(b"x", timeout=1e-12)


class PollTest(unittest.TestCase):
    def test_a_message_is_waited_for(self):
        import select

        with pair() as (channel, connection):
            with select.epoll() as epoll:
                epoll.register(channel, select.EPOLLIN)
                self.assertEqual([], epoll.poll(0))
                client = Thread(connection.call, b"x")
                self.assertEqual([(channel.fileno(), select.EPOLLIN)], epoll.poll(60))
            readable(channel)
            channel.receive(timeout=0).reply(b"y")
            self.assertEqual(b"y", client.result())
            channel.destroy()
            self.assertTrue(select.select([channel], [], [], 60)[0])
