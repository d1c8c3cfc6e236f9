# SPDX-License-Identifier: Apache-2.0
"""The commands that run synthesis and place and route: `wsfracbnn synth` and `pnr`."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.options import DESCRIBED_HELP, FoldOrOwn, begun, bundled_or_file, networks_begun
from wsfracbnn.gen.devices import DEVICES, FAMILIES, SPEED_GRADES, family_named, routable_devices
from wsfracbnn.gen.synthesis.nextpnr import PLACERS, ROUTERS, PlaceAndRoute
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.gen.design import AcceleratorDesign
    from wsfracbnn.gen.devices import Family
    from wsfracbnn.gen.synthesis.cached import Share
    from wsfracbnn.gen.synthesis.record import HardwareResults
    from wsfracbnn.gen.synthesis.yosys import Area
    from wsfracbnn.model.description import NetworkDescription

log = logging.getLogger(__name__)

MaybeWeights = Annotated[
    Path | None,
    typer.Option(
        help=f"{DESCRIBED_HELP}; default a random ResNet-20 with 40 % open gates.",
        callback=bundled_or_file,
        autocompletion=networks_begun,
    ),
]
Cache = Annotated[Path, typer.Option(help="Folder of synthesis and place-and-route runs, by hash.")]
Results = Annotated[
    Path, typer.Option(help="JSON file that gets the figures; results/hardware.json is the project's own.")
]
Summary = Annotated[
    Path | None,
    typer.Option(help="summary.json of `wsfracbnn sim` at the same folding, for measured cycles; else the estimate."),
]
Page = Annotated[Path | None, typer.Option(help="Markdown file whose section 'hardware' gets the table.")]
MemoryTable = Annotated[
    Path | None, typer.Option(help="Markdown file whose section 'memories' gets the table of the first target.")
]
BreakdownPage = Annotated[
    Path | None,
    typer.Option(help="Markdown file whose section 'breakdown-NETWORK' gets the breakdown of the first target."),
]
Flat = Annotated[
    bool, typer.Option("--flat", help="Synthesize the design as a whole; default stage by stage, which is faster.")
]


def synth(
    weights: MaybeWeights = None,
    fold: FoldOrOwn = None,
    targets: Annotated[str, typer.Option(help=f"Some of {', '.join(FAMILIES)}, with commas between.")] = "ecp5,xc7",
    breakdown: Annotated[bool, typer.Option("--breakdown", help="Show the area by function and by stage.")] = False,
    flat: Flat = False,
    cache: Cache = Path("build/synthesis"),
    results: Results = Path("build/hardware.json"),
    page: Page = None,
    memories: MemoryTable = None,
    breakdown_page: BreakdownPage = None,
) -> Figures:
    """Synthesize with Yosys: LUTs, flip-flops, block RAMs, DSPs, where each memory and where the LUTs went."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.markdown import replace_section, require_section
    from wsfracbnn.cli.networks import folding_word
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.sizing.area import estimate, has_estimate
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.gen.synthesis.breakdown import break_down
    from wsfracbnn.gen.synthesis.record import HardwareResults, add_results, synthesis_row
    from wsfracbnn.gen.synthesis.table import breakdown_tables
    from wsfracbnn.gen.synthesis.yosys import lane_luts

    names = targets.split(",")
    families = [family_named(name) for name in names]
    if len(set(names)) < len(names):
        raise InputError(f"--targets: found {targets}, expected each once")
    _try_outputs(cache, results, page)
    if memories is not None:
        require_section(memories, "memories")
    description = _description(weights)
    section = f"breakdown-{description.name}"
    if breakdown_page is not None:
        require_section(breakdown_page, section)
    fold = folding_word(weights, fold)
    folding = choose_folding(description, fold)
    tables = []
    breakdowns: dict[str, list[Share]] = {}
    found = HardwareResults()
    for family in families:
        design = build_design(description, folding.for_family(family))
        with console.status(f"{design.name}: synthesis for {family.name}"):
            area, netlist = _synthesize(design, family, cache, flat)
            if breakdown or breakdown_page is not None:
                breakdowns[family.name] = break_down(design, netlist.parent, family)
        estimated = round(estimate(design, family).luts) if has_estimate(design, family) else None
        found = found.with_row(synthesis_row(area, design, family, fold, estimated))
        found = found.with_lane(family, lane_luts(family, cache, log.info))
        tables.append(_check_memories(design, netlist, family))
    recorded = add_results(results, found)
    if memories is not None:
        replace_section(memories, "memories", tables[0])
    _show(recorded, page)
    shown = {name: breakdown_tables(shares, family_named(name)) for name, shares in breakdowns.items()}
    if breakdown:
        for text in shown.values():
            console.print(f"\n{text}", markup=False, soft_wrap=True)
    if breakdown_page is not None:
        replace_section(breakdown_page, section, shown[names[0]])
    figures = {name: [asdict(share) for share in shares] for name, shares in breakdowns.items()}
    return found.to_json() | ({"breakdown": figures} if figures else {})


def pnr(
    weights: MaybeWeights = None,
    fold: FoldOrOwn = None,
    device: Annotated[
        str,
        typer.Option(help=f"One of {', '.join(routable_devices())}.", autocompletion=begun(routable_devices)),
    ] = "ecp5-85f",
    mhz: Annotated[float, typer.Option(help="Clock to aim at.")] = 150.0,
    speed: Annotated[int, typer.Option(help="Speed grade: 6, the slowest, 7 or 8.")] = SPEED_GRADES[0],
    seed: Annotated[int, typer.Option(help="Of the placer.")] = 1,
    placer: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(PLACERS)}.")] = PLACERS[0],
    router: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(ROUTERS)}.")] = ROUTERS[0],
    floorplan: Annotated[bool, typer.Option(help="Give each stage's block RAMs neighbouring sites.")] = True,
    flat: Flat = False,
    summary: Summary = None,
    bitstream: Annotated[Path | None, typer.Option(help="File that gets the bitstream.")] = None,
    cache: Cache = Path("build/synthesis"),
    results: Results = Path("build/hardware.json"),
    page: Page = None,
) -> Figures:
    """Place and route on an ECP5 with nextpnr: Fmax, critical path, utilization; on request a bitstream."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.networks import folding_word
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.gen.synthesis.cached import read_netlist
    from wsfracbnn.gen.synthesis.floorplan import pin_block_rams
    from wsfracbnn.gen.synthesis.nextpnr import pack_bitstream, place_and_route
    from wsfracbnn.gen.synthesis.record import HardwareResults, add_results, placement_row
    from wsfracbnn.gen.synthesis.summary import read_summary
    from wsfracbnn.model.files import require_writable

    settings = PlaceAndRoute(device, mhz, speed, seed, placer, router)
    _try_outputs(cache, results, page)
    if bitstream is not None:
        require_writable(bitstream)
    description = _description(weights)
    family = family_named("ecp5")
    fold = folding_word(weights, fold)
    design = build_design(description, choose_folding(description, fold, DEVICES[device]).for_family(family))
    simulated = None if summary is None else read_summary(summary, design)
    with console.status(f"{design.name}: synthesis, then place and route on {device} (minutes to an hour)"):
        _, netlist_file = _synthesize(design, family, cache, flat)
        netlist = read_netlist(netlist_file, design.top)
        text = pin_block_rams(netlist, device, design.instances) if floorplan else netlist.text
        placement, placed = place_and_route(text, settings, cache, report=log.info)
    row = placement_row(placement, design, fold, simulated, floorplan)
    if bitstream is not None:
        row = replace(row, bitstream_bytes=pack_bitstream(placed, bitstream, report=log.info))
        log.info("bitstream written to %s", bitstream)
    console.print("critical path:", *placement.critical_path, sep="\n  ", markup=False)
    found = HardwareResults((row,))
    _show(add_results(results, found), page)
    return found.to_json() | {"critical_path": list(placement.critical_path)}


def _try_outputs(cache: Path, results: Path, page: Path | None) -> None:
    """Refuse outputs that cannot be written, before hours of work."""
    from wsfracbnn.cli.markdown import require_section
    from wsfracbnn.gen.synthesis.record import HardwareResults
    from wsfracbnn.model.files import require_folder, require_writable

    require_folder(cache)
    require_writable(results)
    HardwareResults.read(results)
    if page is not None:
        require_section(page, "hardware")


def _description(weights: Path | None) -> NetworkDescription:
    from wsfracbnn.cli.networks import description_of

    if weights is not None:
        return description_of(weights)
    from wsfracbnn.model.config import resnet20
    from wsfracbnn.model.random_network import random_description

    return random_description(resnet20(100), seed=1, name="resnet20", wild=False)


def _synthesize(design: AcceleratorDesign, family: Family, cache: Path, flat: bool) -> tuple[Area, Path]:
    """Area and netlist of a design. flat: synthesized as a whole."""
    from wsfracbnn.gen.emission.render import design_sources
    from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
    from wsfracbnn.gen.synthesis.yosys import NETLIST, synthesize

    sources, top = design_sources(design), design.top
    if flat:
        area, folder = synthesize(sources, top, family, cache, report=log.info)
    else:
        area, folder = synthesize_by_stage(sources, top, design.stage_modules, family, cache, report=log.info)
    return area, folder / NETLIST


def _check_memories(design: AcceleratorDesign, netlist: Path, family: Family) -> str:
    """Warn of memories that are not where they were meant; returns the table of all."""
    from wsfracbnn.gen.sizing.memories import map_memories, memory_table
    from wsfracbnn.gen.synthesis.cached import read_netlist

    mapped, elsewhere = map_memories(design, read_netlist(netlist, design.top).cells, family)
    for memory in mapped:
        if not memory.as_meant:
            log.warning("%s: memory not where it was meant: %s", family.name, memory)
    if elsewhere:
        log.warning("%s: block RAMs of no known memory: %s", family.name, ", ".join(elsewhere))
    return memory_table(mapped)


def _show(results: HardwareResults, page: Path | None) -> None:
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.markdown import replace_section
    from wsfracbnn.gen.synthesis.table import hardware_table

    text = hardware_table(results.rows)
    console.print(text, markup=False, soft_wrap=True)
    if page is not None:
        replace_section(page, "hardware", text)
