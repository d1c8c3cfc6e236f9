# SPDX-License-Identifier: Apache-2.0
"""The open tools on a board's whole project: pads, PLL, reset, serial line; a few gates stand for the accelerator.

Among them is the one block that keeps its hierarchy, which tools treat in ways of their own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from wsfracbnn.gen.boards.catalog import BOARDS, board_named
from wsfracbnn.gen.boards.project import make_project
from wsfracbnn.gen.boards.toolchain import make_bitstream, require_tools
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

STAND_IN = """
module {top} (
    input clk, input rst,
    input [7:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready, input s_axis_tlast,
    output [31:0] m_axis_tdata, output m_axis_tvalid, input m_axis_tready, output m_axis_tlast,
    output [1:0] m_axis_tuser, output frame_error, output [15:0] dropped_frames
);
reg [31:0] sum;
reg done;
wire own_rst;
{name}_reset_register own (.clk(clk), .rst(rst), .rst_copy(own_rst));
assign s_axis_tready = !done;
assign m_axis_tdata = sum;
assign m_axis_tvalid = done;
assign m_axis_tlast = 1'b1;
assign m_axis_tuser = sum[1:0];
assign frame_error = 1'b0;
assign dropped_frames = 16'd0;
always @(posedge clk) begin
    if (s_axis_tvalid && s_axis_tready) begin
        sum <= sum + s_axis_tdata;
        done <= s_axis_tlast;
    end else if (m_axis_tready) begin
        done <= 1'b0;
    end
    if (own_rst) begin
        sum <= 32'd0;
        done <= 1'b0;
    end
end
endmodule
"""

PREAMBLES = {
    "ulx3s-25f": b"LFE5U-25F",
    "orangecrab-85f": b"LFE5U-85F",
    "icebreaker": b"\x7e\xaa\x99\x7e",
    "tang-nano-20k": b"1010010111000011",  # A5 C3, a digit a bit
}
"""What the beginning of each bitstream must hold: the part's name, or the format's preamble."""


@pytest.mark.synthesis
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "mhz"), [("ulx3s-25f", None), ("orangecrab-85f", None), ("icebreaker", 24), ("tang-nano-20k", 54)]
)
def test_the_open_tools_make_a_bitstream(
    name: str, mhz: float | None, tiny: NetworkDescription, tmp_path: Path
) -> None:
    board = board_named(name)
    design = build_design(tiny, choose_folding(tiny, "small").for_family(board.family))
    project = make_project(board, design, mhz=mhz, baud=1_000_000)
    try:
        require_tools(project)
    except InputError as missing:
        pytest.skip(str(missing))
    assert design.input.pixel_w == 8
    assert design.head.class_w == 2
    files = {**project.files, f"rtl/{design.top}.v": STAND_IN.format(top=design.top, name=design.name)}
    made = make_bitstream(replace(project, files=files), tmp_path, report=lambda line: None)
    assert PREAMBLES[name] in made.contents[:2000]
    assert 300 < made.area.luts < 3000
    assert made.fmax_mhz >= project.build.clock.mhz
    assert project.build.clock.cells
    assert any("PLL" in kind and used[0] == 1 for kind, used in made.used.items())
    if board.family.name in ("ecp5", "ice40"):  # nextpnr's own reading of the PLL's parameters
        logs = "".join(path.read_text() for path in tmp_path.glob("*/top.tim"))
        derived = re.findall(r"Derived frequency constraint of ([0-9.]+) MHz", logs)
        assert [float(mhz) for mhz in derived] == [pytest.approx(project.build.clock.mhz, abs=0.1)]


@pytest.mark.synthesis
@pytest.mark.timeout(1800)
def test_a_small_network_fits_the_smallest_board(tmp_path: Path) -> None:
    """An iCEBreaker holds a network of the digits' images and classes in the sequential architecture."""
    board = board_named("icebreaker")
    config = NetworkConfig(8, 8, 1, 4, (4, 8), (1, 1), 10)
    description = random_description(config, seed=1, name="small", wild=False)
    folding = choose_folding(description, "sequential").for_family(board.family)
    project = make_project(board, build_design(description, folding), baud=1_000_000)
    try:
        require_tools(project)
    except InputError as missing:
        pytest.skip(str(missing))
    made = make_bitstream(project, tmp_path, report=lambda line: None)
    used, available = made.used["ICESTORM_LC"]
    assert used <= available == board.device.luts
    assert made.fmax_mhz >= project.build.clock.mhz


def test_each_open_family_is_run() -> None:
    families = {board.family.name for board in BOARDS.values() if board.open_tools}
    assert {board_named(name).family.name for name in PREAMBLES} == families
