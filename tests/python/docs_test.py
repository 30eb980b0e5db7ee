# SPDX-License-Identifier: MIT
"""The programs of docs/python.md, as they stand there."""

import asyncio
import contextlib
import io
import os
import re
import unittest

from support import Thread

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/python.md")


def programs():
    with open(PAGE, encoding="utf-8") as file:
        return re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)


class DocsTest(unittest.TestCase):
    def test_server_and_client(self):
        server, client = programs()[:2]
        inside = {}
        running = Thread(exec, server, inside)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(client, {})
        self.assertEqual("5 bytes arrived\n", said.getvalue())
        inside["channel"].shutdown()
        running.result()

    def test_asyncio(self):
        (program,) = [one for one in programs() if "asyncio" in one]
        inside = {}
        exec(program, inside)
        said = io.StringIO()

        async def both():
            server = asyncio.create_task(inside["server"]())
            await inside["client"]()
            server.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await server

        with contextlib.redirect_stdout(said):
            asyncio.run(both())
        self.assertEqual(str([b"%d" % i for i in range(100)]) + "\n", said.getvalue())

    def test_all_of_them_are_python(self):
        for program in programs():
            compile(program, PAGE, "exec")
