# SPDX-License-Identifier: Apache-2.0
"""Parity of constant memories: asked for in a folding, in the Verilog where it is, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.area import area_estimate
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages.rom import LONGEST_LOOP, PARITY_LINE, Rom, Words
from wsfracbnn.model.description import NetworkDescription


@pytest.mark.parametrize("depth", [1, 10, 256, 300, 6400])
def test_every_address_has_a_parity(depth: int) -> None:
    words = tuple((0x9E3779B97F4A7C15 * (a + 1)) ** 2 % 2**40 for a in range(depth))
    rom = Rom("words", "Words", "in order", 40, Words.of((words,)), lambda: ["word"] * depth)
    sections = rom.parity_sections
    assert all(section.words <= LONGEST_LOOP for section in [*sections, *rom.gaps])
    literals = [literal for section in sections for literal in rom.parity_literals(0, section)[::-1]]
    widths, values = zip(*((int(w), int(v, 16)) for w, v in (line.split("'h") for line in literals)), strict=True)
    assert all(width <= PARITY_LINE for width in widths)
    found = [value >> bit & 1 for width, value in zip(widths, values, strict=True) for bit in range(width)]
    assert found == [word.bit_count() % 2 for word in words] + [0] * (rom.addresses - depth)
    cleared = [address for gap in rom.gaps for address in range(gap.first, gap.end)]
    assert cleared == list(range(depth, rom.addresses))


def test_it_is_in_the_verilog_where_it_is_asked_for(digits_description: NetworkDescription) -> None:
    folding = preset(digits_description, "auto")
    plain, checked = (design_sources(build_design(digits_description, f)) for f in (folding, folding.with_rom_parity()))
    assert not any("parity" in text or "rom_error" in text for text in plain.values())
    assert plain.keys() == checked.keys()
    assert "output wire rom_error" in checked["digits_top.v"]
    roms = [stage_rom for stage in build_design(digits_description, folding).stages for stage_rom in stage.roms]
    assert sum("output wire parity_error" in text for text in checked.values()) == len(roms)


def test_a_folding_file_keeps_it(digits_description: NetworkDescription, tmp_path: Path) -> None:
    folding = preset(digits_description, "auto").with_rom_parity()
    (tmp_path / "fold.json").write_text(folding.text())
    assert read_folding(tmp_path / "fold.json", digits_description) == folding
    plain, checked = (build_design(digits_description, f) for f in (preset(digits_description, "auto"), folding))
    assert plain.build_id != checked.build_id


def test_its_area_is_not_estimated(digits_description: NetworkDescription) -> None:
    assert area_estimate(build_design(digits_description, preset(digits_description, "auto").with_rom_parity())) is None
