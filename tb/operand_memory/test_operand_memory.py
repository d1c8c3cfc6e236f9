# SPDX-License-Identifier: Apache-2.0
"""operand_memory: every chunk of both planes of every window, taken as an engine takes them, over frames and resets."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, Timer

from wsfracbnn.tb.common.bench import PATIENCE_CYCLES, Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 2, "SIMD": 18, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 4, "SLOTS": 4},
    {"CHANNELS": 6, "SIMD": 18, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 5},
    {"CHANNELS": 4, "SIMD": 9, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 6, "STRIDE": 2},
    {"CHANNELS": 1, "SIMD": 9, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 3, "STRIDE": 2, "SLOTS": 8},
    {"CHANNELS": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1},
    {"CHANNELS": 2, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 4},
    {"CHANNELS": 2, "SIMD": 18, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 1, "SLOTS": 8},
    {"CHANNELS": 16, "SIMD": 144, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "SLOTS": 8},
    {"CHANNELS": 2, "SIMD": 18, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 4, "SLOTS": 4, "BLOCK": 1},
    {"CHANNELS": 4, "SIMD": 9, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 6, "STRIDE": 2, "BLOCK": 1},
    {"CHANNELS": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "BLOCK": 1},
    {"CHANNELS": 16, "SIMD": 144, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "SLOTS": 8, "BLOCK": 1},
    {"CHANNELS": 16, "SIMD": 9, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "BLOCK": 1},
]

LATENCY = 6
"""Cycles from a window's last beat to the window, beside those in which its first bits are copied."""

FRAMES = 4
Frame = list[list[int]]
Window = tuple[int, list[list[int]]]
"""Borders, and of each plane the chunks."""


class Shape:
    """Parameters of the block, and what it must make of a frame."""

    def __init__(self, dut: Any) -> None:
        names = ("CHANNELS", "SIMD", "HEIGHT_PIXELS", "WIDTH_PIXELS", "STRIDE")
        self.channels, self.simd, self.rows, self.cols, self.stride = (parameter(dut, name) for name in names)
        self.lanes = self.simd // 9
        self.chunks = self.channels // self.lanes

    def frame(self, generator: random.Random) -> Frame:
        """Rows of pixels: {msb, lsb} pairs, channel 0 lowest."""
        return [[generator.getrandbits(2 * self.channels) for _ in range(self.cols)] for _ in range(self.rows)]

    def words(self, frame: Frame) -> list[int]:
        """A chunk of a pixel a beat."""
        width = 2 * self.lanes
        return [pixel >> k * width & ((1 << width) - 1) for row in frame for pixel in row for k in range(self.chunks)]

    def windows(self, frame: Frame) -> list[Window]:
        """In order."""
        return [
            self._window(frame, y, x)
            for y in range(0, self.rows, self.stride)
            for x in range(0, self.cols, self.stride)
        ]

    def _window(self, frame: Frame, y: int, x: int) -> Window:
        border = (y == 0) | (y == self.rows - 1) << 1 | (x == 0) << 2 | (x == self.cols - 1) << 3
        planes = [[0] * self.chunks for _ in range(2)]
        for plane, channel, t in itertools.product(range(2), range(self.channels), range(9)):
            row, col = y + t // 3 - 1, x + t % 3 - 1
            if 0 <= row < self.rows and 0 <= col < self.cols:
                bit = frame[row][col] >> 2 * channel + 1 - plane & 1
                planes[plane][channel // self.lanes] |= bit << 9 * (channel % self.lanes) + t
        return border, planes


async def take_windows(dut: Any, shape: Shape, windows: list[Window], generator: random.Random, slow: float) -> None:
    """As fractional_core: a first pass of nine operations or more, then the second of the window before.

    slow: share of cycles without a command.
    """
    before: Window | None = None
    for number, window in enumerate(windows):
        for _ in range(PATIENCE_CYCLES):
            if int(dut.window_valid.value):
                break
            await FallingEdge(dut.clk)
        same(f"window {number} is there", 1, int(dut.window_valid.value))
        # The command follows the cycle in which the window is seen.
        await FallingEdge(dut.clk)
        first = [(0, k) for _ in range(9) for k in range(shape.chunks)]
        second = [(1, k) for _ in range(generator.randrange(4)) for k in range(shape.chunks)] if before else []
        await idle(dut, 8 if second else 0)
        for place, (plane, chunk) in enumerate(first + second):
            while generator.random() < slow:
                await FallingEdge(dut.clk)
            border, planes = before if plane and before else window
            dut.lsb.value, dut.chunk.value = plane, chunk
            dut.window_taken.value = int(place == len(first) + len(second) - 1)
            await Timer(1, "ns")
            where = f"window {number}{' before' if plane else ''}, chunk {chunk}"
            same(f"{where}: borders", f"{border:04b}", f"{int(dut.border.value):04b}")
            await FallingEdge(dut.clk)
            dut.window_taken.value = 0
            same(where, f"{planes[plane][chunk]:#x}", f"{int(dut.data.value):#x}")
        before = window


async def idle(dut: Any, cycles: int) -> None:
    """Gates are not known at once."""
    if cycles:
        await ClockCycles(dut.clk, cycles)
        await FallingEdge(dut.clk)


@cocotb.test()
@cocotb.parametrize(traffic=[Traffic.FULL, Traffic.STALLED], slow=[0.0, 0.4])
async def has_the_operands_of_every_window(dut: Any, traffic: Traffic, slow: float) -> None:
    """Frames back to back; then one by itself, whose last windows need no pixel of another."""
    generator, shape = seeded(), Shape(dut)
    bench = Bench(dut, sinks=())
    dut.window_taken.value = dut.lsb.value = dut.chunk.value = 0
    bench.flow(traffic)
    await bench.reset()
    await FallingEdge(dut.clk)
    for count in (FRAMES, 1):
        frames = [shape.frame(generator) for _ in range(count)]
        bench.send([word for frame in frames for word in shape.words(frame)])
        windows = [window for frame in frames for window in shape.windows(frame)]
        await take_windows(dut, shape, windows, generator, slow)


@cocotb.test()
async def a_window_is_there_as_soon_as_its_pixels_are(dut: Any) -> None:
    """The first one of a frame with its last pixel, and no earlier; no other pixel follows."""
    generator, shape = seeded(), Shape(dut)
    bench = Bench(dut, sinks=())
    dut.window_taken.value = dut.lsb.value = dut.chunk.value = 0
    await bench.reset()
    last_row, last_col = min(1, shape.rows - 1), min(1, shape.cols - 1)
    words = shape.words(shape.frame(generator))[: (last_row * shape.cols + last_col + 1) * shape.chunks]
    bench.send(words[:-1])
    await ClockCycles(dut.clk, len(words) + 30 * shape.chunks + 30)
    await FallingEdge(dut.clk)
    same("a window is there before its last pixel", 0, int(dut.window_valid.value))
    bench.send(words[-1:])
    while not int(dut.s_axis_tvalid.value):
        await FallingEdge(dut.clk)
    await ClockCycles(dut.clk, 9 * shape.chunks + LATENCY - 1)
    await FallingEdge(dut.clk)
    same("a window is there before it is promised", 0, int(dut.window_valid.value))
    await FallingEdge(dut.clk)
    same("a window is there with its last pixel", 1, int(dut.window_valid.value))


@cocotb.test()
async def a_reset_at_any_time_leaves_nothing(dut: Any) -> None:
    generator, shape = seeded(), Shape(dut)
    bench = Bench(dut, sinks=())
    dut.window_taken.value = dut.lsb.value = dut.chunk.value = 0
    for _ in range(10):
        await bench.reset(cycles=1)
        await FallingEdge(dut.clk)
        frames = [shape.frame(generator) for _ in range(2)]
        bench.send([word for frame in frames for word in shape.words(frame)])
        await take_windows(dut, shape, shape.windows(frames[0])[:3], generator, 0.2)
        await ClockCycles(dut.clk, generator.randrange(1, 50))


def test_operand_memory(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "operand_memory", Path(__file__), block[1])
