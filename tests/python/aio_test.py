# SPDX-License-Identifier: MIT
"""stplr.aio: hundreds of calls in flight in one thread's loop, cancelled, closed, out of time."""

import asyncio
import errno
import logging
import threading
import unittest

import stplr
import stplr.aio
from support import Child, new_name


class AioTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.name = new_name()
        asyncio.get_running_loop().set_debug(False)  # it takes several times as long

    async def test_a_hundred_calls_in_flight(self):
        kept = []
        threads = threading.active_count()

        async def handler(message):
            kept.append(message)
            if len(kept) == 100:
                for one in kept:
                    one.reply(one.data[::-1])
                kept.clear()
            return stplr.LATER

        async with stplr.aio.channel(self.name) as channel:
            server = asyncio.create_task(channel.serve(handler))
            async with await stplr.aio.connect(self.name) as connection:
                for _ in range(2):
                    sent = [f"call {i}".encode() for i in range(100)]
                    got = await asyncio.gather(*[connection.call(one) for one in sent])
                    self.assertEqual([one[::-1] for one in sent], got)
                    self.assertLessEqual(threading.active_count(), threads + 100)
            channel.channel.shutdown()
            await server

    async def test_a_handler_that_waits_lets_others_run(self):
        first = asyncio.Event()

        async def handler(message):
            if message.data == b"first":
                await first.wait()
            else:
                first.set()
            return message.data

        async with stplr.aio.channel(self.name) as channel:
            server = asyncio.create_task(channel.serve(handler, limit=2))
            async with await stplr.aio.connect(self.name) as connection:
                one = asyncio.create_task(connection.call(b"first"))
                self.assertEqual(b"second", await connection.call(b"second"))
                self.assertEqual(b"first", await one)
            channel.close()
            await server

    async def test_no_more_at_once_than_the_limit(self):
        running, most = 0, 0

        async def handler(message):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

        async with stplr.aio.channel(self.name) as channel:
            server = asyncio.create_task(channel.serve(handler, limit=3))
            async with await stplr.aio.connect(self.name) as connection:
                await asyncio.gather(*[connection.call(b"") for _ in range(50)])
            self.assertLessEqual(most, 3)
            server.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await server

    async def test_handlers_that_raise_and_refuse(self):
        async def handler(message):
            if message.data == b"refuse":
                raise stplr.Refusal(errno.EACCES)
            raise ValueError("wrong")

        async with stplr.aio.channel(self.name) as channel:
            server = asyncio.create_task(channel.serve(handler))
            async with await stplr.aio.connect(self.name) as connection:
                with self.assertRaises(PermissionError):
                    await connection.call(b"refuse")
                with self.assertLogs("stplr", logging.ERROR), self.assertRaises(stplr.Error) as caught:
                    await connection.call(b"raise")
                self.assertEqual(errno.EREMOTEIO, caught.exception.errno)
            channel.channel.destroy()
            await server

    async def test_a_server_that_is_cancelled_fails_its_clients(self):
        began = asyncio.Event()

        async def handler(message):
            began.set()
            await asyncio.Event().wait()

        async with stplr.aio.channel(self.name) as channel:
            server = asyncio.create_task(channel.serve(handler))
            async with await stplr.aio.connect(self.name) as connection:
                call = asyncio.create_task(connection.call(b""))
                await began.wait()
                server.cancel()
                with self.assertRaises(stplr.Error) as caught:
                    await call
                self.assertEqual(errno.ECANCELED, caught.exception.errno)

    async def test_timeouts(self):
        async with stplr.aio.channel(self.name) as channel, await stplr.aio.connect(self.name) as connection:
            with self.assertRaises(stplr.TimedOut):
                await connection.call(b"", timeout=0.01)
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(connection.call(b"", timeout=1), 0.01)
            with self.assertRaises(stplr.TimedOut):
                while True:  # the one that was cancelled may come still
                    await channel.receive(timeout=0.01)
            with self.assertRaises(stplr.WouldBlock):
                await channel.receive(timeout=0)
            for bad in (-1, float("nan")):
                with self.assertRaises(ValueError):
                    await channel.receive(timeout=bad)
            with self.assertRaises(TimeoutError):
                await asyncio.wait_for(channel.receive(), 0.01)
            with self.assertRaises(stplr.TimedOut):
                await stplr.aio.connect("nobody", timeout=0.01)
            with self.assertRaises(stplr.NoSuchName):
                await stplr.aio.connect("nobody")

    async def test_one_way(self):
        async with stplr.aio.channel(self.name) as channel, await stplr.aio.connect(self.name) as connection:
            count = 0
            with self.assertRaises(stplr.WouldBlock):
                while True:
                    await connection.send(str(count).encode(), queued=True, timeout=0)
                    count += 1
            last = asyncio.create_task(connection.send(str(count).encode(), queued=True))
            direct = None
            for i in range(count + 1):
                self.assertEqual(str(i).encode(), (await channel.receive()).data)
            await last
            direct = asyncio.create_task(connection.send(b"direct"))
            async for message in channel:
                self.assertEqual(b"direct", message.data)
                break
            await direct

    async def test_closing_wakes_whoever_waits(self):
        async with await self.connected() as connection:
            channel = self.channel
            receives = [asyncio.create_task(channel.receive()) for _ in range(3)]
            call = asyncio.create_task(connection.call(b""))
            message = await receives[0]
            connection.close()
            with self.assertRaises(stplr.Closed):
                await call
            await asyncio.sleep(0)
            channel.close()
            for receive in receives[1:]:
                with self.assertRaises(stplr.Closed):
                    await receive
            del message
            channel.close()

    async def connected(self):
        self.channel = stplr.aio.channel(self.name)
        return await stplr.aio.connect(self.name)

    async def test_several_receivers_get_a_message_each(self):
        async with await self.connected() as connection, self.channel as channel:
            receives = [asyncio.create_task(channel.receive()) for _ in range(10)]
            await asyncio.sleep(0)
            receives[0].cancel()
            for i in range(9):
                await connection.send(str(i).encode(), queued=True)
            got = await asyncio.gather(*receives[1:])
            self.assertEqual({str(i).encode() for i in range(9)}, {message.data for message in got})

    async def test_accept(self):
        async def client():
            async with await stplr.aio.connect(self.name, timeout=60) as connection:
                return await connection.call(b"hello")

        async with stplr.aio.channel(self.name, listen=True) as listening:
            with self.assertRaises(stplr.TimedOut):
                await listening.accept(timeout=0.01)
            one = asyncio.create_task(client())
            async with await listening.accept() as channel:
                async for message in channel:
                    message.reply(b"there")
                self.assertEqual(b"there", await one)

    async def test_pulses(self):
        got = []

        async def handler(message):
            return b""

        async with stplr.aio.channel(self.name) as channel, await stplr.aio.connect(self.name) as connection:
            server = asyncio.create_task(channel.serve(handler, pulse=lambda pulse: got.append(pulse.code)))
            connection.connection.pulse(5)
            await connection.call(b"")
            self.assertEqual([5], got)
            channel.close()
            await server

    async def test_calls_of_more_tasks_than_the_limit(self):
        async def handler(message):
            return message.data

        async with stplr.aio.channel(self.name) as channel, await stplr.aio.connect(self.name) as connection:
            server = asyncio.create_task(channel.serve(handler))
            sent = [str(i).encode() for i in range(150)]
            self.assertEqual(sent, await asyncio.gather(*[connection.call(one) for one in sent]))
            channel.close()
            await server


class ThreadsTest(unittest.TestCase):
    def test_what_is_beyond_the_most_waits(self):
        threads = stplr.aio.Threads(2)
        running = threading.Semaphore(0)
        go = threading.Event()

        def work(i):
            running.release()
            go.wait(60)
            return i

        futures = [threads.submit(lambda i=i: work(i)) for i in range(5)]
        for _ in range(2):
            self.assertTrue(running.acquire(timeout=60))
        self.assertFalse(running.acquire(timeout=0.05))
        self.assertTrue(futures[4].cancel())
        go.set()
        self.assertEqual([0, 1, 2, 3], [future.result(60) for future in futures[:4]])
        for bad in (0, -1):
            with self.assertRaises(ValueError):
                stplr.aio.Threads(bad)

    def test_idle_ones_end(self):
        threads = stplr.aio.Threads(3)
        threads.IDLE = 0.01
        before = threading.active_count()
        for _ in range(3):
            self.assertEqual(5, threads.submit(lambda: 5).result(60))
        from support import eventually

        self.assertTrue(eventually(lambda: threading.active_count() <= before))
        self.assertEqual(6, threads.submit(lambda: 6).result(60))

    def test_after_a_fork(self):
        def child():
            async def main():
                async with stplr.aio.channel() as channel:
                    with stplr.Device() as device:
                        connection = stplr.aio.Connection(device.connect_pid(0, channel.channel.chid))

                    async def handler(message):
                        return message.data

                    server = asyncio.create_task(channel.serve(handler))
                    async with connection:
                        assert await connection.call(b"child") == b"child"
                    channel.close()
                    await server

            asyncio.run(main())

        stplr.aio._threads.submit(lambda: 1).result(60)
        self.assertEqual(0, Child(child).wait())
