# SPDX-License-Identifier: Apache-2.0
"""Targets of the folding solver, and the area estimates behind devices and LUT budgets."""

from __future__ import annotations

import json

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.sizing.area import FULL, estimate
from wsfracbnn.gen.sizing.memories import memories
from wsfracbnn.gen.sizing.presets import slowest_cycles
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

RECORDED = json.loads((ROOT / "results" / "area.json").read_text())["networks"]


def cycles_of(description: NetworkDescription, target: str) -> int:
    return slowest_cycles(description, choose_folding(description, target).stages)


@pytest.fixture(scope="module")
def big() -> NetworkDescription:
    return random_description(resnet20(100), seed=1, wild=False)


@pytest.mark.parametrize("family", list(RECORDED))
def test_estimates_are_within_15_percent_of_synthesis(family: str) -> None:
    """Of six networks and foldings and more, as benchmarks/calibrate_area.py recorded them."""
    assert sum(len(entries) for entries in RECORDED.values()) >= 8
    for entry in RECORDED[family]:
        assert abs(entry["estimated_luts"] / entry["luts"] - 1) <= 0.15, entry
        assert abs(entry["estimated_flip_flops"] / entry["flip_flops"] - 1) <= 0.15, entry


def test_recorded_estimates_are_todays(digits_description: NetworkDescription) -> None:
    """The coefficients, terms and memories are those that the record was made with."""
    for family, entries in RECORDED.items():
        entry = next(e for e in entries if e["network"] == "digits")
        today = estimate(
            build_design(digits_description, choose_folding(digits_description, entry["fold"])), FAMILIES[family]
        )
        assert (round(today.luts), round(today.flip_flops)) == (entry["estimated_luts"], entry["estimated_flip_flops"])
        assert today.block_rams == entry["estimated_block_rams"]


def test_a_larger_device_is_faster(digits_description: NetworkDescription) -> None:
    cycles = [cycles_of(digits_description, f"device={name}") for name in ("ecp5-25f", "ecp5-45f")]
    assert cycles[0] > cycles[1]


@pytest.mark.parametrize("name", ["ecp5-85f", "artix7-100t"])
def test_what_is_chosen_for_a_device_fits_it(big: NetworkDescription, name: str) -> None:
    device = DEVICES[name]
    area = estimate(build_design(big, choose_folding(big, f"device={name}")), FAMILIES[device.family])
    assert area.luts <= FULL * device.luts
    assert area.flip_flops <= FULL * device.flip_flops
    assert area.block_rams <= device.block_rams


def test_a_lut_budget_is_kept_and_used(digits_description: NetworkDescription) -> None:
    small, large = (f"luts={n}@ecp5" for n in (9000, 14000))
    assert cycles_of(digits_description, large) < cycles_of(digits_description, small)
    for target, luts in ((small, 9000), (large, 14000)):
        assert (
            estimate(
                build_design(digits_description, choose_folding(digits_description, target)), FAMILIES["ecp5"]
            ).luts
            <= luts
        )


@pytest.mark.parametrize(
    "target, message",
    [
        ("luts=100@ecp5", r"the smallest folding takes about [\d,]+ LUTs, .* expected at most 100 LUTs"),
        ("device=ice40-up5k", "the smallest folding takes about .* expected at most 85% of 5,280 LUTs"),
        ("device=ecp5-99f", "expected device= and one of ecp5-25f"),
        ("luts=5000", "expected luts=N@FAMILY with FAMILY one of ecp5, ice40, xc7"),
        ("luts=5000@spartan", "expected luts=N@FAMILY"),
    ],
)
def test_impossible_targets_are_one_sentence(big: NetworkDescription, target: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_folding(big, target)


def test_memories_name_every_stage(big: NetworkDescription) -> None:
    design = build_design(big, choose_folding(big, "auto"))
    assert {m.stage for m in memories(design)} == {stage.name for stage in design.stages}


def test_the_smallest_folding_need_not_be_the_slowest(digits_description: NetworkDescription) -> None:
    """With nine bits at once, what chooses among a window's many chunks is larger than the lanes that are saved."""

    def luts(folding: Folding) -> float:
        return estimate(build_design(digits_description, folding), FAMILIES["ecp5"]).luts

    slowest = luts(choose_folding(digits_description, "small"))
    budget = round(0.95 * slowest)
    assert luts(choose_folding(digits_description, f"luts={budget}@ecp5")) <= budget < slowest
