# SPDX-License-Identifier: MIT
"""Ids of 32 bits, which are names in a spelling of their own."""

from __future__ import annotations

import ctypes
from typing import SupportsIndex

from . import _check, _library


def id_name(id: SupportsIndex) -> str:
    """The name of an id, "@0" to "@4294967295", for whoever agrees on a number rather than a word; see stplr_id_name(3)."""
    name: bytes = _library.id_name(_check.u32("an id", id), ctypes.create_string_buffer(_library.NAME_MAX + 1))
    return name.decode()


def name_id(name: str) -> int:
    """The id that a name is of; ValueError: it is not an id's."""
    id = ctypes.c_uint32()
    if _library.invoke(_library.name_id, _check.name(name), ctypes.byref(id)) < 0:
        raise ValueError(f"not the name of an id: '{name}'")
    return id.value
