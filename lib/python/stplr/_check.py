# SPDX-License-Identifier: MIT
"""Numbers, names and times of a caller's, checked: ctypes would cut them to what fits."""

from __future__ import annotations

import operator
from typing import Optional, SupportsIndex

from . import _library

_LONGEST = 2**63 - 1  # nanoseconds: 292 years


def number(what: str, value: SupportsIndex, least: int, most: int) -> int:
    """An integer in its range; ValueError otherwise."""
    given = operator.index(value)
    if not least <= given <= most:
        raise ValueError(f"{what} is from {least} to {most}, not {given}")
    return given


def u32(what: str, value: SupportsIndex) -> int:
    """An integer of 32 bits without a sign."""
    return number(what, value, 0, 2**32 - 1)


def u64(what: str, value: SupportsIndex) -> int:
    """An integer of 64 bits without a sign."""
    return number(what, value, 0, 2**64 - 1)


def name(text: str) -> bytes:
    """A channel's name, for the module to look at."""
    if not isinstance(text, str):
        raise TypeError(f"a name is a str, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError("a name has letters, digits, '.', '_' and '-', or is an id's, and has no null character")
    return text.encode("utf-8", "surrogateescape")


def deadline(timeout: Optional[float]) -> int:
    """A timeout in seconds as nanoseconds of CLOCK_MONOTONIC. None: no limit; 0: do not wait."""
    if timeout is None:
        return _library.DEADLINE_NONE
    if not timeout >= 0:  # NaN is not, either
        raise ValueError(f"a timeout is seconds from 0 on, or None for no limit, not {timeout!r}")
    if timeout == 0:
        return _library.DEADLINE_POLL
    if timeout >= _LONGEST / 1e9:
        return _library.DEADLINE_NONE
    result: int = _library.deadline(max(1, int(timeout * 1e9)))
    return result
