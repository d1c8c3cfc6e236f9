# SPDX-License-Identifier: Apache-2.0
"""fractional_engine: A = 2 S_m + (S_m > G ? S_l : 0), gates always, never and sometimes open; the time it takes."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cocotb
from cocotb.utils import get_sim_time

from wsfracbnn.tb.common.bench import Bench, Traffic, lane_roms, pack, parameter, rom, same, seeded
from wsfracbnn.tb.common.fractional import correction, result_width, sum_of, sum_width, taps_at, window_of
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import WindowSource

GRID = [
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 8, "PE": 2, "SIMD": 36, "STAGES": 3},
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 6, "PE": 1, "SIMD": 9, "STAGES": 2},
    {"IN_CHANNELS": 16, "OUT_CHANNELS": 4, "PE": 4, "SIMD": 144, "STAGES": 4, "HELD": 9},
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 8, "PE": 4, "SIMD": 36, "STAGES": 3, "HELD": 4},
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 6, "PE": 3, "SIMD": 18, "STAGES": 2, "HELD": 2},
    {"IN_CHANNELS": 16, "OUT_CHANNELS": 4, "PE": 4, "SIMD": 144, "STAGES": 4},
    {"IN_CHANNELS": 7, "OUT_CHANNELS": 1, "PE": 1, "SIMD": 9, "STAGES": 1},
    {"IN_CHANNELS": 2, "OUT_CHANNELS": 16, "PE": 1, "SIMD": 18, "STAGES": 2, "LUT_INPUTS": 6},
]

RUNS = [
    *((traffic, "mixed") for traffic in Traffic),
    *itertools.product((Traffic.FULL, Traffic.STALLED), ("open", "closed")),
]
"""Traffic, and which gates are open."""


WINDOWS = 40


async def _drive(dut: Any, traffic: Traffic, gate_range: tuple[int, int]) -> tuple[int, int]:
    """Run random windows; returns the cycles from first to last result and the passes of the busiest lane."""
    channels, outputs, pe, simd = (parameter(dut, n) for n in ("IN_CHANNELS", "OUT_CHANNELS", "PE", "SIMD"))
    sum_w, acc_w, bits = sum_width(channels), result_width(channels), 9 * channels
    generator = seeded()
    weights = [generator.getrandbits(bits) for _ in range(outputs)]
    gates = [generator.randint(*gate_range) for _ in range(outputs)]
    slots = 1 << (bits // simd - 1).bit_length()
    weight_words = [
        [weights[g + lane] >> (k * simd) & ((1 << simd) - 1) for g in range(0, outputs, pe) for k in range(slots)]
        for lane in range(pe)
    ]
    correction_words = [
        [correction(weights[g + lane], border, channels) for g in range(0, outputs, pe) for border in range(16)]
        for lane in range(pe)
    ]

    bench = Bench(dut, sources=())
    source = WindowSource(dut, traffic)
    dut.s_axis_tnext.value = 0  # the source promises nothing: each window costs a cycle more
    cocotb.start_soon(lane_roms(dut, dut.weight_addr, dut.weight_data, weight_words, simd, latency=2))
    cocotb.start_soon(lane_roms(dut, dut.correction_addr, dut.correction_data, correction_words, sum_w))
    gate_words = [pack(gates[g : g + pe], sum_w, signed=True) for g in range(0, outputs, pe)]
    cocotb.start_soon(rom(dut, dut.gate_addr, dut.gate_data, gate_words))
    windows: list[tuple[int, int]] = []
    expected, passes = [], 0
    for window in range(WINDOWS):
        msb, lsb = generator.getrandbits(bits), generator.getrandbits(bits)
        taps = taps_at(0 if window % 3 else window // 3 % 16)
        if window in (1, 2):  # no border: the largest and the smallest sums that there are
            msb = lsb = weights[0] ^ (window - 1) * ((1 << bits) - 1)
        windows.append((window_of(msb, lsb, channels), taps))
        s_m = [sum_of(w, msb, taps, channels) for w in weights]
        is_open = [s > g for s, g in zip(s_m, gates, strict=True)]
        a = [
            2 * s + (sum_of(w, lsb, taps, channels) if g else 0) for s, w, g in zip(s_m, weights, is_open, strict=True)
        ]
        expected += [pack(a[g : g + pe], acc_w, signed=True) for g in range(0, outputs, pe)]
        passes += outputs // pe + max(sum(is_open[lane::pe]) for lane in range(pe))
    cycles = 0

    async def drive() -> None:
        nonlocal cycles
        for window in windows:
            source.send(*window)
        await bench.expect(expected[:1], acc_w, pe)
        start = get_sim_time("ns")
        await bench.expect(expected[1:], acc_w, pe)
        cycles = round((get_sim_time("ns") - start) / 10)
        await bench.quiet()

    await bench.run(traffic, drive)
    return cycles, passes


@cocotb.test()
@cocotb.parametrize((("traffic", "gates"), RUNS))
async def adds_the_second_bit_where_the_gate_is_open(dut: Any, traffic: Traffic, gates: str) -> None:
    bits = 9 * parameter(dut, "IN_CHANNELS")
    reach = {"mixed": (-3, 3), "open": (-bits - 1, -bits - 1), "closed": (bits, bits)}[gates]
    await _drive(dut, traffic, reach)


@cocotb.test()
async def takes_one_pass_plus_the_gated_share(dut: Any) -> None:
    """CHUNKS cycles a pass; a window may wait for its gates where HELD first passes are shorter than the pipeline."""
    cycles, passes = await _drive(dut, Traffic.FULL, (-3, 3))
    chunks = 9 * parameter(dut, "IN_CHANNELS") // parameter(dut, "SIMD")
    groups = parameter(dut, "OUT_CHANNELS") // parameter(dut, "PE")
    # What a window may wait for its gates: the pipeline's STAGES + 6 cycles, and four to hand the windows on.
    wait = max(0, parameter(dut, "STAGES") + 9 - parameter(dut, "HELD") * groups * chunks) + 4
    same("within its time", True, cycles <= passes * chunks + WINDOWS * wait)


def test_fractional_engine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "fractional_engine", Path(__file__), block[1])
