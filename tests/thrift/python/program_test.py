# SPDX-License-Identifier: MIT
"""The examples' programs: Python's alone, on every transport, and with those of C++ and C/GLib, both ways."""

import json
import signal
import subprocess
import tempfile
import unittest

from support import PATIENCE, new_name

BIN = "build/bin"
RUNTIMES = {"cpp": "thrift-", "c_glib": "thrift-glib-"}


class Server:
    def __init__(self, program, *options):
        self.process = subprocess.Popen(
            [f"{BIN}/{program}", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.said = self.process.stdout.readline()
        assert self.said.startswith("listening on "), self.said + self.process.stdout.read()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, (self.process.returncode, rest)
        return rest

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


def run(program, *options, status=0):
    done = subprocess.run(
        [f"{BIN}/{program}", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
    )
    assert done.returncode == status, (done.returncode, done.stdout)
    return done.stdout


class ProgramTest(unittest.TestCase):
    def test_by_hand(self):
        where = ["--transport", f"stplr:{new_name()}"]
        with Server("thrift-python-calculator-server", *where):
            self.assertEqual(
                "add 7 2: 9\nsubtract 7 2: 5\nmultiply 7 2: 14\ndivide 7 2: 3\n", run("thrift-python-calculator-client", *where)
            )
            self.assertEqual("-3\n", run("thrift-python-calculator-client", *where, "--", "divide", "-7", "2"))
            self.assertIn("division by zero", run("thrift-python-calculator-client", *where, "divide", "1", "0", status=1))
            self.assertIn(
                "no i32", run("thrift-python-calculator-client", *where, "multiply", "99999", "99999", status=1)
            )
        with Server("thrift-python-example-server", *where):
            self.assertEqual("example 1.0.0\n", run("thrift-python-example-client", *where))
        with Server("thrift-python-ping-server", *where) as server:
            self.assertIn("double_value=0.125", run("thrift-python-ping-client", *where, "hello", "world"))
            run("thrift-python-ping-client", *where, "--round", "ping", "--count", "1")
            self.assertEqual("hello\nworld\n", server.end())
        with Server("thrift-python-timer-server", *where):
            self.assertIn("tick 5 after", run("thrift-python-timer-client", *where, "--interval", "1000"))
        self.assertIn("is its server running", run("thrift-python-timer-client", *where, status=1))
        self.assertIn("no option 'x'", run("thrift-python-timer-server", "--transport", "stplr:a?x=1", status=1))

    def test_on_every_transport(self):
        with tempfile.TemporaryDirectory() as folder:
            for uri, server, name in (
                (f"stplr:{new_name()}?device=1&mode=660", "pool", "ping"),
                (f"stplr:{new_name()}?device=1&mode=660", "threaded", "hello"),
                (f"unix:{folder}/socket", "threaded", "ping"),
                ("tcp:127.0.0.1:9191", "simple", "hello"),
            ):
                options = ["--transport", uri, "--wrapper", "framed", "--protocol", "compact"]
                with Server("thrift-python-ping-server", *options, "--server", server, "--quiet"):
                    result = json.loads(run("thrift-python-ping-client", *options, "--round", name, "--count", "5"))
                    self.assertEqual((15 + (name == "hello"), uri), (result["rpcs"], result["transport"]))

    def test_an_interrupt_ends_a_server(self):
        for server in ("simple", "threaded", "pool"):
            where = ["--transport", f"stplr:{new_name()}"]
            running = Server("thrift-python-timer-server", *where, "--server", server)
            client = subprocess.Popen(
                [f"{BIN}/thrift-python-timer-client", *where, "--interval", "60000000"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            running.process.send_signal(signal.SIGINT)
            self.assertEqual(0, running.process.wait(PATIENCE))
            running.process.stdout.close()
            client.communicate(timeout=PATIENCE)
            self.assertEqual(1, client.returncode)


class InteropTest(unittest.TestCase):
    def rounds(self, server, client, wire):
        where = ["--transport", f"stplr:{new_name()}", *wire]
        with Server(f"{server}ping-server", *where, "--quiet"):
            for name, size in (("ping", 200000), ("hello", 64)):
                result = json.loads(
                    run(f"{client}ping-client", *where, "--round", name, "--count", "10", "--size", str(size))
                )
                self.assertEqual(30 + (name == "hello"), result["rpcs"])
        if "framed" in wire:  # starting Python takes long
            return
        with Server(f"{server}calculator-server", *where):
            run(f"{client}calculator-client", *where, "--round", "calculator", "--count", "10")
        with Server(f"{server}timer-server", *where):
            run(f"{client}timer-client", *where, "--round", "delay", "--count", "3", "--interval", "1000")

    def test_what_only_cpp_has(self):
        for server, client in (("thrift-python-", "thrift-"), ("thrift-", "thrift-python-")):
            where = ["--transport", f"stplr:{new_name()}", "--wrapper", "none", "--protocol", "json"]
            with Server(f"{server}ping-server", *where, "--quiet"):
                run(f"{client}ping-client", *where, "--round", "ping", "--count", "10", "--size", "100000")


def _add(name, server, client, *wire):
    setattr(
        InteropTest,
        f"test_{name}",
        lambda self: self.rounds(server, client, ["--wrapper", wire[0], "--protocol", wire[1]]),
    )


for _name, _prefix in RUNTIMES.items():
    _add(f"python_serves_{_name}_buffered_binary", "thrift-python-", _prefix, "buffered", "binary")
    _add(f"python_serves_{_name}_framed_compact", "thrift-python-", _prefix, "framed", "compact")
    _add(f"{_name}_serves_python_buffered_binary", _prefix, "thrift-python-", "buffered", "binary")
    _add(f"{_name}_serves_python_framed_compact", _prefix, "thrift-python-", "framed", "compact")
