# SPDX-License-Identifier: Apache-2.0
"""Whole boards, from the oscillator's and the serial pins on: through the host program over a pseudo-terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.gen.boards.build import BoardBuild
from wsfracbnn.gen.boards.catalog import BOARDS, board_named
from wsfracbnn.gen.boards.project import board_sources
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.golden import run
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description

HERE = Path(__file__).parent
CYCLES_OF_A_BIT = 10
"""Of the simulated serial line: a byte takes longer than its share of an image, and the simulation not too long."""


def build_of(name: str, description_from: object, fold: str, mhz: float | None = None) -> BoardBuild:
    """A board's build with a serial line as fast as the simulation likes it."""
    board = board_named(name)
    oscillator = board.new_platform().default_clk_frequency
    design = build_design(description_from, choose_folding(description_from, fold).for_family(board.family))  # type: ignore[arg-type]
    clock = BoardBuild.of(board, design, oscillator, mhz, 1_000_000).clock
    return BoardBuild(board, design, clock, round(clock.frequency / CYCLES_OF_A_BIT))


def job_of(build: BoardBuild, simulator: str, folder: Path, variables: dict[str, str], tests: str) -> CocotbJob:
    """The simulation of a board's top with models of the PLLs."""
    (folder / "build").mkdir()
    for name, text in board_sources(build).items():
        (folder / name).write_text(text)
    oscillator = {"BAUD": str(build.baud), "OSCILLATOR_HZ": str(float(build.clock.source))}
    return CocotbJob(
        simulator=simulator,
        sources=(*sorted(folder.glob("*.v")), HERE / "primitives.v"),
        toplevel=build.module,
        module="bench_board",
        search=HERE,
        build=folder / "build",
        variables={"COCOTB_TEST_FILTER": tests, **oscillator, **variables},
    )


def assert_passes(job: CocotbJob) -> None:
    code = job.start().wait()
    failures = job.failures()
    assert not failures, "\n".join(failures)
    assert code == 0, job.log_tail()


@pytest.mark.simulator
@pytest.mark.timeout(1800)
def test_a_board_gives_the_golden_models_results_over_a_noisy_line(tmp_path: Path) -> None:
    """Digits on a ULX3S: noise at power-up, then a damaged bit each in a request and in a reply; both are repeated."""
    count = 3
    weights = CHECKPOINTS / "digits.pt"
    description = lower_checkpoint(load_checkpoint(weights))
    build = build_of("ulx3s-85f", description, "auto")
    results = tmp_path / "results.json"
    host = [sys.executable, "-m", "wsfracbnn.cli", "run", "--port", "{port}", "--weights", str(weights)]
    host += ["--count", str(count), "--patience", "20", "--json", str(results)]
    variables = {
        "HOST": json.dumps(host),
        "HOST_ENV": json.dumps(dict(os.environ)),
        "HOST_LOG": str(tmp_path / "host.txt"),
        "NOISE": "00ff12db34c0a5",
        "FLIPS": json.dumps({"requests": [60], "replies": [90]}),
    }
    assert_passes(job_of(build, "verilator", tmp_path, variables, "the_host_program"))
    found = json.loads(results.read_text())
    images = load_dataset("digits").test_images
    chosen = np.linspace(0, len(images) - 1, count).astype(int)
    trace = run(description, images[chosen])
    assert [entry["logits"] for entry in found["results"]] == trace.logits.tolist()
    assert [entry["class"] for entry in found["results"]] == trace.classes.tolist()
    assert found["repeated"] >= 2


@pytest.mark.simulator
@pytest.mark.parametrize(
    "name, mhz", [("ulx3s-25f", None), ("icebreaker", 24), ("tang-nano-20k", 54), ("arty-a7-35", 80)]
)
def test_each_kind_of_pll_makes_the_clock_that_the_board_counts_on(
    name: str, mhz: float | None, tmp_path: Path
) -> None:
    description = random_description(NetworkConfig(4, 4, 1, 4, (2,), (1,), 3), seed=1, name="tiny")
    build = build_of(name, description, "small", mhz)
    assert build.clock.cells
    clock = {"CLOCK_PS": f"{1e6 / build.clock.mhz:.3f}"}
    assert_passes(job_of(build, "icarus", tmp_path, clock, "the_clock"))


def test_every_pll_is_among_the_boards() -> None:
    assert {type(board.pll).__name__ for board in BOARDS.values()} == {"Ecp5Pll", "Ice40Pll", "GowinPll", "Xilinx7Pll"}
