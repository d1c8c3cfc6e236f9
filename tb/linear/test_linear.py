# SPDX-License-Identifier: Apache-2.0
"""linear: logits = B + W P with three signed digits, at once or one by one, exact in 32 bits, frames back to back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.gen.stages.digit_codes import every_code
from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 8, "CLASSES": 6, "LANES": 2, "IN_W": 20},
    {"CHANNELS": 4, "CLASSES": 3, "LANES": 1, "IN_W": 16},
    {"CHANNELS": 1, "CLASSES": 2, "LANES": 2, "IN_W": 22},
    {"CHANNELS": 5, "CLASSES": 3, "LANES": 1, "IN_W": 18, "DIGITS": 1},
    {"CHANNELS": 1, "CLASSES": 4, "LANES": 2, "IN_W": 22, "DIGITS": 1},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def multiplies_and_accumulates(dut: Any, traffic: Traffic) -> None:
    channels, classes, lanes, in_w = (parameter(dut, n) for n in ("CHANNELS", "CLASSES", "LANES", "IN_W"))
    generator = seeded()
    values = [int(w) for w in representable(3, 127)]
    weights = [[generator.choice([values[0], values[-1], 0, *values]) for _ in range(channels)] for _ in range(classes)]
    biases = [generator.randint(-(1 << 27), 1 << 27) for _ in range(classes)]
    weight_words = [
        pack([every_code(3).code(weights[g + lane][c]) for lane in range(lanes)], 15)
        for g in range(0, classes, lanes)
        for c in range(channels)
    ]
    bias_words = [pack(biases[g : g + lanes], 32) for g in range(0, classes, lanes)]
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.weight_addr, dut.weight_data, weight_words, latency=2))
    cocotb.start_soon(rom(dut, dut.bias_addr, dut.bias_data, bias_words, latency=2))
    frames = [[-(1 << (in_w - 1))] * channels, *(corner_values(in_w, generator, channels) for _ in range(5))]

    async def drive() -> None:
        bench.send([pack([p], in_w) for frame in frames for p in frame])
        expected = []
        for frame in frames:
            logits = [
                b + sum(w * p for w, p in zip(row, frame, strict=True)) for row, b in zip(weights, biases, strict=True)
            ]
            expected += [pack(logits[g : g + lanes], 32) for g in range(0, classes, lanes)]
        await bench.expect(expected, 32, lanes)
        await bench.quiet()

    await bench.run(traffic, drive)


def test_linear(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "linear", Path(__file__), block[1])
