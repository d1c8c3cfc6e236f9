# SPDX-License-Identifier: Apache-2.0
"""What the testbench adds to the time of a simulation.

    .venv/bin/python benchmarks/simulation_speed.py [--weights CHECKPOINT] [--images N] [--runs N] [--results FILE]

Runs the same images through the accelerator under Verilator twice: in the cocotb regression (every stage's stream and
occupancy recorded, and compared with the golden model), and in a bare C++ harness that compares the logits. Medians of
repeated runs, start of Python included; compilation is not. Adds them to a file of hardware results.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation.job import IN_LARGE_PARTS, VERILATOR_ARGS, VERILATOR_MAKE_ARGS, simulator_environment
from wsfracbnn.gen.simulation.run import EXACTNESS_TEST, simulate
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.record import HardwareResults, SimulationRow, add_results
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.files import require_writable
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.tb.network.golden import pixel_lines


def build_bare(folder: Path, name: str) -> Path:
    """Compile the C++ harness with the flags of the cocotb build."""
    build = folder.parent / f"{folder.name}-bare"
    build.mkdir(parents=True, exist_ok=True)
    sources = [str(path) for path in emitted_sources(folder)]
    command = ["verilator", "-cc", "--exe", "-Mdir", str(build), "--top-module", f"{name}_top", "--prefix", "Vtop"]
    command += ["-o", "bare", "-O3", "-Wno-fatal", *IN_LARGE_PARTS]
    command += [*sources, str(ROOT / "benchmarks" / "bare_harness.cpp")]
    assert VERILATOR_ARGS[0] == "-O3"
    subprocess.run(command, check=True, env=simulator_environment(), capture_output=True)
    make = ["make", "-C", str(build), "-f", "Vtop.mk", *VERILATOR_MAKE_ARGS]
    subprocess.run(make, check=True, env=simulator_environment(), capture_output=True)
    return build / "bare"


def write_vectors(folder: Path, images: int) -> tuple[Path, Path, int]:
    """pixels.hex and logits.txt for the harness, and the width of a pixel."""
    vectors = np.load(folder / "vectors.npz")  # emitted by this process
    pixels, logits = vectors["images"][:images], vectors["logits"][:images]
    files = folder.parent / "pixels.hex", folder.parent / "logits.txt"
    files[0].write_text(pixel_lines(pixels))
    files[1].write_text("".join(f"{value}\n" for value in logits.reshape(-1)))
    return *files, 8 * pixels.shape[-1]


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=ROOT / "checkpoints" / "digits.pt")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "hardware.json")
    arguments = parser.parse_args()
    require_writable(arguments.results)
    HardwareResults.read(arguments.results)

    checkpoint = load_checkpoint(arguments.weights)
    description = lower_checkpoint(checkpoint)
    folder = ROOT / "build" / "bench" / description.name
    shape = (arguments.images, description.input.height, description.input.width, description.input.colours)
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    emit(description, choose_folding(description, "auto"), folder, images)
    bare = build_bare(folder, description.name)
    pixels, logits, width = write_vectors(folder, arguments.images)
    cocotb_seconds, bare_seconds = [], []
    for _ in range(arguments.runs):
        result = simulate(folder, "verilator", folder / "vectors.npz", arguments.images, tests=EXACTNESS_TEST)
        assert not result.failures, result.failures
        assert result.images == arguments.images, f"{result.images} images in {folder / 'vectors.npz'}"
        cocotb_seconds.append(result.seconds)
        start = time.monotonic()
        subprocess.run([bare, pixels, logits, str(width)], check=True, capture_output=True)
        bare_seconds.append(time.monotonic() - start)
    slow, fast = statistics.median(cocotb_seconds), statistics.median(bare_seconds)
    print(
        f"{description.name}, {arguments.images} images, medians of {arguments.runs} runs on {os.cpu_count()} cores: "
        f"cocotb {slow:.2f} s, bare C++ {fast:.2f} s, overhead {slow / fast - 1:.1%}"
    )
    row = SimulationRow(description.name, arguments.images, round(slow, 2), round(fast, 2))
    add_results(arguments.results, HardwareResults(simulation=(row,)))


if __name__ == "__main__":
    main()
