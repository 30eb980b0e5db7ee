# SPDX-License-Identifier: MIT
import client
import options
from calculator import calculator

OPERATIONS = ("add", "subtract", "multiply", "divide")


def make_round(arguments):
    service = options.connect(arguments, calculator.Client)

    def once():
        client.expect_example(service, "calculator")
        client.expect(service.add(1200, 34) == 1234, "add")
        client.expect(service.subtract(1200, 34) == 1166, "subtract")
        client.expect(service.multiply(1200, 34) == 40800, "multiply")
        client.expect(service.divide(1200, 34) == 35, "divide")

    return once, lambda: 0


def number(text):
    value = int(text)
    if not -(2**31) <= value < 2**31:
        raise ValueError(f"'{text}' is no i32")
    return value


def calculate(service, words):
    if len(words) != 3 or words[0] not in OPERATIONS:
        raise ValueError("tell me add, subtract, multiply or divide, and two numbers")
    print(getattr(service, words[0])(number(words[1]), number(words[2])), flush=True)


def work():
    arguments = client.parse(
        "calculator", words="add, subtract, multiply or divide, and two numbers", rounds=["calculator"]
    )
    if arguments.round:
        client.measure(arguments, 6, lambda: make_round(arguments))
        return
    service = options.connect(arguments, calculator.Client)
    if arguments.words:
        calculate(service, arguments.words)
        return
    for operation in OPERATIONS:
        print(f"{operation} 7 2: ", end="")
        calculate(service, [operation, "7", "2"])


client.run(work)
