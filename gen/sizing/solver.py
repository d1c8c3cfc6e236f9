# SPDX-License-Identifier: Apache-2.0
"""The folding of least estimated area within a number of cycles."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from wsfracbnn.gen.devices import FAMILIES, Family
from wsfracbnn.gen.sizing.area import Estimate, estimate_around, estimate_stage
from wsfracbnn.gen.sizing.presets import stage_choices, stage_cycles
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.folding import StageFold, StageFolds
from wsfracbnn.model.description import Layer, NetworkDescription

Price = tuple[float, float, int]
"""What is compared: LUTs, then flip-flops, then block RAMs."""

DEFAULT_FAMILY = FAMILIES["ecp5"]
"""Whose area counts where none is named."""

NOTHING = Estimate(0, 0, 0)


def price(area: Estimate) -> Price:
    """LUTs are what runs out first; flip-flops and block RAMs decide between equal ones."""
    return area.luts, area.flip_flops, area.block_rams


class AreaModel:
    """Estimates of a network's foldings on one family; a stage is built once for each of its folds."""

    def __init__(self, description: NetworkDescription, family: Family = DEFAULT_FAMILY) -> None:
        self.description = description
        self.family = family
        self._layers = dict(description.named_layers())
        self._stage = functools.cache(self._build)

    def __iter__(self) -> Iterator[tuple[str, Layer]]:
        return iter(self._layers.items())

    @functools.cached_property
    def _choices(self) -> dict[str, list[tuple[StageFold, int]]]:
        return {name: self._folds(layer) for name, layer in self}

    def _folds(self, layer: Layer) -> list[tuple[StageFold, int]]:
        """Every fold that the family can have, with its cycles."""
        possible = (fold for fold in stage_choices(layer) if fold.is_possible_on(self.family))
        return [(fold, stage_cycles(layer, fold)) for fold in possible]

    def _build(self, name: str, fold: StageFold, in_lanes: int) -> Estimate:
        layer = self._layers[name]
        stage = kind_of(layer, fold).build(name, layer, fold, self.description.residual_bits, in_lanes)
        return estimate_stage(stage, self.family)

    def _input_lanes(self, name: str, fold: StageFold, lanes_before: int) -> int:
        layer = self._layers[name]
        return kind_of(layer, fold).input_lanes(layer, fold, lanes_before)

    def __call__(self, folds: StageFolds) -> Estimate:
        total = estimate_around(self.family)
        lanes = 1
        for name, _ in self:
            total += self._stage(name, folds[name], self._input_lanes(name, folds[name], lanes))
            lanes = folds[name].out_lanes
        return total

    def cheapest(self, cycles: int) -> StageFolds:
        """The folding of least area of all whose stages take at most `cycles` an image.

        It is the least over a set that only grows with `cycles`, so that a slower target never costs more. A stage's
        area depends on its own fold and on the lanes of the stage before alone: for each number of lanes that a stage
        can send, the best of all foldings up to there is enough to go on with. A stage that cannot be so fast gets the
        folds of its least cycles.
        """
        best: dict[int, tuple[Estimate, tuple[StageFold, ...]]] = {1: (NOTHING, ())}
        for name, _ in self:
            limit = max(cycles, min(work for _, work in self._choices[name]))
            found: dict[int, tuple[Estimate, tuple[StageFold, ...]]] = {}
            for fold, work in self._choices[name]:
                if work > limit:
                    continue
                taken = set()
                for lanes, (before, folds) in best.items():
                    in_lanes = self._input_lanes(name, fold, lanes)
                    if in_lanes in taken:
                        continue  # a cheaper beginning has led here
                    taken.add(in_lanes)
                    area = before + self._stage(name, fold, in_lanes)
                    rival = found.get(fold.out_lanes)
                    if rival is None or price(area) < price(rival[0]):
                        found[fold.out_lanes] = area, (*folds, fold)
            best = dict(sorted(found.items(), key=lambda item: price(item[1][0])))
        _, folds = next(iter(best.values()))
        return dict(zip(self._layers, folds, strict=True))
