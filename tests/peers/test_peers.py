# SPDX-License-Identifier: Apache-2.0
"""benchmarks/peers.py: rows and tables, what simulations print, the ring around a design, kept steps, refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peer_designs.area import RING, Port, measure, ports_of, ring_around, smallest_device
from benchmarks.peer_designs.environment import CONSTRAINTS, TOOLS, kept, make_environment, run_exporter, version_of
from benchmarks.peer_designs.networks import Mlp, binary_layer
from benchmarks.peer_designs.results import (
    LayerRow,
    PeerResults,
    PeerRow,
    accelerator_table,
    add_row,
    layer_table,
    significant,
)
from benchmarks.peer_designs.simulation import Pipeline, read_nngen, run_pipeline
from wsfracbnn.gen.devices import family_named
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.synthesis.yosys import NETLIST, area_of, synthesize
from wsfracbnn.model.errors import InputError

ROW = PeerRow(
    "Tool 1.0", "net", "small", 98.5, 400, 2_000, 2_100, 10_000, 5_000, 3, 4, "ecp5-25f", 100.0, 11_000, 6_000, 2, 1
)
LAYER = LayerRow("Tool 1.0", "layer of 8 x 8", "constant", 64, 100, 80, 48)


def test_a_row_says_what_an_image_a_second_takes() -> None:
    assert ROW.images_per_s == 50_000
    assert ROW.lut4_per_rate == 0.2
    unrouted = replace(ROW, device=None, fmax_mhz=None)
    assert (unrouted.images_per_s, unrouted.lut4_per_rate) == (None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0000312, "0.000031"),
        (0.098, "0.098"),
        (0.2, "0.20"),
        (8.54, "8.5"),
        (12.4, "12"),
        (1234.5, "1,234"),
        (0, "0"),
    ],
)
def test_two_digits_are_shown_without_an_exponent(value: float, text: str) -> None:
    assert significant(value) == text


def test_tables_show_a_line_a_row() -> None:
    bare = replace(ROW, device=None, fmax_mhz=None, placed_lut4=None, lut6=None)
    lines = accelerator_table([ROW, bare]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == (
        "| Tool 1.0 | net, small | 98.50 % | 2,000 | 100.0 (ecp5-25f) | 50,000 | 10,000 | 20 | 0.20 | 11,000 "
        "| 4 | 3 | 6,000 | 400 |"
    )
    assert lines[3].endswith("| 2,000 | - | - | 10,000 | 20 | - | - | 4 | 3 | - | 400 |")
    lines = layer_table([LAYER]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| Tool 1.0 | layer of 8 x 8 | constant | 64 | 80 | 1.25 | 48 | 0.75 |"


def test_a_later_row_takes_the_place_of_an_earlier_one_of_any_version(tmp_path: Path) -> None:
    path = tmp_path / "results" / "peers.json"
    other = replace(ROW, options="large")
    for row in (ROW, LAYER, other, replace(ROW, tool="Tool 1.1", lut4=9_000)):
        written = add_row(path, row)
    assert written == PeerResults.read(path)
    assert [(row.tool, row.options, row.lut4) for row in written.accelerators] == [
        ("Tool 1.1", "small", 9_000),
        ("Tool 1.0", "large", 10_000),
    ]
    assert written.layers == (LAYER,)


def test_an_earlier_row_keeps_its_clock_where_the_new_one_agrees_with_it(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    add_row(path, ROW)
    bare = replace(ROW, device=None, fmax_mhz=None, placed_lut4=None, lut6=None, xc7_block_rams=None, xc7_dsps=None)
    assert add_row(path, bare).accelerators == (ROW,)
    other = replace(bare, lut4=ROW.lut4 + 1)
    assert add_row(path, other).accelerators == (other,)


def test_a_file_of_another_form_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    path.write_text('{"accelerators": [], "layers": [{"tool": "a"}]}')
    with pytest.raises(InputError, match=r"peers\.json: not a file of peers' results \(layers\[0\]: .*layer"):
        PeerResults.read(path)
    path.write_text('{"accelerators": []}')
    with pytest.raises(InputError, match="not a file of peers' results"):
        PeerResults.read(path)


def test_the_page_shows_the_recorded_rows() -> None:
    found = PeerResults.read(ROOT / "results" / "peers.json")
    page = (ROOT / "docs" / "hardware.md").read_text()
    assert f"<!-- peers -->\n{accelerator_table(found.accelerators)}\n<!-- /peers -->" in page
    assert f"<!-- binary-layers -->\n{layer_table(found.layers)}\n<!-- /binary-layers -->" in page


def test_nngen_s_logits_are_read_image_by_image_with_their_signs() -> None:
    printed = "cycles        61\nlogit  -3\nlogit 253\n- a.v:1: $finish\ncycles        60\nlogit 127\nlogit 0\n"
    logits, cycles = read_nngen(printed, 2, 2)
    assert logits.tolist() == [[-3, -3], [127, 0]]
    assert cycles == [61, 60]
    with pytest.raises(InputError, match="2 images, 4 logits, expected 3 images"):
        read_nngen(printed, 3, 2)


def test_a_step_is_done_once_for_the_same_inputs_and_leaves_nothing_when_it_fails(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "a.txt").write_text("done")

    first = kept(tmp_path, "step", ["x", b"y"], make)
    assert kept(tmp_path, "step", ["x", b"y"], make) == first
    assert len(made) == 1
    assert (first / "a.txt").read_text() == "done"
    assert kept(tmp_path, "step", ["xy", b""], make) != first

    def fail(folder: Path) -> None:
        (folder / "a.txt").write_text("half")
        raise InputError("no")

    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="no"):
        kept(tmp_path, "step", ["z"], fail)
    assert sorted(tmp_path.iterdir()) == before


def test_both_tools_are_pinned() -> None:
    pins = [line for line in CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    assert all(line.count("==") == 1 for line in pins)
    assert all(version_of(tool) for tool in TOOLS)


def test_the_smallest_device_that_holds_a_design_is_taken() -> None:
    family = family_named("ecp5")
    assert smallest_device(area_of({"LUT4": 10_000}, family)) == "ecp5-25f"
    assert smallest_device(area_of({"LUT4": 18_000}, family)) == "ecp5-45f"
    assert smallest_device(area_of({"LUT4": 10_000, "DP16KD": 200}, family)) == "ecp5-85f"
    assert smallest_device(area_of({"LUT4": 90_000}, family)) is None


def test_a_ring_connects_every_bit_of_every_port_but_the_clock() -> None:
    ports = [Port("a", True, 3), Port("clk", True, 1), Port("q", False, 2), Port("ready", False, 1)]
    text = ring_around("thing", ports, "clk")
    assert "reg [3:0] given;" in text
    assert "wire [2:0] found;" in text
    assert ".clk(clk), .a(given[0 +: 3]), .q(found[0 +: 2]), .ready(found[2 +: 1])" in text


SUMS = """
module sums(input clk, input [7:0] model_inp, output reg [8:0] model_out);
reg [7:0] x;
always @(posedge clk) begin
    x <= model_inp;
    model_out <= {x[3:0] + x[7:4], x[3:0] OPERATION x[7:4]};
end
endmodule
""".replace("{x[3:0] + x[7:4],", "{{1'b0, x[3:0]} + {1'b0, x[7:4]},")


@pytest.mark.synthesis
def test_a_ring_adds_no_lut_to_the_design_that_is_measured(tmp_path: Path) -> None:
    source = {"sums.v": SUMS.replace("OPERATION", "-")}
    alone, folder = synthesize(source, "sums", family_named("ecp5"), tmp_path, report=lambda line: None)
    assert [port.name for port in ports_of(folder / NETLIST, "sums")] == ["clk", "model_inp", "model_out"]
    assert alone.luts > 0
    measured = measure(source, "sums", "clk", tmp_path, lambda line: None, steps=("xc7",))
    assert (measured.ecp5.luts, measured.ecp5.flip_flops) == (alone.luts, alone.flip_flops)
    assert measured.xc7 is not None
    assert measured.xc7.luts > 0
    assert measured.routed is None
    assert RING not in source


@pytest.mark.simulator
def test_a_pipeline_s_outputs_are_those_of_the_images_in_their_order(tmp_path: Path) -> None:
    pipeline = Pipeline("sums", 1, (4, 4), (4, 5), (True, False))
    x = np.random.default_rng(1).integers(0, 16, (40, 2))
    difference = (x[:, 0] - x[:, 1] + 8) % 16 - 8
    expected = np.stack([difference, x.sum(axis=1)], axis=1)
    source = tmp_path / "sums.v"
    source.write_text(SUMS.replace("OPERATION", "-"))
    assert np.array_equal(run_pipeline(pipeline, [source], x, tmp_path), expected)
    broken = tmp_path / "broken"
    broken.mkdir()
    source.write_text(SUMS.replace("OPERATION", "^"))
    assert not np.array_equal(run_pipeline(pipeline, [source], x, broken), expected)


def test_an_unknown_design_is_refused_before_any_work(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--only", "hls4ml"]
    command += ["--results", str(tmp_path / "peers.json"), "--cache", str(tmp_path / "cache")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 2
    assert "error: --only: found 'hls4ml', expected some of da4ml-layer," in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.simulator
@pytest.mark.skipif("WSFRACBNN_PEERS" not in os.environ, reason="installs da4ml and NNgen; set WSFRACBNN_PEERS to ask")
def test_da4ml_builds_what_numpy_computes(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "venv")
    network = binary_layer(8, 4, seed=1)
    x = np.random.default_rng(1).integers(0, 2, (30, 8))
    _export_and_run(python, network, x, tmp_path)
    random = np.random.default_rng(2)
    weights = (random.integers(-1, 2, (8, 6)), random.integers(-1, 2, (6, 3)))
    deep = Mlp(4, 4, weights, (random.integers(-9, 9, 6), random.integers(-9, 9, 3)), (2,))
    _export_and_run(python, deep, random.integers(0, 16, (30, 8)), tmp_path)


def _export_and_run(python: Path, network: Mlp, x: np.ndarray[tuple[int, ...], np.dtype[np.int64]], work: Path) -> None:
    """da4ml's own model and its Verilog in simulation compute what numpy does."""

    def export(folder: Path) -> None:
        network.write(folder / "network.npz")
        np.save(folder / "inputs.npy", x)
        run_exporter(
            python, "da4ml_export.py", str(folder / "network.npz"), str(folder / "inputs.npy"), "2", str(folder)
        )

    folder = kept(work, "export", [str(network.weights)], export)
    assert np.array_equal(np.load(folder / "predictions.npy"), network.logits(x))
    pipeline = Pipeline.read("da4ml_network", folder / "ports.json")
    run = folder / "run"
    run.mkdir()
    assert np.array_equal(run_pipeline(pipeline, sorted(folder.glob("*.v")), x, run), network.logits(x))
