# SPDX-License-Identifier: Apache-2.0
"""slip_decoder: whole frames come out as they were, all others are reported once, and the next frame is whole."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.gen.locations import BOARD_RTL
from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [{"TIMEOUT": 40}, {"TIMEOUT": 1}, {"TIMEOUT": 257}]

END, BAD, LATE, BROKEN = "end", "bad", "late", None
"""What is seen between bytes; BROKEN stands among the bytes that are sent for one without a stop bit."""

Seen = list[int | str]


class Decoder:
    """The block with all that it says, in order."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.seen: Seen = []

    async def start(self) -> None:
        for signal in (self.dut.byte_valid, self.dut.byte_broken, self.dut.byte_data):
            signal.value = 0
        start_clock(self.dut)
        await self.reset()
        cocotb.start_soon(self._listen())

    async def reset(self) -> None:
        """Of one cycle."""
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 1
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def _listen(self) -> None:
        while True:
            await FallingEdge(self.dut.clk)
            if self.dut.valid.value == 1:
                self.seen.append(int(self.dut.data.value))
            if self.dut.frame_end.value == 1:
                self.seen.append(END)
            if self.dut.frame_bad.value == 1:
                self.seen.append(LATE if self.dut.frame_late.value == 1 else BAD)

    async def send(self, symbols: Sequence[int | None], gap: int = 0) -> None:
        """Bytes, each for a cycle, with `gap` cycles in between."""
        for symbol in symbols:
            self.dut.byte_data.value = 0x55 if symbol is None else symbol
            self.dut.byte_valid.value = int(symbol is not None)
            self.dut.byte_broken.value = int(symbol is None)
            await FallingEdge(self.dut.clk)
            self.dut.byte_valid.value = 0
            self.dut.byte_broken.value = 0
            await ClockCycles(self.dut.clk, gap)
            if gap:
                await FallingEdge(self.dut.clk)

    async def expect(self, what: str, *expected: int | str) -> None:
        await ClockCycles(self.dut.clk, 3)
        await FallingEdge(self.dut.clk)
        same(what, list(expected), self.seen)
        self.seen.clear()


async def new_decoder(dut: Any) -> Decoder:
    decoder = Decoder(dut)
    await decoder.start()
    return decoder


def escaped(frame: bytes) -> bytes:
    return frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")


def random_frame(generator: random.Random) -> bytes:
    """Bytes, those among them that are special."""
    length = generator.randint(1, 20)
    return bytes(generator.choice((0xC0, 0xDB, 0xDC, 0xDD, generator.getrandbits(8))) for _ in range(length))


@cocotb.test()
@cocotb.parametrize(gap=[0, 1])
async def frames_come_out_as_they_were(dut: Any, gap: int) -> None:
    decoder = await new_decoder(dut)
    generator = seeded()
    if gap >= parameter(dut, "TIMEOUT"):
        return  # such a line is too slow for it
    for number in range(60):
        frame = random_frame(generator)
        before = b"\xc0" * generator.randint(0, 3)  # empty frames are not mentioned
        await decoder.send(before + escaped(frame) + b"\xc0", gap)
        await decoder.expect(f"frame {number}", *frame, END)


@cocotb.test()
async def what_is_no_frame_is_reported_once_and_ignored_up_to_the_next_end(dut: Any) -> None:
    decoder = await new_decoder(dut)
    cases: list[tuple[str, list[int | None], Seen]] = [
        ("ESC before another byte", [1, 0xDB, 0x00, 2, 3, 0xC0], [1, BAD]),
        ("ESC twice", [1, 0xDB, 0xDB, 0xDC, 0xC0], [1, BAD]),
        ("ESC first", [0xDB, 7, 8, 0xC0], [BAD]),
        ("ESC before END, which ends it", [1, 0xDB, 0xC0], [1, BAD]),
        ("a byte without stop bit", [1, 2, BROKEN, 3, 0xDB, 4, 0xC0], [1, 2, BAD]),
        ("the same behind ESC", [1, 0xDB, BROKEN, 0xDD, 0xC0], [1, BAD]),
        ("the same twice", [1, BROKEN, BROKEN, 0xC0], [1, BAD]),
        # Nobody has asked for anything yet.
        ("the same between frames", [BROKEN, 5, 6, 0xC0], []),
    ]
    for what, symbols, expected in cases:
        await decoder.send(symbols)
        await decoder.expect(what, *expected)
        await decoder.send([9, 0xDB, 0xDC, 0xC0])
        await decoder.expect(f"the frame behind: {what}", 9, 0xC0, END)


@cocotb.test()
async def silence_within_a_frame_ends_it(dut: Any) -> None:
    """A byte may come TIMEOUT cycles after the one before, and no later."""
    timeout = parameter(dut, "TIMEOUT")
    decoder = await new_decoder(dut)
    for start in ([1], [0xDB], [1, 0xDB]):
        given = [byte for byte in start if byte != 0xDB]
        rest: list[int] = [0xDD] if start[-1] == 0xDB else [2]
        decoded = [0xDB] if start[-1] == 0xDB else [2]
        await decoder.send(start)
        # The byte of `send` was seen by one edge; the next one is seen TIMEOUT edges later.
        await ClockCycles(dut.clk, timeout - 1)
        await FallingEdge(dut.clk)
        await decoder.send([*rest, 0xC0])
        await decoder.expect(f"{start}, as late as can be", *given, *decoded, END)
        await decoder.send(start)
        await ClockCycles(dut.clk, timeout + 1)
        await FallingEdge(dut.clk)
        await decoder.send([*rest, 3, 0xC0])
        await decoder.expect(f"{start}, too late", *given, LATE)
        await decoder.send([4, 0xC0])
        await decoder.expect(f"the frame behind {start}", 4, END)


@cocotb.test()
async def silence_between_frames_is_nothing(dut: Any) -> None:
    decoder = await new_decoder(dut)
    cases: list[tuple[list[int], Seen]] = [([], []), ([0xC0], []), ([1, 0xC0], [1, END])]
    for symbols, expected in cases:
        await decoder.send(symbols)
        await ClockCycles(dut.clk, 3 * parameter(dut, "TIMEOUT") + 20)
        await decoder.expect(f"after {symbols}", *expected)


@cocotb.test()
async def a_reset_forgets_the_frame(dut: Any) -> None:
    decoder = await new_decoder(dut)
    for start in ([1, 2], [0xDB], [1, BROKEN]):
        await decoder.send(start)
        await FallingEdge(dut.clk)
        await decoder.reset()
        decoder.seen.clear()
        await decoder.send([7, 0xC0])
        await decoder.expect(f"after {start} and a reset", 7, END)


def test_slip_decoder(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "slip_decoder", Path(__file__), block[1], sources=[BOARD_RTL / "slip_decoder.v"])
