# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn sim`, step by step: a checkpoint's hardware on real test images in one simulator or both.

The golden streams of the images are computed once, by `emit`; PyTorch and every simulator are compared with that file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import VECTORS
from wsfracbnn.gen.simulation.run import SimulationResult, simulate
from wsfracbnn.gen.simulation.waves import Waves
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_text

DEFAULT_IMAGES = {"icarus": 8, "verilator": 100}


@dataclass(frozen=True)
class Runs:
    """What is simulated.

    images: how many in each simulator. commands: what does it again, of each. tests: expression of cocotb tests' names;
    None: all. waves: what to record, None: nothing.
    """

    images: dict[str, int]
    commands: dict[str, str]
    tests: str | None
    waves: Waves | None
    seed: int

    @property
    def most_images(self) -> int:
        """Of any simulator."""
        return max(self.images.values())


def image_counts(simulators: Sequence[str], images: int | None, dataset: Dataset) -> dict[str, int]:
    """Images for each simulator: as many as asked for, or its default and no more than there are.

    Raises:
        InputError: more are asked for than there are.
    """
    there = len(dataset.test_images)
    if images is not None and images > there:
        raise InputError(f"--images: found {images}, expected at most the {there} test images of {dataset.name}")
    return {name: min(images or DEFAULT_IMAGES[name], there) for name in simulators}


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
    write_text(path, json.dumps(summary, indent=2) + "\n")


def failures_of(results: Sequence[SimulationResult], images: Mapping[str, int], exactness: bool) -> list[str]:
    """Everything that is not as it should be, in words.

    Args:
        images: that were asked for, of each simulator.
        exactness: whether the test that compares them was among those asked for.
    """
    failures = [f"{name}: did not run" for name in images if name not in [result.simulator for result in results]]
    failures += [f"{result.simulator}: {failure}" for result in results for failure in result.failures]
    for result in (r for r in results if not r.failures):
        if result.mismatches:
            failures.append(f"{result.simulator}: {result.mismatches} mismatches")
        elif exactness and result.images != images[result.simulator]:
            failures.append(f"{result.simulator}: {result.images} images were compared, not {images[result.simulator]}")
    return failures
