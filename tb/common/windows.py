# SPDX-License-Identifier: Apache-2.0
"""In the simulator: the windows of random frames, expected from the frames themselves."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import cocotb
from cocotb.queue import Queue
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, SimTimeoutError, with_timeout

from wsfracbnn.tb.common.bench import CLOCK_NS, PATIENCE_CYCLES, SEED, Bench, Traffic, parameter, same, stalls

Frames = list[list[list[int]]]


def random_frames(dut: Any, generator: random.Random, count: int) -> Frames:
    """`count` frames of HEIGHT_PIXELS rows of WIDTH_PIXELS pixels of WIDTH bits."""
    width, rows, cols = (parameter(dut, n) for n in ("WIDTH", "HEIGHT_PIXELS", "WIDTH_PIXELS"))
    return [[[generator.getrandbits(width) for _ in range(cols)] for _ in range(rows)] for _ in range(count)]


def window_reader(dut: Any, accept: Callable[[], bool]) -> Callable[[], Awaitable[tuple[str, int]]]:
    """Returns a coroutine function that waits for the next window: its bits, most significant first, and its taps.

    accept: asked each cycle whether to take a window. Not a stream sink: taps outside the image may be unknown, which
    a sink would not take. A block with `m_axis_tnext` keeps what that says.
    """
    promises = hasattr(dut, "m_axis_tnext")
    windows: Queue[tuple[str, int]] = Queue()

    async def read() -> None:
        taken: int | None = None  # taps of the window that was taken in the cycle before
        promised = 0  # tnext then
        while True:
            await FallingEdge(dut.clk)
            dut.m_axis_tready.value = int(accept())
            await ReadOnly()
            if dut.rst.value == 1:
                taken = None
                while not windows.empty():
                    windows.get_nowait()
                continue
            if taken is not None:
                if promises:
                    follows = int(dut.m_axis_tvalid.value)
                    same("window in the cycle after one was taken, as tnext said", promised, follows)
                windows.put_nowait((str(dut.m_window.value), taken))
            is_taken = int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value)
            taken = int(dut.m_axis_tuser.value) if is_taken else None
            promised = int(dut.m_axis_tnext.value) if promises else 0

    cocotb.start_soon(read())

    async def window() -> tuple[str, int]:
        try:
            return await with_timeout(windows.get(), PATIENCE_CYCLES * CLOCK_NS, "ns")
        except SimTimeoutError:
            raise AssertionError("no window: the stream hangs") from None

    return window


class WindowSource:
    """Offers windows to an engine: its beat with the taps, and the window itself a cycle later. A reset drops them."""

    def __init__(self, dut: Any, traffic: Traffic) -> None:
        self.dut = dut
        self.waiting: deque[tuple[int, int]] = deque()
        self._paused = stalls(SEED - 1) if traffic.stalls else itertools.repeat(False)  # the sinks' begin with SEED
        dut.s_axis_tvalid.value = 0
        cocotb.start_soon(self._drive())

    def send(self, window: int, taps: int) -> None:
        """Queue a window, its bits as `s_window` takes them, and its taps inside the image."""
        self.waiting.append((window, taps))

    async def _drive(self) -> None:
        offered = False
        noise = random.Random(SEED - 1)
        while True:
            await RisingEdge(self.dut.clk)
            if self.dut.rst.value == 1:
                self.waiting.clear()
                offered = False
            if offered:
                self.dut.s_window.value = self.waiting[0][0]
                if int(self.dut.s_axis_tready.value):
                    self.waiting.popleft()
                    offered = False
            paused = next(self._paused)
            offered = offered or (not paused and bool(self.waiting))
            self.dut.s_axis_tvalid.value = int(offered)
            self.dut.s_axis_tuser.value = self.waiting[0][1] if offered else noise.getrandbits(9)


def taker(dut: Any, traffic: Traffic, generator: random.Random) -> Callable[[], bool]:
    """Whether to take a window that is there, asked between two edges."""
    if traffic is Traffic.WAITING:
        return lambda: dut.m_axis_tvalid.value == 1
    return lambda: not traffic.stalls or generator.random() < 0.5


async def check_windows(dut: Any, traffic: Traffic, generator: random.Random, stride: int) -> None:
    """Every window of three frames back to back."""
    bench = Bench(dut, sinks=())
    dut.m_axis_tready.value = 0
    frames = random_frames(dut, generator, 3)
    window = window_reader(dut, taker(dut, traffic, generator))

    async def drive() -> None:
        bench.send([pixel for frame in frames for row in frame for pixel in row])
        for number, frame in enumerate(frames):
            await check_frame(window, frame, f"frame {number}", parameter(dut, "WIDTH"), stride)

    await bench.run(traffic, drive)


async def check_cut_frames(dut: Any, generator: random.Random, stride: int) -> None:
    """The input pauses after each possible number of the next frame's pixels; every window of the frame leaves."""
    bench = Bench(dut, sinks=())
    width, cols = parameter(dut, "WIDTH"), parameter(dut, "WIDTH_PIXELS")
    dut.m_axis_tready.value = 0
    await bench.reset()
    window = window_reader(dut, lambda: generator.random() < 0.8)
    frames = random_frames(dut, generator, cols + 3)
    pixels = [[pixel for row in frame for pixel in row] for frame in frames]
    sent = 0
    for number, frame in enumerate(frames):
        ahead = min(number, len(pixels[0]) - 1) if number + 1 < len(frames) else 0
        following = pixels[number + 1][:ahead] if ahead else []
        bench.send(pixels[number][sent:] + following)
        sent = ahead
        await check_frame(window, frame, f"frame {number}, {ahead} pixels of the next", width, stride)


async def check_frame(
    window: Callable[[], Awaitable[tuple[str, int]]], frame: list[list[int]], name: str, width: int, stride: int
) -> None:
    """Every window of one frame."""
    rows, cols = len(frame), len(frame[0])
    for y in range(0, rows, stride):
        for x in range(0, cols, stride):
            data, taps = await window()
            for t in range(9):
                row, col = y + t // 3 - 1, x + t % 3 - 1
                inside = 0 <= row < rows and 0 <= col < cols
                where = f"{name} window ({y}, {x}) tap {t}"
                same(f"{where} inside", int(inside), taps >> t & 1)
                if inside:
                    end = len(data) - t * width
                    same(where, f"{frame[row][col]:0{width}b}", data[end - width : end])
