# SPDX-License-Identifier: Apache-2.0
"""The register map, in one table: Verilog, C header, Markdown, IP-XACT and driver are made of it.

A SystemRDL file would be the usual place. PeakRDL's generator of registers writes SystemVerilog, and this project's
Verilog is that of 2005; the few kinds of field that are wanted take less to generate than to translate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from wsfracbnn.model.rows import markdown_table

WORD_BYTES = 4
WORD_BITS = 32

MAP_VERSION = 1
"""Of this table; another number where software for the one before would go wrong."""

MAGIC = 0x42465357
"""What the first register holds: 'WSFB', first letter in the low byte."""


class Kind(StrEnum):
    """What a field does."""

    CONSTANT = "constant"
    STATUS = "status"  # what the hardware says
    CONTROL = "control"  # what software wrote last
    PULSE = "pulse"  # a one that is written acts for a cycle; reads as zero
    EVENT = "event"  # set by the hardware, cleared by a one that is written


@dataclass(frozen=True)
class Field:
    """Bits of a register. reset: what a CONTROL field holds after reset."""

    name: str
    low: int
    width: int
    kind: Kind
    text: str
    reset: int = 0

    @property
    def high(self) -> int:
        """Its highest bit."""
        return self.low + self.width - 1

    @property
    def mask(self) -> int:
        """Ones where it lies in the register."""
        return ((1 << self.width) - 1) << self.low

    @property
    def bits(self) -> str:
        """As a table of registers says it."""
        return str(self.low) if self.width == 1 else f"{self.high}:{self.low}"

    @property
    def byte(self) -> int:
        """The byte that it lies in, of a field that can be written."""
        return self.low // 8

    @property
    def written(self) -> bool:
        """Whether a write does anything."""
        return self.kind in (Kind.CONTROL, Kind.PULSE, Kind.EVENT)

    @property
    def access(self) -> str:
        """As a table of registers says it."""
        return {Kind.CONTROL: "rw", Kind.PULSE: "w1", Kind.EVENT: "w1c"}.get(self.kind, "ro")


@dataclass(frozen=True)
class Register:
    """A word of the map."""

    name: str
    offset: int
    text: str
    fields: tuple[Field, ...]

    @property
    def word(self) -> int:
        """Its number."""
        return self.offset // WORD_BYTES

    @property
    def written(self) -> bool:
        """Whether a write does anything."""
        return any(field.written for field in self.fields)

    @property
    def reset(self) -> int:
        """What it holds after reset, constants and counts left out."""
        return sum(field.reset << field.low for field in self.fields)


def _whole(name: str, offset: int, kind: Kind, text: str) -> Register:
    """A register of one field."""
    return Register(name, offset, text, (Field("value", 0, WORD_BITS, kind, text),))


_RESULT = "A result has left."
_BAD_FRAME = "A frame had a wrong length."

REGISTERS = (
    _whole("ID", 0x00, Kind.CONSTANT, "'WSFB', first letter in the low byte: 0x42465357."),
    Register(
        "VERSION",
        0x04,
        "What made the accelerator.",
        (
            Field("map", 0, 8, Kind.CONSTANT, "Version of this register map."),
            Field("patch", 8, 8, Kind.CONSTANT, "WSFracBNN's version: patch,"),
            Field("minor", 16, 8, Kind.CONSTANT, "minor,"),
            Field("major", 24, 8, Kind.CONSTANT, "major."),
        ),
    ),
    _whole("BUILD_LOW", 0x08, Kind.CONSTANT, "Build id, its digits 9 to 16."),
    _whole("BUILD_HIGH", 0x0C, Kind.CONSTANT, "Build id, its first 8 digits."),
    Register(
        "IMAGE",
        0x10,
        "Shape of an image.",
        (
            Field("height", 0, 16, Kind.CONSTANT, "Rows."),
            Field("width", 16, 16, Kind.CONSTANT, "Pixels of a row."),
        ),
    ),
    Register(
        "FORMAT",
        0x14,
        "Shape of a pixel and of the streams.",
        (
            Field("colours", 0, 8, Kind.CONSTANT, "Bytes of a pixel."),
            Field("input_bytes", 8, 8, Kind.CONSTANT, "Bytes of a beat of s_axis."),
            Field("output_bytes", 16, 8, Kind.CONSTANT, "Bytes of a beat of m_axis."),
        ),
    ),
    _whole("CLASSES", 0x18, Kind.CONSTANT, "Logits of a result."),
    Register(
        "CONTROL",
        0x1C,
        "What software decides.",
        (
            Field("enable", 0, 1, Kind.CONTROL, "Frames may begin. One that has begun is taken whole.", reset=1),
            Field("reset", 1, 1, Kind.PULSE, "Empties accelerator and streams, clears counts and STATUS."),
        ),
    ),
    Register(
        "STATUS",
        0x20,
        "What the accelerator is at.",
        (
            Field("busy", 0, 1, Kind.STATUS, "A frame is on its way."),
            Field("in_frame", 1, 1, Kind.STATUS, "A frame has begun to arrive and its last beat has not."),
            Field("overflow", 2, 1, Kind.STATUS, "A count of frames has passed 2^32 since reset."),
            Field("rom_error", 3, 1, Kind.STATUS, "A constant memory's word had the wrong parity; 0 without parity."),
        ),
    ),
    _whole("FRAMES_IN", 0x24, Kind.STATUS, "Frames taken in, good and bad."),
    _whole("FRAMES_OUT", 0x28, Kind.STATUS, "Results that have left."),
    _whole("FRAMES_BAD", 0x2C, Kind.STATUS, "Frames of a wrong length, or with a gap in tkeep."),
    _whole("FRAMES_DROPPED", 0x30, Kind.STATUS, "Results of such frames that have been dropped."),
    Register(
        "IRQ_ENABLE",
        0x34,
        "Which events raise the interrupt.",
        (
            Field("result", 0, 1, Kind.CONTROL, _RESULT),
            Field("bad_frame", 1, 1, Kind.CONTROL, _BAD_FRAME),
        ),
    ),
    Register(
        "IRQ_STATUS",
        0x38,
        "Events since they were cleared.",
        (
            Field("result", 0, 1, Kind.EVENT, _RESULT),
            Field("bad_frame", 1, 1, Kind.EVENT, _BAD_FRAME),
        ),
    ),
)
"""All of them. Other addresses read as zero, and what is written there has no effect."""

ADDRESS_BITS = 6
"""Of a byte address within the map."""


def register_table(registers: Iterable[Register] = REGISTERS) -> str:
    """The map as a table for a reader, in Markdown."""
    lines = []
    for register in registers:
        for number, field in enumerate(register.fields):
            place = (f"`0x{register.offset:02X}`", f"`{register.name}`") if number == 0 else ("", "")
            name = f"`{field.name}`" if len(register.fields) > 1 else ""
            lines.append((*place, field.bits, name, field.access, field.text))
    return markdown_table(("offset", "register", "bits", "field", "access", "what"), lines) + "\n"
