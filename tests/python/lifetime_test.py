# SPDX-License-Identifier: MIT
"""The end of descriptors: closed while threads are inside, twice, by the collector, by a fork; servers that die."""

import gc
import os
import pickle
import unittest
import warnings

import stplr
from support import Child, Thread, eventually, new_name, pair, serving


def is_open(fd):
    return os.path.exists(f"/proc/self/fd/{fd}")


class CloseTest(unittest.TestCase):
    def test_twice_and_used_after(self):
        with stplr.Device() as device, device.channel() as channel, device.connect_pid(0, channel.chid) as connection:
            for thing in (connection, channel, device):
                self.assertFalse(thing.closed)
                self.assertIn("fd=", repr(thing))
                fd = thing.fileno()
                thing.close()
                thing.close()
                self.assertTrue(thing.closed)
                self.assertIn("closed", repr(thing))
                self.assertFalse(is_open(fd))
                with self.assertRaises(ValueError):
                    thing.fileno()
            for use in (
                lambda: connection.call(b""),
                lambda: connection.send(b""),
                lambda: connection.pulse(1),
                connection.server,
                channel.receive,
                channel.shutdown,
                lambda: device.channel(),
                lambda: device.connect("x"),
                lambda: device.version,
            ):
                with self.assertRaisesRegex(stplr.Closed, "is closed"):
                    use()

    def test_calls_end(self):
        with pair() as (channel, connection):
            waiting = [Thread(connection.call, b"").blocks() for _ in range(3)]
            message = channel.receive()
            fd = connection.fileno()
            connection.close()
            received = []
            for thread in waiting:
                with self.assertRaises(stplr.Closed) as caught:
                    thread.result()
                received.append(caught.exception.received)
            self.assertEqual([False, False, True], sorted(received))
            self.assertFalse(is_open(fd))
            self.assertIsNone(message.reply())

    def test_receives_end(self):
        for call in ("receive", "receive_pulse"):
            with pair() as (channel, connection):
                waiting = [Thread(getattr(channel, call)).blocks() for _ in range(3)]
                fd = channel.fileno()
                channel.close()
                for thread in waiting:
                    with self.assertRaises(stplr.Closed):
                        thread.result()
                self.assertFalse(is_open(fd))
        with stplr.channel(listen=True) as channel:
            waiting = Thread(channel.accept).blocks()
            channel.close()
            with self.assertRaises(stplr.Closed):
                waiting.result()

    def test_serving_ends(self):
        with pair() as (channel, connection):
            server = Thread(channel.serve, lambda message: message.data, threads=4)
            self.assertEqual(b"x", connection.call(b"x"))
            channel.close()
            server.result()
            with self.assertRaises(stplr.Gone):
                connection.call(b"x")

    def test_the_number_is_not_reused_while_a_thread_is_inside(self):
        with stplr.Device() as device:
            waiting = Thread(device.connect, new_name(), timeout=1).blocks()
            fd = device.fileno()
            device.close()
            self.assertTrue(is_open(fd))
            with self.assertRaises(stplr.Closed):
                waiting.result()
            self.assertFalse(is_open(fd))

    def test_a_reply_after_it(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"")
            message = channel.receive()
            channel.close()
            with self.assertRaises(stplr.Closed):
                message.reply()
            with self.assertRaises(stplr.Gone) as caught:
                client.result()
            self.assertTrue(caught.exception.received)

    def test_in_all_orders_with_calls(self):
        for i in range(60):
            with pair() as (channel, connection):
                server = Thread(channel.serve, lambda message: message.data)
                clients = [Thread(lambda: [connection.call(b"x") for _ in range(100)]) for _ in range(3)]
                victim, other = (channel, connection) if i % 2 else (connection, channel)
                for _ in range(i % 20):
                    os.sched_yield()
                victim.close()
                for client in clients:
                    try:
                        client.result()
                    except (stplr.Closed, stplr.Gone):
                        pass
                other.close()
                server.result()


class CollectorTest(unittest.TestCase):
    def test_closes_and_warns(self):
        for make in (stplr.Device, stplr.channel):
            thing = make()
            fd = thing.fileno()
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                del thing
                gc.collect()
            self.assertEqual([ResourceWarning], [w.category for w in caught])
            self.assertIn("unclosed <stplr.", str(caught[0].message))
            self.assertFalse(is_open(fd))

    def test_a_constructor_that_fails(self):
        for _ in range(3):
            with self.assertRaises(stplr.NoDevice):
                stplr.Device(99)
        gc.collect()

    def test_in_a_cycle(self):
        with pair() as (channel, connection):
            client = Thread(connection.call, b"")
            message = channel.receive()
            cycle = [message]
            cycle.append(cycle)
            del message, cycle
            gc.collect()
            with self.assertRaises(stplr.Error):
                client.result()

    def test_pickle_is_refused(self):
        with pair() as (channel, connection):
            for thing in (channel, connection):
                with self.assertRaisesRegex(TypeError, "from_fd"):
                    pickle.dumps(thing)


class ForkTest(unittest.TestCase):
    def test_a_child_uses_what_it_inherits(self):
        def child():
            assert connection.call(b"child") == b"child"
            connection.close()

        with serving(lambda message: message.data) as (_, connection):
            self.assertEqual(0, Child(child).wait())
            self.assertEqual(b"parent", connection.call(b"parent"))

    def test_threads_that_were_inside_are_not_in_the_child(self):
        def child():
            # it would end the parent's calls, if it took their threads for its own
            for thing in (connection, channel):
                fd = thing.fileno()
                thing.close()
                assert not is_open(fd)

        with pair() as (channel, connection):
            client = Thread(connection.call, b"x").blocks()
            with channel.receive() as message:
                receiver = Thread(channel.receive).blocks()
                self.assertEqual(0, Child(child).wait())
                message.reply(b"y")
            self.assertEqual(b"y", client.result())
            second = Thread(connection.call, b"z")
            receiver.result().reply(b"!")
            self.assertEqual(b"!", second.result())

    def test_while_others_come_and_go(self):
        stop = []

        def busy():
            while not stop:
                connection.call(b"x")

        with serving(lambda message: message.data, threads=2) as (_, connection):
            threads = [Thread(busy) for _ in range(2)]
            for _ in range(8):
                self.assertEqual(0, Child(lambda: connection.call(b"y")).wait())
            stop.append(True)
            for thread in threads:
                thread.result()

    def test_a_message_is_of_the_process_that_received_it(self):
        def child():
            assert message.reply(b"child's") is None

        with pair() as (channel, connection):
            client = Thread(connection.call, b"x")
            message = channel.receive()
            self.assertEqual(0, Child(child).wait())
            message.reply(b"parent's")
            self.assertEqual(b"parent's", client.result())


class DeathTest(unittest.TestCase):
    def test_a_server_that_dies_in_a_call(self):
        def child():
            with stplr.channel(name) as channel:
                channel.serve(lambda message: os.kill(os.getpid(), 9))

        name = new_name()
        server = Child(child)
        with stplr.connect(name, timeout=60) as connection:
            with self.assertRaisesRegex(stplr.Gone, "the server is gone") as caught:
                connection.call(b"")
            self.assertTrue(caught.exception.received)
            self.assertIsInstance(caught.exception, ProcessLookupError)
            self.assertEqual(-9, server.wait())
            with self.assertRaises(stplr.Gone) as caught:
                connection.call(b"")
            self.assertFalse(caught.exception.received)

    def test_a_client_that_dies_in_a_call(self):
        def child():
            stplr.connect(name).call(b"")

        name = new_name()
        with stplr.channel(name) as channel:
            client = Child(child)
            message = channel.receive()
            client.kill()
            client.wait()
            self.assertIsNone(message.reply())

    def test_the_end_of_a_program_does_not_wait_for_threads_in_calls(self):
        def child():
            import subprocess
            import sys

            program = (
                "import asyncio, stplr, stplr.aio\n"
                "async def main():\n"
                "    connection = await stplr.aio.connect('" + name + "')\n"
                "    call = asyncio.ensure_future(connection.call(b'x'))\n"
                "    await asyncio.sleep(0)\n"
                "    print('ends', flush=True)\n"
                "asyncio.run(main())\n"
            )
            done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], stdout=subprocess.PIPE, timeout=60)
            assert (done.returncode, done.stdout) == (0, b"ends\n"), done

        name = new_name()
        with stplr.channel(name):
            self.assertEqual(0, Child(child).wait())
