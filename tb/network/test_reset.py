# SPDX-License-Identifier: Apache-2.0
"""The reset contract of a whole accelerator, pin by pin: what leaves before, during and after a reset is defined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.simulators import VERILATOR_IF_SLOW
from wsfracbnn.tb.common.stages import folding_of

NETWORK = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
BENCH = Path(__file__).with_name("bench_reset.py")


@pytest.mark.parametrize("simulator", VERILATOR_IF_SLOW)
def test_reset_of_one_cycle_leaves_nothing_undefined_and_no_beat(tmp_path: Path, simulator: str) -> None:
    folder = tmp_path / "net"
    emit(random_description(NETWORK, seed=7), folding_of(NETWORK, {}), folder)
    design: Any = sorted((folder / "rtl").rglob("*.v"))
    run_block(simulator, "random_top", BENCH, {}, sources=design)
