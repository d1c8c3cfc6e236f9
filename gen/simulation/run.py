# SPDX-License-Identifier: Apache-2.0
"""Run an emitted folder's testbench in a simulator and collect what it measured."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.simulation.job import CocotbJob, require_simulator
from wsfracbnn.model.errors import InputError

EXACTNESS_TEST = "test_images_are_bit_exact_in_every_layer"
GLANCE_S = 0.2
"""How often the progress of a simulation is looked at."""

Progress = Callable[[int], None]
"""Called with the number of images that have come out."""


@dataclass(frozen=True)
class SimulationResult:
    """One simulator's run: numbers from the testbench, wall-clock seconds of simulation, and failures in words."""

    simulator: str
    images: int
    correct: int | None
    mismatches: int
    cycles_per_image: int | None
    latency_cycles: int
    seconds: float
    layers: tuple[dict[str, Any], ...]
    failures: tuple[str, ...]
    busy: dict[str, float]
    occupancy: dict[str, list[int]]

    def to_json(self) -> dict[str, Any]:
        """The entry of summary.json."""
        return {
            "images": self.images,
            "mismatches": self.mismatches,
            "cycles_per_image": self.cycles_per_image,
            "busy": self.busy,
            "latency_cycles": self.latency_cycles,
            "seconds": round(self.seconds, 2),
        }


def simulate(
    folder: Path,
    simulator: str,
    vectors: Path,
    images: int,
    *,
    tests: str | None = None,
    waves: bool = False,
    seed: int = 1,
    reproduce: str = "make sim",
    progress: Progress = lambda done: None,
) -> SimulationResult:
    """Build and run the testbench of an emitted folder.

    Args:
        vectors: vector file to run, its first `images` images.
        tests: regular expression of cocotb test names; default all.
        reproduce: the command that a mismatch report names.
        progress: called with the number of images that have come out.
    Raises:
        InputError: the simulator is missing, or building or running it failed.
    """
    require_simulator(simulator)
    build = folder.resolve().parent / f"{folder.name}-{simulator}"
    build.mkdir(parents=True, exist_ok=True)
    result_file, progress_file = build / "result.json", build / "progress"
    for file in (result_file, progress_file):
        file.unlink(missing_ok=True)
    variables = {
        "VECTORS": str(vectors.resolve()),
        "DESIGN": str(folder.resolve() / "design.json"),
        "IMAGES": str(images),
        "COCOTB_RANDOM_SEED": str(seed),
        "RESULT": str(result_file),
        "PROGRESS": str(progress_file),
        "REPRODUCE": reproduce,
        **({"COCOTB_TEST_FILTER": tests} if tests else {}),
    }
    job = folder_job(folder.resolve(), simulator, build, variables, waves)
    seconds = _build_and_run(job, progress, progress_file)
    measured = json.loads(result_file.read_text()) if result_file.is_file() else {}
    return _result(simulator, measured, seconds, job.failures())


def folder_job(folder: Path, simulator: str, build: Path, variables: Mapping[str, str], waves: bool) -> CocotbJob:
    """The job that simulates an emitted folder (absolute) with its own testbench."""
    name = json.loads((folder / "design.json").read_text())["name"]
    testbench = sorted((folder / "tb").glob("*.v"))
    return CocotbJob(
        simulator=simulator,
        sources=(*(folder / line for line in (folder / "filelist.f").read_text().split()), *testbench),
        toplevel=f"{name}_testbench",
        module="bench_network",
        search=folder / "tb",
        build=build,
        variables=variables,
        waves=waves,
    )


def _build_and_run(job: CocotbJob, progress: Progress, progress_file: Path) -> float:
    """Both steps, each in a process of its own; returns the seconds of the second."""
    start = time.monotonic()
    for build_only in (True, False):
        start = time.monotonic()
        child = job.start(build_only=build_only, goes_on=not build_only)
        while (code := _wait(child)) is None:
            progress(progress_file.stat().st_size if progress_file.is_file() else 0)
        if code and not job.results.is_file():
            raise InputError(f"{job.simulator}: build or start failed, see {job.log}:", job.log_tail())
    return time.monotonic() - start


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """The exit code, or None where it still runs after a glance."""
    try:
        return child.wait(timeout=GLANCE_S)
    except subprocess.TimeoutExpired:
        return None


def _result(simulator: str, measured: Mapping[str, Any], seconds: float, failures: list[str]) -> SimulationResult:
    """From result.json, of which nothing is there where the testbench did not get so far."""
    return SimulationResult(
        simulator=simulator,
        images=measured.get("images", 0),
        correct=measured.get("correct"),
        mismatches=measured.get("mismatches", 0),
        cycles_per_image=measured.get("cycles_per_image"),
        latency_cycles=measured.get("latency_cycles", 0),
        seconds=seconds,
        layers=tuple(measured.get("layers", ())),
        busy=measured.get("busy", {}),
        occupancy=measured.get("occupancy", {}),
        failures=tuple(failures),
    )
