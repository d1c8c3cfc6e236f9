# SPDX-License-Identifier: Apache-2.0
"""conv_stage.v.j2: whole stages of random networks over strides, shapes, PE and SIMD, with and without stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import pytest

from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.tb.common.simulators import each_in_icarus
from wsfracbnn.tb.common.stage_bench import check_stage
from wsfracbnn.tb.common.stages import Fold
from wsfracbnn.tb.common.traffic import Traffic

SQUARE = NetworkConfig(6, 6, 1, 4, (4, 8), (1, 1), 3)
FLAT = NetworkConfig(2, 8, 1, 4, (6, 12), (1, 1), 3, residual_bits=12, residual_fraction=6)
POINT = NetworkConfig(1, 1, 1, 2, (2,), (1,), 2)
WIDE = NetworkConfig(6, 6, 1, 4, (9, 18), (1, 1), 3)
WIDE_FLAT = NetworkConfig(2, 8, 1, 4, (12, 24), (1, 1), 3, residual_bits=12, residual_fraction=6)
WIDE_POINT = NetworkConfig(1, 1, 1, 2, (10,), (1,), 2)

CASES: dict[str, tuple[str, NetworkConfig, Fold]] = {
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
    "memory-serial": ("stage_01", WIDE, StageFold(1, 9, in_memory=True)),
    "memory-whole-window": ("stage_02", WIDE, StageFold(1, 81, in_memory=True)),
    "memory-stride2": ("stage_03", WIDE, StageFold(2, 27, in_memory=True)),
    "memory-fewer-lanes-out": ("stage_04", WIDE, StageFold(2, 54, 1, in_memory=True)),
    "memory-flat": ("stage_04", WIDE_FLAT, StageFold(2, 72, in_memory=True)),
    "memory-flat-stride2": ("stage_03", WIDE_FLAT, StageFold(2, 54, in_memory=True)),
    "memory-one-pixel": ("stage_01", WIDE_POINT, StageFold(1, 45, in_memory=True)),
    "block-ram-weights": ("stage_02", FLAT, StageFold(2, 18, moved=("weights",))),
    "block-ram-stride2": ("stage_03", SQUARE, StageFold(8, 36, 4, moved=("weights", "pool_uppers"))),
    "block-ram-taps": ("stage_04", WIDE_FLAT, StageFold(2, 72, in_memory=True, moved=("taps",))),
    "block-ram-all": ("stage_03", WIDE, StageFold(2, 27, in_memory=True, moved=("taps", "weights", "pool_uppers"))),
}
QUICK = {
    *("stride1-serial", "stride1-parallel", "stride2-serial", "stride2-flat", "stride1-three-chunks"),
    *("stride1-fewer-lanes-out", "one-pixel", "memory-stride2", "memory-flat", "memory-one-pixel"),
    *("block-ram-weights", "block-ram-all"),
}


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def equals_the_golden_stream(dut: Any, traffic: Traffic) -> None:
    """Every value of X' for every pixel."""
    await check_stage(dut, traffic)


@pytest.mark.parametrize("simulator, case", each_in_icarus(CASES, verilator=["stride2-serial"], quick=QUICK))
def test_conv_stage(simulator: str, case: str) -> None:
    from wsfracbnn.tb.common.stages import run_stage  # not at the top: the simulator need not load torch

    stage, config, fold = CASES[case]
    run_stage(simulator, stage, Path(__file__), config, fold)
