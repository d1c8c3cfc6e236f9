# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: what every block's testbench shares.

A block is driven through cocotbext-axi sources and sinks, a beat being one integer of the stream's full width. What its
neighbours do is a test's Traffic, random and seeded. Every stream is monitored, and carries noise while nothing is
offered. A mismatch names stream, beat, lane, expected, got, seed and the command that reproduces it.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, SimTimeoutError, Timer
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from wsfracbnn.gen.stages.digit_codes import every_code
from wsfracbnn.tb.common.monitor import Monitor
from wsfracbnn.tb.common.noise import Noise
from wsfracbnn.tb.common.report import SEED, same
from wsfracbnn.tb.common.traffic import Traffic, after_valid, stalls

__all__ = ["CLOCK_NS", "PATIENCE_CYCLES", "SEED", "Bench", "Traffic", "same", "stalls"]

CLOCK_NS = 10
PATIENCE_CYCLES = 20_000
"""A beat that takes longer than this never comes."""
RESETS = (8, 40)
"""Runs that a reset cuts off, at least and at most: as many as fit into RESET_CYCLES, where all are of the longest."""
RESET_CYCLES = 2_000
LATEST_RESET = 400
"""Cycles into a run, at most."""


def start_clock(dut: Any, name: str = "clk") -> None:
    """The clock of a block, its input `name`.

    The first edge, which rises, comes half a cycle after the inputs of that moment: they are there by then, and in a
    netlist, edge and reset go different ways.
    """

    async def begin() -> None:
        await Timer(CLOCK_NS // 2, "ns")
        Clock(getattr(dut, name), CLOCK_NS, unit="ns", impl="gpi").start()

    cocotb.start_soon(begin())


def seeded() -> random.Random:
    """The generator of this test's stimulus; a mismatch prints its seed."""
    return random.Random(SEED)


def parameter(dut: Any, name: str) -> int:
    """A Verilog parameter of the block under test."""
    return int(getattr(dut, name).value)


def pack(values: Sequence[int], width: int, signed: bool | None = None) -> int:
    """Lanes to one beat, lane 0 in the low bits. A value that does not fit fails the test.

    signed: what a lane holds, None: either. Expected values say it where the width is the block's own: one that is a
    bit short could not hold them.
    """
    low, high = 0 if signed is False else -(1 << width >> 1), (1 << width >> bool(signed)) - 1
    beat = 0
    for lane, value in enumerate(values):
        if not low <= value <= high:
            same(f"lane {lane}, to hold {value}", f"more than {width} bits", f"{width} bits")
        beat |= (value & ((1 << width) - 1)) << (lane * width)
    return beat


def pixel_beats(values: Sequence[int], lanes: int, width: int, signed: bool | None = None) -> list[int]:
    """A pixel's channels as the stream carries them: `lanes` successive ones a beat."""
    return [pack(values[i : i + lanes], width, signed) for i in range(0, len(values), lanes)]


def affine_words(factors: Sequence[int], biases: Sequence[int], lanes: int, bits: int) -> list[int]:
    """ROM words of rtl/affine.v: lane = {bias [bits], digit 1 [5], digit 0 [5]}."""
    fields = [pack([b], bits) << 10 | every_code(2).code(f) for f, b in zip(factors, biases, strict=True)]
    return pixel_beats(fields, lanes, bits + 10)


def unpack(beat: int, width: int, lanes: int, signed: bool = True) -> list[int]:
    """One beat to lanes."""
    values = [(beat >> (lane * width)) & ((1 << width) - 1) for lane in range(lanes)]
    return [v - (1 << width) if signed and v >> (width - 1) else v for v in values]


def corner_values(width: int, generator: random.Random, count: int) -> list[int]:
    """`count` signed numbers of `width` bits: the extremes and their neighbours first, then random ones."""
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    corners = [low, high, 0, -1, 1, low + 1, high - 1]
    return (corners + [generator.randint(low, high) for _ in range(count)])[:count]


class Bench:
    """Clock and reset of a block, with its streams by their prefix: one with tkeep by bytes, others by beats.

    monitored: whether a stream that breaks the protocol fails the test.
    """

    def __init__(
        self,
        dut: Any,
        sources: Sequence[str] = ("s_axis",),
        sinks: Sequence[str] = ("m_axis",),
        *,
        monitored: bool = True,
    ) -> None:
        self.dut = dut
        dut.rst.value = 1
        start_clock(dut)
        self.monitor = Monitor(dut, monitored)
        self.sources = {prefix: _connect(AxiStreamSource, dut, prefix) for prefix in sources}
        self.sinks = {prefix: _connect(AxiStreamSink, dut, prefix) for prefix in sinks}
        into, out = ([stream.bus for stream in streams.values()] for streams in (self.sources, self.sinks))
        self.noise = Noise(dut.clk, into, out, SEED)

    async def reset(self, cycles: int = 3) -> None:
        """So many cycles of reset, which begin and end between two edges. What the streams hold is forgotten."""
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 1
        await Timer(1, "ns")  # source and sink have gone silent
        self.noise.during_reset()
        await ClockCycles(self.dut.clk, cycles)
        await FallingEdge(self.dut.clk)
        for stream in (*self.sources.values(), *self.sinks.values()):
            stream.clear()
        self.noise.after_reset()
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    def flow(self, traffic: Traffic) -> None:
        """Pauses of the streams from now on."""
        for number, source in enumerate(self.sources.values()):
            source.set_pause_generator(stalls(SEED + number) if traffic.stalls else itertools.repeat(False))
        for number, sink in enumerate(self.sinks.values(), start=len(self.sources)):
            if traffic is Traffic.WAITING:
                sink.set_pause_generator(after_valid(sink.bus.tvalid, SEED + number))
            else:
                sink.set_pause_generator(stalls(SEED + number) if traffic.stalls else itertools.repeat(False))

    async def run(
        self, traffic: Traffic, drive: Callable[[], Coroutine[Any, Any, None]], cycles: int | None = None
    ) -> None:
        """Reset the block and drive it.

        With Traffic.RESETS it is driven several times, each cut off by a reset of one cycle, and then to the end.

        Args:
            drive: sends and compares everything, from the state after a reset on.
            cycles: with Traffic.FULL, what must go by from the first beat into the block to the last out of it.
        """
        self.flow(traffic)
        await self.reset()
        if traffic is Traffic.RESETS:
            await self._cut_off(drive)
        await drive()
        if traffic is Traffic.FULL and cycles is not None:
            same("cycles", cycles, self.monitor.cycles())

    async def _cut_off(self, drive: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Drive it several times, up to a reset of one cycle that comes while there are beats to take."""
        generator, runs, cut = seeded(), 0, 0
        while runs < RESETS[0] or (runs < RESETS[1] and runs * cut < RESET_CYCLES):
            task = cocotb.start_soon(drive())
            await Timer(1, "ns")
            queued = sum(source.queue_occupancy_bytes for source in self.sources.values())
            cut = min(LATEST_RESET, 8 + 4 * queued) if queued else LATEST_RESET
            await ClockCycles(self.dut.clk, generator.randint(1, cut))
            task.cancel()
            await self.reset(cycles=1)
            runs += 1

    def send(self, beats: Sequence[int], prefix: str = "s_axis") -> None:
        """Queue beats on a source; a stream with tlast takes them as one frame."""
        source = self.sources[prefix]
        if hasattr(source.bus, "tlast"):
            source.send_nowait(AxiStreamFrame(list(beats)))
            return
        for beat in beats:
            source.send_nowait(AxiStreamFrame([beat]))

    async def frame(self, prefix: str = "m_axis", patience: int = PATIENCE_CYCLES) -> Any:
        """The next frame of a sink (without tlast: the next beat).

        Raises:
            SimTimeoutError: none comes within `patience` cycles.
        """
        sink = self.sinks[prefix]
        await sink.wait(patience * CLOCK_NS, "ns")
        if sink.empty():
            raise SimTimeoutError(f"{prefix}: nothing within {patience} cycles, the stream hangs")
        return sink.recv_nowait(compact=False)

    async def expect(
        self, expected: Sequence[int], width: int = 0, lanes: int = 1, prefix: str = "m_axis", signed: bool = True
    ) -> None:
        """Receive beats one by one and compare them lane by lane (width 0: the whole beat as it is)."""
        for number, beat in enumerate(expected):
            try:
                got = int((await self.frame(prefix)).tdata[0])
            except SimTimeoutError:
                same(f"{prefix} beat {number}", f"{beat:#x}", "nothing: the stream hangs")
                raise
            if got == beat:
                continue
            if not width:
                same(f"{prefix} beat {number}", f"{beat:#x}", f"{got:#x}")
            pairs = zip(unpack(beat, width, lanes, signed), unpack(got, width, lanes, signed), strict=True)
            for lane, (want, have) in enumerate(pairs):
                same(f"{prefix} beat {number} lane {lane}", want, have)

    async def quiet(self, cycles: int = 50) -> None:
        """Nothing more comes out."""
        await ClockCycles(self.dut.clk, cycles)
        for prefix, sink in self.sinks.items():
            same(f"{prefix} beats too many", 0, sink.count())


def _connect(kind: Any, dut: Any, prefix: str) -> Any:
    """A source or sink on the signals of that prefix."""
    bus = AxiStreamBus.from_prefix(dut, prefix)
    stream = kind(bus, dut.clk, dut.rst, byte_lanes=None if hasattr(bus, "tkeep") else 1)
    stream.log.setLevel("ERROR")  # a frame that a reset cuts off is meant
    return stream


async def rom(dut: Any, addr: Any, data: Any, words: Sequence[int], read: Any = None, latency: int = 1) -> None:
    """A constant memory with registered outputs, as templates/rom.v.j2 emits it; without `read` it reads always."""
    await lane_roms(dut, addr, data, [words], len(data), read, latency)


async def lane_roms(
    dut: Any, addr: Any, data: Any, words: Sequence[Sequence[int]], width: int, read: Any = None, latency: int = 1
) -> None:
    """The same with contents for each lane (`words[lane]`, of `width` bits), addressed by its own share of `addr`.

    A lane whose address is unknown, since nothing asks for its word yet, keeps the word before.
    """
    share = len(addr) // len(words)
    own = [0] * len(words)
    under_way = [0] * (latency - 1)
    while True:
        await RisingEdge(dut.clk)
        if read is None or read.value == 1:
            bits = str(addr.value)
            for lane, lane_words in enumerate(words):
                asked = bits[len(bits) - (lane + 1) * share : len(bits) - lane * share]
                if set(asked) <= {"0", "1"}:
                    own[lane] = lane_words[int(asked, 2) % len(lane_words)]
            under_way.append(pack(own, width))
            data.value = under_way.pop(0)
