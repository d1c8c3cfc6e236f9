# SPDX-License-Identifier: Apache-2.0
"""scale_bias: V = rshift(A * M, r) + b1 for constants of at most two signed digits, corners of A."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import Bench, affine_words, corner_values, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 8, "LANES": 2, "ACC_W": 11, "BITS": 16, "SHIFT": 4},
    {"CHANNELS": 3, "LANES": 1, "ACC_W": 14, "BITS": 16, "SHIFT": 0},
    {"CHANNELS": 4, "LANES": 4, "ACC_W": 8, "BITS": 24, "SHIFT": 1},
    {"CHANNELS": 2, "LANES": 1, "ACC_W": 11, "BITS": 12, "SHIFT": 15},
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def scales_rounds_and_shifts(dut: Any, stalled: bool) -> None:
    channels, lanes, acc_w, bits, r = (parameter(dut, n) for n in ("CHANNELS", "LANES", "ACC_W", "BITS", "SHIFT"))
    v_w = parameter(dut, "V_W")
    generator = seeded()
    factors = [int(m) for m in representable(2, 127)]
    m = ([factors[-1], factors[0], 0] + [generator.choice(factors) for _ in range(channels)])[:channels]
    b1 = corner_values(bits, generator, channels)
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, affine_words(m, b1, lanes, bits), dut.rom_read))
    if stalled:
        bench.stall()
    await bench.reset()
    sent, expected = [], []
    for _ in range(40):
        for i in range(0, channels, lanes):
            a = [generator.choice(corner_values(acc_w, generator, 12)) for _ in range(lanes)]
            products = [x * m[i + lane] for lane, x in enumerate(a)]
            rounded = [(p + (1 << r >> 1)) >> r for p in products]
            sent.append(pack(a, acc_w))
            expected.append(pack([v + b1[i + lane] for lane, v in enumerate(rounded)], v_w))
    bench.send(sent)
    await bench.expect(expected, v_w, lanes)
    await bench.quiet()


def test_scale_bias(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "scale_bias", Path(__file__), block[1])
