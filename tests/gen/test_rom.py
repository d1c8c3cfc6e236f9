# SPDX-License-Identifier: Apache-2.0
"""An emitted constant memory holds its words, however its text is cut into parts."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.render import environment
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages.rom import PART_WORDS, Rom, Words
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description

BENCH = """
module bench;
reg clk = 0;
reg [{top}:0] addr = 0;
wire [{data}:0] data;
integer n;
tiny_input_words dut (.clk(clk), .addr({{{lanes}{{addr}}}}), .data(data));
initial begin
    for (n = 0; n < {depth}; n = n + 1) begin
        addr = n;
        repeat (2) begin #1 clk = 1; #1 clk = 0; end
        $display("%h", data);
    end
end
endmodule
"""


@pytest.mark.simulator
@pytest.mark.parametrize(
    ("lanes", "depth", "width", "per_line"),
    [(1, 40, 7, 4), (2, 256, 9, 1), (1, 1088, 15, 1), (3, 1089, 6, 3), (2, 1100, 5, 11), (1, 80, 900, 8)],
)
def test_every_word_is_read_where_it_belongs(lanes: int, depth: int, width: int, per_line: int, tmp_path: Path) -> None:
    """Shallow and deep, lanes that share a block RAM, words that end within a part, constants of the longest kind."""
    draw = random.Random(depth)
    words = tuple(tuple(draw.getrandbits(width) for _ in range(depth)) for _ in range(lanes))
    comments = ["line"] * (depth // per_line)
    rom = Rom("words", "Words", "in order", width, Words.of(words), lambda: comments, per_line, latency=2)
    assert rom.at_once == (depth < 1024 and depth * width <= 65536)
    if not rom.at_once:
        assert len(rom.sections) > 1
        assert max(section.words for section in rom.sections) <= PART_WORDS
    description = random_description(NetworkConfig(4, 4, 1, 4, (2,), (1,), 3), seed=1, name="tiny")
    design = build_design(description, preset(description, "small"))
    text = environment().get_template("rom.v.j2").render(design=design, owner="input", rom=rom)
    (tmp_path / "rom.v").write_text(text)
    (tmp_path / "bench.v").write_text(
        BENCH.format(top=rom.addr_w - 1, data=lanes * width - 1, lanes=lanes, depth=depth)
    )
    subprocess.run(
        ["iverilog", "-g2005", "-Wall", "-s", "bench", "-o", "bench", "rom.v", "bench.v"], cwd=tmp_path, check=True
    )
    shown = subprocess.run(["vvp", "-n", "bench"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    found = [int(line, 16) for line in shown.splitlines()]
    expected = [sum(words[lane][n] << (lane * width) for lane in range(lanes)) for n in range(depth)]
    assert found == expected
