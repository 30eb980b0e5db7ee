# SPDX-License-Identifier: MIT
"""Which calls are one way: a transport is not told, and looks at the bytes of a flush (PROTOCOL.md)."""

from __future__ import annotations

_ONE_WAY = 4  # TMessageType.ONEWAY


def is_one_way(flush: bytes) -> bool:
    """Are these calls, framed or not, ones that nobody waits for? What is not known is two way, which is always safe."""
    unframed = _call(flush, 0, len(flush))
    # No frame is so long that it begins as these protocols do, and most calls begin so.
    if not flush or flush[0] >= 0x80 or flush[:1] == b"[":
        return unframed
    first_end = 4 + int.from_bytes(flush[:4], "big")
    if not unframed and not (first_end <= len(flush) and _call(flush, 4, first_end)):
        return False
    framed = _frames(flush)
    return unframed if framed is None else framed


def _frames(flush: bytes) -> bool | None:
    """If it is whole frames and nothing else: are all of them one way?"""
    one_way = True
    at = 0
    while at < len(flush):
        begin = at + 4
        at = begin + int.from_bytes(flush[at:begin], "big")
        if begin > len(flush) or at > len(flush):
            return None
        one_way = one_way and _call(flush, begin, at)
    return one_way


def _call(flush: bytes, begin: int, end: int) -> bool:
    if end - begin < 2:
        return False
    first = flush[begin]
    if first == 0x80:  # binary: 80 01 xx TYPE
        return end - begin >= 4 and flush[begin + 1] == 0x01 and flush[begin + 3] == _ONE_WAY
    if first == 0x82:  # compact: 82 TTTVVVVV
        return flush[begin + 1] & 0x1F == 1 and flush[begin + 1] >> 5 == _ONE_WAY
    if first == ord("["):
        return _json(flush, begin, end)
    if first == 0 and end - begin >= 9:  # old binary: NAME'S LENGTH in 4 bytes, NAME, TYPE, 4 bytes
        name = int.from_bytes(flush[begin : begin + 4], "big")
        return end - begin - 9 >= name and flush[begin + 4 + name] == _ONE_WAY
    return False


def _json(flush: bytes, begin: int, end: int) -> bool:
    """[1,"NAME",TYPE,"""
    if flush[begin : begin + 4] != b'[1,"':
        return False
    at = begin + 4
    while at < end and flush[at] != ord('"'):
        at += 2 if flush[at] == ord("\\") else 1
    return at + 4 <= end and flush[at + 1 : at + 4] == b",%d," % _ONE_WAY
