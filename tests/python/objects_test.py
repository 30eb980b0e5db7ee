# SPDX-License-Identifier: MIT
"""Devices, names, connections, accepted channels: who may what, and what is told to whom asks for what is not there."""

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import stplr
from stplr import _library
from support import PATIENCE, Child, Thread, eventually, new_name, pair


class DeviceTest(unittest.TestCase):
    def test_version(self):
        with stplr.Device() as device:
            version = device.version
            self.assertRegex(version.version, r"^\d+\.\d+\.\d+$")
            self.assertGreaterEqual(version.message_max, 4096)
            self.assertEqual(1024, version.parts_max)

    def test_one_that_the_module_does_not_have(self):
        with self.assertRaisesRegex(stplr.NoDevice, r"no device /dev/stplr-77: .*rmmod stplr.*devices=78") as caught:
            stplr.Device(77)
        self.assertEqual(errno.ENOENT, caught.exception.errno)
        self.assertIsInstance(caught.exception, FileNotFoundError)

    def test_one_whose_file_is_missing(self):
        path = "/dev/stplr-2"
        node = os.stat(path)
        os.unlink(path)
        try:
            with self.assertRaisesRegex(stplr.NoDevice, "its file is missing here"):
                stplr.Device(2)
        finally:
            os.mknod(path, node.st_mode, node.st_rdev)
            os.chmod(path, stat.S_IMODE(node.st_mode))
        stplr.Device(2).close()

    def test_what_is_no_device(self):
        path = "/dev/stplr-76"
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        try:
            with self.assertRaisesRegex(stplr.Error, "is not a device of the module stplr") as caught:
                stplr.Device(76)
            self.assertEqual(errno.ENOTTY, caught.exception.errno)
        finally:
            os.unlink(path)

    def test_one_that_may_not_be_opened(self):
        def child():
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                stplr.Device(1)
            except stplr.Denied as error:
                assert "owner, group and mode" in str(error), error
                assert isinstance(error, PermissionError)
                return
            raise AssertionError("nobody opens the device")

        os.chmod("/dev/stplr-1", 0o600)
        try:
            self.assertEqual(0, Child(child).wait())
        finally:
            os.chmod("/dev/stplr-1", 0o666)

    def test_a_module_that_does_not_fit(self):
        def refuse(number, flags, why, size):
            why.value = b"install module and library of one release"
            import ctypes

            ctypes.set_errno(errno.EPROTONOSUPPORT)
            return -1

        with mock.patch.object(_library, "open_why", refuse):
            with self.assertRaisesRegex(stplr.Error, "install module and library of one release") as caught:
                stplr.Device()
        self.assertEqual(errno.EPROTONOSUPPORT, caught.exception.errno)

    def test_bad_numbers(self):
        for bad in (-1, 2**32, 2**64):
            with self.assertRaisesRegex(ValueError, "a device's number is from 0 to"):
                stplr.Device(bad)
        with self.assertRaises(TypeError):
            stplr.Device("0")

    def test_devices_are_domains(self):
        name = new_name()
        with stplr.channel(name), stplr.channel(name, device=1):
            stplr.connect(name, device=1).close()
            with self.assertRaises(stplr.NoSuchName):
                stplr.connect(name, device=2)


class NameTest(unittest.TestCase):
    def test_taken(self):
        name = new_name()
        with stplr.channel(name):
            with self.assertRaisesRegex(stplr.NameTaken, f"another channel has this name: '{name}'") as caught:
                stplr.channel(name)
            self.assertIsInstance(caught.exception, FileExistsError)
        stplr.channel(name).close()

    def test_not_there(self):
        with self.assertRaisesRegex(stplr.NoSuchName, "is the server running") as caught:
            stplr.connect("nobody")
        self.assertIsInstance(caught.exception, FileNotFoundError)
        with self.assertRaises(stplr.TimedOut):
            stplr.connect("nobody", timeout=0.01)

    def test_waited_for(self):
        name = new_name()
        client = Thread(stplr.connect, name, timeout=60).blocks()
        with stplr.channel(name):
            client.result().close()
        client = Thread(stplr.connect, name, timeout=None).blocks()
        with stplr.channel(name):
            client.result().close()

    def test_bad_ones(self):
        for bad in ("", "a b", "x" * 64, "ä", "a/b", "\udcff"):
            for use in (stplr.channel, stplr.connect):
                with self.assertRaisesRegex(stplr.Error, "a bad name") as caught:
                    use(bad)
                self.assertEqual(errno.EINVAL, caught.exception.errno)
        for use in (stplr.channel, stplr.connect):
            with self.assertRaisesRegex(ValueError, "null"):
                use("good\0bad")
            with self.assertRaises(TypeError):
                use(b"name")
        stplr.channel("x" * 63).close()

    def test_ids(self):
        for id, name in ((0, "@0"), (42, "@42"), (2**32 - 1, "@4294967295")):
            self.assertEqual(name, stplr.id_name(id))
            self.assertEqual(id, stplr.name_id(name))
            with stplr.channel(stplr.id_name(id)) as channel:
                stplr.connect(name).close()
                self.assertEqual(id, stplr.name_id(channel.info().name))
        for bad in ("", "42", "@", "@042", "@4294967296", "@-1", "@1 ", "@1\0", "@²", "server"):
            with self.assertRaises(ValueError):
                stplr.name_id(bad)
        for bad in (-1, 2**32):
            with self.assertRaises(ValueError):
                stplr.id_name(bad)
        with self.assertRaises(TypeError):
            stplr.id_name("42")
        with self.assertRaisesRegex(stplr.Error, "a bad name"):
            stplr.channel("@042")

    def test_modes(self):
        def connects(name, wanted):
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                stplr.connect(name, device=0).close()
                denied = False
            except stplr.Denied:
                denied = True
            assert denied != wanted, (name, denied)

        os.chmod("/dev/stplr-0", 0o666)
        for mode, wanted in ((0o600, False), (0o666, True)):
            name = new_name()
            with stplr.channel(name, mode=mode):
                self.assertEqual(0, Child(connects, name, wanted).wait())
        name = new_name()
        with stplr.channel(name, mode=0o620, group=65534):
            self.assertEqual(0, Child(connects, name, True).wait())
        with stplr.channel(name):
            stplr.connect(name, uid=os.geteuid()).close()
            with self.assertRaisesRegex(stplr.Denied, "not of the user that was asked for"):
                stplr.connect(name, uid=12345)

    def test_bad_options(self):
        for options in ({"mode": -1}, {"mode": 2**32}, {"group": -1}, {"backlog": -1}, {"pulses": 2**33}):
            with self.assertRaises(ValueError, msg=options):
                stplr.channel("x", **options)
        with self.assertRaises(stplr.Error):
            stplr.channel("x", pulses=100001)
        with self.assertRaises(TypeError):
            stplr.channel("x", bogus=1)
        with stplr.channel(listen=2) as channel, self.assertRaises(stplr.WouldBlock):  # whatever is true is on
            channel.accept(timeout=0)
        with stplr.Device() as device:
            for pid, chid in ((-1, 1), (2**31, 1), (0, 0), (0, 2**31)):
                with self.assertRaises(ValueError):
                    device.connect_pid(pid, chid)
            with self.assertRaisesRegex(stplr.Gone, "no such process or channel"):
                device.connect_pid(0, 2**31 - 1)


class ServerInfoTest(unittest.TestCase):
    def test_both_sides(self):
        with pair() as (channel, connection):
            server = connection.server()
            self.assertEqual(
                (os.getpid(), channel.chid, os.geteuid(), os.getegid(), False, False, 0, 0),
                (server.pid, server.chid, server.uid, server.gid, server.ended, server.detached, server.queued,
                 server.dropped),
            )
            connection.send(b"", queued=True)
            scoid = channel.receive().scoid
            client = channel.client(scoid)
            self.assertEqual((os.getpid(), os.getsid(0), 1, os.getuid(), os.geteuid()), (
                client.pid, client.sid, client.connections, client.uid, client.euid))
            self.assertEqual(sorted(os.getgroups()), sorted(client.groups))
            with self.assertRaises(stplr.Gone):
                channel.client(2**32 - 1)
            for bad in (-1, 2**32):
                with self.assertRaises(ValueError):
                    channel.client(bad)
            connection.detach()
            self.assertTrue(connection.server().detached)
            with self.assertRaises(stplr.Closed):
                connection.send(b"")

    def test_groups(self):
        def child(name):
            os.setgroups(range(1000, 1100))
            stplr.connect(name, timeout=60).call(b"")

        name = new_name()
        with stplr.channel(name) as channel:
            process = Child(child, name)
            message = channel.receive()
            self.assertEqual(tuple(range(1000, 1100)), tuple(sorted(channel.client(message.scoid).groups)))
            message.reply()
            self.assertEqual(0, process.wait())

    def test_cookies(self):
        with pair() as (channel, connection):
            coid = connection.server().coid
            channel.set_cookie(coid, 2**64 - 1)
            connection.send(b"", queued=True)
            connection.pulse(1)
            self.assertEqual({2**64 - 1}, {channel.receive().cookie, channel.receive().cookie})
            with self.assertRaises(ValueError):
                channel.set_cookie(coid, 2**64)
            with self.assertRaises(stplr.Gone):
                channel.set_cookie(2**32 - 1, 1)


class AcceptTest(unittest.TestCase):
    def test_a_channel_for_each_client(self):
        name = new_name()
        with stplr.channel(name, listen=True) as listening:
            with self.assertRaises(stplr.Error) as caught:
                listening.receive(timeout=0)
            self.assertEqual(errno.EINVAL, caught.exception.errno)
            with self.assertRaises(stplr.WouldBlock):
                listening.accept(timeout=0)
            first, second = stplr.connect(name), stplr.connect(name)
            with listening.accept() as one, listening.accept(timeout=5) as other:
                for channel, connection in ((one, first), (other, second)):
                    self.assertEqual((os.getpid(), os.geteuid()), channel.peer[:2])
                    self.assertEqual(connection.server().coid, channel.peer.coid)
                    client = Thread(connection.call, b"hello")
                    message = channel.receive()
                    message.reply(message.data)
                    self.assertEqual(b"hello", client.result())
                    connection.close()
                    with self.assertRaisesRegex(stplr.Ended, "the client has closed") as caught:
                        channel.receive()
                    self.assertIsInstance(caught.exception, BrokenPipeError)
                    self.assertEqual([], list(channel))

    def test_a_full_backlog(self):
        name = new_name()
        with stplr.channel(name, listen=True, backlog=1) as listening, stplr.connect(name):
            with self.assertRaises(stplr.WouldBlock):
                stplr.connect(name)
            client = Thread(stplr.connect, name, timeout=60).blocks()
            with listening.accept():
                client.result().close()

    def test_shutdown(self):
        with stplr.channel(listen=True) as listening:
            waiting = Thread(listening.accept).blocks()
            listening.shutdown()
            with self.assertRaises(stplr.Ended):
                waiting.result()
            with self.assertRaises(stplr.Ended):
                listening.accept()


class DescriptorTest(unittest.TestCase):
    def test_passed_to_another_process(self):
        def child(end):
            _, fds, _, _ = socket.recv_fds(end, 1, 1)
            with stplr.Connection.from_fd(fds[0]) as connection:
                assert connection.call(b"hello") == b"olleh"

        ours, theirs = socket.socketpair()
        with pair() as (channel, connection), ours, theirs:
            process = Child(child, theirs)
            socket.send_fds(ours, [b"x"], [connection.fileno()])
            message = channel.receive()
            message.reply(message.data[::-1])
            self.assertEqual(0, process.wait())

    def test_a_channel_tells_what_it_is(self):
        def child(end):
            _, fds, _, _ = socket.recv_fds(end, 1, 1)
            with stplr.Channel.from_fd(fds[0]) as channel:
                assert not os.get_inheritable(channel.fileno())
                about = channel.info()
                assert (about.name, about.pid, about.listens, about.peer) == (name, maker, True, None), about
                with channel.accept() as accepted:
                    about = accepted.info()
                    assert (about.name, about.chid, about.listens, about.closed) == (name, 0, False, False), about
                    with stplr.Channel.from_fd(os.dup(accepted.fileno())) as copy:
                        assert copy.peer == accepted.peer == about.peer, about
                        assert copy.peer.pid == maker
                channel.shutdown()
                assert channel.info().stopped and not channel.info().ended
                channel.destroy()
                assert channel.info().ended

        name, maker = new_name(), os.getpid()
        ours, theirs = socket.socketpair()
        with stplr.channel(name, listen=True) as channel, ours, theirs, stplr.connect(name):
            process = Child(child, theirs)
            fd = os.dup(channel.fileno())
            os.set_inheritable(fd, True)
            socket.send_fds(ours, [b"x"], [fd])
            os.close(fd)
            self.assertEqual(0, process.wait())

    def test_twice(self):
        with pair() as (channel, connection):
            for kind, own in ((stplr.Channel, channel), (stplr.Connection, connection)):
                with self.assertRaisesRegex(stplr.Error, "already") as caught:
                    kind.from_fd(own.fileno())
                self.assertEqual(errno.EBUSY, caught.exception.errno)
                number = os.dup(own.fileno())
                with kind.from_fd(number):
                    with self.assertRaisesRegex(stplr.Error, f"fd={number}"):
                        kind.from_fd(number)
                with self.assertRaises(stplr.Closed):
                    kind.from_fd(number)

    def test_given_back(self):
        with pair() as (channel, connection):
            number = os.dup(connection.fileno())
            copy = stplr.Connection.from_fd(number)
            self.assertEqual(number, copy.into_fd())
            self.assertTrue(copy.closed)
            for again in (copy.into_fd, copy.fileno):
                with self.assertRaises(ValueError):
                    again()
            copy.close()
            with stplr.Connection.from_fd(number) as once_more:
                self.assertFalse(once_more.server().ended)
            waiting = Thread(channel.receive).blocks()
            with self.assertRaisesRegex(ValueError, "inside"):
                channel.into_fd()
            connection.pulse(1)
            waiting.result()

    def test_what_is_no_descriptor(self):
        for kind in (stplr.Channel, stplr.Connection, stplr.Device):
            with self.assertRaises(stplr.Closed):
                kind.from_fd(-1)
            for wrong in (2**31, -(2**31) - 1):
                with self.assertRaises(ValueError):
                    kind.from_fd(wrong)
            for wrong in ("3", None, 3.0):
                with self.assertRaises(TypeError):
                    kind.from_fd(wrong)

    def test_activated(self):
        program = """
import os, socket, stplr, sys
os.environ["LISTEN_PID"] = str(os.getpid())
with stplr.Channel.from_fd(stplr.activated("service")) as channel:
    assert channel.info().name == sys.argv[1]
    message = channel.receive()
    message.reply(message.data.upper())
for wrong in ("other", "serv"):
    try:
        stplr.activated(wrong)
    except stplr.NoSuchName as error:
        assert "started with" in str(error), error
    else:
        sys.exit("found " + wrong)
try:
    stplr.activated()
except stplr.Error as error:
    assert "several" in str(error), error
"""
        name = new_name()
        with stplr.channel(name) as channel, stplr.connect(name) as connection, tempfile.TemporaryFile() as file:
            environment = {**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "file:service"}

            def as_a_manager_does():
                # Both are out of the way before either is put in its place.
                places = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (file.fileno(), channel.fileno())]
                for number, place in enumerate(places, 3):
                    os.dup2(place, number)

            with subprocess.Popen(
                [sys.executable, "-c", program, name], env=environment, preexec_fn=as_a_manager_does, close_fds=False
            ) as service:
                self.assertEqual(b"HELLO", connection.call(b"hello", timeout=PATIENCE))
                self.assertEqual(0, service.wait())

    def test_of_another_kind(self):
        with stplr.Device() as device, pair() as (channel, connection), tempfile.TemporaryFile() as file:
            kinds = {stplr.Channel: channel, stplr.Connection: connection}
            for kind, own in kinds.items():
                kind.from_fd(os.dup(own.fileno())).close()
                for other in (device, channel, connection, file):
                    if other is not own:
                        with self.assertRaises(stplr.Error) as caught:
                            kind.from_fd(other.fileno())
                        self.assertEqual(errno.ENOTTY, caught.exception.errno)
                        self.assertIn(f"descriptor {other.fileno()}", str(caught.exception))
            with stplr.Device.from_fd(os.dup(device.fileno())) as copy:
                self.assertEqual(device.version, copy.version)
            with self.assertRaises(stplr.Error):
                stplr.Device.from_fd(file.fileno())
            with self.assertRaises(stplr.Closed):
                stplr.Channel.from_fd(12345)


class WordsTest(unittest.TestCase):
    def test_an_exception_tells_call_errno_and_words(self):
        with self.assertRaises(stplr.Error) as caught:
            stplr.connect("nobody")
        error = caught.exception
        self.assertEqual(("stplr_connect", errno.ENOENT, "nobody"), (error.call, error.errno, error.filename))
        self.assertEqual("stplr_connect: no channel has this name: is the server running?", error.strerror)

    def test_the_classes_are_oserrors(self):
        for name in stplr.__all__:
            kind = getattr(stplr, name)
            if isinstance(kind, type) and issubclass(kind, Exception) and kind is not stplr.Refusal:
                self.assertTrue(issubclass(kind, stplr.Error) and issubclass(kind, OSError), name)
