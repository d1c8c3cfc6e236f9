# SPDX-License-Identifier: Apache-2.0
"""What `--fold` names: a preset, a target (cycles, a rate, LUTs, a device) or a file, and the folding that meets it."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.area import DEVICES, FULL, LUT_WORDS, Estimate, around, estimate_stage
from wsfracbnn.gen.description import NetworkDescription
from wsfracbnn.gen.design import build_stage
from wsfracbnn.gen.folding import (
    PRESETS,
    Folding,
    StageFold,
    preset,
    read_folding,
    solve,
    stage_choices,
    stage_cycles,
)
from wsfracbnn.model.errors import InputError


@dataclass(frozen=True)
class Budget:
    """What a folding may take, in words and as a test of an estimate."""

    family: str
    words: str
    holds: Callable[[Estimate], bool]


class AreaModel:
    """Estimates of a network's foldings on one family; a stage is built once for each of its foldings."""

    def __init__(self, description: NetworkDescription, family: str) -> None:
        self.description = description
        self.family = family
        self._stage = functools.cache(self._build)

    def _build(self, name: str, fold: StageFold, in_lanes: int) -> Estimate:
        return estimate_stage(build_stage(self.description, name, fold, in_lanes), self.family)

    def __call__(self, folding: Folding) -> Estimate:
        total = around(self.family)
        lanes = 1
        for name, _ in self.description.stages():
            total += self._stage(name, folding[name], lanes if name == "head" else 1)
            lanes = folding[name].out_lanes
        return total


def fastest_cycles(description: NetworkDescription) -> int:
    """Cycles an image of the fastest folding that there is."""
    return max(min(stage_cycles(stage, fold) for fold in stage_choices(stage)) for _, stage in description.stages())


def for_cycles(description: NetworkDescription, target: str, cycles: int, mhz: str | None) -> Folding:
    """The cheapest folding with at most `cycles` an image.

    Raises:
        InputError: no folding reaches it; the sentence says what the best possible is.
    """
    best = fastest_cycles(description)
    if cycles < best:
        rate = "" if mhz is None else f", {float(mhz) * 1e6 / best:,.0f} images/s at {mhz} MHz"
        raise InputError(
            f"--fold {target}: asks for {cycles:,} cycles an image, the best possible is {best:,} cycles{rate}"
        )
    return solve(description, cycles)


def within(description: NetworkDescription, target: str, budget: Budget) -> Folding:
    """The fastest folding whose estimated area the budget holds.

    Goes through the cycle counts that any stage can have, the fewest first: a slower folding is not always a smaller
    one, since what chooses among many chunks of a window outgrows the lanes that fewer bits save.

    Raises:
        InputError: not even the smallest folding fits; the sentence says what that takes.
    """
    model = AreaModel(description, budget.family)
    rates = {stage_cycles(stage, fold) for _, stage in description.stages() for fold in stage_choices(stage)}
    fastest = fastest_cycles(description)
    areas = []
    for cycles in sorted(c for c in rates if c >= fastest):
        folding = solve(description, cycles)
        areas.append(model(folding))
        if budget.holds(areas[-1]):
            return folding
    smallest = min(areas, key=lambda area: area.luts)
    raise InputError(
        f"--fold {target}: the smallest folding takes about {smallest.luts:,.0f} LUTs, {smallest.flip_flops:,.0f} "
        f"flip-flops and {smallest.block_rams} block RAMs, expected at most {budget.words}"
    )


def choose(description: NetworkDescription, fold: str) -> Folding:
    """The folding that the command line's `--fold` names.

    Raises:
        InputError: not a preset, target or readable file; or a target that cannot be met.
    """
    if fold in PRESETS:
        return preset(description, fold)
    if fold.startswith(("cycles=", "rate=")):
        match = re.fullmatch(r"cycles=(\d+)|rate=(\d+(?:\.\d+)?)@(\d+(?:\.\d+)?)", fold)
        if match is None or not float(match[1] or match[2]) > 0:
            raise InputError(f"--fold: found '{fold}', expected cycles=N or rate=IMAGES@MHZ, such as rate=5000@120")
        cycles = int(match[1]) if match[1] else int(float(match[3]) * 1e6 / float(match[2]))
        return for_cycles(description, fold, cycles, match[3])
    if fold.startswith("luts="):
        match = re.fullmatch(r"luts=(\d+)@(\w+)", fold)
        if match is None or match[2] not in LUT_WORDS:
            raise InputError(
                f"--fold: found '{fold}', expected luts=N@FAMILY with FAMILY one of {', '.join(LUT_WORDS)}"
            )
        luts = int(match[1])
        return within(description, fold, Budget(match[2], f"{luts:,} LUTs", lambda e: e.luts <= luts))
    if fold.startswith("device="):
        name = fold.removeprefix("device=")
        if name not in DEVICES:
            raise InputError(f"--fold: found '{fold}', expected device= and one of {', '.join(DEVICES)}")
        device = DEVICES[name]
        words = (
            f"{FULL:.0%} of {device.luts:,} LUTs and {device.flip_flops:,} flip-flops, {device.block_rams} block RAMs"
        )
        return within(description, fold, Budget(device.family, words, lambda e: e.fits(device)))
    return read_folding(Path(fold), description)
