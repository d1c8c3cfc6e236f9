# SPDX-License-Identifier: Apache-2.0
"""Whole accelerators of one engine: random networks in both simulators, and the cycles that were promised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.sequential.folding import sequential_folding
from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.simulation.job import SIMULATORS
from wsfracbnn.gen.simulation.run import SimulationResult, simulate
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description

EXACT = "bit_exact"

# (height, width, colours, K, widths, blocks, classes)
ONE_STAGE = NetworkConfig(3, 5, 2, 8, (6,), (1,), 3)
COLOUR = NetworkConfig(4, 8, 3, 8, (4, 8), (1, 2), 5, residual_bits=12, residual_fraction=6)
THREE_STAGES = NetworkConfig(8, 4, 1, 16, (4, 8, 16), (1, 1, 1), 4)
SMALLEST = NetworkConfig(1, 1, 1, 1, (1,), (1,), 2)

CASES = {
    "one_stage": (ONE_STAGE, EngineSize(3, 6)),
    "partial_codes": (ONE_STAGE, EngineSize(6, 3)),
    "serial": (COLOUR, EngineSize(1, 1)),
    "pe_over_steps": (NetworkConfig(4, 4, 1, 4, (16, 32), (1, 1), 3), EngineSize(16, 16)),
    "three_stages": (THREE_STAGES, EngineSize(2, 4)),
    "smallest": (SMALLEST, EngineSize(1, 1)),
    "loaded": (COLOUR, EngineSize(4, 2, loaded=True)),
}
SLOW = {("serial", "icarus"), *((case, "verilator") for case in CASES if case not in ("one_stage", "loaded"))}


def run(folder: Path, simulator: str, images: int = 2, tests: str | None = None) -> SimulationResult:
    """Simulate an emitted folder on its own vectors."""
    return simulate(folder, simulator, folder / "vectors.npz", images, tests=tests, reproduce="pytest tb/network")


def assert_exact(result: SimulationResult, cycles: int, images: int = 2) -> None:
    """No failed test, every value compared and right, and an image takes the cycles that the program adds up to."""
    assert not result.failures, "\n".join(result.failures)
    assert result.images == images
    assert result.mismatches == 0
    assert all(layer["values"] > 0 for layer in result.layers)
    if images > 1:
        assert result.cycles_per_image == cycles


@pytest.mark.parametrize(
    "case, simulator",
    [
        pytest.param(case, simulator, marks=[pytest.mark.slow] * ((case, simulator) in SLOW))
        for case in CASES
        for simulator in SIMULATORS
    ],
)
def test_random_networks_pass_every_test(tmp_path: Path, case: str, simulator: str) -> None:
    """Bit-exact layers, stalls, bad frames and resets (tb/network/bench_network.py)."""
    config, size = CASES[case]
    description = random_description(config, seed=7)
    design = emit(description, sequential_folding(description, size), tmp_path / "net")
    assert_exact(run(tmp_path / "net", simulator), design.cycles)


@pytest.mark.parametrize("seed", range(3))
def test_networks_and_engines_drawn_at_random(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first = int(generator.integers(1, 7))
    stages = int(generator.integers(1, 4))
    halvings = 1 << (stages - 1)
    height, width = (halvings * int(generator.integers(1, 4)) for _ in range(2))
    config = NetworkConfig(
        height,
        width,
        int(generator.integers(1, 5)),
        int(1 << generator.integers(0, 6)),
        tuple(first << i for i in range(stages)),
        tuple(int(n) for n in generator.integers(1, 3, stages)),
        int(generator.integers(2, 6)),
        residual_bits=int(generator.integers(12, 21)),
        residual_fraction=8,
    )
    divisors = [d for d in range(1, first + 1) if first % d == 0]
    size = EngineSize(int(generator.choice(divisors)), int(generator.choice(divisors)))
    description = random_description(config, seed)
    design = emit(description, sequential_folding(description, size), tmp_path / "net")
    assert_exact(run(tmp_path / "net", "verilator", tests=EXACT), design.cycles)


def test_digits_with_lut_weights(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(CHECKPOINTS / "digits.pt")
    description = lower_checkpoint(checkpoint)
    assert checkpoint.samples is not None
    images = checkpoint.samples["images"].numpy()
    folding = sequential_folding(description, EngineSize(2, 8, tail_in_luts=True))
    design = emit(description, folding, tmp_path / "digits", images)
    assert_exact(run(tmp_path / "digits", "verilator", images=4), design.cycles, images=4)


def test_cifar_resnet20_is_bit_exact_under_verilator() -> None:
    """The full-size network, random weights, one image."""
    description = random_description(resnet20(100), seed=9, name="resnet20", wild=False)
    folder = ROOT / "build" / "tb" / "resnet20-sequential"
    images = random_images(description, 3)[2:]
    design = emit(description, sequential_folding(description), folder, images, np.array([0]))
    assert_exact(run(folder, "verilator", images=1, tests=EXACT), design.cycles, images=1)
