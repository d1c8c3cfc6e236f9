# SPDX-License-Identifier: Apache-2.0
"""rprelu: V' = (V >= 0 ? V : (V * N) >> s) + b2, negative and zero slopes among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import Bench, affine_words, corner_values, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 8, "LANES": 2, "IN_W": 20, "BITS": 16, "SHIFT": 6},
    {"CHANNELS": 3, "LANES": 1, "IN_W": 12, "BITS": 16, "SHIFT": 1},
    {"CHANNELS": 4, "LANES": 4, "IN_W": 22, "BITS": 12, "SHIFT": 7},
    {"CHANNELS": 8, "LANES": 2, "IN_W": 20, "BITS": 16, "SHIFT": 6, "IDENTITY": 0b10101_10101},  # 2^5 + 2^5
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def bends_below_zero(dut: Any, stalled: bool) -> None:
    channels, lanes, in_w, bits, s = (parameter(dut, n) for n in ("CHANNELS", "LANES", "IN_W", "BITS", "SHIFT"))
    out_w = parameter(dut, "OUT_W")
    generator = seeded()
    slopes = [int(n) for n in representable(2, 127)]
    n = ([slopes[0], slopes[-1], 0, -1] + [generator.choice(slopes) for _ in range(channels)])[:channels]
    b2 = corner_values(bits, generator, channels)
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, affine_words(n, b2, lanes, bits), dut.rom_read))
    if stalled:
        bench.stall()
    await bench.reset()
    sent, expected = [], []
    for _ in range(40):
        for i in range(0, channels, lanes):
            v = [generator.choice(corner_values(in_w, generator, 12)) for _ in range(lanes)]
            bent = [x if x >= 0 else (x * n[i + lane]) >> s for lane, x in enumerate(v)]
            sent.append(pack(v, in_w))
            expected.append(pack([x + b2[i + lane] for lane, x in enumerate(bent)], out_w))
    bench.send(sent)
    await bench.expect(expected, out_w, lanes)
    await bench.quiet()


def test_rprelu(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "rprelu", Path(__file__), block[1])
