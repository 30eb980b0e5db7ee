# SPDX-License-Identifier: MIT
"""The structures and constants of the package are those of the header, as the C compiler lays them out."""

import ctypes
import os
import re
import subprocess
import tempfile
import unittest

from stplr import _library

INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../include/uapi")


def compiled(lines):
    """What a C program of these lines prints."""
    source = "#include <stdio.h>\n#include <stddef.h>\n#include <linux/stplr.h>\nint main(void) {\n%s\nreturn 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program")
        subprocess.run(
            ["cc", "-I", INCLUDE, "-x", "c", "-o", program, "-"],
            input=source % "\n".join(lines),
            text=True,
            check=True,
        )
        return subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


class LayoutTest(unittest.TestCase):
    def test_structures(self):
        lines, wanted = [], []
        for kind in vars(_library).values():
            if not (isinstance(kind, type) and issubclass(kind, ctypes.Structure)):
                continue
            name = kind.__doc__.removeprefix("struct ")
            lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
            wanted.append(f"{name} {ctypes.sizeof(kind)}")
            for field, *_ in kind._fields_:
                part = getattr(kind, field)
                lines.append(
                    f'printf("{name}.{field} %zu %zu\\n", offsetof(struct {name}, {field}), '
                    f"sizeof(((struct {name} *)0)->{field}));"
                )
                wanted.append(f"{name}.{field} {part.offset} {part.size}")
        self.assertGreater(len(wanted), 100)
        self.assertEqual(wanted, compiled(lines))

    def test_constants(self):
        names = [name for name, value in vars(_library).items() if re.fullmatch("[A-Z_]+", name) and type(value) is int]
        names.remove("CLOCK_MONOTONIC")
        self.assertGreater(len(names), 30)
        lines = [f'printf("%lld\\n", (long long)STPLR_{name});' for name in names]
        self.assertEqual([str(getattr(_library, name)) for name in names], compiled(lines))
