# SPDX-License-Identifier: Apache-2.0
"""The steps of an exploration as functions of plain values, which a worker anywhere can run.

Each takes the worker's own folder for runs of tools. A tool's refusal is an outcome (`Failed`, final); whatever else
goes wrong is raised, and then tried again elsewhere.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import family_named
from wsfracbnn.gen.emission.folder import VECTORS, emit_design
from wsfracbnn.gen.explore.outcomes import Failed, Routed, Synthesized
from wsfracbnn.gen.explore.probe import SIMULATOR
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.gen.synthesis.cached import read_cell_counts, read_netlist
from wsfracbnn.gen.synthesis.floorplan import pin_block_rams
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute, place_and_route
from wsfracbnn.gen.synthesis.tools import ToolFailedError
from wsfracbnn.gen.synthesis.yosys import NETLIST, STATISTICS, synthesize
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import checked


def _say_nothing(line: str) -> None:
    """A worker's log is nobody's."""


def synthesize_design(cache: Path, sources: Mapping[str, str], top: str, family: str) -> Synthesized | Failed:
    """Yosys's cells and netlist of Verilog, by file names and texts.

    Raises:
        InputError: Yosys is missing or was killed, or a run in the cache is damaged; so with nextpnr below.
    """
    try:
        area, run = synthesize(sources, top, family_named(family), cache, report=_say_nothing)
    except ToolFailedError as failed:
        return Failed.of(failed, final=True)
    netlist = gzip.compress((run / NETLIST).read_bytes(), compresslevel=6, mtime=0)
    digest = hashlib.sha256(netlist).hexdigest()
    return Synthesized(read_cell_counts(run / STATISTICS), area.seconds, digest, netlist)


def route_netlist(
    cache: Path, top: str, instances: Sequence[str], settings: PlaceAndRoute, synthesized: Synthesized | Failed
) -> Routed | Failed:
    """nextpnr's clock and cells of a netlist, whose block RAMs get their sites first.

    instances: as `pin_block_rams` takes them.
    """
    if isinstance(synthesized, Failed):
        return synthesized
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NETLIST
        path.write_bytes(gzip.decompress(synthesized.netlist))
        netlist = read_netlist(path, top)
    try:
        text = pin_block_rams(netlist, settings.device, instances)
    except InputError as too_many:
        return Failed.of(too_many, final=True)
    try:
        placement, _ = place_and_route(text, settings, cache, report=_say_nothing)
    except ToolFailedError as failed:
        return Failed.of(failed, final=True)
    return Routed(
        placement.fmax_mhz,
        placement.luts,
        placement.flip_flops,
        placement.block_rams,
        placement.dsps,
        placement.critical_path,
        placement.seconds,
    )


def simulate_design(
    cache: Path,
    description: NetworkDescription,
    folding: Folding,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    command: str,
) -> SimulatorRun:
    """Every test of the testbench under Verilator, on golden vectors of the images; mismatches are failures in it.

    Args:
        images: (n, H, W, colours).
        labels: (n,), or None.
        command: what a mismatch names to do it again.
    Raises:
        InputError: the simulator is missing, or building or running it failed.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="simulation.") as work:
        folder = Path(work) / description.name
        emit_design(build_design(description, folding), folder, images, labels)
        result = simulate(folder, SIMULATOR, folder / VECTORS, len(images), reproduce=command)
    return checked(SimulatorRun, result.to_json())
