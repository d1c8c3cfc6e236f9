# SPDX-License-Identifier: Apache-2.0
"""frame_filter: results of bad frames vanish and are counted, good ones pass untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 36},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def drops_and_counts_bad_results(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut, sources=("s_axis", "s_status"))
    verdicts = [1, 0, 0, 1, 1, 0, 1]
    frames = [
        [generator.getrandbits(parameter(dut, "WIDTH")) for _ in range(generator.randint(1, 6))] for _ in verdicts
    ]

    async def drive() -> None:
        for frame in frames:
            bench.send(frame)
        bench.send(verdicts, "s_status")
        for number, (frame, good) in enumerate(zip(frames, verdicts, strict=True)):
            if good:
                same(f"frame {number}", frame, list((await bench.frame()).tdata))
        await bench.quiet()
        same("dropped frames", verdicts.count(0), int(dut.dropped_frames.value))

    await bench.run(traffic, drive)
    await bench.reset()
    same("dropped frames after reset", 0, int(dut.dropped_frames.value))


def test_frame_filter(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "frame_filter", Path(__file__), block[1])
