# SPDX-License-Identifier: Apache-2.0
"""Area of XNOR and popcount beside what they were chosen over.

    .venv/bin/python benchmarks/block_area.py [--page docs/hardware.md]

Synthesizes with Yosys, as `wsfracbnn synth` does: XNOR and popcount of 144 bits (`match_count`) on an ECP5 and a
7 series, with and without what the project chose. Prints the table, writes it to results/blocks.json and to the section
'blocks' of the page. A minute.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.gen.devices import FAMILIES, Family
from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.gen.synthesis.yosys import LANE_BITS, lane_sources, synthesize
from wsfracbnn.model.files import write_text
from wsfracbnn.model.rows import markdown_table

RESULTS = ROOT / "results" / "blocks.json"
CACHE = ROOT / "build" / "synthesis"

BINARY_ADDERS = f"""
module lane_bench(
    input clk, input [{LANE_BITS - 1}:0] data, input [{LANE_BITS - 1}:0] weight, output [9:0] count);
wire [{2 * LANE_BITS - 1}:0] matches;
genvar i;
generate
    for (i = 0; i < {LANE_BITS}; i = i + 1) begin : bits
        assign matches[2*i +: 2] = {{1'b0, ~(data[i] ^ weight[i])}};
    end
endgenerate
adder_tree #(.VALUES({LANE_BITS}), .WIDTH(2)) tree (.clk(clk), .values(matches), .sum(count));
endmodule
"""


@dataclass(frozen=True)
class BlockArea:
    """LUTs of one block on one family. operations: XNORs that it computes in a cycle."""

    block: str
    family: str
    luts: int
    operations: int

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        unit = f"LUT{FAMILIES[self.family].lut_inputs}"
        per = self.luts / self.operations
        return self.block, self.family, f"{self.luts:,} {unit}", f"{self.operations:,}", f"{per:.2f}"


def popcounts() -> Iterator[tuple[str, Family, dict[str, str]]]:
    """Name, family and sources of each way to count the matches of two vectors of 144 bits."""
    ecp5, xc7 = FAMILIES["ecp5"], FAMILIES["xc7"]
    yield "`match_count`", ecp5, lane_sources(ecp5)
    yield "`match_count`, Yosys without `-nowidelut`", replace(ecp5, command="synth_ecp5"), lane_sources(ecp5)
    yield "`match_count`", xc7, lane_sources(xc7)
    taken_apart = lane_sources(xc7)
    taken_apart["lut6.v"] = taken_apart["lut6.v"].replace('keep_hierarchy = "yes", ', "")
    assert taken_apart != lane_sources(xc7)
    yield "`match_count`, `lut6` not kept as a cell", xc7, taken_apart
    adders = {"adder_tree.v": (RTL / "adder_tree.v").read_text(), "lane_bench.v": BINARY_ADDERS}
    for family in (ecp5, xc7):
        yield "XNOR and `adder_tree`", family, adders


def measure() -> list[BlockArea]:
    """All rows."""
    rows = []
    for name, family, sources in popcounts():
        area, _ = synthesize(sources, "lane_bench", family, CACHE)
        rows.append(BlockArea(name, family.name, area.luts, LANE_BITS))
    return rows


def main(page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'blocks'.")] = None) -> None:
    """Measure, print, record."""
    if page is not None:
        require_section(page, "blocks")
    rows = measure()
    write_text(RESULTS, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    table = markdown_table(("block", "family", "LUTs", "XNORs a cycle", "LUTs each"), [row.cells for row in rows])
    print(table)
    if page is not None:
        replace_section(page, "blocks", table)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
