# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn sim`, step by step: a checkpoint's hardware on real test images in one simulator or both.

The golden streams of the images are computed once, by `emit`; PyTorch and every simulator are compared with that file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import VECTORS
from wsfracbnn.gen.simulation.job import SIMULATORS, require_simulator
from wsfracbnn.gen.simulation.run import SimulationResult, simulate
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError

DEFAULT_IMAGES = {"icarus": 8, "verilator": 100}

ALL = "all"


@dataclass(frozen=True)
class Runs:
    """What is simulated.

    images: how many in each simulator. commands: what does it again, of each. tests: expression of cocotb tests' names;
    None: all. waves: whether to record waveforms.
    """

    images: dict[str, int]
    commands: dict[str, str]
    tests: str | None
    waves: bool
    seed: int

    @property
    def most_images(self) -> int:
        """Of any simulator."""
        return max(self.images.values())


def chosen_simulators(name: str) -> tuple[str, ...]:
    """The simulator of that name, or all.

    Raises:
        InputError: unknown, or not installed.
    """
    if name != ALL and name not in SIMULATORS:
        raise InputError(f"simulator: found '{name}', expected {', '.join(SIMULATORS)} or {ALL}")
    simulators = SIMULATORS if name == ALL else (name,)
    for simulator in simulators:
        require_simulator(simulator)
    return simulators


def image_counts(simulators: Sequence[str], images: int | None, dataset: Dataset) -> dict[str, int]:
    """Images for each simulator: as many as asked for or its default, and no more than there are."""
    return {name: min(images or DEFAULT_IMAGES[name], len(dataset.test_images)) for name in simulators}


def sample_images(dataset: Dataset, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """`count` test images with their labels, evenly over the test set."""
    chosen = np.linspace(0, len(dataset.test_images) - 1, count).astype(int)
    return dataset.test_images[chosen], dataset.test_labels[chosen]


def run_simulators(folder: Path, runs: Runs, progress: Callable[[str, int], None]) -> list[SimulationResult]:
    """Simulate an emitted folder in each simulator. progress: called with simulator and images done.

    Raises:
        InputError: the design does not build.
    """
    return [
        simulate(
            folder,
            name,
            folder / VECTORS,
            count,
            tests=runs.tests,
            waves=runs.waves,
            seed=runs.seed,
            reproduce=runs.commands[name],
            progress=lambda done, name=name: progress(name, done),  # type: ignore[misc]
        )
        for name, count in runs.images.items()
    ]


def write_summary(path: Path, design: AcceleratorDesign, accuracy: float, results: Sequence[SimulationResult]) -> None:
    """summary.json: what was simulated, for programs."""
    summary = {
        "network": design.name,
        "build": design.build_id,
        "folding": design.folding.to_json(),
        "accuracy": round(accuracy, 4),
        "layers": len(design.stages),
        "simulators": {result.simulator: result.to_json() for result in results},
    }
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(json.dumps(summary, indent=2) + "\n")
    temporary.replace(path)


def failures_of(results: Sequence[SimulationResult], tests: str | None) -> list[str]:
    """Everything that is not as it should be, in words. tests: those that were asked for; None: all."""
    failures = [f"{result.simulator}: {failure}" for result in results for failure in result.failures]
    failures += [f"{r.simulator}: {r.mismatches} mismatches" for r in results if r.mismatches and not r.failures]
    if not tests:
        failures += [f"{r.simulator}: no image was compared" for r in results if not r.images and not r.failures]
    return failures
