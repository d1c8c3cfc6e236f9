# SPDX-License-Identifier: Apache-2.0
"""Networks at the ends of what NetworkConfig allows, emitted and simulated with every test of the testbench."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.limits import MAX_COLOURS
from wsfracbnn.model.random_network import random_description

EXTREMES = {
    "one-pixel": NetworkConfig(1, 1, 1, 1, (1,), (1,), 2, residual_bits=8, residual_fraction=4),
    "one-row": NetworkConfig(1, 5, 8, 2, (2,), (1,), 2),
    "one-column": NetworkConfig(6, 1, 33, 1, (2,), (1,), 300),
    "finest-code": NetworkConfig(2, 2, 2, 128, (2, 4), (1, 1), 3, residual_bits=24, residual_fraction=12),
    "most-colours": NetworkConfig(1, 2, MAX_COLOURS, 1, (1,), (1,), 2),
    "no-fraction": NetworkConfig(2, 3, 1, 4, (3,), (1,), 2, residual_bits=8, residual_fraction=0),
    "all-fraction": NetworkConfig(3, 2, 7, 4, (3,), (1,), 3, residual_bits=24, residual_fraction=23),
    "least-room": NetworkConfig(16, 15, 1, 2, (2,), (1,), 2, residual_bits=24, residual_fraction=12),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_what_may_be_described_simulates(
    tmp_path: Path, request: pytest.FixtureRequest, simulator: str, name: str
) -> None:
    """Verilator compiles a minute for each, so that it gets the widest pixel alone unless --all-verilator is given."""
    if simulator == "verilator" and name != "most-colours" and not request.config.getoption("--all-verilator"):
        pytest.skip("--all-verilator runs it")
    description = random_description(EXTREMES[name], seed=7, wild=False)
    emit(description, preset(description, "small"), tmp_path / "net")
    result = simulate(tmp_path / "net", simulator, tmp_path / "net" / "vectors.npz", 3)
    assert not result.failures, "\n".join(result.failures)
    assert result.images == 3
    assert result.mismatches == 0
