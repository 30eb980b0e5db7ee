# SPDX-License-Identifier: MIT
import client
import options
from example import example


def work():
    service = options.connect(client.parse("example"), example.Client)
    version = service.version()
    print(f"{service.name()} {version.major}.{version.minor}.{version.micro}")


client.run(work)
