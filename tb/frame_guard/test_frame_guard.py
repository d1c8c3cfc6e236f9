# SPDX-License-Identifier: Apache-2.0
"""frame_guard: good frames pass, short ones are filled up, long ones cut; each bad one is flagged.

Its two outputs are independent: what is offered on one stays until it is taken there, whatever the other does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from wsfracbnn.tb.common.bench import PATIENCE_CYCLES, Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "PIXELS": 12},
    {"WIDTH": 24, "PIXELS": 1},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def lets_whole_frames_through_only(dut: Any, traffic: Traffic) -> None:
    width, pixels = parameter(dut, "WIDTH"), parameter(dut, "PIXELS")
    generator = seeded()
    bench = Bench(dut, sinks=("m_axis", "m_status"))
    errors = 0

    async def count_errors() -> None:
        nonlocal errors
        while True:
            await RisingEdge(dut.clk)
            errors += int(dut.frame_error.value == 1)

    cocotb.start_soon(count_errors())
    lengths = [pixels, max(1, pixels - 1), pixels, pixels + 1, 1, 3 * pixels, pixels]
    frames = [[generator.getrandbits(width) for _ in range(n)] for n in lengths]

    async def drive() -> None:
        nonlocal errors
        errors = 0
        for frame in frames:
            bench.send(frame)
        await bench.expect([(frame + [0] * pixels)[i] for frame in frames for i in range(pixels)])
        await bench.expect([int(n == pixels) for n in lengths], prefix="m_status")
        await bench.quiet()
        same("frame errors", sum(n != pixels for n in lengths), errors)

    await bench.run(traffic, drive)


SINKS = ("m_axis", "m_status")


@cocotb.test()
@cocotb.parametrize(behaviour=["withdraws_ready", "waits_for_valid"])
async def offers_stay_until_they_are_taken(dut: Any, behaviour: str) -> None:
    """AXI4-Stream lets a sink withdraw its ready, and lets it wait for valid; a source may do neither."""
    width, pixels = parameter(dut, "WIDTH"), parameter(dut, "PIXELS")
    generator = seeded()
    for prefix in SINKS:
        getattr(dut, f"{prefix}_tready").value = 0
    bench = Bench(dut, sinks=())
    await bench.reset()
    lengths = [generator.randint(1, pixels + 2) for _ in range(20)]
    frames = [[generator.getrandbits(width) for _ in range(n)] for n in lengths]
    for frame in frames:
        bench.send(frame)
    expected = {
        "m_axis": [(frame + [0] * pixels)[i] for frame in frames for i in range(pixels)],
        "m_status": [int(n == pixels) for n in lengths],
    }
    got: dict[str, list[int]] = {prefix: [] for prefix in SINKS}
    waiting: dict[str, int | None] = dict.fromkeys(SINKS)
    for cycle in range(PATIENCE_CYCLES):
        await FallingEdge(dut.clk)
        offered = {prefix: int(getattr(dut, f"{prefix}_tvalid").value) for prefix in SINKS}
        ready = {
            prefix: generator.getrandbits(1) if behaviour == "withdraws_ready" else offered[prefix] for prefix in SINKS
        }
        for prefix in SINKS:
            getattr(dut, f"{prefix}_tready").value = ready[prefix]
        await RisingEdge(dut.clk)
        for prefix in SINKS:
            valid, data = int(getattr(dut, f"{prefix}_tvalid").value), getattr(dut, f"{prefix}_tdata").value
            same(f"{prefix}_tvalid before the edge of cycle {cycle}, as before ready", offered[prefix], valid)
            if (before := waiting[prefix]) is not None:
                same(f"{prefix} in cycle {cycle}: a beat that was not taken", (1, before), (valid, int(data)))
            if valid and ready[prefix]:
                got[prefix].append(int(data))
            waiting[prefix] = int(data) if valid and not ready[prefix] else None
        if all(len(got[prefix]) >= len(expected[prefix]) for prefix in SINKS):
            break
    for prefix in SINKS:
        same(f"beats of {prefix}", expected[prefix], got[prefix])


def test_frame_guard(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "frame_guard", Path(__file__), block[1])
