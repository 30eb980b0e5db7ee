# SPDX-License-Identifier: MIT
"""Runs the tests in a folder's *_test.py as tools/run-tests runs a GoogleTest program: with its options, its XML file.

A test fails by an assertion, by what nobody catches in a thread or a destructor, by a descriptor that it did not close, and
by what it leaves in the module. One that takes longer than STPLR_TEST_TIMEOUT seconds (default 180) ends the program.
"""

import argparse
import faulthandler
import fnmatch
import gc
import os
import sys
import threading
import time
import traceback
import unittest
import warnings
from xml.sax.saxutils import quoteattr

import support


def objects():
    """What the module has; nothing where it is not loaded."""
    try:
        with open("/sys/module/stplr/parameters/objects", encoding="ascii") as file:
            return file.readline()
    except FileNotFoundError:
        return ""


def none_left(before):
    left = objects()
    return left == before or not any(c in "123456789" for c in left)


class Result(unittest.TestResult):
    """Watches what goes on beside a test, too."""

    def __init__(self):
        super().__init__()
        self.broken = []  # of the running test: what nobody caught
        self.texts = {}  # of the tests that failed
        self.ran = []
        sys.unraisablehook = lambda args: self.broken.append(f"{args.err_msg}: {args.exc_value!r} in {args.object!r}")
        threading.excepthook = lambda args: self.broken.append(
            "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
        )

    def startTest(self, test):
        super().startTest(test)
        self.ran.append(test)
        self.broken.clear()
        self.before = objects()
        faulthandler.dump_traceback_later(float(os.environ.get("STPLR_TEST_TIMEOUT", "180")), exit=True)
        self.begin = time.monotonic()

    def stopTest(self, test):
        gc.collect()
        if not support.eventually(lambda: none_left(self.before)):
            self.fail(test, f"left behind: {objects()}; before: {self.before}")
        for text in self.broken:
            self.fail(test, f"nobody caught: {text}")
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)

    def fail(self, test, text):
        self.texts[test.id()] = self.texts.get(test.id(), "") + text + "\n"

    def addError(self, test, err):
        super().addError(test, err)
        self.fail(test, "".join(traceback.format_exception(*err)))
        traceback.clear_frames(err[2])

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.fail(test, subtest._subDescription())
            self.addError(test, err)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def matches(test, pattern):
    """GoogleTest's filter: patterns with colons between, after a dash those not to run."""
    wanted, _, unwanted = pattern.partition("-")
    names = test.id(), test.id().partition(".")[2]  # with its file and without

    def found(patterns):
        return any(fnmatch.fnmatchcase(name, one) for one in patterns.split(":") for name in names)

    return found(wanted or "*") and not (unwanted and found(unwanted))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--gtest_brief", help="1: names of tests that failed only")
    parser.add_argument("--gtest_filter", default="*")
    parser.add_argument("--gtest_output", default="", metavar="xml:FILE")
    parser.add_argument("--gtest_fail_fast", action="store_true")
    options = parser.parse_args()

    warnings.simplefilter("error", ResourceWarning)
    faulthandler.enable()
    sys.path.insert(0, options.folder)
    found = unittest.defaultTestLoader.discover(options.folder, "*_test.py", options.folder)
    result = Result()
    for test in tests_of(found):
        if not matches(test, options.gtest_filter):
            continue
        if not options.gtest_brief:
            print(test.id(), flush=True)
        test.run(result)
        if test.id() in result.texts:
            print(f"FAILED  {test.id()}\n{result.texts[test.id()]}", flush=True)
            if options.gtest_fail_fast:
                break

    failed = len(result.texts)
    if options.gtest_output:
        with open(options.gtest_output.removeprefix("xml:"), "w", encoding="utf-8") as file:
            file.write(f'<testsuites tests="{result.testsRun}" failures="{failed}" disabled="0" errors="0">\n')
            for test in result.ran:
                skipped = any(test is other for other, _ in result.skipped)
                text = result.texts.get(test.id())
                inner = "<skipped/>" * skipped + (f"<failure message={quoteattr(text)}/>" if text else "")
                file.write(f"<testcase name={quoteattr(test.id())}>{inner}</testcase>\n")
            file.write("</testsuites>\n")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    sys.stdout.flush()
    os._exit(1 if failed or not result.testsRun else 0)  # a thread that still waits is not to be waited for


if __name__ == "__main__":
    main()
