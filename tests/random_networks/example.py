# SPDX-License-Identifier: Apache-2.0
"""One network from its description to the comparison: both integer models, emission, lint, simulation."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.sequential.design import SequentialDesign
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.description import NetworkDescription

from ..gen.rtl_tools import run
from ..reference.compare import first_difference
from .foldings import draw_folding
from .networks import LARGE, SMALL, draw_config, draw_images, draw_network
from .picks import Corner, Picks

TESTS = ("bit_exact", "bit_exact", "all")
"""The comparison of every stream alone, or with random stalls, bad frames and resets as well."""

FOLDER = "net"


class NotExactError(AssertionError):
    """Two of those that must agree differ, or a tool complains; says who and where."""


@dataclass(frozen=True)
class Example:
    """What is emitted, and how it is simulated.

    images: (n, H, W, colours) uint8. tests: one of TESTS.
    """

    description: NetworkDescription
    folding: Folding
    images: NDArray[np.uint8]
    tests: str
    simulator: str

    @property
    def summary(self) -> str:
        """In a line."""
        first, head = self.description.input, self.description.head
        widths = "/".join(str(layer.out_channels) for layer in self.description.layers[:-1])
        return (
            f"{len(self.images)} x {first.height}x{first.width}x{first.colours}, K {first.levels}, widths {widths}, "
            f"{head.classes} classes, B {self.description.residual_bits}, F {self.description.residual_fraction}, "
            f"{self.folding.text().count('unrolled')} unrolled, LUT{self.folding.target.lut_inputs}, "
            f"{type(self.folding).__name__}, {self.tests}"
        )


@st.composite
def examples(draw: DrawFn, corner: Corner, large: bool, part: Callable[[], bool]) -> Example:
    """A network, its images and its folding.

    Args:
        large: for Verilator, which compiles for as long as Icarus simulates a small one.
        part: whether an example may have a part of the corner only.
    """
    picks, size = Picks(draw, corner), LARGE if large else SMALL
    assume(picks.whole or part())
    config = draw_config(picks, size)
    images = draw_images(picks, config)
    description = draw_network(picks, config, images)
    folding = draw_folding(picks, description, size)
    tests = picks.option("tests", TESTS)
    return Example(description, folding, images, tests, "verilator" if large else "icarus")


def require_exact(example: Example) -> None:
    """Everything of one example.

    Raises:
        NotExactError: the two integer models differ, a tool warns, or the Verilog computes something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        require_exact_in(example, Path(folder))


def require_exact_in(example: Example, folder: Path) -> None:
    """`require_exact` that leaves the emitted folder as `folder`/net."""
    if (difference := first_difference(example.description, example.images)) is not None:
        raise NotExactError(f"the integer models differ: {difference}")
    design = emit(example.description, example.folding, folder / FOLDER, example.images)
    require_no_warning(design, folder / FOLDER)
    require_simulated(example, design, folder / FOLDER)


def require_no_warning(design: AcceleratorDesign, folder: Path) -> None:
    """Lint by Verilator and Icarus, every warning on."""
    sources = [str(path) for path in emitted_sources(folder)]
    for command in (
        ["verilator", "--lint-only", "-Wall", "--top-module", design.top],
        ["iverilog", "-g2005", "-Wall", "-s", design.top, "-o", os.devnull],
    ):
        if (said := run([*command, *sources])) != (0, ""):
            raise NotExactError(f"{command[0]}: {said[1]}")


def require_simulated(example: Example, design: AcceleratorDesign, folder: Path) -> None:
    """The testbench's tests; and one engine takes the cycles that its program adds up to."""
    tests = None if example.tests == "all" else example.tests
    images = len(example.images)
    result = simulate(folder, example.simulator, folder / "vectors.npz", images, tests=tests)
    if result.failures or result.mismatches or result.images != images:
        raise NotExactError("\n".join(result.failures) or f"{result.mismatches} mismatches of {result.images} images")
    if isinstance(design, SequentialDesign) and images > 1:
        # Many classes of a small image keep the head busy for longer than the engine; how long is an estimate.
        least, taken = design.engine_cycles, result.cycles_per_image or 0
        if not least <= taken <= design.cycles:
            raise NotExactError(f"an image takes {taken} cycles, expected {least} to {design.cycles}")
