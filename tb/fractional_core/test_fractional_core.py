# SPDX-License-Identifier: Apache-2.0
"""fractional_core: A = 2 S_m + (S_m > G ? S_l : 0) of windows whose operands are served as it asks for them.

Several windows between their passes are tried in tb/fractional_engine.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from wsfracbnn.tb.common.bench import Bench, Traffic, lane_roms, pack, parameter, rom, seeded
from wsfracbnn.tb.common.fractional import correction, result_width, sum_of, sum_width, taps_at
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 8, "PE": 2, "SIMD": 18, "STAGES": 2},
    {"IN_CHANNELS": 3, "OUT_CHANNELS": 10, "PE": 1, "SIMD": 27, "STAGES": 1},
    {"IN_CHANNELS": 7, "OUT_CHANNELS": 6, "PE": 3, "SIMD": 63, "STAGES": 3},
    {"IN_CHANNELS": 2, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "STAGES": 1, "LUT_INPUTS": 6},
]

RUNS = [
    *((traffic, "mixed") for traffic in Traffic),
    *itertools.product((Traffic.FULL, Traffic.STALLED), ("open", "closed")),
]
"""Traffic, and which gates are open."""

WINDOWS = 30
Window = tuple[int, int, int]
"""First bits, second bits, borders."""


class Windows:
    """Plays what keeps the windows: shows one after the other, keeps the last one taken, answers a cycle later."""

    def __init__(self, dut: Any, windows: list[Window], generator: random.Random, traffic: Traffic) -> None:
        self.dut, self.generator, self.stalled = dut, generator, traffic.stalls
        self.waiting = deque(windows)
        self.before: Window = (0, 0, 0)
        self.simd = parameter(dut, "SIMD")

    async def play(self) -> None:
        """Until all are taken, and on."""
        dut = self.dut
        shown, answer = 0, 0  # windows that may be seen; the operands of the command before
        while True:
            dut.window_valid.value, dut.window_next.value = int(shown > 0), int(shown > 1)
            dut.operands.value = answer
            await Timer(1, "ns")
            lsb = int(dut.operand_lsb.value)
            window = self.before if lsb or not self.waiting else self.waiting[0]
            dut.operand_border.value = window[2]
            await FallingEdge(dut.clk)
            inside = taps_at(window[2])
            kept = sum((inside >> b % 9 & 1) << b for b in range(self.simd))
            answer = window[lsb] >> int(dut.operand_chunk.value) * self.simd & kept
            taken = int(dut.window_taken.value)
            await RisingEdge(dut.clk)
            if taken:
                self.before = self.waiting.popleft()
                shown -= 1
            if shown < min(2, len(self.waiting)) and not (self.stalled and self.generator.random() < 0.8):
                shown += 1


@cocotb.test()
@cocotb.parametrize((("traffic", "gates"), RUNS))
async def adds_the_second_bit_where_the_gate_is_open(dut: Any, traffic: Traffic, gates: str) -> None:
    channels, outputs, pe, simd = (parameter(dut, n) for n in ("IN_CHANNELS", "OUT_CHANNELS", "PE", "SIMD"))
    sum_w, acc_w, bits = sum_width(channels), result_width(channels), 9 * channels
    reach = {"mixed": (-3, 3), "open": (-bits - 1, -bits - 1), "closed": (bits, bits)}[gates]
    generator = seeded()
    weights = [generator.getrandbits(bits) for _ in range(outputs)]
    thresholds = [generator.randint(*reach) for _ in range(outputs)]
    slots, groups = 1 << (bits // simd - 1).bit_length(), range(0, outputs, pe)
    weight_words = [
        [weights[g + lane] >> k * simd & ((1 << simd) - 1) for g in groups for k in range(slots)] for lane in range(pe)
    ]
    corrections = [
        [correction(weights[g + lane], border, channels) for g in groups for border in range(16)] for lane in range(pe)
    ]
    bench = Bench(dut, sources=())
    cocotb.start_soon(lane_roms(dut, dut.weight_addr, dut.weight_data, weight_words, simd, latency=2))
    cocotb.start_soon(lane_roms(dut, dut.correction_addr, dut.correction_data, corrections, sum_w))
    cocotb.start_soon(
        rom(dut, dut.gate_addr, dut.gate_data, [pack(thresholds[g : g + pe], sum_w, signed=True) for g in groups])
    )
    dut.window_valid.value = dut.window_next.value = dut.operand_border.value = dut.operands.value = 0
    windows: list[Window] = []
    expected: list[int] = []
    for number in range(WINDOWS):
        border = 0 if number % 3 else number // 3 % 16
        msb, lsb = generator.getrandbits(bits), generator.getrandbits(bits)
        if number in (1, 2):  # no border: the largest and the smallest sums that there are
            msb = lsb = weights[0] ^ (number - 1) * ((1 << bits) - 1)
        windows.append((msb, lsb, border))
        taps = taps_at(border)
        s_m = [sum_of(w, msb, taps, channels) for w in weights]
        a = [
            2 * s + (sum_of(w, lsb, taps, channels) if s > g else 0)
            for s, w, g in zip(s_m, weights, thresholds, strict=True)
        ]
        expected += [pack(a[g : g + pe], acc_w, signed=True) for g in groups]

    async def drive() -> None:
        player = cocotb.start_soon(Windows(dut, windows, generator, traffic).play())
        try:
            await bench.expect(expected, acc_w, pe)
            await bench.quiet()
        finally:
            player.cancel()
            dut.window_valid.value = dut.window_next.value = 0

    await bench.run(traffic, drive)


def test_fractional_core(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "fractional_core", Path(__file__), block[1])
