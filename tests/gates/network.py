# SPDX-License-Identifier: Apache-2.0
"""A whole network's netlist in the testbench that every emitted folder has.

The network is synthesized stage by stage and linked, as `wsfracbnn synth` does it. What the probes look at inside the
accelerator keeps its name through synthesis, so that the streams between the stages are compared too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.emission.folder import FILE_LIST, VECTORS, emit
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.emission.vectors import Reference
from wsfracbnn.gen.simulation.run import EXACTNESS_TEST, simulate
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
from wsfracbnn.gen.synthesis.tools import Report
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.files import write_text

from .cells import as_synthesized, cells_of
from .netlists import verilog_of

_INSIDE = re.compile(r"\bdut((?:\.\w+)+)")
_WIRE = re.compile(r"^ *(?:wire|reg) (?:\[[^\]]+\] )?(\\\S+ |\w+)\s*[;=]", re.MULTILINE)
_PROBE = re.compile(r"^busy_probe .*?^\);\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class NetworkRow:
    """A network's outcome in a family's cells.

    Attributes:
        images: that came out and were compared. layers: streams that were compared.
        values: numbers compared. wrong: images that differ, or 1 where the testbench failed otherwise.
        failed: what failed, "" where nothing did.
    """

    network: str
    family: str
    simulator: str
    images: int
    layers: int
    values: int
    wrong: int
    failed: str


@dataclass(frozen=True)
class Network:
    """What is simulated: images are (n, H, W, colours) uint8."""

    description: NetworkDescription
    folding: Folding
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    reference: Reference | None


def prepare(network: Network, family: Family, folder: Path, cache: Path, report: Report) -> AcceleratorDesign:
    """Emit a network into a folder of its own, and put its netlist in the place of its Verilog.

    Raises:
        InputError: Yosys's error, or the folder is something else.
    """
    design = emit(
        network.description, network.folding, folder, network.images, network.labels, reference=network.reference,
        force=True,
    )  # fmt: skip
    sources = as_synthesized(design_sources(design), family.name)
    _, run = synthesize_by_stage(sources, design.top, design.stage_modules, family, cache, jobs=1, report=report)
    netlist = verilog_of(run, design.top, cache, report)
    texts = {"netlist.v": netlist, "cells.v": cells_of(family.name, netlist)}
    for name, text in texts.items():
        write_text(folder / "gates" / name, text)
    write_text(folder / FILE_LIST, "".join(f"gates/{name}\n" for name in texts))
    testbench = folder / "tb" / f"{design.name}_testbench.v"
    write_text(testbench, at_netlist(testbench.read_text(), netlist))
    return design


def at_netlist(testbench: str, netlist: str) -> str:
    """The testbench with names of signals inside the accelerator as a flattened netlist has them.

    Raises:
        ValueError: a stream between stages is not there any more.
    """
    wires = {name.strip().removeprefix("\\") for name in _WIRE.findall(netlist)}

    def is_there(name: str) -> bool:
        return name.removeprefix(".") in wires

    def busy(found: re.Match[str]) -> str:
        """Where a stage's engine is not told any more, nothing is counted of it."""
        inside = _INSIDE.findall(found[0])
        return found[0] if all(map(is_there, inside)) else _INSIDE.sub("1'b0", found[0])

    def named(found: re.Match[str]) -> str:
        if not is_there(found[1]):
            raise ValueError(f"'{found[0]}' is not in the netlist")
        name = found[1].removeprefix(".")
        return f"dut.\\{name} " if "." in name else f"dut.{name}"

    return _INSIDE.sub(named, _PROBE.sub(busy, testbench))


def run(
    network: Network, family: Family, simulator: str, folder: Path, images: int, progress: Callable[[int], None]
) -> NetworkRow:
    """Simulate a folder that `prepare` made."""
    found = simulate(
        folder, simulator, folder / VECTORS, images, tests=EXACTNESS_TEST, reproduce="make gates", progress=progress
    )
    failed = "; ".join(found.failures)
    return NetworkRow(
        network.description.name,
        family.name,
        simulator,
        found.images,
        len(found.layers),
        sum(layer["values"] for layer in found.layers),
        max(found.mismatches, bool(failed)),
        failed,
    )
