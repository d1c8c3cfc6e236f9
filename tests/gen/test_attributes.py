# SPDX-License-Identifier: Apache-2.0
"""Synthesis attributes: each stands in the spelling of all vendors."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import RTL, TEMPLATES

ATTRIBUTES = {
    '(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)',
    '(* ramstyle = "no_rw_check", syn_ramstyle = "no_rw_check", no_rw_check *)',
    '(* rom_style = "block", syn_romstyle = "block_rom" *)',
    '(* rom_style = "logic", syn_romstyle = "logic" *)',
    '(* keep = "true", preserve, dont_merge, syn_keep = 1, syn_preserve = 1 *)',
    '(* keep_hierarchy = "yes", syn_hier = "hard" *)',
    '(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)',
    '(* ram_style = "block", syn_ramstyle = "block_ram,no_rw_check", ramstyle = "no_rw_check", no_rw_check *)',
    '(* ram_style = "distributed", syn_ramstyle = "distributed,no_rw_check", ramstyle = "MLAB,no_rw_check", '
    "no_rw_check *)",
    '(* wsfracbnn_build = "{{ design.short_build_id }}" *)',
}
SOURCES = [*sorted(RTL.rglob("*.v")), *sorted(TEMPLATES.glob("*.v.j2"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_an_attribute_stands_in_every_spelling(path: Path) -> None:
    assert set(re.findall(r"^ *(\(\*.*\*\))$", path.read_text(), re.MULTILINE)) <= ATTRIBUTES
