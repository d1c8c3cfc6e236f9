# SPDX-License-Identifier: Apache-2.0
"""input_stage.v.j2: pixels to the residual stream, one and three colours, PE and SIMD from least to most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import pytest

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.tb.common.simulators import each_in_icarus
from wsfracbnn.tb.common.stage_bench import check_stage
from wsfracbnn.tb.common.traffic import Traffic

COLOUR = NetworkConfig(4, 6, 3, 8, (4,), (1,), 2)
GREY = NetworkConfig(5, 3, 1, 2, (3,), (1,), 2)

CASES = {
    "colour-serial": (COLOUR, (1, 24)),
    "colour-parallel": (COLOUR, (4, 216)),
    "colour-one-value": (COLOUR, (2, 8)),
    "grey-three-values": (GREY, (1, 6)),
    "grey-window": (GREY, (3, 18)),
}


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def equals_the_golden_stream(dut: Any, traffic: Traffic) -> None:
    """Every value of X for every pixel."""
    await check_stage(dut, traffic)


@pytest.mark.parametrize("simulator, case", each_in_icarus(CASES, verilator=["colour-serial"]))
def test_input_stage(simulator: str, case: str) -> None:
    from wsfracbnn.tb.common.stages import run_stage  # not at the top: the simulator need not load torch

    config, fold = CASES[case]
    run_stage(simulator, "input", Path(__file__), config, fold)
