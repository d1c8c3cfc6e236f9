# SPDX-License-Identifier: Apache-2.0
"""residual_add: X' = sat(V + shortcut), both clamps reached, either input late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, pack, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"LANES": 2, "IN_W": 21, "BITS": 16},
    {"LANES": 1, "IN_W": 12, "BITS": 12},
    {"LANES": 4, "IN_W": 24, "BITS": 8},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def adds_and_clamps(dut: Any, traffic: Traffic) -> None:
    lanes, in_w, bits = (parameter(dut, n) for n in ("LANES", "IN_W", "BITS"))
    generator = seeded()
    bench = Bench(dut, sources=("s_axis", "s_skip"))
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    branch, skip, expected = [], [], []
    for _ in range(100):
        v = [generator.choice([*corner_values(in_w, generator, 9), generator.randint(low, high)]) for _ in range(lanes)]
        x = [generator.choice(corner_values(bits, generator, 12)) for _ in range(lanes)]
        branch.append(pack(v, in_w))
        skip.append(pack(x, bits))
        expected.append(pack([min(max(a + b, low), high) for a, b in zip(v, x, strict=True)], bits))

    async def drive() -> None:
        bench.send(branch)
        bench.send(skip, "s_skip")
        await bench.expect(expected, bits, lanes)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(branch) + 1)


def test_residual_add(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "residual_add", Path(__file__), block[1])
