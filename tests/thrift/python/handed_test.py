# SPDX-License-Identifier: MIT
"""Descriptors that were handed in: connections, listening channels, accepted clients' channels."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import stplr
import stplr_thrift
from kinds import Handler, Service, fails
from suite import suite
from support import PATIENCE, Child, Thread, eventually, new_name
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolFactory
from thrift.server.TServer import TForkingServer
from thrift.transport.TTransport import TTransportException as T, TTransportFactoryBase


def client_of(transport):
    return suite.Client(TBinaryProtocol(transport))


def is_open(fd):
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def fails_to_open(transport):
    try:
        transport.open()
    except T:
        return True
    return False


def asleep(thread):
    """Waits until it sleeps in the kernel, anywhere."""
    assert eventually(lambda: _state(thread.native_id) == "S"), "the thread does not sleep"
    return thread


def _state(tid):
    with open(f"/proc/self/task/{tid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]


class ClientTest(unittest.TestCase):
    def test_calls_are_made(self):
        with Service(wrapper="none") as service:
            fd = stplr.connect(service.name).into_fd()
            os.set_inheritable(fd, True)
            transport = stplr_thrift.TStaplerTransport.from_fd(fd, timeout=PATIENCE * 1000)
            self.assertTrue(transport.isOpen())
            self.assertEqual(fd, transport.fileno())
            self.assertFalse(os.get_inheritable(fd))
            client = client_of(transport)
            self.assertEqual(5, client.add(2, 3))
            self.assertEqual(1 << 20, len(client.make(1 << 20)))
            client.note(1, 0, b"")
            self.assertEqual(1, client.noted())
            self.assertIn("(handed in)", str(transport.address))
            copy = os.dup(fd)
            transport.close()
            self.assertFalse(is_open(fd))
            with fails(self, T.NOT_OPEN) as caught:
                transport.open()
            self.assertIn("no address", str(caught.exception))
            # Who has the copy goes on with it, and with an address may come again.
            transport = stplr_thrift.TStaplerTransport.from_fd(copy, service.name)
            client = client_of(transport)
            for _ in range(2):
                self.assertEqual(5, client.add(2, 3))
                transport.close()
                transport.open()
            transport.close()

    def test_passed_to_another_process(self):
        def child(end):
            _, fds, _, _ = socket.recv_fds(end, 1, 1)
            transport = stplr_thrift.TStaplerTransport.from_fd(fds[0])
            assert client_of(transport).add(2, 3) == 5
            transport.close()

        ours, theirs = socket.socketpair()
        with Service(wrapper="none") as service, ours, theirs:
            process = Child(child, theirs)
            with stplr.connect(service.name) as connection:
                socket.send_fds(ours, [b"x"], [connection.fileno()])
            self.assertEqual(0, process.wait())

    def test_after_fork_each_has_it(self):
        with Service(wrapper="none") as service:
            transport = stplr_thrift.TStaplerTransport.from_fd(stplr.connect(service.name).into_fd())
            client = client_of(transport)
            self.assertEqual(5, client.add(2, 3))

            def child():
                assert client.add(3, 4) == 7
                transport.close()

            self.assertEqual(0, Child(child).wait())
            self.assertEqual(9, client.add(4, 5))
            transport.close()


class ServerTest(unittest.TestCase):
    def setUp(self):
        self.name = new_name()
        self.channel = stplr.channel(self.name, listen=True)
        self.addCleanup(self.channel.close)

    def handed(self, **options):
        return stplr_thrift.TStaplerServerTransport.from_fd(os.dup(self.channel.fileno()), **options)

    def test_the_channel_outlives_its_servers(self):
        early = stplr.connect(self.name)
        for server in ("simple", "threaded", "pool"):
            with Service(server, "none", transport=self.handed()) as service:
                self.assertEqual(self.name, service.transport.address.name)
                if server == "simple":
                    early.close()  # who waited first
                client, transport = service.client(timeout=PATIENCE * 1000)
                self.assertEqual(5, client.add(2, 3))
                transport.close()
            self.assertFalse(self.channel.info().stopped)
            self.assertFalse(service.transport.isOpen())
            with fails(self, T.NOT_OPEN):
                service.transport.listen()

    def test_close_ends_its_own_accept_only(self):
        one, other = self.handed(), self.handed()
        for transport in (one, other):
            self.assertFalse(transport.isOpen())
            transport.listen()
            transport.listen()
        closed, accepting = asleep(Thread(one.accept)), asleep(Thread(other.accept))
        for _ in range(1 << 17):  # more than a pipe holds
            one.close()
        with fails(self, T.NOT_OPEN):
            closed.result()
        self.assertTrue(accepting.is_alive())
        self.assertFalse(self.channel.info().stopped)
        with stplr.connect(self.name):
            accepting.result().close()
        other.close()

    def test_one_that_does_not_block(self):
        os.set_blocking(self.channel.fileno(), False)
        transport = self.handed()
        transport.listen()
        accepting = asleep(Thread(transport.accept))
        with stplr.connect(self.name):
            accepting.result().close()
        transport.close()

    def test_after_fork_each_serves(self):
        transport = self.handed()
        transport.listen()
        with stplr.connect(self.name):
            transport.accept().close()

        def child():
            with stplr.connect(self.name):
                transport.accept().close()
            accepting = asleep(Thread(transport.accept))
            transport.close()
            with fails(self, T.NOT_OPEN):
                accepting.result()

        self.assertEqual(0, Child(child).wait())
        accepting = asleep(Thread(transport.accept))
        with stplr.connect(self.name):
            accepting.result().close()
        transport.close()

    def test_the_forking_server(self):
        def child():
            TForkingServer(
                suite.Processor(Handler()), self.handed(), TTransportFactoryBase(), TBinaryProtocolFactory()
            ).serve()

        server = Child(child)
        for _ in range(3):
            transport = stplr_thrift.TStaplerTransport(self.name)
            transport.open()
            self.assertEqual(5, client_of(transport).add(2, 3))
            transport.close()
        server.kill()
        server.wait()

    def test_never_listened_to(self):
        transport = self.handed()
        fd = transport._handed.channel.fileno()
        self.assertFalse(os.get_inheritable(fd))
        transport.close()
        self.assertFalse(is_open(fd))

    def test_a_process_for_each_client(self):
        def child(end):
            _, fds, _, _ = socket.recv_fds(end, 1, 1)
            session = stplr_thrift.TStaplerSession.from_fd(fds[0])
            assert session.peer.pid == parent and session.address.name == self.name, (session.peer, session.address)
            processor, protocol = suite.Processor(Handler()), TBinaryProtocol(session)
            try:
                while True:
                    processor.process(protocol, protocol)
            except T as error:
                assert error.type == T.END_OF_FILE, error
            session.close()

        ours, theirs = socket.socketpair()
        parent = os.getpid()
        with ours, theirs:
            process = Child(child, theirs)
            transport = stplr_thrift.TStaplerTransport(self.name)
            transport.open()
            with self.channel.accept() as accepted:
                socket.send_fds(ours, [b"x"], [accepted.fileno()])
            client = client_of(transport)
            self.assertEqual(5, client.add(2, 3))
            self.assertEqual(300000, len(client.make(300000)))
            transport.close()
            self.assertEqual(0, process.wait())


class RefusalTest(unittest.TestCase):
    def refused(self, fd, why, *kinds):
        kind = {
            "client": stplr_thrift.TStaplerTransport,
            "server": stplr_thrift.TStaplerServerTransport,
            "session": stplr_thrift.TStaplerSession,
        }
        for name in kinds or kind:
            with fails(self, T.NOT_OPEN) as caught:
                kind[name].from_fd(fd)
            self.assertIn(f"descriptor {fd}", str(caught.exception))
            self.assertIn(why, str(caught.exception))
            if why != "not open":
                self.assertTrue(is_open(fd), "it stays the caller's")

    def test_all(self):
        name = new_name()
        with stplr.channel(name, listen=True) as listening, stplr.channel() as plain, stplr.Device() as device:
            with stplr.connect(name) as connection, listening.accept() as accepted, tempfile.TemporaryFile() as file:
                copies = [os.dup(each.fileno()) for each in (listening, plain, device, connection, accepted)]
                a_listening, a_plain, a_device, a_connection, an_accepted = copies
                self.refused(file.fileno(), "does not belong to stplr")
                self.refused(a_device, "is no")
                self.refused(a_plain, "is no", "client")
                self.refused(a_plain, "not a listening", "server")
                self.refused(a_plain, "not an accepted", "session")
                self.refused(a_connection, "is no channel", "server", "session")
                self.refused(a_listening, "is no connection", "client")
                self.refused(a_listening, "not an accepted client's", "session")
                self.refused(an_accepted, "not a listening", "server")
                # Of an object of stplr's, and of a transport's.
                self.refused(connection.fileno(), "already", "client")
                self.refused(listening.fileno(), "already", "server")
                self.refused(accepted.fileno(), "already", "session")
                transport = stplr_thrift.TStaplerTransport.from_fd(os.dup(a_connection))
                self.refused(transport.fileno(), "already", "client")
                transport.close()
                for fd, kind in ((a_connection, "client"), (an_accepted, "session")):
                    os.set_blocking(fd, False)
                    self.refused(fd, "O_NONBLOCK", kind)
                    os.set_blocking(fd, True)
                connection.detach()
                self.refused(a_connection, "ended by another", "client")
                accepted.shutdown()
                self.refused(an_accepted, "ended by another", "session")
                listening.destroy()
                self.refused(a_listening, "ended by another", "server")
                for fd in copies:
                    os.close(fd)
                self.refused(copies[0], "not open")
                self.refused(-1, "not open")


class ActivatedTest(unittest.TestCase):
    def test_a_program(self):
        name = new_name()
        start = (
            "export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=service; exec 3<&$0; "
            "exec build/bin/thrift-python-calculator-server --transport $1"
        )

        def run(uri):
            return subprocess.Popen(
                ["bash", "-c", start, str(fd), uri],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                pass_fds=[fd],
            )

        with stplr.channel(name, listen=True) as channel:
            fd = channel.fileno()
            for _ in range(2):
                with run("activated:service") as server:
                    said = subprocess.run(
                        ["build/bin/thrift-python-calculator-client", "--transport", f"stplr:{name}", "add", "7", "2"],
                        stdout=subprocess.PIPE,
                        text=True,
                        timeout=PATIENCE,
                    )
                    self.assertEqual("9\n", said.stdout)
                    self.assertEqual("listening on activated:service\n", server.stdout.readline())
                    server.send_signal(signal.SIGTERM)
                    self.assertEqual(0, server.wait(PATIENCE))
            with run("activated:other") as server:
                self.assertEqual(1, server.wait(PATIENCE))
                self.assertIn("was not started with", server.stdout.read())

    def test_the_program_of_the_page(self):
        def children(pid):
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                return [int(child) for child in file.read().split()]

        with open("docs/thrift.md", encoding="utf-8") as page:
            (program,) = re.findall(r"^```python\n(.*?)^```$", page.read(), re.MULTILINE | re.DOTALL)
        environment = {**os.environ, "PATH": f"{os.getcwd()}/build/bin:{os.environ['PATH']}"}
        with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.DEVNULL) as manager:
            service = None
            for _ in range(2):
                client = stplr_thrift.TStaplerTransport("calculator", timeout=PATIENCE * 1000)
                assert eventually(lambda: not fails_to_open(client)), "there is no service"
                client.close()
                self.assertEqual(
                    "9\n",
                    subprocess.run(
                        ["build/bin/thrift-calculator-client", "add", "7", "2"], stdout=subprocess.PIPE, text=True, timeout=PATIENCE
                    ).stdout,
                )
                (other,) = children(manager.pid)
                self.assertNotEqual(service, other)
                service = other
                os.kill(service, signal.SIGTERM)
                assert eventually(lambda: service not in children(manager.pid)), "the service does not end"
            manager.terminate()
            manager.wait(PATIENCE)

    def test_strings(self):
        for function in (stplr_thrift.client_transport, stplr_thrift.server_transport):
            for wrong in ("activated:", "activated:a:b"):
                with self.assertRaisesRegex(ValueError, "wants a name"):
                    function(wrong)
            with fails(self, T.NOT_OPEN):
                function("activated:service")
