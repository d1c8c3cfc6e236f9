# SPDX-License-Identifier: Apache-2.0
"""Targets of the folding solver, and the area estimates behind devices and LUT budgets."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.sizing.area import FULL, area_estimate, estimate
from wsfracbnn.gen.sizing.memories import memories
from wsfracbnn.gen.sizing.presets import fastest_cycles, possible_cycles, slowest_cycles, stage_choices, stage_cycles
from wsfracbnn.gen.sizing.solver import AreaModel, price
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.gen.synthesis.yosys import synthesize
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description, random_multiplied

TINY = NetworkConfig(8, 8, 1, 4, (4,), (1,), 4)
WIDER = NetworkConfig(8, 4, 3, 8, (6, 12), (1, 1), 6)
BUNDLED = ("digits", "cifar10", "cifar100", "cifar100_wide")

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
        folding = choose_folding(digits_description, entry["fold"]).for_family(FAMILIES[family])
        today = estimate(build_design(digits_description, folding), FAMILIES[family])
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
    """With nine bits of windows in registers at once, what chooses among many chunks is larger than what is saved."""
    family = FAMILIES["ice40"]

    def luts(folding: Folding) -> float:
        return estimate(build_design(digits_description, folding), family).luts

    slowest = luts(choose_folding(digits_description, "small").for_family(family))
    budget = round(0.99 * slowest)
    assert luts(choose_folding(digits_description, f"luts={budget}@ice40")) <= budget < slowest


def targets_of(description: NetworkDescription, most: int) -> list[int]:
    """Cycle counts from the fastest to the slowest that there is, evenly among all that any stage can have."""
    possible = [n for n in possible_cycles(description) if n >= fastest_cycles(description)]
    step = -(-len(possible) // most)
    return [*possible[::step], possible[-1]]


def areas_never_grow(description: NetworkDescription, family: str, most: int) -> None:
    area_of = AreaModel(description, FAMILIES[family])
    luts = []
    for cycles in targets_of(description, most):
        folds = area_of.cheapest(cycles)
        assert slowest_cycles(description, folds) <= cycles
        luts.append(area_of(folds).luts)
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(luts)), luts
    assert luts[-1] < luts[0]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ("cifar10", "cifar100_wide"))) for name in BUNDLED]
)
def test_a_slower_target_never_costs_more(name: str) -> None:
    areas_never_grow(lower_checkpoint(load_checkpoint(CHECKPOINTS / f"{name}.pt")), "ecp5", most=16)


@pytest.mark.parametrize("family", ["ecp5", "ice40", "xc7"])
@pytest.mark.parametrize("config", [TINY, WIDER], ids=["tiny", "wider"])
@pytest.mark.parametrize("seed", [1, 2])
def test_nor_does_it_on_random_networks(config: NetworkConfig, seed: int, family: str) -> None:
    areas_never_grow(random_description(config, seed=seed, wild=False), family, most=200)


def test_the_cheapest_folding_is_the_cheapest_of_all() -> None:
    """Against every combination of folds, lanes handed on included."""
    description = random_description(TINY, seed=1, wild=False)
    area_of = AreaModel(description)
    choices = [[(f, stage_cycles(layer, f)) for f in stage_choices(layer)] for _, layer in description.named_layers()]
    combinations = [
        (price(area_of(folds)), max(cycles for _, cycles in combination))
        for combination in itertools.product(*choices)
        for folds in [dict(zip(description.names, (fold for fold, _ in combination), strict=True))]
    ]
    for cycles in targets_of(description, 12):
        least = min(cost for cost, work in combinations if work <= cycles)
        assert price(area_of(area_of.cheapest(cycles)))[0] == pytest.approx(least[0])


@pytest.mark.slow
@pytest.mark.synthesis
def test_a_slower_target_never_costs_more_when_synthesized(tmp_path: Path) -> None:
    """Yosys's own count, for a few targets from the fastest to the slowest; it moves by a few LUTs for no reason."""
    description = random_description(TINY, seed=1, wild=False)
    luts = []
    for cycles in targets_of(description, 3):
        folding = choose_folding(description, f"cycles={cycles}").for_family(FAMILIES["ecp5"])
        design = build_design(description, folding)
        area, _ = synthesize(design_sources(design), design.top, FAMILIES["ecp5"], tmp_path, report=lambda _: None)
        luts.append(area.luts)
    assert all(later <= 1.005 * earlier for earlier, later in itertools.pairwise(luts)), luts
    assert luts[-1] < 0.7 * luts[0]


@pytest.mark.parametrize("wanted", ["cycles=2000", "luts=9000@ecp5", "device=ecp5-25f", "sequential", "sequential=2x2"])
def test_what_needs_an_estimate_or_the_one_engine_refuses_multipliers(wanted: str) -> None:
    description = random_multiplied(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), 3, factor_bits=18)
    with pytest.raises(InputError, match=r"factors .*multiplied by.* expected"):
        choose_folding(description, wanted)
    for plain in ("auto", "small", "fast", "unrolled"):
        design = build_design(description, choose_folding(description, plain))
        assert area_estimate(design) is None
