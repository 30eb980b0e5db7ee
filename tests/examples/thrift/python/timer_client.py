# SPDX-License-Identifier: MIT
import time

import client
import options
from timer import timer
from timer.constants import INVALID_TIMER


def delay(tick):
    """How long after an interval's end its tick() returned, in nanoseconds."""
    return time.monotonic_ns() - tick.abstime * 1000


def measure_delay(arguments):
    service = options.connect(arguments, timer.Client)
    id = service.start(arguments.interval)
    client.expect(id != INVALID_TIMER, "start")
    delays = []
    for n in range(1, arguments.count + 1):
        tick = service.tick(id)
        delays.append(delay(tick))
        client.expect(tick.counter == n and delays[-1] >= 0, "tick")
    service.stop(id)
    delays.sort()
    client.print_measured(
        arguments,
        arguments.count,
        mean_ns=sum(delays) // len(delays),
        p50_ns=delays[len(delays) * 50 // 100],
        p99_ns=delays[len(delays) * 99 // 100],
    )


def work():
    arguments = client.parse("timer", rounds=["delay"], interval=True)
    if arguments.round:
        measure_delay(arguments)
        return
    service = options.connect(arguments, timer.Client)
    id = service.start(arguments.interval)
    for _ in range(5):
        tick = service.tick(id)
        print(f"tick {tick.counter} after {delay(tick) // 1000} us", flush=True)
    service.stop(id)


client.run(work)
