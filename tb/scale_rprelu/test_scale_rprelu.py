# SPDX-License-Identifier: Apache-2.0
"""scale_rprelu: V = rshift(A * M, r) + b1, V' = (V >= 0 ? V : (V * N) >> s) + b2; r below and above s, any factors."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import Bench, Traffic, affine_words, corner_values, pack, parameter, rom, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 8, "LANES": 2, "IN_W": 11, "BITS": 16, "SCALE_SHIFT": 4, "SLOPE_SHIFT": 6},
    {"CHANNELS": 3, "LANES": 1, "IN_W": 14, "BITS": 16, "SCALE_SHIFT": 0, "SLOPE_SHIFT": 1},
    {"CHANNELS": 4, "LANES": 4, "IN_W": 8, "BITS": 24, "SCALE_SHIFT": 1, "SLOPE_SHIFT": 7},
    {"CHANNELS": 2, "LANES": 1, "IN_W": 11, "BITS": 12, "SCALE_SHIFT": 15, "SLOPE_SHIFT": 6},
    {"CHANNELS": 5, "LANES": 1, "IN_W": 12, "BITS": 16, "SCALE_SHIFT": 6, "SLOPE_SHIFT": 6, "LUT_INPUTS": 6},
    {"CHANNELS": 4, "LANES": 2, "IN_W": 11, "BITS": 16, "SCALE_SHIFT": 5, "SLOPE_SHIFT": 6, "IDENTITY": 0b10101_10101},
]
BEATS = 200


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def scales_and_bends(dut: Any, traffic: Traffic) -> None:
    channels, lanes, in_w, bits = (parameter(dut, name) for name in ("CHANNELS", "LANES", "IN_W", "BITS"))
    r, s = parameter(dut, "SCALE_SHIFT"), parameter(dut, "SLOPE_SHIFT")
    v_w = max(in_w + 7 - r, bits) + 1
    out_w = max(v_w + 7 - s, bits) + 1
    generator = seeded()
    factors = [int(m) for m in representable(2, 127)]
    m, n = (
        ([factors[-1], factors[0], 0, -1] + [generator.choice(factors) for _ in range(channels)])[start:][:channels]
        for start in (0, 1)
    )
    b1, b2 = corner_values(bits, generator, channels), corner_values(bits, generator, channels)[::-1]

    def result(x: int, channel: int) -> int:
        v = ((x * m[channel] + (1 << r >> 1)) >> r) + b1[channel]
        return (v if v >= 0 else (v * n[channel]) >> s) + b2[channel]

    words = itertools.chain(*zip(affine_words(m, b1, lanes, bits), affine_words(n, b2, lanes, bits), strict=True))
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, list(words)))
    sent, expected = [], []
    for number in range(BEATS):
        first = number * lanes % channels
        x = [generator.choice(corner_values(in_w, generator, 12)) for _ in range(lanes)]
        sent.append(pack(x, in_w))
        expected.append(pack([result(value, first + lane) for lane, value in enumerate(x)], out_w, signed=True))

    async def drive() -> None:
        bench.send(sent)
        await bench.expect(expected, out_w, lanes)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=2 * len(sent) + 8)


@cocotb.test()
async def takes_a_beat_every_other_cycle_from_the_second_after_a_reset(dut: Any) -> None:
    """And none between, whether one is offered or not."""
    bench = Bench(dut, sources=())
    dut.s_axis_tvalid.value = dut.s_axis_tdata.value = dut.rom_data.value = 0
    await bench.reset(cycles=1)
    ready = []
    for _ in range(8):  # the first edge lies in the second cycle
        await FallingEdge(dut.clk)
        ready.append(int(dut.s_axis_tready.value))
    same("ready", [1, 0] * 4, ready)


def test_scale_rprelu(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "scale_rprelu", Path(__file__), block[1])
