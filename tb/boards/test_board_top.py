# SPDX-License-Identifier: Apache-2.0
"""Whole boards, from the oscillator's and the serial pins on: through the host program over a pseudo-terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from wsfracbnn.gen.boards.build import LEAST_DIVISOR, BoardBuild
from wsfracbnn.gen.boards.catalog import BOARDS, board_named
from wsfracbnn.gen.boards.project import board_sources
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.golden import run
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_network

HERE = Path(__file__).parent
PROGRAM = (sys.executable, "-m", "wsfracbnn.cli", "run", "--port", "{port}", "--patience", "60")
TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)


def tiny_checkpoint(path: Path) -> Path:
    """A network of 4 x 4 pixels with random weights, as a checkpoint; tame, so that other images have other logits."""
    state = random_network(TINY, seed=1, wild=False).state_dict()
    save_checkpoint(Checkpoint("tiny", "wsfracbnn", TINY, state, ("a", "b", "c")), path)
    return path


def build_of(name: str, description: NetworkDescription, fold: str, mhz: float | None = None) -> BoardBuild:
    """A board's build with a serial line as fast as the receiver takes it."""
    board = board_named(name)
    oscillator = board.new_platform().default_clk_frequency
    design = build_design(description, choose_folding(description, fold).for_family(board.family))
    clock = BoardBuild.of(board, design, oscillator, mhz, 1_000_000).clock
    return BoardBuild(board, design, clock, round(clock.frequency / LEAST_DIVISOR))


def simulate(build: BoardBuild, simulator: str, folder: Path, test: str, **wanted: Any) -> None:
    """Run a test of bench_board.py on a board's top with models of the PLLs; fails where that does."""
    (folder / "build").mkdir()
    for name, text in board_sources(build).items():
        (folder / name).write_text(text)
    numbers = {"baud": build.baud, "oscillator_hz": float(build.clock.source)}
    job = CocotbJob(
        simulator=simulator,
        sources=(*sorted(folder.glob("*.v")), HERE / "primitives.v"),
        toplevel=build.module,
        module="bench_board",
        search=HERE,
        build=folder / "build",
        variables={"COCOTB_TEST_FILTER": test, "WSFRACBNN_BOARD": json.dumps(numbers | wanted)},
    )
    code = job.start().wait()
    failures = job.failures([test])
    assert not failures, "\n".join(failures)
    assert code == 0, job.log_tail()


@pytest.mark.simulator
@pytest.mark.parametrize("simulator, network", [("icarus", "tiny"), ("verilator", "tiny"), ("verilator", "digits")])
def test_a_board_gives_the_golden_models_results_over_a_noisy_line(
    simulator: str, network: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On a ULX3S: noise at power-up, then a damaged bit each in a request and in a reply; both are repeated."""
    if network == "digits" and not request.config.getoption("--whole-boards"):
        pytest.skip("takes minutes; --whole-boards runs it")
    weights = CHECKPOINTS / "digits.pt" if network == "digits" else tiny_checkpoint(tmp_path / "tiny.pt")
    description = lower_checkpoint(load_checkpoint(weights))
    size = description.input.height
    images = np.random.default_rng(6).integers(0, 256, (3, size, size, 1), dtype=np.uint8)
    pictures = [str(tmp_path / f"{number}.png") for number in range(len(images))]
    for image, picture in zip(images, pictures, strict=True):
        Image.fromarray(image[:, :, 0]).save(picture)
    results = tmp_path / "results.json"
    simulate(
        build_of("ulx3s-85f", description, "auto"),
        simulator,
        tmp_path,
        "the_host_program_gets_its_results_through_the_pins",
        host=[*PROGRAM, "--weights", str(weights), "--results", str(results), *pictures],
        host_env=dict(os.environ),
        host_log=str(tmp_path / "host.txt"),
        noise="00ff12db34c0a5",
        # Among the first image's pixels, behind INFO's request of 8 bytes; among the logits of the second result,
        # behind the replies to INFO, 24 bytes, and to the damaged request, 8.
        flips={"requests": [8 + 10], "replies": [24 + 8 + 12]},
    )
    found = json.loads(results.read_text())
    trace = run(description, images)
    assert len({tuple(row) for row in trace.logits.tolist()}) == len(images)
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
    weights = tiny_checkpoint(tmp_path / "tiny.pt")
    build = build_of(name, lower_checkpoint(load_checkpoint(weights)), "small", mhz)
    assert build.clock.cells
    simulate(build, "icarus", tmp_path, "the_clock_has_its_frequency", clock_ps=1e6 / build.clock.mhz)


def test_every_pll_is_among_the_boards() -> None:
    assert {type(board.pll).__name__ for board in BOARDS.values()} == {"Ecp5Pll", "Ice40Pll", "GowinPll", "Xilinx7Pll"}
