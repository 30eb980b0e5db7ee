# SPDX-License-Identifier: MIT
"""What tests wait for, and who works beside them."""

import contextlib
import itertools
import os
import select
import signal
import sys
import threading
import time
import traceback

import stplr

PATIENCE = 60  # seconds, on a busy machine
_numbers = itertools.count()
IOCTL = {"x86_64": "16", "aarch64": "29"}.get(os.uname().machine)


def new_name():
    """A channel's name that no other test has."""
    return f"python-{os.getpid()}-{next(_numbers)}"


def eventually(condition, patience=PATIENCE):
    """Whether it comes true."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


class Thread(threading.Thread):
    """Runs a function; result() has what it returned, or raises what it raised."""

    def __init__(self, function, *arguments, **options):
        super().__init__(daemon=True)
        self._what = function, arguments, options
        self._result = self._error = None
        self.start()

    def run(self):
        function, arguments, options = self._what
        try:
            self._result = function(*arguments, **options)
        except BaseException as error:
            self._error = error
        finally:
            del self._what, function, arguments, options

    def result(self):
        self.join(PATIENCE)
        assert not self.is_alive(), "the thread does not end"
        error, self._error = self._error, None
        if error:
            raise error
        return self._result

    def blocks(self):
        """Waits until it waits in the kernel, in a call of stplr's."""
        assert eventually(lambda: in_ioctl(self.native_id)), "the thread does not block"
        return self


def in_ioctl(tid):
    """Does this thread of ours wait in an ioctl?"""
    try:
        with open(f"/proc/self/task/{tid}/syscall", encoding="ascii") as file:
            call = file.read()
        with open(f"/proc/self/task/{tid}/stat", encoding="ascii") as file:
            state = file.read().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return call.split()[0] == IOCTL and state in "SD"


def readable(channel):
    """Waits until something can be received."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    assert poll.poll(PATIENCE * 1000), "nothing comes"


@contextlib.contextmanager
def pair(**options):
    """A channel and a connection to it."""
    with stplr.Device() as device, device.channel(new_name(), **options) as channel:
        with device.connect_pid(0, channel.chid) as connection:
            yield channel, connection


@contextlib.contextmanager
def serving(handler, *, threads=1, **options):
    """A channel whose messages the handler answers, and a connection."""
    with pair(**options) as (channel, connection):
        server = Thread(channel.serve, handler, threads=threads)
        try:
            yield channel, connection
        finally:
            if not channel.closed:
                channel.shutdown()
            server.result()


class Child:
    """A child process that runs a function, and whose status is 0 if that returned."""

    def __init__(self, function, *arguments):
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                function(*arguments)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Its exit status; minus the signal that ended it."""
        found = []

        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                found.append(os.waitstatus_to_exitcode(status))
            return pid

        assert eventually(ended), "the child does not end"
        return found[0]
