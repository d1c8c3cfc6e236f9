# SPDX-License-Identifier: Apache-2.0
"""Windows in memories: which stages have them there, on which parts, in a file and at what size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.presets import preset, stage_choices
from wsfracbnn.gen.sizing.solver import AreaModel
from wsfracbnn.gen.stages import MemoryConvStage
from wsfracbnn.gen.stages.folding import Folding, Target
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


def in_registers(folding: Folding) -> Folding:
    return replace(folding, stages={name: replace(fold, in_memory=False) for name, fold in folding.stages.items()})


def test_presets_have_them_where_there_are_groups_enough(digits_description: NetworkDescription) -> None:
    for name, in_memory in (("auto", True), ("small", True), ("fast", False)):
        convs = build_design(digits_description, preset(digits_description, name)).convs
        assert {isinstance(conv, MemoryConvStage) for conv in convs} == {in_memory}, name


def test_they_take_fewer_luts_and_flip_flops(digits_description: NetworkDescription) -> None:
    folding = preset(digits_description, "auto")
    for name in ("ecp5", "xc7"):
        memory, registers = (
            estimate(build_design(digits_description, chosen.for_family(FAMILIES[name])), FAMILIES[name])
            for chosen in (folding, in_registers(folding))
        )
        assert memory.luts < 0.9 * registers.luts
        assert memory.flip_flops < 0.7 * registers.flip_flops
        assert registers.block_rams < memory.block_rams <= registers.block_rams + 4


def test_a_family_without_lut_ram_has_none(digits_description: NetworkDescription) -> None:
    ice40 = FAMILIES["ice40"]
    moved = preset(digits_description, "auto").for_family(ice40)
    assert moved == replace(in_registers(preset(digits_description, "auto")), target=Target.of(ice40))
    cheapest = AreaModel(digits_description, ice40).cheapest(100_000)
    assert not any(fold.in_memory for fold in cheapest.values())


def test_a_folding_file_brings_them_back(digits_description: NetworkDescription, tmp_path: Path) -> None:
    folding = preset(digits_description, "auto")
    assert folding.to_json()["stage_01"] == {"pe": 1, "simd": 144, "windows": "memory"}
    (tmp_path / "fold.json").write_text(folding.text())
    assert read_folding(tmp_path / "fold.json", digits_description) == folding


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"stage_01": {"pe": 2, "simd": 144, "windows": "memory"}}, r"at least 9 \* PE output channels"),
        ({"head": {"pe": 1, "simd": 1, "windows": "memory"}}, r"key 'head\.windows': found 'memory'"),
        ({"stage_01": {"pe": 1, "simd": 144, "windows": "registers"}}, r"key 'stage_01\.windows'"),
        ({"target": {"family": "ice40"}}, "since the family 'ice40' has no LUT RAM"),
    ],
)
def test_a_file_that_asks_for_what_cannot_be_is_refused(
    digits_description: NetworkDescription, tmp_path: Path, changed: dict[str, object], reason: str
) -> None:
    (tmp_path / "fold.json").write_text(json.dumps(preset(digits_description, "auto").to_json() | changed))
    with pytest.raises(InputError, match=reason):
        read_folding(tmp_path / "fold.json", digits_description)


def test_memories_are_as_deep_as_their_windows(digits_description: NetworkDescription) -> None:
    """As many windows as fill sixteen words, two at least; four rows of chunks of pixels."""
    seen = set()
    for name, layer in digits_description.named_layers():
        for fold in (fold for fold in stage_choices(layer) if fold.in_memory and fold.lanes is None):
            folding = preset(digits_description, "small").with_stages({name: fold})
            stage = next(s for s in build_design(digits_description, folding).convs if s.name == name)
            assert isinstance(stage, MemoryConvStage)
            chunks = layer.in_channels * 9 // fold.simd
            seen.add((chunks, stage.slots, stage.tap_words))
            assert stage.line_words == 4 * layer.width * chunks  # both powers of two here
    assert seen == {(1, 8, 16), (2, 4, 16), (4, 2, 16), (8, 2, 32), (16, 2, 64), (32, 2, 128)}
