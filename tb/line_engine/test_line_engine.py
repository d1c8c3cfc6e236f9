# SPDX-License-Identifier: Apache-2.0
"""line_engine: a fractional convolution over frames, from pixels to sums; gates, stalls, resets; the time it takes."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time

from wsfracbnn.tb.common.bench import Bench, Traffic, lane_roms, pack, parameter, rom, same, seeded
from wsfracbnn.tb.common.fractional import correction, result_width, sum_of, sum_width, taps_at
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"IN_CHANNELS": 2, "OUT_CHANNELS": 16, "PE": 1, "SIMD": 18, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 5, "SLOTS": 4},
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 4, "STAGES": 1},
    {"IN_CHANNELS": 7, "OUT_CHANNELS": 20, "PE": 2, "SIMD": 63, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STAGES": 2},
    {"IN_CHANNELS": 2, "OUT_CHANNELS": 18, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 6, "STRIDE": 2},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "SLOTS": 8},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 1, "STAGES": 1},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 24, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 3, "LUT_INPUTS": 6},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 3, "STRIDE": 2},
    {"IN_CHANNELS": 16, "OUT_CHANNELS": 16, "PE": 1, "SIMD": 144, "HEIGHT_PIXELS": 8, "WIDTH_PIXELS": 8, "SLOTS": 8},
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 4, "BLOCK": 1},
    {"IN_CHANNELS": 6, "OUT_CHANNELS": 20, "PE": 2, "SIMD": 18, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "BLOCK": 1},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 3, "BLOCK": 1},
]

RUNS = [*itertools.product((Traffic.FULL, Traffic.STALLED), ("mixed", "open", "closed")), (Traffic.WAITING, "mixed")]
"""Traffic, and which gates are open. Resets have a test of their own."""

FRAMES = 3


class Layer:
    """A layer of random constants, and what it makes of a frame."""

    def __init__(self, dut: Any, generator: random.Random, gate_range: tuple[int, int]) -> None:
        names = ("IN_CHANNELS", "OUT_CHANNELS", "PE", "SIMD", "HEIGHT_PIXELS", "WIDTH_PIXELS", "STRIDE")
        self.channels, self.outputs, self.pe, self.simd, self.rows, self.cols, self.stride = (
            parameter(dut, name) for name in names
        )
        self.chunks, self.acc_w = 9 * self.channels // self.simd, result_width(self.channels)
        self.weights = [generator.getrandbits(9 * self.channels) for _ in range(self.outputs)]
        self.gates = [generator.randint(*gate_range) for _ in range(self.outputs)]
        self.generator = generator

    def serve(self, dut: Any) -> None:
        """Play the constant memories."""
        slots = 1 << (self.chunks - 1).bit_length()
        lanes, groups = range(self.pe), range(0, self.outputs, self.pe)
        ones, sum_w = (1 << self.simd) - 1, sum_width(self.channels)
        weights = [[self.weights[g + i] >> k * self.simd & ones for g in groups for k in range(slots)] for i in lanes]
        corrections = [
            [correction(self.weights[g + i], b, self.channels) for g in groups for b in range(16)] for i in lanes
        ]
        gates = [pack(self.gates[g : g + self.pe], sum_w) for g in groups]
        cocotb.start_soon(lane_roms(dut, dut.weight_addr, dut.weight_data, weights, self.simd, latency=2))
        cocotb.start_soon(lane_roms(dut, dut.correction_addr, dut.correction_data, corrections, sum_w))
        cocotb.start_soon(rom(dut, dut.gate_addr, dut.gate_data, gates))

    def frame(self) -> list[list[int]]:
        """Rows of pixels, each of all channels: {msb, lsb} pairs, channel 0 lowest."""
        return [[self.generator.getrandbits(2 * self.channels) for _ in range(self.cols)] for _ in range(self.rows)]

    def words(self, frame: list[list[int]]) -> list[int]:
        """As the block takes it, a chunk of a pixel a beat."""
        width = 2 * self.simd // 9
        return [pixel >> k * width & ((1 << width) - 1) for row in frame for pixel in row for k in range(self.chunks)]

    def sums(self, frame: list[list[int]]) -> tuple[list[int], int]:
        """Beats of A of all windows, and the passes of the busiest lane."""
        beats: list[int] = []
        passes = 0
        for y in range(0, self.rows, self.stride):
            for x in range(0, self.cols, self.stride):
                taps = taps_at((y == 0) | (y == self.rows - 1) << 1 | (x == 0) << 2 | (x == self.cols - 1) << 3)
                planes = [0, 0]
                for t in (t for t in range(9) if taps >> t & 1):
                    pixel = frame[y + t // 3 - 1][x + t % 3 - 1]
                    for c in range(self.channels):
                        for plane in (0, 1):
                            planes[plane] |= (pixel >> 2 * c + 1 - plane & 1) << 9 * c + t
                s_m, s_l = ([sum_of(w, plane, taps, self.channels) for w in self.weights] for plane in planes)
                is_open = [s > g for s, g in zip(s_m, self.gates, strict=True)]
                a = [2 * m + (s if o else 0) for m, s, o in zip(s_m, s_l, is_open, strict=True)]
                beats += [pack(a[g : g + self.pe], self.acc_w, signed=True) for g in range(0, self.outputs, self.pe)]
                passes += self.outputs // self.pe + max(sum(is_open[i :: self.pe]) for i in range(self.pe))
        return beats, passes


@cocotb.test()
@cocotb.parametrize((("traffic", "gates"), RUNS))
async def convolves_every_frame(dut: Any, traffic: Traffic, gates: str) -> None:
    """Frames back to back, then one for itself, whose last windows need no pixel of another."""
    bits = 9 * parameter(dut, "IN_CHANNELS")
    reach = {"mixed": (-3, 3), "open": (-bits - 1, -bits - 1), "closed": (bits, bits)}[gates]
    layer = Layer(dut, seeded(), reach)
    bench = Bench(dut)
    layer.serve(dut)
    bursts = [[layer.frame() for _ in range(count)] for count in (FRAMES, 1)]
    sums = [[beat for frame in frames for beat in layer.sums(frame)[0]] for frames in bursts]

    async def drive() -> None:
        for frames, beats in zip(bursts, sums, strict=True):
            bench.send([word for frame in frames for word in layer.words(frame)])
            await bench.expect(beats, layer.acc_w, layer.pe)
        await bench.quiet()

    await bench.run(traffic, drive)


@cocotb.test()
async def a_reset_at_any_time_leaves_nothing(dut: Any) -> None:
    generator = seeded()
    layer = Layer(dut, generator, (-3, 3))
    bench = Bench(dut)
    layer.serve(dut)
    for _ in range(12):
        await bench.reset(cycles=1)
        frames = [layer.frame(), layer.frame()]
        bench.send([word for frame in frames for word in layer.words(frame)])
        await bench.expect(layer.sums(frames[0])[0], layer.acc_w, layer.pe)
        await ClockCycles(dut.clk, generator.randrange(60))


@cocotb.test()
async def takes_its_passes_or_the_copy(dut: Any) -> None:
    """A full stream: a window takes its passes, or the time in which one is copied."""
    layer = Layer(dut, seeded(), (-3, 3))
    bench = Bench(dut)
    layer.serve(dut)
    await bench.reset()
    frames = [layer.frame() for _ in range(FRAMES)]
    made = [layer.sums(frame) for frame in frames]
    bench.send([word for frame in frames for word in layer.words(frame)])
    await bench.expect(made[0][0], layer.acc_w, layer.pe)
    start = get_sim_time("ns")
    for beats, _ in made[1:]:
        await bench.expect(beats, layer.acc_w, layer.pe)
    cycles = round((get_sim_time("ns") - start) / 10)
    windows = sum(len(beats) for beats, _ in made[1:]) * layer.pe // layer.outputs
    passes = sum(count for _, count in made[1:]) * layer.chunks
    copies = windows * (18 * layer.chunks + 3)
    pixels = (FRAMES - 1) * layer.rows * layer.cols * layer.chunks
    first = layer.outputs // layer.pe * layer.chunks
    gates = windows * max(0, parameter(dut, "STAGES") + 10 - first)  # where a first pass is shorter than the pipeline
    same("within its time", True, cycles <= max(passes + gates, copies, pixels) * 1.05 + 3 * (18 * layer.chunks + 30))


def test_line_engine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "line_engine", Path(__file__), block[1])
