# SPDX-License-Identifier: Apache-2.0
"""The commands that run synthesis and place and route: `wsfracbnn synth` and `wsfracbnn pnr`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from wsfracbnn.gen import hardware
from wsfracbnn.gen.area import coefficients, estimate
from wsfracbnn.gen.console import Fold, console
from wsfracbnn.gen.description import NetworkDescription
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emit import design_sources
from wsfracbnn.gen.floorplan import pin_block_rams
from wsfracbnn.gen.markdown import replace_section
from wsfracbnn.gen.solver import choose
from wsfracbnn.gen.synthesis import (
    PLACERS,
    ROUTERS,
    SPEEDS,
    PlaceAndRoute,
    pack_bitstream,
    place_and_route,
    synthesize,
    target_of,
)
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.fold import fold_checkpoint
from wsfracbnn.model.random_network import random_description

log = logging.getLogger(__name__)

Weights = Annotated[Path | None, typer.Option(help="Checkpoint; default a random ResNet-20 with 40 % open gates.")]
Cache = Annotated[Path, typer.Option(help="Folder of synthesis and place-and-route runs, by hash.")]
Results = Annotated[Path, typer.Option(help="JSON file that gets the figures.")]
Summary = Annotated[
    Path | None,
    typer.Option(help="summary.json of `wsfracbnn sim` at the same folding, for measured cycles; else the estimate."),
]
Readme = Annotated[Path | None, typer.Option(help="Markdown file whose section 'hardware' gets the table.")]
MemoryTable = Annotated[
    Path | None, typer.Option(help="Markdown file whose section 'memories' gets the table of the first target.")
]


def synth(
    weights: Weights = None,
    fold: Fold = "auto",
    targets: Annotated[str, typer.Option(help="Some of ecp5, ice40, xc7, with commas between.")] = "ecp5,xc7",
    cache: Cache = Path("build/synthesis"),
    results: Results = Path("results/hardware.json"),
    readme: Readme = None,
    memories: MemoryTable = None,
) -> None:
    """Synthesize with Yosys: LUTs, flip-flops, block RAMs, DSPs, and where each memory went."""
    description = _description(weights)
    folding = choose(description, fold)
    entry: dict[str, Any] = {"sha256": description.digest()}
    tables = []
    for target in targets.split(","):
        design = build_design(description, folding, target_of(target).lut_inputs)
        with console.status(f"{design.name}: synthesis for {target}"):
            area, folder = synthesize(design_sources(design), f"{design.name}_top", target, cache, report=log.info)
        entry[target] = hardware.area_entry(area, design, target, fold)
        if target in coefficients():
            entry[target]["estimated_luts"] = round(estimate(design, target).luts)
        entry[hardware.LANE_KEYS[target]] = hardware.lane_luts(target, cache, log.info)
        mapped, elsewhere = hardware.map_memories(design, folder / "netlist.json", target_of(target))
        tables.append(hardware.memory_table(mapped))
        for memory in mapped:
            if not memory.as_meant:
                log.warning("%s: memory not where it was meant: %s", target, memory)
        if elsewhere:
            log.warning("%s: block RAMs of no known memory: %s", target, ", ".join(elsewhere))
    if memories is not None:
        replace_section(memories, "memories", tables[0])
    _show(hardware.record(results, description.name, entry), readme)


def pnr(
    weights: Weights = None,
    fold: Fold = "auto",
    device: Annotated[str, typer.Option(help="ecp5-25f, ecp5-45f or ecp5-85f.")] = "ecp5-85f",
    mhz: Annotated[float, typer.Option(help="Clock to aim at.")] = 130.0,
    speed: Annotated[int, typer.Option(help="Speed grade: 6, the slowest, 7 or 8.")] = SPEEDS[0],
    seed: Annotated[int, typer.Option(help="Of the placer.")] = 1,
    placer: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(PLACERS)}.")] = PLACERS[0],
    router: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(ROUTERS)}.")] = ROUTERS[0],
    floorplan: Annotated[bool, typer.Option(help="Give each stage's block RAMs neighbouring sites.")] = True,
    summary: Summary = None,
    bitstream: Annotated[Path | None, typer.Option(help="File that gets the bitstream.")] = None,
    cache: Cache = Path("build/synthesis"),
    results: Results = Path("results/hardware.json"),
    readme: Readme = None,
) -> None:
    """Place and route on an ECP5 with nextpnr: Fmax, critical path, utilization; on request a bitstream."""
    settings = PlaceAndRoute(device, mhz, speed, seed, placer, router)
    description = _description(weights)
    design = build_design(description, choose(description, fold))
    with console.status(f"{design.name}: synthesis, then place and route on {device} (minutes to an hour)"):
        _, folder = synthesize(design_sources(design), f"{design.name}_top", "ecp5", cache, report=log.info)
        netlist = (folder / "netlist.json").read_text()
        if floorplan:
            netlist = pin_block_rams(netlist, f"{design.name}_top", device, design.instances)
        placement, placed = place_and_route(netlist, settings, cache, report=log.info)
    simulated = None if summary is None else hardware.read_summary(summary, design)
    cycles = max(stage.cycles for stage in design.stages) if simulated is None else simulated.cycles_per_image
    entry = hardware.placement_entry(placement, cycles, fold, measured=simulated is not None)
    entry["block_rams_pinned"] = floorplan
    if bitstream is not None:
        entry["bitstream_bytes"] = pack_bitstream(placed, bitstream)
        log.info("bitstream written to %s", bitstream)
    console.print("critical path:", *placement.critical_path, sep="\n  ", markup=False)
    figures: dict[str, Any] = {hardware.placement_key(settings, fold): entry}
    if simulated is not None:
        figures["engine_busy"] = simulated.engine_busy
    _show(hardware.record(results, design.name, figures), readme)


def _description(weights: Path | None) -> NetworkDescription:
    if weights is None:
        return random_description(resnet20(100), seed=1, name="resnet20", wild=False)
    return fold_checkpoint(load_checkpoint(weights))


def _show(results: dict[str, Any], readme: Path | None) -> None:
    text = hardware.table(results)
    console.print(text, markup=False, soft_wrap=True)
    if readme is not None:
        replace_section(readme, "hardware", text)
