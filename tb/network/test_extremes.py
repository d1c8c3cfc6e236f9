# SPDX-License-Identifier: Apache-2.0
"""Networks at the ends of what NetworkConfig allows, emitted and simulated with every test of the testbench."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import INPUT_NAME, TAPS
from wsfracbnn.model.limits import MAX_COLOURS
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.simulators import VERILATOR_IF_SLOW
from wsfracbnn.tb.common.stages import folding_of

EXTREMES = {
    "one-pixel": NetworkConfig(1, 1, 1, 1, (1,), (1,), 2, residual_bits=8, residual_fraction=4),
    "one-row": NetworkConfig(1, 5, 8, 2, (2,), (1,), 2),
    "one-column": NetworkConfig(3, 1, 33, 1, (2,), (1,), 300),
    "finest-code": NetworkConfig(2, 2, 2, 128, (2, 4), (1, 1), 3, residual_bits=24, residual_fraction=12),
    "no-fraction": NetworkConfig(2, 3, 1, 4, (3,), (1,), 2, residual_bits=8, residual_fraction=0),
    "all-fraction": NetworkConfig(3, 2, 7, 4, (3,), (1,), 3, residual_bits=24, residual_fraction=23),
    "least-room": NetworkConfig(16, 15, 1, 2, (2,), (1,), 2, residual_bits=24, residual_fraction=12),
}
MOST_COLOURS = NetworkConfig(1, 2, MAX_COLOURS, 1, (1,), (1,), 2)


def simulate_all_tests(folder: Path, simulator: str, config: NetworkConfig) -> None:
    """Emit a random network with the quarter of a window at once in its input stage, and run every test."""
    description = random_description(config, seed=7, wild=False)
    values = TAPS * config.image_channels
    quarter = max(n for n in range(1, values // 4 + 1) if values % n == 0)
    emit(description, folding_of(config, {INPUT_NAME: (1, quarter * config.thermometer_levels)}), folder)
    result = simulate(folder, simulator, folder / "vectors.npz", 3)
    assert not result.failures, "\n".join(result.failures)
    assert result.images == 3
    assert result.mismatches == 0


@pytest.mark.parametrize("name", EXTREMES)
def test_what_may_be_described_simulates(tmp_path: Path, name: str) -> None:
    simulate_all_tests(tmp_path / "net", "icarus", EXTREMES[name])


@pytest.mark.parametrize("simulator", VERILATOR_IF_SLOW)
def test_the_widest_pixel_simulates(tmp_path: Path, simulator: str) -> None:
    simulate_all_tests(tmp_path / "net", simulator, MOST_COLOURS)
