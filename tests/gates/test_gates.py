# SPDX-License-Identifier: Apache-2.0
"""A sample of the netlists, that a fault in one is found, and that a testbench finds its signals in a netlist."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.mutate.jobs import bench_jobs
from wsfracbnn.model.errors import InputError

from .__main__ import figures_of, page_of
from .blocks import Row, blocks, first_point, job_of, run
from .cells import cells_of, families
from .network import NetworkRow, at_netlist


def quiet(line: str) -> None:
    """Nobody waits here."""


@pytest.mark.simulator
@pytest.mark.synthesis
@pytest.mark.parametrize("family", families())
def test_a_block_in_each_familys_cells_passes_its_bench(tmp_path: Path, synthesis_cache: Path, family: str) -> None:
    job = job_of("stream_fifo", families()[family], tmp_path / "sources", synthesis_cache, quiet)
    row = run(job, family, tmp_path / "run")
    assert row.failed == ""
    assert row.tests == 5


@pytest.mark.simulator
@pytest.mark.synthesis
def test_a_memory_in_block_ram_passes_its_bench(tmp_path: Path, synthesis_cache: Path) -> None:
    """With the project's own model of the cell."""
    point = point_in_block_ram("stream_fifo")
    job = job_of("stream_fifo", families()["ecp5"], tmp_path / "sources", synthesis_cache, quiet, point)
    assert "DP16KD" in job.sources["stream_fifo_netlist.v"].read_text()
    assert run(job, "ecp5", tmp_path / "run").failed == ""


@pytest.mark.simulator
@pytest.mark.synthesis
def test_a_block_ram_that_writes_in_some_cycles_passes_its_bench(tmp_path: Path, synthesis_cache: Path) -> None:
    """Its write enable is tied high: only the bytes' own enables tell what a read collides with."""
    point = point_in_block_ram("operand_memory", SIMD=144)
    job = job_of("operand_memory", families()["ecp5"], tmp_path / "sources", synthesis_cache, quiet, point)
    netlist = job.sources["operand_memory_netlist.v"].read_text()
    assert re.search(r"\.DATA_WIDTH_A\(32'd36\)", netlist)
    assert ".WEA(1'h1)" in netlist
    assert run(job, "ecp5", tmp_path / "run").failed == ""


@pytest.mark.synthesis
def test_a_memory_meant_for_block_ram_is_in_luts_where_block_ram_has_no_model(
    tmp_path: Path, synthesis_cache: Path
) -> None:
    job = job_of(
        "operand_memory",
        families()["xc7"],
        tmp_path / "sources",
        synthesis_cache,
        quiet,
        point_in_block_ram("operand_memory"),
    )
    assert "RAMB" not in job.sources["operand_memory_netlist.v"].read_text()


def point_in_block_ram(block: str, **others: int) -> int:
    """The first point of a block's grid with its memory in block RAM, and with these parameters."""
    wanted = {"BLOCK": 1, **others}
    return next(n for n, job in enumerate(bench_jobs(block)) if wanted.items() <= job.parameters.items())


@pytest.mark.parametrize("family, cell", [("xc7", "RAMB18E1"), ("xc7", "RAMB36E1")])
def test_a_cell_without_a_model_is_refused(family: str, cell: str) -> None:
    with pytest.raises(InputError, match=f"{family}: the netlist has a cell {cell}, expected those"):
        cells_of(family, f"{cell} x ();")


def test_a_family_without_lut_ram_builds_memories_in_block_ram() -> None:
    found = families()
    assert first_point("operand_memory", found["ice40"]) == point_in_block_ram("operand_memory")
    assert first_point("operand_memory", found["ecp5"]) == 0
    assert first_point("stream_register", found["ice40"]) == 0


@pytest.mark.simulator
@pytest.mark.synthesis
def test_a_wrong_lut_in_a_netlist_is_found(tmp_path: Path, synthesis_cache: Path) -> None:
    job = job_of("stream_register", families()["ecp5"], tmp_path / "sources", synthesis_cache, quiet)
    netlist = job.sources["stream_register_netlist.v"]
    text, count = re.subn(
        r"\.INIT\(16'h(\w+)\)", lambda init: f".INIT(16'h{int(init[1], 16) ^ 0xFFFF:04x})", netlist.read_text(), count=1
    )
    assert count == 1
    netlist.write_text(text)
    assert run(job, "ecp5", tmp_path / "run").failed


def test_every_block_with_a_bench_has_a_netlist() -> None:
    assert len(blocks()) > 60


@pytest.mark.parametrize("family, cell", [("ecp5", "LUT4"), ("ice40", "SB_DFFESR"), ("xc7", "FDRE")])
def test_only_the_cells_of_a_netlist_are_taken(family: str, cell: str) -> None:
    found = re.findall(r"^module (\w+)", cells_of(family, f"{cell} x ();"), re.MULTILINE)
    assert found == [cell]


TESTBENCH = """stream_probe #(
    .WIDTH(4)
) probe_a (
    .tdata(dut.a_tdata)
);

busy_probe #(
    .INTERVAL(8)
) busy_a (
    .clk(clock),
    .busy(dut.{busy})
);
"""


def test_signals_of_stages_are_found_under_their_flattened_names() -> None:
    netlist = "  wire [3:0] a_tdata;\n  wire \\a.engine.step ;\n"
    found = at_netlist(TESTBENCH.replace("{busy}", "a.engine.step"), netlist)
    assert ".tdata(dut.a_tdata)" in found
    assert r".busy(dut.\a.engine.step )" in found


def test_an_engine_that_is_not_told_is_not_counted_and_a_stream_that_is_not_there_is_an_error() -> None:
    assert ".busy(1'b0)" in at_netlist(TESTBENCH.replace("{busy}", "a.engine.busy"), "  wire [3:0] a_tdata;\n")
    with pytest.raises(ValueError, match="a_tdata"):
        at_netlist(TESTBENCH, "  wire [3:0] b_tdata;\n")


def test_what_failed_is_counted_and_named() -> None:
    rows = {
        "blocks": {
            "1": asdict(Row("argmax", "ecp5", "CLASSES=10", 4, "", "")),
            "2": asdict(Row("argmax", "ice40", "CLASSES=10", 4, "passes", "")),
            "3": asdict(Row("linear", "ecp5", "", 3, "", "looks inside")),
        },
        "networks": {"4": asdict(NetworkRow("digits", "ecp5", "verilator", 20, 6, 1000, 2, "image 3"))},
    }
    figures = figures_of(rows)
    assert (figures["blocks"], figures["images"], figures["wrong"]) == (2, 20, 3)
    page = page_of(figures)
    assert "`argmax`: passes" in page
    assert "- `linear`: looks inside" in page
    assert "| digits | ecp5 | verilator | 20 | 6, 1,000 | 2 |" in page
