# SPDX-License-Identifier: Apache-2.0
"""affine: V = rshift(A * M, r) + b1 and V' = (V >= 0 ? V : (V * N) >> s) + b2, corners, factors of all signs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import Bench, Traffic, affine_words, corner_values, pack, parameter, rom, seeded
from wsfracbnn.tb.common.runner import run_block

SCALE = {"ROUND": 1, "RPRELU": 0}
RPRELU = {"ROUND": 0, "RPRELU": 1}
GRID = [
    SCALE | {"CHANNELS": 8, "LANES": 2, "IN_W": 11, "BITS": 16, "SHIFT": 4},
    SCALE | {"CHANNELS": 3, "LANES": 1, "IN_W": 14, "BITS": 16, "SHIFT": 0},
    SCALE | {"CHANNELS": 4, "LANES": 4, "IN_W": 8, "BITS": 24, "SHIFT": 1},
    SCALE | {"CHANNELS": 2, "LANES": 1, "IN_W": 11, "BITS": 12, "SHIFT": 15},
    RPRELU | {"CHANNELS": 8, "LANES": 2, "IN_W": 20, "BITS": 16, "SHIFT": 6},
    RPRELU | {"CHANNELS": 3, "LANES": 1, "IN_W": 12, "BITS": 16, "SHIFT": 1},
    RPRELU | {"CHANNELS": 4, "LANES": 4, "IN_W": 22, "BITS": 12, "SHIFT": 7},
    RPRELU | {"CHANNELS": 8, "LANES": 2, "IN_W": 20, "BITS": 16, "SHIFT": 6, "IDENTITY": 0b10101_10101},  # 2^5 + 2^5
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def multiplies_shifts_and_adds(dut: Any, traffic: Traffic) -> None:
    channels, lanes, in_w, bits = (parameter(dut, name) for name in ("CHANNELS", "LANES", "IN_W", "BITS"))
    shift, rounds, bends, out_w = (parameter(dut, name) for name in ("SHIFT", "ROUND", "RPRELU", "OUT_W"))
    half = 1 << shift >> 1 if rounds else 0
    generator = seeded()
    factors = [int(m) for m in representable(2, 127)]
    m = ([factors[-1], factors[0], 0, -1] + [generator.choice(factors) for _ in range(channels)])[:channels]
    b = corner_values(bits, generator, channels)

    def result(x: int, channel: int) -> int:
        return (x if bends and x >= 0 else (x * m[channel] + half) >> shift) + b[channel]

    bench = Bench(dut)
    cocotb.start_soon(rom(dut, dut.rom_addr, dut.rom_data, affine_words(m, b, lanes, bits), dut.rom_read))
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

    await bench.run(traffic, drive, cycles=len(sent) + 4)


def test_affine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "affine", Path(__file__), block[1])
