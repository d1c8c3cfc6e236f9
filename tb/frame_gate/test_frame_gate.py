# SPDX-License-Identifier: Apache-2.0
"""frame_gate: whole frames pass or wait, wherever `enable` changes; each frame's begin and end are told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]


@cocotb.test()
async def frames_pass_whole(dut: Any) -> None:
    """Random enable, stalls, frame lengths and resets, against the rule written down here."""
    generator = seeded()
    start_clock(dut)
    for signal in (dut.enable, dut.s_axis_tvalid, dut.s_axis_tlast, dut.m_axis_tready):
        signal.value = 0
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    in_frame = is_open = False
    passed = refused = 0
    enable = True
    for number in range(4000):
        enable ^= generator.random() < 0.1
        reset, valid, last, ready = (generator.random() < share for share in (0.01, 0.6, 0.25, 0.6))
        dut.rst.value, dut.enable.value = int(reset), int(enable)
        dut.s_axis_tvalid.value, dut.s_axis_tlast.value, dut.m_axis_tready.value = int(valid), int(last), int(ready)
        await Timer(1, "ns")
        taken = valid and ready and is_open
        expected = (is_open and valid, is_open and ready, taken and not in_frame, taken and last, in_frame)
        signals = (dut.m_axis_tvalid, dut.s_axis_tready, dut.begun, dut.ended, dut.in_frame)
        same(f"cycle {number}", [int(bit) for bit in expected], [int(signal.value) for signal in signals])
        passed, refused = passed + (taken and last), refused + (valid and ready and not is_open)
        in_frame = not last if taken else in_frame
        is_open = in_frame or enable or (is_open and valid and not ready)
        if reset:
            in_frame = is_open = False
        await FallingEdge(dut.clk)
    assert passed > 100
    assert refused > 100


def test_frame_gate(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "frame_gate", Path(__file__), block[1], sources=[SOC_RTL / "frame_gate.v"])
