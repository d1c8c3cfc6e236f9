# SPDX-License-Identifier: Apache-2.0
"""Every block runs its grid's first points under Icarus; with `--slow` whole grids, and the first in Verilator."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsfracbnn.gen.simulation import job
from wsfracbnn.tb.common.runner import EACH_ALONE

SLOW_FROM = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-verilator`: whole grids there too. `--whole-boards`: the digits network on a board, from its pins on.

    `--each-alone`: each cocotb test in a simulation of its own, too.
    `--verilog-coverage FOLDER`: gets what Verilator covered, for `make coverage`.
    """
    parser.addoption("--all-verilator", action="store_true", help="run whole parameter grids under Verilator too")
    parser.addoption("--verilog-coverage", type=Path, help="folder for what Verilator covered")
    parser.addoption("--whole-boards", action="store_true", help="simulate a board with the digits network too")
    parser.addoption("--each-alone", action="store_true", help="run each cocotb test by itself too, under Icarus")


def pytest_configure(config: pytest.Config) -> None:
    """Tests that start simulations look at the environment; all jobs of this process tell what they cover, if asked."""
    if config.getoption("--each-alone"):
        os.environ[EACH_ALONE] = "1"
    folder = config.getoption("--verilog-coverage")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        job.coverage_folder = folder.resolve()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `block` gets (simulator, parameters) from its module's GRID.

    Slow are the points from SLOW_FROM on, and what runs in Verilator, whose part whole networks play, unless the module
    says that it is QUICK_IN_BOTH.
    """
    if "block" not in metafunc.fixturenames:
        return
    module, everything = metafunc.module, metafunc.config.getoption("--all-verilator")
    grid: list[dict[str, int]] = module.GRID
    quick = grid[: getattr(module, "SLOW_FROM", SLOW_FROM)]
    quick_in = ("icarus", "verilator") if getattr(module, "QUICK_IN_BOTH", False) else ("icarus",)
    runs = [("icarus", point) for point in grid]
    runs += [("verilator", point) for point in (grid if everything else grid[:1])]
    names = ["-".join((sim, *(f"{key}{value}" for key, value in point.items()))) for sim, point in runs]
    marked = [
        pytest.param((sim, point), marks=[] if point in quick and sim in quick_in else pytest.mark.slow)
        for sim, point in runs
    ]
    metafunc.parametrize("block", marked, ids=names)
