"""What the speech process and its workers say to each other over a pipe, and how it is framed.

A frame is its length (4 bytes, of what follows it), a kind (1), the number of an utterance (4) and a
body; numbers are little-endian. Two directions, one shape.

To a worker: START (a vocabulary as JSON), FEED (samples), FINISH, DROP. From it, first READY (the
engine's name) or CANNOT (a sentence), then one ANSWER (``wire.to_text``) for each FINISH, in order.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

START, FEED, FINISH, DROP = b"S", b"F", b"E", b"D"
READY, CANNOT, ANSWER = b"R", b"C", b"A"

MOST_BYTES = 1 << 20
LENGTH = struct.Struct("<I")
HEAD = struct.Struct("<cI")


class Frame(NamedTuple):
    """One message."""

    kind: bytes
    number: int
    body: bytes


def packed(kind: bytes, number: int = 0, body: bytes = b"") -> bytes:
    return LENGTH.pack(HEAD.size + len(body)) + HEAD.pack(kind, number) + body


def length(head: bytes) -> int:
    """Of the rest of a frame; raises ValueError for what can be none."""
    (size,) = LENGTH.unpack(head)
    if not HEAD.size <= size <= MOST_BYTES:
        raise ValueError(f"a frame of {size} bytes")
    return int(size)


def unpacked(rest: bytes) -> Frame:
    """Of everything behind the length."""
    kind, number = HEAD.unpack_from(rest)
    return Frame(kind, number, rest[HEAD.size :])


def read(pipe: BinaryIO) -> Frame | None:
    """The next frame, waiting for it; None at the end."""
    head = pipe.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = length(head)
    rest = pipe.read(size)
    return unpacked(rest) if len(rest) == size else None
