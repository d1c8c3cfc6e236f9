# SPDX-License-Identifier: Apache-2.0
"""A small network's emitted folder with the summary of a simulation, whose figures are made up here."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsfracbnn.gen.design import INTERVALS, AcceleratorDesign
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.report.sources import Measurements
from wsfracbnn.gen.simulation.regression import write_summary
from wsfracbnn.gen.simulation.run import SimulationResult
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.random_network import random_description


@pytest.fixture(scope="session")
def network() -> NetworkDescription:
    """4x4 images, one stride-2 block: stages input, stage_01 to stage_03, head at most."""
    return random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=3, name="tiny")


def simulated(design: AcceleratorDesign, simulator: str, images: int, mismatches: int = 0) -> SimulationResult:
    """A run of so many images in which every engine was at work half of the time."""
    names = [stage.name for stage in design.stages]
    layers = [{"name": name, "values": 10 * images, "mismatches": 0} for name in names]
    layers[1]["mismatches"] = mismatches
    return SimulationResult(
        simulator=simulator,
        images=images,
        correct=images - 1,
        mismatches=mismatches,
        cycles_per_image=design.cycles + images,
        latency_cycles=321,
        seconds=1.5,
        layers=tuple(layers),
        failures=(),
        busy=dict.fromkeys(names, 0.5),
        occupancy={name: [design.occupancy_interval // 2] * 2 * INTERVALS for name in names},
        tests=("test_images_are_bit_exact_in_every_layer",),
        command=f"wsfracbnn sim --weights tiny.pt --simulator {simulator} --images {images}",
    )


@pytest.fixture
def simulation_folder(network: NetworkDescription, tmp_path: Path) -> Path:
    """What `wsfracbnn sim` leaves in its output folder."""
    folder = tmp_path / "sim"
    design = emit(network, choose_folding(network, "small"), folder / "tiny")
    runs = [simulated(design, "icarus", 2), simulated(design, "verilator", 7)]
    write_summary(folder / "summary.json", design, 87.5, runs, {"--weights": "tiny.pt", "--fold": "small"})
    return folder


@pytest.fixture
def nothing_measured(tmp_path: Path) -> Measurements:
    """No results, no synthesis."""
    return Measurements((), tmp_path / "no_cache", FAMILIES["ecp5"])
