# SPDX-License-Identifier: MIT
"""What both ends have in common: bytes come in chunks and are read in pieces, by Thrift's C code, too."""

from __future__ import annotations

import io
from typing import Any

from thrift.transport.TTransport import CReadableTransport, TTransportBase, TTransportException

#: What a call or an answer may have, unless a transport is told otherwise: Thrift's own default in other languages.
MAX_MESSAGE_SIZE = 100 << 20


class Stream(TTransportBase, CReadableTransport):  # type: ignore[misc]
    """Reads from chunks, the next of which a subclass gets; keeps what is written until flush()."""

    def __init__(self) -> None:
        self._chunk = io.BytesIO()
        self._written: list[bytes] = []

    def _next_chunk(self) -> bytes:
        """The next bytes, at least one; END_OF_FILE if none will come."""
        raise NotImplementedError

    def read(self, sz: int) -> bytes:
        """At least one byte, unless none are asked for, at most sz."""
        got = self._chunk.read(sz)
        if got or sz <= 0:
            return got
        chunk = self._next_chunk()
        if len(chunk) <= sz:
            return chunk
        self._chunk = io.BytesIO(chunk)
        return self._chunk.read(sz)

    def readAll(self, sz: int) -> bytes:
        """Exactly sz bytes."""
        got = self.read(sz)
        if len(got) == sz:
            return got
        parts = [got]
        have = len(got)
        while have < sz:
            parts.append(self.read(sz - have))
            have += len(parts[-1])
        return b"".join(parts)

    def write(self, buf: Any) -> None:
        """Keeps the bytes for flush()."""
        self._written.append(bytes(buf))

    def _take_written(self) -> bytes:
        """What is to be flushed. Sent or not, it is not sent again."""
        written, self._written = self._written, []
        return written[0] if len(written) == 1 else b"".join(written)

    # What Thrift's accelerated protocols read from.

    @property
    def cstringio_buf(self) -> io.BytesIO:
        """The chunk that is being read."""
        return self._chunk

    def cstringio_refill(self, partialread: bytes, reqlen: int) -> io.BytesIO:
        """One that begins with these bytes, and has so many at least."""
        parts = [partialread]
        have = len(partialread)
        while have < reqlen:
            parts.append(self._next_chunk())
            have += len(parts[-1])
        self._chunk = io.BytesIO(b"".join(parts))
        return self._chunk


def failure(kind: int, where: object, what: str, inner: BaseException | None = None) -> TTransportException:
    """Thrift's exception, with what it comes from."""
    made = TTransportException(kind, f"{where}: {what}", inner)
    made.__cause__ = inner
    return made
