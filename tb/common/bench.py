# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: what every block's testbench shares.

A block is driven through cocotbext-axi sources and sinks, a beat being one integer of the stream's full width. Stalls
are random and seeded; a mismatch names stream, beat, lane, expected, got, seed and the command that reproduces it.
"""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from wsfracbnn.gen.stages.digit_codes import every_code

CLOCK_NS = 10
SEED = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
PATIENCE_CYCLES = 20_000
"""A beat that takes longer than this never comes."""


def seeded() -> random.Random:
    """The generator of this test's stimulus; a mismatch prints its seed."""
    return random.Random(SEED)


def parameter(dut: Any, name: str) -> int:
    """A Verilog parameter of the block under test."""
    return int(getattr(dut, name).value)


def stalls(seed: int, share: float = 0.5, longest: int = 8) -> Iterator[bool]:
    """Random runs of paused and running cycles."""
    generator = random.Random(seed)
    while True:
        yield from itertools.repeat(generator.random() < share, generator.randint(1, longest))


def pack(values: Sequence[int], width: int) -> int:
    """Lanes to one beat, lane 0 in the low bits."""
    beat = 0
    for lane, value in enumerate(values):
        beat |= (value & ((1 << width) - 1)) << (lane * width)
    return beat


def pixel_beats(values: Sequence[int], lanes: int, width: int) -> list[int]:
    """A pixel's channels as the stream carries them: `lanes` successive ones a beat."""
    return [pack(values[i : i + lanes], width) for i in range(0, len(values), lanes)]


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


def same(what: str, expected: object, got: object) -> None:
    """Compare, and say everything that is needed to look into a difference."""
    if expected != got:
        raise AssertionError(
            f"{cocotb.top._name} {what}: expected {expected}, got {got}; seed {SEED}; "
            f"reproduce: {os.environ.get('REPRODUCE', 'pytest')}"
        )


class Bench:
    """Clock and reset of a block, with its streams by their prefix."""

    def __init__(self, dut: Any, sources: Sequence[str] = ("s_axis",), sinks: Sequence[str] = ("m_axis",)) -> None:
        self.dut = dut
        dut.rst.value = 1
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        bus = AxiStreamBus.from_prefix
        self.sources = {p: AxiStreamSource(bus(dut, p), dut.clk, dut.rst, byte_lanes=1) for p in sources}
        self.sinks = {p: AxiStreamSink(bus(dut, p), dut.clk, dut.rst, byte_lanes=1) for p in sinks}
        for stream in (*self.sources.values(), *self.sinks.values()):
            stream.log.setLevel("WARNING")

    async def reset(self) -> None:
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 3)
        await FallingEdge(self.dut.clk)
        self.dut.rst.value = 0
        await RisingEdge(self.dut.clk)

    def stall(self) -> None:
        """Random pauses on every stream."""
        for number, stream in enumerate((*self.sources.values(), *self.sinks.values())):
            stream.set_pause_generator(stalls(SEED + number))

    def send(self, beats: Sequence[int], prefix: str = "s_axis") -> None:
        """Queue beats on a source; a stream with tlast takes them as one frame."""
        source = self.sources[prefix]
        if hasattr(source.bus, "tlast"):
            source.send_nowait(AxiStreamFrame(list(beats)))
            return
        for beat in beats:
            source.send_nowait(AxiStreamFrame([beat]))

    async def frame(self, prefix: str = "m_axis") -> Any:
        """The next frame of a sink (without tlast: the next beat)."""
        return await with_timeout(self.sinks[prefix].recv(compact=False), PATIENCE_CYCLES * CLOCK_NS, "ns")

    async def expect(
        self, expected: Sequence[int], width: int = 0, lanes: int = 1, prefix: str = "m_axis", signed: bool = True
    ) -> None:
        """Receive beats one by one and compare them lane by lane (width 0: the whole beat as it is)."""
        for number, beat in enumerate(expected):
            try:
                got = int((await self.frame(prefix)).tdata[0])
            except cocotb.triggers.SimTimeoutError:
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
