# SPDX-License-Identifier: Apache-2.0
"""unrolled_engine: A = 2 S_m + (S_m > G ? S_l : 0) of a window a cycle, gates always, never and sometimes open."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import SEED, Bench, Traffic, pack, parameter, rom, seeded, stalls
from wsfracbnn.tb.common.fractional import correction, result_width, sum_of, sum_width, taps_at, window_of
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import WindowSource

GRID = [
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 3, "STAGES": 2, "WEIGHTS": 0x5A3C1E7},
    {"IN_CHANNELS": 3, "OUT_CHANNELS": 1, "STAGES": 3, "WEIGHTS": 0x2C91F06},
    {"IN_CHANNELS": 1, "OUT_CHANNELS": 3, "STAGES": 1, "WEIGHTS": 0x0F0F337, "LUT_INPUTS": 6},
    {"IN_CHANNELS": 3, "OUT_CHANNELS": 1, "STAGES": 2, "WEIGHTS": 0x63A590D, "LUT_INPUTS": 6},
]

RUNS = [
    *((traffic, "mixed") for traffic in Traffic),
    *itertools.product((Traffic.FULL, Traffic.STALLED), ("open", "closed")),
]
"""Traffic, and which gates are open."""
"""Simulators take parameters of 32 bits; networks have longer ones."""


async def _grant(dut: Any, traffic: Traffic) -> None:
    """`has_credit`, now and then low."""
    pauses = stalls(SEED + 7)
    while True:
        await FallingEdge(dut.clk)
        dut.has_credit.value = int(not (traffic.stalls and next(pauses)))


@cocotb.test()
@cocotb.parametrize((("traffic", "gates"), RUNS))
async def adds_the_second_bit_where_the_gate_is_open(dut: Any, traffic: Traffic, gates: str) -> None:
    channels, outputs, stages = (parameter(dut, n) for n in ("IN_CHANNELS", "OUT_CHANNELS", "STAGES"))
    sum_w, acc_w, bits = sum_width(channels), result_width(channels), 9 * channels
    generator = seeded()
    packed = parameter(dut, "WEIGHTS")
    weights = [packed >> o * bits & (1 << bits) - 1 for o in range(outputs)]
    reach = {"mixed": (-3, 3), "open": (-bits - 1, -bits - 1), "closed": (bits, bits)}[gates]
    thresholds = [generator.randint(*reach) for _ in range(outputs)]
    bench = Bench(dut, sources=())
    source = WindowSource(dut, traffic)
    dut.gate_data.value = pack(thresholds, sum_w, signed=True)
    words = [pack([correction(w, border, channels) for w in weights], sum_w) for border in range(16)]
    cocotb.start_soon(rom(dut, dut.correction_addr, dut.correction_data, words))
    cocotb.start_soon(_grant(dut, traffic))
    windows: list[tuple[int, int]] = []
    expected: list[int] = []
    for number in range(60):
        msb, lsb = generator.getrandbits(bits), generator.getrandbits(bits)
        if number % 16 == 0:  # no border: the largest and the smallest sums that there are
            msb = lsb = weights[0] ^ (number // 16 % 2) * ((1 << bits) - 1)
        taps = taps_at(number % 16)
        windows.append((window_of(msb, lsb, channels), taps))
        s_m = [sum_of(w, msb, taps, channels) for w in weights]
        a = [
            2 * s + (sum_of(w, lsb, taps, channels) if s > g else 0)
            for s, w, g in zip(s_m, weights, thresholds, strict=True)
        ]
        expected.append(pack(a, acc_w, signed=True))

    async def drive() -> None:
        for window in windows:
            source.send(*window)
        await bench.expect(expected, acc_w, outputs)
        await bench.quiet()

    # A window a cycle; the last one's result comes STAGES + 5 cycles behind its beat.
    await bench.run(traffic, drive, cycles=len(windows) + stages + 5)


def test_unrolled_engine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "unrolled_engine", Path(__file__), block[1])
