# SPDX-License-Identifier: Apache-2.0
"""Run an emitted folder's testbench in a simulator and collect what it measured."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wsfracbnn.gen.design import INTERVALS
from wsfracbnn.gen.emission.folder import emitted_sources
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.simulation.measured import Measured, read_measured, read_name, values_to_compare
from wsfracbnn.gen.simulation.selection import BENCH, chosen_tests, filter_for, names_of_tests, require_simulator
from wsfracbnn.gen.simulation.waves import Waves
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import real_path, working_in

EXACTNESS_TEST = "test_images_are_bit_exact_in_every_layer"
OCCUPANCY_IMAGES = 6
"""Images' time of which occupancy is shown: the pipeline filling, then at work."""

GLANCE_S = 0.2
"""How often the progress of a simulation is looked at."""

Progress = Callable[[int], None]
"""Called with the number of images that have come out."""


@dataclass(frozen=True)
class SimulationResult:
    """One simulator's run: numbers from the testbench, wall-clock seconds of simulation, and failures in words.

    tests: names of those that were asked for. command: what does it again. waves: the file of recorded waveforms, None
    where none were.
    """

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
    waves: Path | None = None
    tests: tuple[str, ...] = ()
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """The entry of summary.json."""
        return {
            "images": self.images,
            "correct": self.correct,
            "mismatches": self.mismatches,
            "cycles_per_image": self.cycles_per_image,
            "busy": self.busy,
            "latency_cycles": self.latency_cycles,
            "seconds": round(self.seconds, 2),
            "layers": list(self.layers),
            "tests": list(self.tests),
            "failures": list(self.failures),
            "command": self.command,
            "occupancy": {name: counts[: INTERVALS * OCCUPANCY_IMAGES] for name, counts in self.occupancy.items()},
        }


def simulate(
    folder: Path,
    simulator: str,
    vectors: Path,
    images: int,
    *,
    tests: str | None = None,
    waves: Waves | None = None,
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
        InputError: the simulator is missing, no test has such a name, another process simulates the same folder, a
            file of it is damaged, or building or running it failed.
    """
    require_simulator(simulator)
    folder = real_path(folder)
    asked = chosen_tests(names_of_tests(folder / "tb" / f"{BENCH}.py"), tests)
    build = folder.parent / f"{folder.name}-{simulator}"
    with working_in(build):
        result_file, progress_file = build / "result.json", build / "progress"
        for file in (result_file, progress_file):
            file.unlink(missing_ok=True)
        variables = {
            "WSFRACBNN_VECTORS": str(real_path(vectors)),
            "WSFRACBNN_DESIGN": str(folder / "design.json"),
            "WSFRACBNN_IMAGES": str(images),
            "WSFRACBNN_RESULT": str(result_file),
            "WSFRACBNN_PROGRESS": str(progress_file),
            "WSFRACBNN_REPRODUCE": reproduce,
            "COCOTB_RANDOM_SEED": str(seed),
            "COCOTB_TEST_FILTER": filter_for(asked),
        }
        job = folder_job(folder, simulator, build, variables, waves)
        seconds = _build_and_run(job, progress, progress_file)
        failures = job.failures(asked)
        measured = Measured()
        try:
            measured = read_measured(result_file) if result_file.is_file() else measured
        except InputError as error:
            failures.append(str(error))
    if EXACTNESS_TEST in asked and not failures:
        failures = _what_was_not_compared(measured, vectors, images)
    recorded = job.wave_file if waves is not None and job.wave_file.is_file() else None
    result = _result(simulator, measured, seconds, failures)
    return replace(result, tests=tuple(asked), command=reproduce, waves=recorded)


def _what_was_not_compared(measured: Measured, vectors: Path, images: int) -> list[str]:
    """Where the images or values compared are not those that were asked for, in words."""
    if measured.images != images:
        return [f"compared {measured.images} images, expected {images}"]
    found = {layer.name: layer.values for layer in measured.layers}
    return [
        f"{name}: compared {found.get(name, 0)} values, expected {values}"
        for name, values in values_to_compare(vectors, images).items()
        if found.get(name) != values
    ]


def folder_job(
    folder: Path, simulator: str, build: Path, variables: Mapping[str, str], waves: Waves | None
) -> CocotbJob:
    """The job that simulates an emitted folder (absolute) with its own testbench."""
    testbench = sorted((folder / "tb").glob("*.v"))
    return CocotbJob(
        simulator=simulator,
        sources=(*emitted_sources(folder), *testbench),
        toplevel=f"{read_name(folder / 'design.json')}_testbench",
        module=BENCH,
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
        with job.start(build_only=build_only, goes_on=not build_only) as child:
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


def _result(simulator: str, measured: Measured, seconds: float, failures: list[str]) -> SimulationResult:
    """From result.json, of which nothing is there where the testbench did not get so far."""
    return SimulationResult(
        simulator=simulator,
        images=measured.images,
        correct=measured.correct,
        mismatches=measured.mismatches,
        cycles_per_image=measured.cycles_per_image,
        latency_cycles=measured.latency_cycles,
        seconds=seconds,
        layers=tuple(layer.model_dump() for layer in measured.layers),
        busy=measured.busy,
        occupancy=measured.occupancy,
        failures=tuple(failures),
    )
