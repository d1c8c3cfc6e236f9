# SPDX-License-Identifier: Apache-2.0
"""Where a netlist's cells are counted, on netlists written here, and that each counts once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.synthesis.breakdown import BREAKDOWN, break_down, by_function, by_part
from wsfracbnn.gen.synthesis.cached import PartArea
from wsfracbnn.gen.synthesis.functions import AROUND, OF_BLOCK, OF_HELPER, STAGE, function_of
from wsfracbnn.gen.synthesis.table import breakdown_tables
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

ECP5 = FAMILIES["ecp5"]
YOSYS = "/share/lattice/cells_map_trellis.v:1.1-2.2"


@pytest.fixture(scope="module")
def design() -> AcceleratorDesign:
    network = random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=3, name="tiny")
    return build_design(network, preset(network, "small"))


def scope(module: str) -> dict[str, Any]:
    """The cell that flattening leaves of an instance."""
    attributes = {"module": f"$paramod\\{module}", "module_hdlname": module, "module_src": f"{module}.v:1.1-9.9"}
    return {"type": "$scopeinfo", "attributes": attributes}


def lut(inputs: list[int | str], output: int) -> dict[str, Any]:
    return {
        "type": "LUT4",
        "attributes": {"src": YOSYS},
        "connections": {"A": inputs, "Z": [output]},
        "port_directions": {"A": "input", "Z": "output"},
    }


def register(data: int, output: int, file: str) -> dict[str, Any]:
    return {
        "type": "TRELLIS_FF",
        "attributes": {"src": f"{file}:5.5-6.6|{YOSYS}" if file else YOSYS},
        "connections": {"DI": [data], "Q": [output]},
        "port_directions": {"DI": "input", "Q": "output"},
    }


def signal(path: str, *bits: int | str, src: str = "a.v:1.1-1.2") -> dict[str, Any]:
    """A signal of the source's, whose instances and name have blanks between."""
    return {"hide_name": 0, "bits": list(bits), "attributes": {"hdlname": path, "src": src}}


SCOPES = {
    "stage_01": scope("tiny_stage_01"),
    "stage_02": scope("tiny_stage_02"),
    "stage_01.entry": scope("tiny_stream_register"),
    "stage_01.engine": scope("tiny_fractional_engine"),
    "stage_01.engine.lanes[0].fractional": scope("tiny_fractional_lane"),
    "stage_01.engine.lanes[0].fractional.list": scope("tiny_stream_fifo"),
    "stage_01.engine.lanes[0].fractional.xnor_popcount": scope("tiny_xnor_lane"),
    "stage_01.weights_rom": scope("tiny_stage_01_weights"),
    "stage_02.thresholds_rom": scope("tiny_stage_02_thresholds"),
    "stage_02.own": scope("tiny_own_block"),
    "guard": scope("tiny_frame_guard"),
}
LANE = "stage_01 engine lanes[0].fractional"


def counted(
    design: AcceleratorDesign, run: Path, cells: Mapping[str, Any], nets: Mapping[str, Any]
) -> dict[tuple[str, str], PartArea]:
    """The breakdown of a netlist of these cells, which must not lose one."""
    modules = {
        design.top: {"attributes": {"src": "tiny_top.v:1.1-9.9"}, "cells": {**SCOPES, **cells}, "netnames": nets},
        "tiny_kept": {"attributes": {}, "cells": {"a": {"type": "LUT4"}, "b": {"type": "TRELLIS_FF"}}},
        "DP16KD": {"attributes": {"blackbox": "1"}, "cells": {"$specify$1": {"type": "$specify3"}}},
    }
    (run / "netlist.json").write_text(json.dumps({"modules": modules}))
    shares = break_down(design, run, ECP5)
    total = sum((share.area for share in shares), PartArea(0, 0, 0))
    assert sum(by_part(shares, design).values(), PartArea(0, 0, 0)) == total
    assert sum(by_function(shares).values(), PartArea(0, 0, 0)) == total
    return {(share.part, share.function): share.area for share in shares}


def test_memories_and_kept_modules_count_by_their_names(design: AcceleratorDesign, tmp_path: Path) -> None:
    """A CCU2C has two LUTs, a TRELLIS_DPR16X4 six; Yosys shows a body of a block RAM, which is one all the same."""
    cells = {
        "stage_01.weights_rom.memory_0.0.0": {"type": "DP16KD"},
        "stage_01.engine.lanes[0].fractional.list.memory.0": {"type": "TRELLIS_DPR16X4"},
        "stage_01.engine.lanes[0].fractional.xnor_popcount.lut": {"type": "tiny_kept"},
        "\\stage_02.thresholds_rom.memory_0.0.0": {"type": "DP16KD"},
        "guard.x": {"type": "CCU2C"},
        "stage_010.not_a_stage": {"type": "LUT4"},
    }
    assert counted(design, tmp_path, cells, {}) == {
        ("stage_01", "weights"): PartArea(0, 0, 1),
        ("stage_01", "lists and gates"): PartArea(6, 0, 0),
        ("stage_01", "XNOR and popcount"): PartArea(1, 1, 0),
        ("stage_02", "quantizer"): PartArea(0, 0, 1),
        ("", "frame guard"): PartArea(2, 0, 0),
        ("", AROUND): PartArea(1, 0, 0),
    }


def test_a_register_counts_where_the_source_has_it(design: AcceleratorDesign, tmp_path: Path) -> None:
    """Whatever name of its signal was kept: the reader's, the sender's, or one of the stage around both."""
    nets = {
        "sender": signal(f"{LANE} xnor_popcount sum", 10),
        "reader": signal(f"{LANE} sum", 10),
        "in the stage alone": signal("stage_01 weight_data", 20),
        "nobody says": signal("stage_01 queued", 30),
    }
    cells = {
        "a": register(1, 10, "tiny_fractional_lane.v"),
        "b": register(1, 20, "tiny_stage_01_weights.v"),
        "c": register(1, 30, ""),
    }
    assert counted(design, tmp_path, cells, nets) == {
        ("stage_01", "lists and gates"): PartArea(0, 1, 0),
        ("stage_01", "weights"): PartArea(0, 1, 0),
        ("stage_01", STAGE): PartArea(0, 1, 0),
    }


def test_words_of_a_constant_memory_count_with_it(design: AcceleratorDesign, tmp_path: Path) -> None:
    """Their registers lose their place in the source, and their signal may keep the name that a reader gives it."""
    nets = {"word": signal(f"{LANE} weight_data", 10), "other": signal(f"{LANE} other_data", 20)}
    cells = {"a": register(5, 10, ""), "b": lut([1, 2], 5), "c": register(1, 20, "")}
    assert counted(design, tmp_path, cells, nets) == {
        ("stage_01", "weights"): PartArea(1, 1, 0),
        ("stage_01", "lists and gates"): PartArea(0, 1, 0),
    }


def test_a_lut_counts_where_its_signal_is_else_where_that_is_read(design: AcceleratorDesign, tmp_path: Path) -> None:
    nets = {
        "tdata in one": signal("stage_01 entry m_axis_tdata", 10),
        "tdata in the next": signal("stage_02 s_axis_tdata", 10),
        "from": signal("stage_01 entry full", 1),
        "list": signal(f"{LANE} list full", 40),
        "block": signal("stage_02 own x", 60),
        # Synthesis names signals after others, in the form of the source's.
        "stage_01.entry.full_LUT4_Z": signal("stage_01 entry.full_LUT4_Z", 20),
        "stage_01_LUT4_Z": signal("stage_01 m_axis_LUT4_Z", 30, src=YOSYS),
        "$hidden": {"hide_name": 1, "bits": [30], "attributes": {"src": "a.v:1.1-1.1"}},
    }
    cells = {
        "stage_02.a": lut(["0", 1], 10),  # named by both, reads the first stage
        "stage_01.entry.b": lut([1], 20),  # is read by the next alone
        "stage_01.entry.c": lut([20], 30),  # is read by the next alone
        "stage_01.entry.d": lut([30], 40),  # drives a signal of the list
        "e": lut([40], 60),  # drives a signal of a block that is not this project's
        "stage_02.f": lut([40], 70),  # nobody names or reads what it drives
    }
    assert counted(design, tmp_path, cells, nets) == {
        ("stage_01", "streams"): PartArea(1, 0, 0),
        ("stage_01", "lists and gates"): PartArea(3, 0, 0),
        ("stage_02", "own_block"): PartArea(1, 0, 0),
        ("stage_02", STAGE): PartArea(1, 0, 0),
    }


def test_counts_are_kept_beside_the_netlist(design: AcceleratorDesign, tmp_path: Path) -> None:
    first = counted(design, tmp_path, {"guard.x": {"type": "LUT4"}}, {})
    (tmp_path / "netlist.json").unlink()
    assert {(share.part, share.function): share.area for share in break_down(design, tmp_path, ECP5)} == first
    (tmp_path / BREAKDOWN).write_text('[{"part": "", "function": 3}]')
    with pytest.raises(InputError, match=r"breakdown\.json: not the breakdown of an area"):
        break_down(design, tmp_path, ECP5)


def test_the_tables_add_up(design: AcceleratorDesign, tmp_path: Path) -> None:
    cells = {
        **{f"stage_01.engine.lanes[0].fractional.xnor_popcount.l{n}": {"type": "tiny_kept"} for n in range(3)},
        "guard.x": {"type": "CCU2C"},
        "stage_01.weights_rom.memory_0.0.0": {"type": "DP16KD"},
    }
    counted(design, tmp_path, cells, {})
    lines = breakdown_tables(break_down(design, tmp_path, ECP5), ECP5).splitlines()
    assert "| XNOR and popcount | 3 | 60.0% | 3 | 0 |" in lines
    assert "| total | 5 | 100.0% | 3 | 1 |" in lines
    assert "| stage_01 | 3 | 60.0% | 3 | 1 | XNOR and popcount 3, weights 0 |" in lines
    assert "| around the stages | 2 | 40.0% | 0 | 0 | frame guard 2 |" in lines


def test_every_block_has_a_function() -> None:
    """One that is new would count under its own name; here it gets one."""
    blocks = {path.stem for path in RTL.glob("*.v")}
    assert blocks == OF_BLOCK.keys() | OF_HELPER.keys()


def test_a_helper_counts_with_the_block_that_it_is_in() -> None:
    assert function_of("stream_fifo", "list", "lists and gates") == "lists and gates"
    assert function_of("stream_fifo", "skip_fifo", STAGE) == "FIFOs"
    assert function_of("affine", "scale", STAGE) == "scale and RPReLU"
    assert function_of("affine_multiply", "scale", STAGE) == "scale and RPReLU"
    assert function_of("scale_rprelu", "affine", STAGE) == "scale and RPReLU"
    assert function_of("tiny_stage_01_weights", "weights_rom", STAGE) == "weights"
    assert function_of("anything", "new_rom", STAGE) == "new"
