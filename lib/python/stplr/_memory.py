# SPDX-License-Identifier: MIT
"""Python's buffers as the kernel sees them: an address and a length, without a copy.

What is given keeps its memory where it is while the call lasts: an object whose buffer is exported cannot be resized
(a bytearray says BufferError), and its owner lives as long as what is returned here.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import TYPE_CHECKING, Any, List, Sequence, Tuple, Union

from ._library import Buffer, Iovec

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    Readable = Union[ReadableBuffer, Sequence[ReadableBuffer]]
    Writable = Union[WriteableBuffer, Sequence[WriteableBuffer]]


class _View(ctypes.Structure):
    """CPython's Py_buffer, released when it is collected."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]

    def __del__(self) -> None:
        _release(ctypes.byref(self))


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = (ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int)
_get.restype = ctypes.c_int
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = (ctypes.POINTER(_View),)
_release.restype = None
_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.argtypes = (ctypes.c_char_p, ctypes.c_ssize_t)
_new_bytes.restype = ctypes.py_object

_SIMPLE = 0
_WRITABLE = 1


def _one(data: Any, access: int) -> Tuple[int, int, Any]:
    """Address, length, and what to hold on to."""
    if type(data) is bytes and access == _SIMPLE:
        pointer = ctypes.c_char_p(data)
        return ctypes.c_void_p.from_buffer(pointer).value or 0, len(data), pointer
    view = _View()
    try:
        _get(data, ctypes.byref(view), access)
    except BufferError as error:
        wanted = "contiguous and writable (bytearray)" if access else "contiguous (bytes(view) makes a copy that is)"
        raise BufferError(f"{error}: the buffer must be {wanted}") from None
    return view.buf or 0, view.len, view


def _describe(data: Any, access: int, into: Buffer) -> Tuple[bool, int, Any]:
    """Fills the structure. Is it in parts; how many bytes in all; what to hold on to."""
    if not isinstance(data, (list, tuple)):
        into.addr, into.len, keep = _one(data, access)
        return False, into.len, keep
    parts = (Iovec * len(data))()
    held: List[Any] = [parts]
    total = 0
    for part, given in zip(parts, data):
        part.base, part.len, keep = _one(given, access)
        total += part.len
        held.append(keep)
    into.addr = ctypes.addressof(parts)
    into.len = len(data)
    return True, total, held


def readable(data: Readable, into: Buffer) -> Tuple[bool, int, Any]:
    """To be sent: bytes-like, or a list or tuple of such."""
    return _describe(data, _SIMPLE, into)


def writable(data: Writable, into: Buffer) -> Tuple[bool, int, Any]:
    """To be filled: bytearray, writable memoryview, array, mmap and the like, or a list or tuple of such."""
    return _describe(data, _WRITABLE, into)


def fresh_bytes(length: int) -> Tuple[bytes, int]:
    """Bytes that nobody has seen yet and their address, to be filled once. Of length 2 or more: shorter are shared."""
    made: bytes = _new_bytes(None, length)
    return made, _one(made, _SIMPLE)[0]


class Room:
    """Address space for what is received, of which only what was used takes memory."""

    KEPT = 1 << 20  # bytes that stay in memory between two uses

    def __init__(self, size: int):
        self._map = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.size = size
        self.view = memoryview(self._map)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def take(self, length: int) -> bytes:
        """A copy of the first bytes."""
        return bytes(self.view[:length])

    def trim(self, used: int) -> None:
        """Gives back what a long one has needed."""
        if used > self.KEPT:
            self._map.madvise(mmap.MADV_DONTNEED, self.KEPT, self.size - self.KEPT)


class Rooms:
    """Those of one descriptor that are not in use, few; each call takes one, so threads never share one."""

    MOST = 8

    def __init__(self) -> None:
        self._free: List[Room] = []

    def take(self, size: int) -> Room:
        """One of that size."""
        try:
            room = self._free.pop()
        except IndexError:
            return Room(size)
        return room if room.size == size else Room(size)

    def give(self, room: Room, used: int) -> None:
        """Back, after so many bytes of it were used."""
        room.trim(used)
        if len(self._free) < self.MOST:
            self._free.append(room)
