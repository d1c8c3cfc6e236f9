# SPDX-License-Identifier: Apache-2.0
"""stream_downsize: a wide beat to FACTOR narrow ones, low bits first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, pack, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "FACTOR": 4},
    {"WIDTH": 16, "FACTOR": 1},
    {"WIDTH": 3, "FACTOR": 16},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def sends_narrow_beats(dut: Any, traffic: Traffic) -> None:
    width, factor = parameter(dut, "WIDTH"), parameter(dut, "FACTOR")
    generator = seeded()
    bench = Bench(dut)
    words = [[generator.getrandbits(width) for _ in range(factor)] for _ in range(60)]

    async def drive() -> None:
        bench.send([pack(word, width) for word in words])
        await bench.expect([beat for word in words for beat in word])
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(words) * factor + 1)


def test_stream_downsize(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_downsize", Path(__file__), block[1])
