# SPDX-License-Identifier: Apache-2.0
"""affine_multiply: the equations of affine with factors that are any integers, corners, both signs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, pack, parameter, pixel_beats, rom, seeded
from wsfracbnn.tb.common.runner import run_block

SCALE = {"ROUND": 1, "RPRELU": 0}
RPRELU = {"ROUND": 0, "RPRELU": 1}
GRID = [
    SCALE | {"CHANNELS": 8, "LANES": 2, "IN_W": 11, "BITS": 16, "SHIFT": 12, "FACTOR_W": 18},
    SCALE | {"CHANNELS": 3, "LANES": 1, "IN_W": 14, "BITS": 16, "SHIFT": 0, "FACTOR_W": 8},
    SCALE | {"CHANNELS": 4, "LANES": 4, "IN_W": 8, "BITS": 24, "SHIFT": 1, "FACTOR_W": 13},
    SCALE | {"CHANNELS": 2, "LANES": 1, "IN_W": 11, "BITS": 12, "SHIFT": 31, "FACTOR_W": 18},
    RPRELU | {"CHANNELS": 8, "LANES": 2, "IN_W": 20, "BITS": 16, "SHIFT": 16, "FACTOR_W": 18},
    RPRELU | {"CHANNELS": 3, "LANES": 1, "IN_W": 12, "BITS": 16, "SHIFT": 1, "FACTOR_W": 4},
    RPRELU | {"CHANNELS": 4, "LANES": 4, "IN_W": 22, "BITS": 12, "SHIFT": 6, "FACTOR_W": 8},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def multiplies_shifts_and_adds(dut: Any, traffic: Traffic) -> None:
    channels, lanes, in_w, bits = (parameter(dut, name) for name in ("CHANNELS", "LANES", "IN_W", "BITS"))
    shift, rounds, bends = (parameter(dut, name) for name in ("SHIFT", "ROUND", "RPRELU"))
    factor_w, out_w = parameter(dut, "FACTOR_W"), parameter(dut, "OUT_W")
    half = 1 << shift >> 1 if rounds else 0
    generator = seeded()
    largest = (1 << (factor_w - 1)) - 1
    m = [largest, -largest, 0, -1] + [generator.randint(-largest, largest) for _ in range(channels)]
    b = corner_values(bits, generator, channels)
    words = pixel_beats(
        [pack([bias], bits) << factor_w | pack([factor], factor_w) for factor, bias in zip(m, b, strict=False)],
        lanes,
        bits + factor_w,
    )

    def result(x: int, channel: int) -> int:
        return (x if bends and x >= 0 else (x * m[channel] + half) >> shift) + b[channel]

    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, words, dut.rom_read))
    sent, expected = [], []
    for _ in range(40):
        for first in range(0, channels, lanes):
            x = [generator.choice(corner_values(in_w, generator, 12)) for _ in range(lanes)]
            sent.append(pack(x, in_w))
            expected.append(pack([result(v, first + lane) for lane, v in enumerate(x)], out_w, signed=True))

    async def drive() -> None:
        bench.send(sent)
        await bench.expect(expected, out_w, lanes)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(sent) + 3)


def test_affine_multiply(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "affine_multiply", Path(__file__), block[1])
