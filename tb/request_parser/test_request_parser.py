# SPDX-License-Identifier: Apache-2.0
"""request_parser: each request gets its verdict, and the accelerator a whole frame for good images alone."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.gen.boards.protocol import Command, Reply
from wsfracbnn.gen.locations import BOARD_RTL, RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, pack, parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"PIXELS": 6, "COLOURS": 3},
    {"PIXELS": 1, "COLOURS": 1},
    {"PIXELS": 2, "COLOURS": 1},
    {"PIXELS": 1, "COLOURS": 2},
    {"PIXELS": 64, "COLOURS": 1},
]

GAP = 7
"""Cycles between two bytes at least; a serial line leaves more."""

Beats = list[tuple[int, int]]


class Parser:
    """The block between slip_decoder's signals and two streams that take a beat in each cycle, if they are told to."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.pixels = parameter(dut, "PIXELS")
        self.colours = parameter(dut, "COLOURS")
        self.beats: Beats = []
        self.replies: list[tuple[int, int]] = []

    async def start(self) -> None:
        for name in ("valid", "data", "frame_end", "frame_bad", "frame_late"):
            getattr(self.dut, name).value = 0
        self.take(pixels=True, replies=True)
        start_clock(self.dut)
        await self.reset()
        cocotb.start_soon(self._listen())

    async def reset(self) -> None:
        """Of one cycle."""
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def take(self, *, pixels: bool | None = None, replies: bool | None = None) -> None:
        """Whether the streams have room from now on."""
        if pixels is not None:
            self.dut.m_axis_tready.value = int(pixels)
        if replies is not None:
            self.dut.m_reply_tready.value = int(replies)

    async def _listen(self) -> None:
        """What passes at the next edge, as it stands just before that edge."""
        while True:
            await FallingEdge(self.dut.clk)
            await cocotb.triggers.Timer(CLOCK_NS // 4, "ns")
            if self.dut.m_axis_tvalid.value == 1 and self.dut.m_axis_tready.value == 1:
                self.beats.append((int(self.dut.m_axis_tdata.value), int(self.dut.m_axis_tlast.value)))
            if self.dut.m_reply_tvalid.value == 1 and self.dut.m_reply_tready.value == 1:
                word = int(self.dut.m_reply_tdata.value)
                self.replies.append((word >> 8, word & 0xFF))

    async def _strobe(self, **signals: int) -> None:
        """Signals for one cycle, then the gap."""
        for name, value in signals.items():
            getattr(self.dut, name).value = value
        await FallingEdge(self.dut.clk)
        for name in signals:
            if name != "data":
                getattr(self.dut, name).value = 0
        for _ in range(GAP):
            await FallingEdge(self.dut.clk)

    async def send(self, data: bytes) -> None:
        for byte in data:
            await self._strobe(data=byte, valid=1)

    async def frame(self, data: bytes, end: str = "end") -> None:
        """Bytes and how the frame ends: end, bad (a broken byte) or late."""
        await self.send(data)
        if end == "end":
            await self._strobe(frame_end=1)
        else:
            await self._strobe(frame_bad=1, frame_late=int(end == "late"))

    def image(self, generator: random.Random) -> bytes:
        return generator.randbytes(self.pixels * self.colours)

    def beats_of(self, image: bytes) -> Beats:
        """The frame of an image, first colour in the low bits."""
        words = [pack(image[i : i + self.colours], 8) for i in range(0, len(image), self.colours)]
        return [(word, int(number == len(words) - 1)) for number, word in enumerate(words)]

    async def expect_reply(self, what: str, code: int, sequence: int) -> None:
        await ClockCycles(self.dut.clk, 10)
        await FallingEdge(self.dut.clk)
        same(f"reply to {what}", [(code, sequence)], self.replies)
        self.replies.clear()

    def expect_no_result(self, what: str) -> None:
        """Nothing, or one frame of another length than an image's."""
        lasts = [last for _, last in self.beats]
        if lasts:
            same(f"ends of the frame for {what}", [0] * (len(lasts) - 1) + [1], lasts)
            assert len(lasts) != self.pixels, f"{what}: a frame of {len(lasts)} pixels, an image's length"
        self.beats.clear()


async def new_parser(dut: Any) -> Parser:
    parser = Parser(dut)
    await parser.start()
    return parser


def body(command: int, sequence: int, payload: bytes = b"") -> bytes:
    """A frame's bytes with their checksum."""
    data = bytes((command, sequence)) + payload
    return data + zlib.crc32(data).to_bytes(4, "little")


async def expect_image(parser: Parser, generator: random.Random, sequence: int) -> None:
    """A good image still gets through, and as it is."""
    image = parser.image(generator)
    await parser.frame(body(Command.IMAGE, sequence, image))
    await parser.expect_reply("a good image", Reply.RESULT, sequence)
    same("pixels", parser.beats_of(image), parser.beats)
    parser.beats.clear()


def wrong(parser: Parser, generator: random.Random) -> Iterator[tuple[str, bytes, str, int, int]]:
    """Requests that are wrong: what, bytes, end, the reply's code and sequence number."""
    image = parser.image(generator)
    good = body(Command.IMAGE, 77, image)
    for place in (0, 2, len(good) // 2, len(good) - 5, len(good) - 4, len(good) - 1):
        damaged = bytearray(good)
        damaged[place] ^= 0x10
        yield f"a changed byte {place}", bytes(damaged), "end", Reply.CHECKSUM, 77
    yield "a changed sequence number", good[:1] + b"\x4c" + good[2:], "end", Reply.CHECKSUM, 0x4C
    for length in range(1, len(good)):
        yield f"the first {length} bytes", good[:length], "end", Reply.CHECKSUM, 77 if length > 1 else 0
        yield f"{length} bytes and silence", good[:length], "late", Reply.LATE, 77 if length > 1 else 0
    yield "a broken byte at the end", good, "bad", Reply.BROKEN, 77
    yield "a broken byte at the start", b"", "bad", Reply.BROKEN, 0
    yield "silence behind ESC", b"", "late", Reply.LATE, 0
    sizes = {len(image) - 1, len(image) + 1, len(image) - parser.colours, len(image) + parser.colours, 3 * len(image)}
    for size in sorted({0, *sizes} - {len(image)}):
        yield f"{size} bytes of pixels", body(Command.IMAGE, 5, generator.randbytes(size)), "end", Reply.LENGTH, 5
    yield "INFO with a payload", body(Command.INFO, 6, b"x"), "end", Reply.LENGTH, 6
    yield "an image for INFO", body(Command.INFO, 7, image), "end", Reply.LENGTH, 7
    yield "an unknown command", body(0x77, 8, image), "end", Reply.COMMAND, 8
    yield "no command of four bytes' checksum", zlib.crc32(b"").to_bytes(4, "little"), "end", Reply.COMMAND, 0


@cocotb.test()
async def images_and_info_pass(dut: Any) -> None:
    parser = await new_parser(dut)
    generator = seeded()
    for sequence in (0, 255, 1, 2):
        await expect_image(parser, generator, sequence)
        await parser.frame(body(Command.INFO, sequence))
        await parser.expect_reply("INFO", Reply.INFO, sequence)
        same("pixels of INFO", [], parser.beats)


@cocotb.test()
async def what_is_wrong_gets_its_error_and_no_result(dut: Any) -> None:
    parser = await new_parser(dut)
    generator = seeded()
    for what, data, end, code, sequence in wrong(parser, generator):
        if what.startswith("no command"):
            # Its first two bytes are read as command and sequence number.
            sequence = data[1]
        await parser.frame(data, end)
        await parser.expect_reply(what, code, sequence)
        parser.expect_no_result(what)
    await expect_image(parser, generator, 9)


@cocotb.test()
async def a_pixel_without_room_is_an_overrun(dut: Any) -> None:
    """Whichever pixel it is; the last one alone can wait."""
    parser = await new_parser(dut)
    generator = seeded()
    for place in range(parser.pixels):
        image = parser.image(generator)
        data = body(Command.IMAGE, place, image)
        # A pixel leaves when the next one is whole, and the last with the verdict.
        before = 2 + (place + 2) * parser.colours - 1
        await parser.send(data[:before])
        parser.take(pixels=False)
        await parser.send(data[before : before + 1])
        if place < parser.pixels - 1:
            parser.take(pixels=True)
            await parser.frame(data[before + 1 :])
            await parser.expect_reply(f"an image whose pixel {place} found no room", Reply.OVERRUN, place)
            parser.expect_no_result(f"pixel {place}")
        else:
            await parser.frame(data[before + 1 :])
            await ClockCycles(dut.clk, 50)
            await FallingEdge(dut.clk)
            parser.take(pixels=True)
            await parser.expect_reply("an image whose last pixel waited", Reply.RESULT, place)
            same("pixels", parser.beats_of(image), parser.beats)
            parser.beats.clear()
        await expect_image(parser, generator, 200)


@cocotb.test()
async def a_request_without_room_for_its_reply_is_ignored(dut: Any) -> None:
    parser = await new_parser(dut)
    generator = seeded()
    for command, payload in ((Command.INFO, b""), (Command.IMAGE, parser.image(generator))):
        parser.take(replies=False)
        data = body(command, 3, payload)
        await parser.send(data[:1])
        parser.take(replies=True)  # too late: it was looked at when the request began
        await parser.frame(data[1:])
        await ClockCycles(dut.clk, 20)
        await FallingEdge(dut.clk)
        same("replies and pixels", ([], []), (parser.replies, parser.beats))
        await expect_image(parser, generator, 4)


@cocotb.test()
async def a_request_behind_a_frame_that_is_not_closed_yet_is_ignored(dut: Any) -> None:
    """Its pixels would be taken for that frame's."""
    parser = await new_parser(dut)
    generator = seeded()
    image = parser.image(generator)
    data = body(Command.IMAGE, 1, image)
    await parser.send(data[:-1])
    parser.take(pixels=False)
    await parser.frame(data[-1:])
    await parser.frame(body(Command.IMAGE, 2, parser.image(generator)))
    await parser.frame(body(Command.INFO, 3))
    parser.take(pixels=True)
    await parser.expect_reply("the first", Reply.RESULT, 1)
    same("pixels", parser.beats_of(image), parser.beats)
    parser.beats.clear()
    await expect_image(parser, generator, 4)


@cocotb.test()
async def a_reset_forgets_the_request(dut: Any) -> None:
    parser = await new_parser(dut)
    generator = seeded()
    whole = body(Command.IMAGE, 1, parser.image(generator))
    for length in range(1, len(whole) + 1):
        await parser.send(whole[:length])
        await parser.reset()
        parser.beats.clear()
        same("replies", [], parser.replies)
        await expect_image(parser, generator, length % 256)


def test_request_parser(block: tuple[str, dict[str, int]]) -> None:
    sources = [BOARD_RTL / "request_parser.v", RTL / "crc32_byte.v"]
    run_block(block[0], "request_parser", Path(__file__), block[1], sources=sources)
