# SPDX-License-Identifier: Apache-2.0
"""binary_engine: S of every channel of a window, padded taps left out, all-equal corners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotbext.axi import AxiStreamFrame

from wsfracbnn.tb.common.bench import Bench, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"IN_CHANNELS": 4, "OUT_CHANNELS": 6, "PE": 2, "SIMD": 12, "STAGES": 2},
    {"IN_CHANNELS": 16, "OUT_CHANNELS": 4, "PE": 4, "SIMD": 144, "STAGES": 4},
    {"IN_CHANNELS": 3, "OUT_CHANNELS": 1, "PE": 1, "SIMD": 1, "STAGES": 1},
    {"IN_CHANNELS": 2, "OUT_CHANNELS": 5, "PE": 1, "SIMD": 18, "STAGES": 2},
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def convolves_windows(dut: Any, stalled: bool) -> None:
    channels, outputs, pe, simd = (parameter(dut, n) for n in ("IN_CHANNELS", "OUT_CHANNELS", "PE", "SIMD"))
    sum_w, bits = parameter(dut, "SUM_W"), 9 * channels
    generator = seeded()
    weights = [generator.getrandbits(bits) for _ in range(outputs)]
    weights[0] = (1 << bits) - 1
    words = [
        pack([weights[g + lane] >> (k * simd) for lane in range(pe)], simd)
        for g in range(0, outputs, pe)
        for k in range(bits // simd)
    ]
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.weight_addr, dut.weight_data, words))
    if stalled:
        bench.stall()
    await bench.reset()
    expected = []
    for window in range(30):
        data = [0, (1 << bits) - 1][window] if window < 2 else generator.getrandbits(bits)
        taps = [0x1FF, 0x010][window % 2] if window < 4 else generator.getrandbits(9)
        bench.sources["s_axis"].send_nowait(AxiStreamFrame([data], tuser=[taps]))
        inside = [b for b in range(bits) if taps >> (b // channels) & 1]
        sums = [sum(1 if (data ^ w) >> b & 1 == 0 else -1 for b in inside) for w in weights]
        expected += [pack(sums[g : g + pe], sum_w) for g in range(0, outputs, pe)]
    await bench.expect(expected, sum_w, pe)
    await bench.quiet()


def test_binary_engine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "binary_engine", Path(__file__), block[1])
