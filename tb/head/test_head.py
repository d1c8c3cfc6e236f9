# SPDX-License-Identifier: Apache-2.0
"""head.v.j2: the residual stream to logits, one to all classes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import pytest

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.tb.common.simulators import each_in_icarus
from wsfracbnn.tb.common.stage_bench import check_stage
from wsfracbnn.tb.common.traffic import Traffic

CONFIG = NetworkConfig(4, 4, 1, 4, (4, 8), (1, 1), 6)
POINT = NetworkConfig(1, 1, 1, 2, (2,), (1,), 2)

CASES = {"serial": (CONFIG, (1, 1)), "three": (CONFIG, (3, 1)), "all": (CONFIG, (6, 1)), "one-pixel": (POINT, (2, 1))}


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def equals_the_golden_logits(dut: Any, traffic: Traffic) -> None:
    """Every logit of every image."""
    await check_stage(dut, traffic)


@pytest.mark.parametrize("simulator, case", each_in_icarus(CASES, verilator=["serial"]))
def test_head(simulator: str, case: str) -> None:
    from wsfracbnn.tb.common.stages import run_stage  # not at the top: the simulator need not load torch

    config, fold = CASES[case]
    run_stage(simulator, "head", Path(__file__), config, fold)
