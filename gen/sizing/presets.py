# SPDX-License-Identifier: Apache-2.0
"""The folding solver: the cheapest folds for a number of cycles, and the presets that are made of it."""

from __future__ import annotations

import math
from typing import NamedTuple

from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.folding import Folding, StageFold, StageFolds
from wsfracbnn.model.description import Layer, NetworkDescription
from wsfracbnn.model.errors import InputError

BALANCE = 1.1
"""How much slower than asked a preset may be where that makes its stages more even."""

PRESETS = ("auto", "small", "fast")

FAST = 4
"""How much faster than 'auto' the preset 'fast' aims to be."""


def folded_choices(layer: Layer) -> list[StageFold]:
    """Every fold of a layer's stage that is not unrolled."""
    return list(kind_of(layer).choices(layer))


def unrolled_choice(layer: Layer) -> StageFold | None:
    """The fold that takes a pixel a cycle; None where there is none: the layer is too large, or its image too small."""
    try:
        return kind_of(layer).unrolled_fold(layer)
    except InputError:
        return None


def stage_choices(layer: Layer) -> list[StageFold]:
    """Every fold of a layer's stage, the unrolled one last."""
    unrolled_fold = unrolled_choice(layer)
    return folded_choices(layer) + ([] if unrolled_fold is None else [unrolled_fold])


def stage_cycles(layer: Layer, fold: StageFold) -> int:
    """Cycles of work an image of a layer's stage at a fold."""
    return kind_of(layer, fold).cycles_at(layer, fold)


def stage_cost(layer: Layer, fold: StageFold) -> int:
    """LUTs of a layer's stage relative to other folds of it, in XNOR bits."""
    return kind_of(layer, fold).cost_at(layer, fold)


def slowest_cycles(description: NetworkDescription, folds: StageFolds) -> int:
    """Cycles of work an image of the busiest stage."""
    return max(stage_cycles(layer, folds[name]) for name, layer in description.named_layers())


def fastest_cycles(description: NetworkDescription) -> int:
    """Cycles an image of the fastest folding that there is."""
    return max(min(stage_cycles(layer, fold) for fold in stage_choices(layer)) for layer in description.layers)


def possible_cycles(description: NetworkDescription) -> list[int]:
    """All cycle counts that any stage can have, ascending."""
    return sorted({stage_cycles(layer, fold) for layer in description.layers for fold in stage_choices(layer)})


class PricedFold(NamedTuple):
    """A fold of a stage with its cycles of work an image and its relative cost."""

    fold: StageFold
    cycles: int
    cost: int


def priced_folds(layer: Layer) -> list[PricedFold]:
    """Every fold of a layer's stage that is not unrolled."""
    return [PricedFold(f, stage_cycles(layer, f), stage_cost(layer, f)) for f in folded_choices(layer)]


def cheapest(choices: list[PricedFold], target_cycles: int) -> PricedFold:
    """Of one stage's choices the one of least cost, then of fewest lanes, within `target_cycles`; or the fastest."""
    within = [choice for choice in choices if choice.cycles <= target_cycles]
    if within:
        return min(within, key=lambda choice: (choice.cost, choice.fold.out_lanes))
    return min(choices, key=lambda choice: (choice.cycles, choice.cost, choice.fold.out_lanes))


def balanced(description: NetworkDescription, target_cycles: int) -> StageFolds:
    """The folds of least cost times cycles among those up to BALANCE times slower than `target_cycles` asks for.

    PE and SIMD divide their layers' sizes, so that a stage often is either just too slow or twice as fast as it need
    be; a target a little slower lets such stages fall in with the others.
    """
    choices = {name: priced_folds(layer) for name, layer in description.named_layers()}

    def cost_times_cycles(folding: dict[str, PricedFold]) -> int:
        return sum(fold.cost for fold in folding.values()) * max(fold.cycles for fold in folding.values())

    possible = sorted({choice.cycles for of_stage in choices.values() for choice in of_stage})
    slower = (cycles for cycles in possible if target_cycles < cycles <= BALANCE * target_cycles)
    foldings = (
        {name: cheapest(of_stage, target) for name, of_stage in choices.items()} for target in (target_cycles, *slower)
    )
    return {name: choice.fold for name, choice in min(foldings, key=cost_times_cycles).items()}


def preset(description: NetworkDescription, name: str) -> Folding:
    """The folding of that name.

    'auto': about one whole window a cycle in the slowest convolution, the others about as fast; 'fast': four times that
    rate; 'small': one output channel and one value or one channel's taps a cycle everywhere.
    """
    if name == "small":
        return Folding({key: folded_choices(layer)[0] for key, layer in description.named_layers()})
    windows = ((layer, kind_of(layer).whole_window(layer)) for layer in description.layers)
    slowest = max(stage_cycles(layer, fold) for layer, fold in windows if fold is not None)
    return Folding(balanced(description, slowest if name == "auto" else math.ceil(slowest / FAST)))


def unrolled(description: NetworkDescription) -> Folding:
    """A pixel a cycle: every stage unrolled that can be, the others as fast as the image's pixels come, or as they can.

    Raises:
        InputError: a layer is too large, or an image too small.
    """
    found = {name: kind_of(layer).unrolled_fold(layer) for name, layer in description.named_layers()}
    pixels = description.layers[0].height * description.layers[0].width
    return Folding(
        {name: found[name] or cheapest(priced_folds(layer), pixels).fold for name, layer in description.named_layers()}
    )
