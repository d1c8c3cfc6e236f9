# SPDX-License-Identifier: Apache-2.0
"""stream_fork: both consumers get every beat once, at their own pace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8},
    {"WIDTH": 33},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def reaches_both_consumers(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut, sinks=("m0_axis", "m1_axis"))
    words = [generator.getrandbits(parameter(dut, "WIDTH")) for _ in range(200)]

    async def drive() -> None:
        bench.send(words)
        await bench.expect(words, prefix="m0_axis")
        await bench.expect(words, prefix="m1_axis")
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(words))


def test_stream_fork(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_fork", Path(__file__), block[1])
