# SPDX-License-Identifier: MIT
import copy

import client
import options
from ping import ping
from ping.ttypes import operation, test_struct


def question(size):
    return test_struct(
        op=operation.PING,
        bool_value=True,
        i8_value=-8,
        i16_value=-1600,
        i32_value=320000,
        i64_value=-6400000000,
        double_value=0.125,
        string_value="text",
        binary_value=(bytes(i * 31 & 255 for i in range(256)) * (size // 256 + 1))[:size],
        map_value={1: "one", -2: "minus two", 3: "three"},
        list_value=[1, 2, 3],
        set_value={10, 20, 30},
    )


def ping_round(arguments):
    service = options.connect(arguments, ping.Client)
    asked = question(arguments.size)
    answer = copy.copy(asked)
    answer.op = operation.PONG

    def once():
        client.expect_example(service, "ping")
        client.expect(service.ping(asked) == answer, "ping")

    return once, lambda: 0


def hello_round(arguments):
    service = options.connect(arguments, ping.Client)
    text = "x" * arguments.size

    def once():
        client.expect_example(service, "ping")
        service.hello(text)

    def settle():
        # One connection's calls are executed in order.
        client.expect(service.name() == "ping", "name")
        return 1

    return once, settle


def work():
    arguments = client.parse("ping", words="what the server is to print", rounds=["ping", "hello"])
    if arguments.round:
        make = ping_round if arguments.round == "ping" else hello_round
        client.measure(arguments, 3, lambda: make(arguments))
        return
    service = options.connect(arguments, ping.Client)
    print(service.ping(question(4)))
    for text in arguments.words:
        service.hello(text)


client.run(work)
