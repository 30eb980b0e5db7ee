# SPDX-License-Identifier: MIT
"""stplr:NAME[?device=N&mode=MODE&group=GROUP], as PROTOCOL.md tells it."""

from __future__ import annotations

import dataclasses
import grp
import re
from typing import NoReturn, Optional, Union

import stplr

_SCHEME = "stplr:"


@dataclasses.dataclass(frozen=True)
class StaplerAddress:
    """A service's name, and where it is. mode and group, who may connect, are the server's business."""

    name: str
    device: int = 0
    mode: int = 0o600
    group: Optional[int] = None

    @classmethod
    def parse(cls, text: str) -> StaplerAddress:
        """From a string, with or without "stplr:"; ValueError says what is wrong with it."""
        name, question, options = text.removeprefix(_SCHEME).partition("?")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,63}", name) and not _is_id(name):
            _bad(text, f"a name is 1 to 63 letters, digits, '.', '_' and '-', or an id as @42, not '{name}'")
        found: dict[str, str] = {}
        for option in options.split("&") if question and options else []:
            key, _, value = option.partition("=")
            if key in found:
                _bad(text, f"'{key}' is there twice")
            if key not in ("device", "mode", "group"):
                _bad(text, f"there is no option '{key}'")
            found[key] = value
        return cls(
            name,
            _device(text, found.get("device", "0")),
            _mode(text, found.get("mode", "600")),
            _group(text, found["group"]) if "group" in found else None,
        )

    def __str__(self) -> str:
        return f"{_SCHEME}{self.name}" + (f"?device={self.device}" if self.device else "")


#: Of a connection whose service is not known.
HANDED_IN = StaplerAddress("(handed in)")


def address_of(given: Union[str, StaplerAddress]) -> StaplerAddress:
    """What a transport's constructor was given."""
    return given if isinstance(given, StaplerAddress) else StaplerAddress.parse(given)


def _bad(text: str, why: str) -> NoReturn:
    raise ValueError(f"{text}: {why}; an address is stplr:NAME[?device=N&mode=MODE&group=GROUP]")


def _is_id(name: str) -> bool:
    try:
        stplr.name_id(name)
    except ValueError:
        return False
    return True


def _number(value: str) -> Optional[int]:
    # One more than the greatest is no group, and no device.
    if not re.fullmatch(r"[0-9]{1,10}", value) or int(value) >= 2**32 - 1:
        return None
    return int(value)


def _device(text: str, value: str) -> int:
    number = _number(value)
    if number is None:
        _bad(text, f"a device is a number, not '{value}'")
    return number


def _mode(text: str, value: str) -> int:
    if not re.fullmatch(r"[0-7]{1,4}", value) or not 0 < int(value, 8) <= 0o777:
        _bad(text, f"a mode is octal from 1 to 777, as in mode=660, not '{value}'")
    return int(value, 8)


def _group(text: str, value: str) -> int:
    number = _number(value)
    if number is not None:
        return number
    try:
        return grp.getgrnam(value).gr_gid
    except (KeyError, ValueError):
        _bad(text, f"there is no group '{value}'")
