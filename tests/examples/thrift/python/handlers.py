# SPDX-License-Identifier: MIT
"""What the services do."""

import threading
import time

from example.ttypes import version_struct
from ping.ttypes import operation
from thrift.Thrift import TApplicationException
from timer.constants import INVALID_TIMER
from timer.ttypes import timestamp

# A client that never stops its timers is not to use the server up.
TIMERS_MAX = 10000
# Longer ones could not be counted on.
INTERVAL_MAX = 86400 * 1000000


def refused(text):
    """What a client gets as an application exception with this text."""
    return TApplicationException(TApplicationException.INTERNAL_ERROR, text)


class Example:
    def __init__(self, name):
        self._name = name

    def name(self):
        return self._name

    def version(self):
        return version_struct(1, 0, 0)


class Ping(Example):
    def __init__(self, quiet):
        super().__init__("ping")
        self._quiet = quiet

    def ping(self, arg):
        arg.op = operation.PONG
        return arg

    def hello(self, text):
        if not self._quiet:
            print(text, flush=True)


class Calculator(Example):
    def __init__(self):
        super().__init__("calculator")

    def add(self, arg1, arg2):
        return self._result(arg1 + arg2)

    def subtract(self, arg1, arg2):
        return self._result(arg1 - arg2)

    def multiply(self, arg1, arg2):
        return self._result(arg1 * arg2)

    def divide(self, arg1, arg2):
        if not arg2:
            raise refused("division by zero")
        magnitude = abs(arg1) // abs(arg2)
        return self._result(magnitude if (arg1 < 0) == (arg2 < 0) else -magnitude)

    @staticmethod
    def _result(value):
        if not -(2**31) <= value < 2**31:
            raise refused("the result is no i32")
        return value


class _Timer:
    def __init__(self, interval):
        self.begin = time.monotonic_ns()
        self.interval = interval
        self.reported = 0
        self.stopped = False


class Timer(Example):
    def __init__(self):
        super().__init__("timer")
        self._changed = threading.Condition()
        self._timers = {}
        self._last = 0

    def start(self, interval_us):
        if interval_us <= 0:
            return INVALID_TIMER
        if interval_us > INTERVAL_MAX:
            raise refused(f"an interval has at most {INTERVAL_MAX} microseconds")
        with self._changed:
            if len(self._timers) >= TIMERS_MAX:
                raise refused("there are too many timers: stop some")
            self._last += 1
            self._timers[self._last] = _Timer(interval_us)
            return self._last

    def stop(self, id):
        with self._changed:
            self._find(id).stopped = True
            del self._timers[id]
            self._changed.notify_all()

    def tick(self, id):
        with self._changed:
            timer = self._find(id)
            timer.reported += 1
            counter = timer.reported
            end = timer.begin + counter * timer.interval * 1000
            while not timer.stopped and (left := end - time.monotonic_ns()) > 0:
                self._changed.wait(left / 1e9)
            if timer.stopped:
                raise refused(f"timer {id} was stopped")
            return timestamp(counter, end // 1000)

    def _find(self, id):
        if id not in self._timers:
            raise refused(f"there is no timer {id}")
        return self._timers[id]
