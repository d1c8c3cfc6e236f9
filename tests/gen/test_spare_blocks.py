# SPDX-License-Identifier: Apache-2.0
"""Memories moved to block RAM: which, how many, in a file, in the Verilog; and where there is none to spare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES, Device
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.presets import fastest_cycles, possible_cycles, preset
from wsfracbnn.gen.sizing.solver import AreaModel
from wsfracbnn.gen.sizing.spare_blocks import SPENT, with_spare_blocks
from wsfracbnn.gen.sizing.targets import cheapest_foldings, choose_folding
from wsfracbnn.gen.stages.folding import Folding, StageFold, Target
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

ECP5 = FAMILIES["ecp5"]


def moved(folding: Folding) -> dict[str, tuple[str, ...]]:
    """The stages that have something moved."""
    return {name: fold.moved for name, fold in folding.stages.items() if fold.moved}


def blocks(description: NetworkDescription, folding: Folding) -> int:
    return estimate(build_design(description, folding), ECP5).block_rams


@pytest.mark.parametrize("name", ["auto", "small", "fast"])
def test_presets_spend_what_their_device_leaves(digits_description: NetworkDescription, name: str) -> None:
    plain, chosen = preset(digits_description, name), choose_folding(digits_description, name)
    before, after = (estimate(build_design(digits_description, f), ECP5) for f in (plain, chosen))
    device = min((d for d in DEVICES.values() if d.family == "ecp5" and before.fits(d)), key=lambda d: d.luts)
    assert after.luts < before.luts
    assert before.block_rams < after.block_rams <= SPENT * device.block_rams
    assert {n: replace(f, moved=()) for n, f in chosen.stages.items()} == plain.stages


@pytest.mark.parametrize("name", ["auto", "cycles=3000"])
def test_no_more_is_spent_than_the_device_has_that_is_asked_for(
    digits_description: NetworkDescription, name: str
) -> None:
    """A board's device may be of a family that has no area model."""
    small = Device("other", "gowin", luts=20_736, flip_flops=15_552, block_rams=46)
    usual, chosen = choose_folding(digits_description, name), choose_folding(digits_description, name, small)
    assert blocks(digits_description, usual) > SPENT * small.block_rams
    assert moved(chosen) != moved(usual)
    assert blocks(digits_description, chosen) <= SPENT * small.block_rams
    ice40 = next(device for device in DEVICES.values() if device.family == "ice40")
    assert moved(choose_folding(digits_description, "auto", ice40)) == {}


def test_what_saves_most_for_a_block_ram_goes_first(digits_description: NetworkDescription) -> None:
    """One block RAM only is left: for the sums of the upper row, of more LUTs than a fourth of a window's operands."""
    folding = preset(digits_description, "auto").for_device(DEVICES["ecp5-25f"])
    used = blocks(digits_description, folding)
    one_left = replace(DEVICES["ecp5-25f"], block_rams=round((used + 1) / SPENT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DEVICES, "ecp5-25f", one_left)
        assert moved(with_spare_blocks(AreaModel(digits_description), folding)) == {"stage_03": ("pool_uppers",)}
        patch.setitem(DEVICES, "ecp5-25f", replace(one_left, block_rams=used))
        assert with_spare_blocks(AreaModel(digits_description), folding) == folding


def test_a_named_device_has_its_own(digits_description: NetworkDescription) -> None:
    folding = preset(digits_description, "auto")
    small, large = (
        with_spare_blocks(AreaModel(digits_description), folding.for_device(DEVICES[n]))
        for n in ("ecp5-25f", "ecp5-85f")
    )
    assert "weights" not in moved(small)["stage_01"]
    assert moved(large)["stage_01"] == ("taps", "weights")
    assert blocks(digits_description, small) < blocks(digits_description, large)


def test_a_slower_target_does_not_cost_more(digits_description: NetworkDescription) -> None:
    """Of the fastest folding one memory more may move than of a slower one, which alone takes less."""
    area_of = AreaModel(digits_description)
    fastest = fastest_cycles(digits_description)
    targets = [cycles for cycles in possible_cycles(digits_description) if cycles >= fastest]
    luts = [area_of(folding.stages).luts for folding in cheapest_foldings(digits_description, targets[::4])]
    assert luts == sorted(luts, reverse=True)


def test_a_design_that_fits_no_device_stays_as_it_is() -> None:
    description = random_description(resnet20(100), seed=1, wild=False)
    folding = preset(description, "fast")
    assert with_spare_blocks(AreaModel(description), folding) == folding


def test_a_network_with_multipliers_stays_as_it_is(digits_description: NetworkDescription) -> None:
    description = digits_description.in_multiplied_form(8)
    assert choose_folding(description, "auto") == preset(description, "auto")


def test_another_family_without_lut_ram_gets_its_own(digits_description: NetworkDescription) -> None:
    ice40 = FAMILIES["ice40"]
    assert moved(choose_folding(digits_description, "auto").for_family(ice40)) == {}


def test_it_is_in_the_verilog_and_counted(digits_description: NetworkDescription) -> None:
    chosen = preset(digits_description, "auto").with_stages(
        {"stage_03": StageFold(1, 72, in_memory=True, moved=("taps", "weights", "pool_uppers"))}
    )
    design = build_design(digits_description, chosen)
    text = design_sources(design)[f"{design.name}_stage_03.v"]
    assert text.count(".BLOCK(1)") == 2
    rom = design_sources(design)[f"{design.name}_stage_03_weights.v"]
    assert '(* rom_style = "block"' in rom
    (stage,) = (stage for stage in design.stages if stage.name == "stage_03")
    found = {memory.name: memory.block_rams(ECP5) for memory in stage.memories}
    assert (found["taps"], found["weights"], found["pool_uppers"]) == (2, 2, 1)


def test_a_folding_file_brings_them_back(digits_description: NetworkDescription, tmp_path: Path) -> None:
    folding = choose_folding(digits_description, "auto")
    assert folding.to_json()["stage_03"]["block_ram"] == ["taps", "pool_uppers"]
    (tmp_path / "fold.json").write_text(folding.text())
    assert read_folding(tmp_path / "fold.json", digits_description) == folding


@pytest.mark.parametrize(
    ("stage", "changed", "reason"),
    [
        ("stage_01", {"block_ram": ["lines"]}, r"'stage_01\.block_ram': found 'lines', expected each once of: taps"),
        ("stage_01", {"block_ram": ["taps", "taps"]}, r"'stage_01\.block_ram': found 'taps', expected each once"),
        ("head", {"block_ram": ["weights"]}, r"'head\.block_ram': found 'weights', expected each once of: no such key"),
        ("stage_01", {"block_ram": "taps"}, r"'stage_01\.block_ram': found 'taps', expected a list"),
    ],
)
def test_a_file_that_asks_for_what_cannot_be_is_refused(
    digits_description: NetworkDescription, tmp_path: Path, stage: str, changed: dict[str, object], reason: str
) -> None:
    entries = preset(digits_description, "auto").to_json()
    (tmp_path / "fold.json").write_text(json.dumps({**entries, stage: {**entries[stage], **changed}}))
    with pytest.raises(InputError, match=reason):
        read_folding(tmp_path / "fold.json", digits_description)


def test_targets_that_name_a_family_spend_too(digits_description: NetworkDescription) -> None:
    folding = choose_folding(digits_description, "luts=9000@xc7")
    assert folding.target == Target(6, "xc7")
    assert moved(folding)
