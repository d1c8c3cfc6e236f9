# SPDX-License-Identifier: Apache-2.0
"""Every block runs its whole parameter grid under Icarus and the grid's first point under Verilator as well."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--all-verilator`: whole grids there too. `--whole-boards`: the digits network on a board, from its pins on."""
    parser.addoption("--all-verilator", action="store_true", help="run whole parameter grids under Verilator too")
    parser.addoption("--whole-boards", action="store_true", help="simulate a board with the digits network too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `block` gets (simulator, parameters) from its module's GRID."""
    if "block" not in metafunc.fixturenames:
        return
    grid: list[dict[str, int]] = metafunc.module.GRID
    everything = metafunc.config.getoption("--all-verilator")
    runs = [("icarus", point) for point in grid]
    runs += [("verilator", point) for point in (grid if everything else grid[:1])]
    names = ["-".join((sim, *(f"{key}{value}" for key, value in point.items()))) for sim, point in runs]
    metafunc.parametrize("block", runs, ids=names)
