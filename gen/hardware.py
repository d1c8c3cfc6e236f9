# SPDX-License-Identifier: Apache-2.0
"""results/hardware.json: what synthesis, place and route and simulation measured, and the tables made from it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.design import AcceleratorDesign, HeadDesign
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.memories import Memory, memories
from wsfracbnn.gen.synthesis import (
    SPEEDS,
    Area,
    PlaceAndRoute,
    Placement,
    Report,
    Target,
    is_one_of,
    synthesize,
    target_of,
)
from wsfracbnn.model.errors import InputError

LANE_BITS = 144
LANE_KEYS = {"ecp5": "lane_lut4_per_bit", "ice40": "lane_lut4_per_bit_ice40", "xc7": "lane_lut6_per_bit"}
LANE_WRAPPER = """
module lane_bench(input clk, input [{top}:0] data, input [{top}:0] weight, output [{count}:0] count);
match_count #(.WIDTH({width}), .STAGES(4), .LUT_INPUTS({lut_inputs})) compare (
    .clk(clk),
    .data(data),
    .weight(weight),
    .count(count)
);
endmodule
"""


def xnor_bits_per_cycle(design: AcceleratorDesign) -> int:
    """XNOR operations of all stages in one cycle: the sum of PE * SIMD."""
    return sum(s.fold.pe * s.fold.simd for s in design.stages if not isinstance(s, HeadDesign))


def area_entry(area: Area, design: AcceleratorDesign, target: str, fold: str) -> dict[str, Any]:
    """One target's figures; `lut_per_bit` is the whole design's LUTs over its XNOR bits a cycle."""
    lut = "lut6" if target == "xc7" else "lut4"
    bits = xnor_bits_per_cycle(design)
    return {
        "fold": fold,
        lut: area.luts,
        "flip_flops": area.flip_flops,
        "block_rams": area.block_rams,
        "dsp": area.dsps,
        "xnor_bits_per_cycle": bits,
        f"{lut}_per_bit": round(area.luts / bits, 2),
        "synthesis_s": area.seconds,
    }


def placement_key(settings: PlaceAndRoute, fold: str) -> str:
    """What a placement is recorded as: the device, its speed grade unless that is the fastest, the folding unless that
    is the default."""
    speed = "" if settings.speed == SPEEDS[-1] else f"_speed{settings.speed}"
    return re.sub(r"\W+", "_", f"{settings.device}{speed}{'' if fold == 'auto' else f'_{fold}'}")


def placement_entry(placement: Placement, cycles: int, fold: str, measured: bool) -> dict[str, Any]:
    """One device's figures; images/s is the routed clock over cycles an image, measured in simulation or estimated."""
    return {
        "fold": fold,
        "speed_grade": placement.settings.speed,
        "fmax_mhz": placement.fmax_mhz,
        "lut4": placement.luts,
        "flip_flops": placement.flip_flops,
        "block_rams": placement.block_rams,
        "dsp": placement.dsps,
        "cycles_per_image": cycles,
        "cycles_are": "measured in simulation" if measured else "estimated by the folding solver",
        "images_per_s": round(placement.fmax_mhz * 1e6 / cycles),
        "critical_path": f"{placement.critical_path[0]} -> {placement.critical_path[-1]}",
        "nextpnr": " ".join(placement.settings.arguments),
        "place_and_route_s": placement.seconds,
    }


@dataclass(frozen=True)
class MappedMemory:
    """A memory and what the netlist made of it."""

    memory: Memory
    meant_for_block_ram: bool
    block_rams: int
    lut_ram_cells: int

    @property
    def as_meant(self) -> bool:
        """Block RAM where block RAM was meant, and nowhere else."""
        return (self.block_rams > 0) == self.meant_for_block_ram


def map_memories(design: AcceleratorDesign, netlist: Path, target: Target) -> tuple[list[MappedMemory], list[str]]:
    """Every memory of a design with the RAM cells that bear its name; and block RAMs that bear no memory's.

    netlist: Yosys's JSON of the flattened top module.
    """
    modules = json.loads(netlist.read_text())["modules"]
    cells = modules[f"{design.name}_top"]["cells"]
    blocks = [name for name, cell in cells.items() if is_one_of(cell["type"], target.block_rams)]
    luts = [name for name, cell in cells.items() if is_one_of(cell["type"], target.lut_rams)]
    mapped, known = [], set()
    for memory in memories(design):
        pattern = re.compile(memory.cell)
        own = [name for name in blocks if pattern.match(name)]
        known |= set(own)
        meant = memory.in_block_ram(target.has_lut_ram)
        mapped.append(MappedMemory(memory, meant, len(own), sum(1 for name in luts if pattern.match(name))))
    return mapped, [name for name in blocks if name not in known]


def memory_table(mapped: list[MappedMemory]) -> str:
    """The memories as a Markdown table, stage by stage."""
    lines = [
        "| stage | memory | words x bits | meant for | netlist |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in mapped:
        memory = entry.memory
        size = f"{memory.words:,} x {memory.width}" + (f", {memory.copies} of them" if memory.copies > 1 else "")
        found = []
        if entry.block_rams:
            found.append(f"{entry.block_rams} block RAM")
        if entry.lut_ram_cells:
            found.append(f"{entry.lut_ram_cells} LUT RAM cells")
        meant = "block RAM" if entry.meant_for_block_ram else "LUTs"
        lines.append(f"| {memory.stage} | {memory.name} | {size} | {meant} | {', '.join(found) or 'LUTs'} |")
    return "\n".join(lines)


@dataclass(frozen=True)
class Simulated:
    """What a simulation measured: cycles an image and the share of them in which the busiest engine was at work."""

    cycles_per_image: int
    engine_busy: float


def read_summary(path: Path, design: AcceleratorDesign) -> Simulated:
    """The Verilator figures of a summary.json that belongs to the same network and folding.

    Raises:
        InputError: no such file, or one of another design.
    """
    try:
        summary = json.loads(path.read_text())
        measured = summary["simulators"]["verilator"]
        folding, network = summary["folding"], summary["network"]
        simulated = Simulated(int(measured["cycles_per_image"]), float(max(measured["busy"].values())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not the summary of a simulation under Verilator ({error!r})") from None
    if network != design.name or folding != design.folding:
        raise InputError(f"{path}: network '{network}' at another folding, expected '{design.name}' at this one")
    return simulated


def lane_luts(target: str, cache: Path, report: Report) -> float:
    """LUTs per window bit of XNOR and popcount alone: 144 bits, both operands free."""
    sources = {name: (RTL / name).read_text() for name in ("match_count.v", "lut6.v")}
    sources["lane_bench.v"] = LANE_WRAPPER.format(
        width=LANE_BITS,
        top=LANE_BITS - 1,
        count=LANE_BITS.bit_length() - 1,
        lut_inputs=target_of(target).lut_inputs,
    )
    area, _ = synthesize(sources, "lane_bench", target, cache, report=report)
    return round(area.luts / LANE_BITS, 2)


def read_results(path: Path) -> dict[str, Any]:
    """The file's contents, or nothing where there is no file yet."""
    results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return results


def record(path: Path, network: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Merge figures of a network into the file and return all of it."""
    results = read_results(path)
    merged = results.setdefault(network, {})
    for key, value in entry.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] |= value
        else:
            merged[key] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    return results


def table(results: Mapping[str, Any]) -> str:
    """The results as a Markdown table: one row per network, folding and target."""
    lines = [
        "| network | fold | target | LUTs | flip-flops | block RAMs | DSPs | LUTs per XNOR bit and cycle | Fmax, MHz | "
        "cycles/image | images/s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for network, entry in results.items():
        for target, row in entry.items():
            if not isinstance(row, dict):
                continue
            luts = row.get("lut6", row.get("lut4"))
            per_bit = row.get("lut6_per_bit", row.get("lut4_per_bit"))
            kind = "LUT6" if "lut6" in row else "LUT4"
            clock = f"{row['fmax_mhz']:.1f}" if "fmax_mhz" in row else "-"
            cycles = f"{row['cycles_per_image']:,}" if "cycles_per_image" in row else "-"
            rate = f"{row['images_per_s']:,}" if "images_per_s" in row else "-"
            lines.append(
                f"| {network} | {row['fold']} | {target} | {luts:,} {kind} | {row['flip_flops']:,} | "
                f"{row['block_rams']} | {row['dsp']} | {per_bit or '-'} | {clock} | {cycles} | {rate} |"
            )
    return "\n".join(lines)
