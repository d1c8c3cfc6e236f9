# SPDX-License-Identifier: Apache-2.0
"""conv_stage.v.j2: whole stages of random networks over strides, shapes, PE and SIMD, with and without stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import pytest

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.tb.common.stage_bench import check_stage

SQUARE = NetworkConfig(6, 6, 1, 4, (4, 8), (1, 1), 3)
FLAT = NetworkConfig(2, 8, 1, 4, (6, 12), (1, 1), 3, residual_bits=12, residual_fraction=6)
POINT = NetworkConfig(1, 1, 1, 2, (2,), (1,), 2)

CASES = {
    "stride1-serial": ("stage_01", SQUARE, (1, 9)),
    "stride1-two-channels": ("stage_02", SQUARE, (1, 18)),
    "stride1-parallel": ("stage_01", SQUARE, (4, 36)),
    "stride1-two-lanes": ("stage_04", SQUARE, (2, 36)),
    "stride2-serial": ("stage_03", SQUARE, (1, 9)),
    "stride2-more-lanes-than-inputs": ("stage_03", SQUARE, (8, 36)),
    "stride2-flat": ("stage_03", FLAT, (4, 18)),
    "stride1-flat": ("stage_02", FLAT, (3, 54)),
    "stride1-three-chunks": ("stage_02", FLAT, (2, 18)),
    "stride1-fewer-lanes-out": ("stage_02", SQUARE, (4, 36, 1)),
    "stride2-fewer-lanes-out": ("stage_03", SQUARE, (8, 36, 4)),
    "one-pixel": ("stage_01", POINT, (2, 18)),
}


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def equals_the_golden_stream(dut: Any, stalled: bool) -> None:
    """Every value of X' for every pixel."""
    await check_stage(dut, stalled)


@pytest.mark.parametrize("simulator, case", [("icarus", c) for c in CASES] + [("verilator", "stride2-serial")])
def test_conv_stage(simulator: str, case: str) -> None:
    from wsfracbnn.tb.common.stages import run_stage  # not at the top: the simulator need not load torch

    stage, config, fold = CASES[case]
    run_stage(simulator, stage, Path(__file__), config, fold)
