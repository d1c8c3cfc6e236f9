# SPDX-License-Identifier: Apache-2.0
"""Folding solver and design state: estimates, presets, sizes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.gen.sizing.presets import (
    cheapest,
    preset,
    priced_folds,
    slowest_cycles,
    stage_choices,
    stage_cost,
    stage_cycles,
)
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.conv import expected_busiest
from wsfracbnn.gen.stages.folding import StageFold, StageFolds, divisors
from wsfracbnn.gen.stages.fractional_engine import border_taps, corrections
from wsfracbnn.gen.stages.rom import clog2
from wsfracbnn.gen.stages.skip_fifo import skip_minimum
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.description import ConvLayer, HeadLayer, NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description


def test_divisors() -> None:
    assert divisors(12) == [1, 2, 3, 4, 6, 12]


@pytest.mark.parametrize("groups, lanes, fraction", [(3, 1, 0.4), (2, 2, 0.3), (3, 2, 0.7), (2, 3, 0.0), (2, 2, 1.0)])
def test_expected_busiest_lane_against_enumeration(groups: int, lanes: int, fraction: float) -> None:
    mean = 0.0
    for gates in itertools.product((0, 1), repeat=groups * lanes):
        probability = math.prod(fraction if g else 1 - fraction for g in gates)
        mean += probability * max(sum(gates[lane::lanes]) for lane in range(lanes))
    assert expected_busiest(groups, lanes, fraction) == pytest.approx(mean)


def test_a_stage_takes_one_plus_the_gated_share(digits_description: NetworkDescription) -> None:
    conv = digits_description.convs[0]
    expected = 64 * 16 * (1 + conv.gate_fraction)
    assert stage_cycles(conv, StageFold(1, conv.window_bits)) == pytest.approx(expected, abs=1)


def test_presets_order_in_speed(digits_description: NetworkDescription) -> None:
    def slowest(name: str) -> int:
        return slowest_cycles(digits_description, preset(digits_description, name).stages)

    assert slowest("fast") < slowest("auto") < slowest("small")


def solve(description: NetworkDescription, cycles: int) -> StageFolds:
    """What the presets begin with: the cheapest fold of each stage by itself."""
    return {name: cheapest(priced_folds(layer), cycles).fold for name, layer in description.named_layers()}


def test_each_stage_meets_its_target_at_the_least_cost(digits_description: NetworkDescription) -> None:
    folding = solve(digits_description, 2000)
    for name, stage in digits_description.named_layers():
        assert stage_cycles(stage, folding[name]) <= 2000
        if isinstance(stage, HeadLayer):
            continue
        for pe, simd in itertools.product(divisors(stage.out_channels), kind_of(stage).simd_choices(stage)):
            if stage_cycles(stage, StageFold(pe, simd)) <= 2000:
                assert stage_cost(stage, StageFold(pe, simd)) >= stage_cost(stage, folding[name])


def test_costs_count_xnor_bits_or_looked_up_values(digits_description: NetworkDescription) -> None:
    stages = dict(digits_description.named_layers())
    assert stage_cost(stages["stage_01"], StageFold(2, 144)) == 2 * (144 + 16)
    assert stage_cost(stages["input"], StageFold(2, 144)) == 2 * (9 * 4 + 16)


@pytest.mark.parametrize("name", ["auto", "fast"])
def test_a_preset_leaves_no_stage_much_faster_than_it_need_be(name: str) -> None:
    """Within 10 % of the slowest, or no cheaper folding of that stage is."""
    description = lower_checkpoint(load_checkpoint(CHECKPOINTS / "cifar100.pt"))
    folding = preset(description, name)
    slowest = slowest_cycles(description, folding.stages)
    for key, stage in description.named_layers():
        cheaper = [f for f in stage_choices(stage) if stage_cost(stage, f) < stage_cost(stage, folding[key])]
        assert stage_cycles(stage, folding[key]) >= 0.9 * slowest or all(
            stage_cycles(stage, fold) > slowest for fold in cheaper
        ), key


def test_auto_balances_the_convolutions_of_resnet20_within_10_percent() -> None:
    """Asked for no more than 23,100 cycles, the last three convolutions would be twice as fast as the others."""
    description = lower_checkpoint(load_checkpoint(CHECKPOINTS / "cifar100.pt"))
    convs = [(stage, key) for key, stage in description.named_layers() if isinstance(stage, ConvLayer)]

    def spread(folds: StageFolds) -> float:
        cycles = [stage_cycles(stage, folds[key]) for stage, key in convs]
        return max(cycles) / min(cycles)

    assert spread(solve(description, 23100)) > 1.9
    assert spread(preset(description, "auto").stages) < 1.1


def test_an_impossible_target_gives_the_fastest(digits_description: NetworkDescription) -> None:
    folding = solve(digits_description, 1)
    for name, stage in digits_description.named_layers():
        widest = kind_of(stage).simd_choices(stage)[-1]
        best = min(stage_cycles(stage, StageFold(pe, widest)) for pe in divisors(stage.out_channels))
        assert stage_cycles(stage, folding[name]) == best


def test_skip_minimum_covers_the_first_window() -> None:
    assert skip_minimum(8, 8, 16) == 10 * 16 - 3
    assert skip_minimum(1, 5, 2) == 5 * 2 - 3
    assert skip_minimum(5, 1, 2) == 1
    assert skip_minimum(4, 3, 2) == 5 * 2 - 3
    assert skip_minimum(1, 1, 1) == 1


def test_clog2_is_verilogs() -> None:
    assert [clog2(n) for n in (1, 2, 3, 4, 5, 8, 9)] == [0, 1, 2, 2, 3, 3, 4]


def test_rom_words_hold_the_description(digits_description: NetworkDescription) -> None:
    """Read constants back out of the packed words."""
    design = build_design(digits_description, preset(digits_description, "fast"))
    for stage in design.convs:
        conv, pe, simd = stage.layer, stage.fold.pe, stage.fold.simd
        window = conv.weights.reshape(conv.out_channels, -1)
        slots = 1 << clog2(window.shape[1] // simd)
        for channel, bit in itertools.product(range(conv.out_channels), range(0, window.shape[1], 7)):
            word = stage.engine.weights.words[channel % pe][channel // pe * slots + bit // simd]
            assert (word >> (bit % simd) & 1) == (window[channel, bit] > 0)
        width = stage.thresholds.width // stage.in_lanes
        for channel in range(conv.in_channels):
            word = stage.thresholds.words[0][channel // stage.in_lanes] >> (channel % stage.in_lanes * width)
            fields = [(word >> (i * stage.bits)) & ((1 << stage.bits) - 1) for i in range(3)]
            assert fields == [int(t) & ((1 << stage.bits) - 1) for t in conv.thresholds[channel]]


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize("target", ["cycles=30000", "cycles=12000", "rate=5000@120", "rate=20000@100"])
def test_a_target_is_met_and_stages_are_no_faster_than_they_need_be(classes: int, target: str) -> None:
    description = random_description(resnet20(classes), seed=1, wild=False)
    cycles = {"cycles=30000": 30000, "cycles=12000": 12000, "rate=5000@120": 24000, "rate=20000@100": 5000}[target]
    folding = choose_folding(description, target)
    for name, stage in description.named_layers():
        assert stage_cycles(stage, folding[name]) <= cycles, name


@pytest.mark.parametrize(
    "target, message",
    [
        ("cycles=100", r"asks for 100 cycles an image, the best possible is [\d,]+ cycles$"),
        (
            "rate=10000000@100",
            r"the best possible is [\d,]+ cycles, [\d,]+ images/s at 100 MHz$",
        ),
        ("rate=5000", "expected cycles=N or rate=IMAGES@MHZ"),
        ("cycles=0", "found 0, expected numbers above 0"),
    ],
)
def test_an_impossible_target_says_what_is_possible(target: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_folding(random_description(resnet20(10), seed=1, wild=False), target)


def test_corrections_make_up_for_bits_outside_the_image() -> None:
    """S over the taps inside equals twice all matches less the correction, for every border."""
    generator = np.random.default_rng(1)
    weights = generator.choice(np.array([-1, 1], np.int8), (6, 5, 9))
    constants = corrections(weights)
    for border in range(16):
        inside = border_taps(border)
        bits = generator.integers(0, 2, (5, 9)) * inside
        s = (weights * (2 * bits - 1))[:, :, inside].sum((1, 2))
        matches = ((weights > 0) == bits.astype(bool)).sum((1, 2))
        np.testing.assert_array_equal(2 * matches - constants[:, border], s)
    assert [int(border_taps(b).sum()) for b in (0, 1, 3, 5, 15)] == [9, 6, 3, 4, 1]
