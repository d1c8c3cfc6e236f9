# SPDX-License-Identifier: Apache-2.0
"""Every block runs its whole parameter grid under Icarus and the grid's first point under Verilator as well."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsfracbnn.gen.simulation import job
from wsfracbnn.tb.common.runner import EACH_ALONE


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
    """A test that asks for `block` gets (simulator, parameters) from its module's GRID, of which some may be slow."""
    if "block" not in metafunc.fixturenames:
        return
    grid: list[dict[str, int]] = metafunc.module.GRID
    everything = metafunc.config.getoption("--all-verilator")
    runs = [("icarus", point) for point in grid]
    runs += [("verilator", point) for point in (grid if everything else grid[:1])]
    names = ["-".join((sim, *(f"{key}{value}" for key, value in point.items()))) for sim, point in runs]
    rest = grid[getattr(metafunc.module, "SLOW_FROM", len(grid)) :]
    marked = [pytest.param((sim, point), marks=[pytest.mark.slow] * (point in rest)) for sim, point in runs]
    metafunc.parametrize("block", marked, ids=names)
