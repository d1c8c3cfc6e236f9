# SPDX-License-Identifier: Apache-2.0
"""quantizer: q = [X >= T1] + [X >= T2] + [X >= T3], thresholds met exactly, with and without stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 16, "LANES": 2, "BITS": 16},
    {"CHANNELS": 4, "LANES": 1, "BITS": 16},
    {"CHANNELS": 8, "LANES": 8, "BITS": 12},
]
PIXELS = 30


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def counts_the_thresholds_that_are_reached(dut: Any, traffic: Traffic) -> None:
    channels, lanes, bits = (parameter(dut, n) for n in ("CHANNELS", "LANES", "BITS"))
    generator = seeded()
    thresholds = [sorted(generator.sample(range(-(1 << (bits - 1)), 1 << (bits - 1)), 3)) for _ in range(channels)]
    thresholds[0] = [5, 5, 5]  # equal thresholds: q jumps from 0 to 3
    words = [
        pack([t for c in range(beat * lanes, (beat + 1) * lanes) for t in thresholds[c]], bits)
        for beat in range(channels // lanes)
    ]
    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, words, dut.rom_read))
    sent, expected = [], []
    for pixel in range(PIXELS):
        for beat in range(channels // lanes):
            own = [thresholds[beat * lanes + lane] for lane in range(lanes)]
            x = [generator.choice([t[pixel % 3], t[pixel % 3] - 1, *corner_values(bits, generator, 8)]) for t in own]
            x = [max(v, -(1 << (bits - 1))) for v in x]
            sent.append(pack(x, bits))
            expected.append(pack([sum(v >= t for t in ts) for v, ts in zip(x, own, strict=True)], 2))

    async def drive() -> None:
        bench.send(sent)
        await bench.expect(expected, 2, lanes, signed=False)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(sent) + 2)


def test_quantizer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "quantizer", Path(__file__), block[1])
