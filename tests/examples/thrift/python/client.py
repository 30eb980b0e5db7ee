# SPDX-License-Identifier: MIT
"""What the clients have in common: options, and rounds of calls that are measured."""

import json
import os
import sys
import threading
import time

from example.ttypes import version_struct
from thrift.Thrift import TException

import options


def parse(service, *, words="", rounds=(), interval=False):
    parser = options.parser(
        service,
        f"A client of the example service {service}. Without --round it shows what the service does; with it, it measures.",
    )
    if words:
        parser.add_argument("words", nargs="*", help=words)
    if interval:
        parser.add_argument(
            "--interval", type=options.between(1, 3600 * 1000000), default=100000, metavar="US", help="of the timer"
        )
    if rounds:
        parser.add_argument("--round", choices=rounds, help="measure this")
        parser.add_argument("--count", type=options.between(1, 10**9), metavar="N", help="how many rounds")
        parser.add_argument(
            "--size", type=options.between(0, 64 << 20), default=64, metavar="BYTES", help="of ping's binary_value, hello's text"
        )
        parser.add_argument(
            "--clients", type=options.between(1, 1000), default=1, metavar="M", help="threads with a connection each"
        )
    parsed = parser.parse_args()
    if rounds and (parsed.round is None) != (parsed.count is None):
        parser.error("--round and --count go together")
    return parsed


def run(work):
    """A client's main: what goes wrong is told in a line."""
    try:
        work()
    except (TException, EOFError, OSError, ValueError) as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")


def expect(right, what):
    if not right:
        raise ValueError(f"{what}: a wrong answer")


def expect_example(client, name):
    expect(client.name() == name, "name")
    expect(client.version() == version_struct(1, 0, 0), "version")


def measure(arguments, calls, make):
    """Runs rounds. make() gives a client's two functions, of which one is a round, and the other what settles all of them and
    gives the number of its calls."""
    clients = arguments.clients
    rounds = [make() for _ in range(clients)]
    errors = []
    settling = [0] * clients
    for once, settle in rounds:
        once()
        settle()
    begin = []
    start = threading.Barrier(clients, lambda: begin.append(time.monotonic_ns()))

    def client(number):
        once, settle = rounds[number]
        start.wait()
        try:
            for _ in range(arguments.count):
                once()
            settling[number] = settle()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(1, clients)]
    for thread in threads:
        thread.start()
    client(0)
    for thread in threads:
        thread.join()
    ns = time.monotonic_ns() - begin[0]
    if errors:
        raise errors[0]
    print_measured(arguments, clients * arguments.count * calls + sum(settling), ns=ns)


def print_measured(arguments, rpcs, **figures):
    result = {
        "round": arguments.round,
        "count": arguments.count,
        "clients": arguments.clients,
        "size": arguments.size,
        "rpcs": rpcs,
        **figures,
        "transport": arguments.transport,
        "wrapper": arguments.wrapper,
        "protocol": arguments.protocol,
    }
    print(json.dumps(result, separators=(",", ":")))
