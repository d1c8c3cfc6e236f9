# SPDX-License-Identifier: Apache-2.0
"""The protocol between a computer and a board; docs/boards.md is its description.

Frames are SLIP (RFC 1055): END, bytes with END and ESC escaped, END. A frame holds a code, a sequence number, a
payload and a CRC-32 (zlib's) of all these, low byte first. Nothing here knows what carries the bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsfracbnn.model.description import NetworkDescription

VERSION = 1
REPLIES = 4
"""Requests that can be without their reply at a time; a board ignores those beyond."""

TIMEOUT_S = 0.05
"""Silence within a frame after which a board gives it up."""

END, ESC, ESCAPED_END, ESCAPED_ESC = 0xC0, 0xDB, 0xDC, 0xDD

_AROUND = 6
"""Bytes of a frame besides its payload: code, sequence number, checksum."""

_LOGIT_BYTES = 4
_CLASS_BYTES = 2
_INFO = struct.Struct("<BHHBH8s")
INFO_BYTES = _INFO.size
DIGEST_BYTES = 8


class Command(IntEnum):
    """What a computer asks for."""

    INFO = 0x01
    IMAGE = 0x02


class Reply(IntEnum):
    """What a board answers."""

    INFO = 0x81
    RESULT = 0x82
    CHECKSUM = 0xE1
    LENGTH = 0xE2
    COMMAND = 0xE3
    LATE = 0xE4
    OVERRUN = 0xE5
    BROKEN = 0xE6


ERRORS = {
    Reply.CHECKSUM: "the checksum was wrong",
    Reply.LENGTH: "the request had another length than its command wants",
    Reply.COMMAND: "the command is unknown",
    Reply.LATE: "the request stopped in the middle",
    Reply.OVERRUN: "pixels came faster than the accelerator took them",
    Reply.BROKEN: "a byte arrived without its stop bit, or an escape was wrong",
}
"""What the error replies mean."""


@dataclass(frozen=True)
class Frame:
    """What passes between the two ends. code: a `Command` or a `Reply`; sequence: 0 to 255."""

    code: int
    sequence: int
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the line."""
        body = bytes((self.code, self.sequence)) + self.payload
        body += struct.pack("<I", zlib.crc32(body))
        escaped = body.replace(bytes((ESC,)), bytes((ESC, ESCAPED_ESC))).replace(
            bytes((END,)), bytes((ESC, ESCAPED_END))
        )
        return bytes((END,)) + escaped + bytes((END,))


@dataclass(frozen=True)
class BadFrame:
    """A frame that cannot be trusted. reason: CHECKSUM or BROKEN; sequence: the number that it claims."""

    reason: Reply
    sequence: int


class Decoder:
    """Frames out of the bytes of a line, which may begin anywhere and hold anything.

    longest: bytes of a frame after which the rest up to the next END is dropped, so that noise fills no memory.
    """

    def __init__(self, longest: int = 1 << 20) -> None:
        self._longest = longest
        self._body = bytearray()
        self._escaped = False
        self._broken = False

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._body) or self._escaped or self._broken

    def feed(self, received: bytes) -> Iterator[Frame | BadFrame]:
        """Take bytes; yields each frame that ends with them, empty ones left out."""
        for byte in received:
            if byte == END:
                frame = self._finish()
                if frame is not None:
                    yield frame
            elif self._escaped:
                self._escaped = False
                self._broken |= byte not in (ESCAPED_END, ESCAPED_ESC)
                self._body.append(END if byte == ESCAPED_END else ESC)
            elif byte == ESC:
                self._escaped = True
            else:
                self._body.append(byte)
            self._broken |= len(self._body) > self._longest
            if self._broken:
                del self._body[2:]

    def reset(self) -> None:
        """Drop what has begun."""
        self._body.clear()
        self._escaped = self._broken = False

    def _finish(self) -> Frame | BadFrame | None:
        body, broken = bytes(self._body), self._broken or self._escaped
        self.reset()
        if not body and not broken:
            return None
        sequence = body[1] if len(body) > 1 else 0
        if broken:
            return BadFrame(Reply.BROKEN, sequence)
        if len(body) < _AROUND or zlib.crc32(body[:-4]) != int.from_bytes(body[-4:], "little"):
            return BadFrame(Reply.CHECKSUM, sequence)
        return Frame(body[0], sequence, body[2:-4])


@dataclass(frozen=True)
class Info:
    """What a board says of itself: sizes of an image, classes, the beginning of the network's SHA-256."""

    height: int
    width: int
    colours: int
    classes: int
    digest: bytes

    @classmethod
    def of(cls, description: NetworkDescription) -> Info:
        """What a board with this network says."""
        layer = description.input
        digest = bytes.fromhex(description.digest())[:DIGEST_BYTES]
        return cls(layer.height, layer.width, layer.colours, description.head.classes, digest)

    @property
    def image_bytes(self) -> int:
        """Bytes of an image."""
        return self.height * self.width * self.colours

    def encode(self) -> bytes:
        """The payload."""
        return _INFO.pack(VERSION, self.height, self.width, self.colours, self.classes, self.digest)

    @classmethod
    def decode(cls, payload: bytes) -> Info | None:
        """From a payload; None where it is of another version or length."""
        if len(payload) != INFO_BYTES or payload[0] != VERSION:
            return None
        return cls(*_INFO.unpack(payload)[1:])


@dataclass(frozen=True)
class Result:
    """An image's logits, and its class."""

    logits: tuple[int, ...]
    winner: int

    def encode(self) -> bytes:
        """The payload: 4 bytes a logit, 2 of the class."""
        return struct.pack(f"<{len(self.logits)}iH", *self.logits, self.winner)

    @classmethod
    def decode(cls, payload: bytes, classes: int) -> Result | None:
        """From a payload; None where its length is not that of so many classes."""
        if len(payload) != _LOGIT_BYTES * classes + _CLASS_BYTES:
            return None
        *logits, winner = struct.unpack(f"<{classes}iH", payload)
        return cls(tuple(logits), winner)
