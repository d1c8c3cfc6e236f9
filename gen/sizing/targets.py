# SPDX-License-Identifier: Apache-2.0
"""What `--fold` names: a preset, a target (cycles, a rate, LUTs, a device) or a file, and the folding that meets it."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES, Device, Family
from wsfracbnn.gen.sequential.folding import engine_sizes, folding_from_word, sequential_folding
from wsfracbnn.gen.sequential.size import WORD as SEQUENTIAL
from wsfracbnn.gen.sizing.area import FULL, Estimate, estimate, is_calibrated
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.presets import PRESETS, fastest_cycles, possible_cycles, preset, slowest_cycles, unrolled
from wsfracbnn.gen.sizing.solver import AreaModel, price
from wsfracbnn.gen.sizing.spare_blocks import with_spare_blocks
from wsfracbnn.gen.stages.folding import UNROLLED, Folding, Target
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


@dataclass(frozen=True)
class Budget:
    """What a folding may take on a family or device, in words, in LUTs, and as a test of an estimate."""

    family: Family
    target: Target
    words: str
    luts: float
    holds: Callable[[Estimate], bool]


class DoesNotFitError(InputError):
    """No pipeline is small enough."""


def for_cycles(
    description: NetworkDescription, wanted: str, cycles: int, mhz: str | None, device: Device | None = None
) -> Folding:
    """The cheapest folding with at most `cycles` an image, by the area estimate for ECP5 or for the device's family.

    Raises:
        InputError: no folding reaches it; the sentence says what the best possible is.
    """
    best = fastest_cycles(description)
    if cycles < best:
        rate = "" if mhz is None else f", {float(mhz) * 1e6 / best:,.0f} images/s at {mhz} MHz"
        raise InputError(
            f"folding '{wanted}': asks for {cycles:,} cycles an image, the best possible is {best:,} cycles{rate}"
        )
    return next(cheapest_foldings(description, [cycles], device))


def cheapest_foldings(
    description: NetworkDescription, targets: Iterable[int], device: Device | None = None
) -> Iterator[Folding]:
    """For each number of cycles an image the solver's folding, spare block RAM spent, or a preset that takes less."""
    area_of = _area_model(description, device)
    presets = [with_spare_blocks(area_of, preset(description, name), device) for name in PRESETS]
    for cycles in targets:
        solved = with_spare_blocks(area_of, Folding(area_of.cheapest(cycles)), device)
        fast_enough = [folding for folding in presets if slowest_cycles(description, folding.stages) <= cycles]
        yield min((solved, *fast_enough), key=lambda folding: price(area_of(folding.stages)))


def _area_model(description: NetworkDescription, device: Device | None) -> AreaModel:
    """For the device's family, where that is calibrated, else for ECP5."""
    if device is None or not is_calibrated(device.family):
        return AreaModel(description)
    return AreaModel(description, FAMILIES[device.family])


def within(description: NetworkDescription, wanted: str, budget: Budget) -> Folding:
    """The fastest folding whose estimated area the budget holds, for the LUTs of the budget's family.

    Goes through the cycle counts that any stage can have, the fewest first, from the one on whose cheapest folding has
    few enough LUTs; no slower one has more. Flip-flops and block RAMs may be fewer with a slower one only.

    Raises:
        DoesNotFitError: not even the smallest folding fits; the sentence says what that takes.
    """
    area_of = AreaModel(description, budget.family)
    fastest = fastest_cycles(description)
    possible = [cycles for cycles in possible_cycles(description) if cycles >= fastest]
    smallest = area_of(area_of.cheapest(possible[-1]))
    if budget.luts >= smallest.luts:
        first = bisect.bisect_left(possible, True, key=lambda n: area_of(area_of.cheapest(n)).luts <= budget.luts)
        for cycles in possible[first:]:
            folds = area_of.cheapest(cycles)
            if budget.holds(area_of(folds)):
                return with_spare_blocks(area_of, Folding(folds, budget.target))
    raise DoesNotFitError(
        f"folding '{wanted}': the smallest folding takes about {smallest.luts:,.0f} LUTs, {smallest.flip_flops:,.0f} "
        f"flip-flops and {smallest.block_rams} block RAMs, expected at most {budget.words}"
    )


def sequential_within(description: NetworkDescription, budget: Budget) -> Folding | None:
    """The fastest engine whose estimated area the budget holds; None where none does, or none computes the network."""
    try:
        sizes = engine_sizes(description)
    except InputError:
        return None
    for size in sizes:
        folding = sequential_folding(description, size, budget.target)
        if budget.holds(estimate(build_design(description, folding), budget.family)):
            return folding
    return None


def choose_folding(description: NetworkDescription, wanted: str, device: Device | None = None) -> Folding:
    """The folding that a name means, with the target that it was chosen for.

    Args:
        wanted: a preset, 'unrolled', 'cycles=N', 'rate=IMAGES@MHZ', 'luts=N@FAMILY', 'device=NAME', 'sequential',
            'sequential=PExSIMD' or the path of a folding file. A device that is too small for every pipeline gets the
            sequential architecture, where that fits.
        device: what the design is for, where `wanted` does not say it: whose block RAMs may be spent.
    Raises:
        InputError: none of these; or a target that cannot be met.
    """
    if wanted in PRESETS:
        return with_spare_blocks(_area_model(description, device), preset(description, wanted), device)
    if wanted == UNROLLED:
        return unrolled(description)
    if wanted.partition("=")[0] == SEQUENTIAL:
        return folding_from_word(description, wanted)
    if wanted.startswith(("cycles=", "rate=")):
        match = re.fullmatch(
            r"cycles=(\d{1,12})|rate=(\d{1,12}(?:\.\d{1,6})?)@(\d{1,6}(?:\.\d{1,6})?)", wanted, re.ASCII
        )
        if match is None:
            raise InputError(f"folding '{wanted}': expected cycles=N or rate=IMAGES@MHZ, such as rate=5000@120")
        if any(given is not None and float(given) == 0 for given in match.groups()):
            raise InputError(f"folding '{wanted}': found 0, expected numbers above 0, such as rate=5000@120")
        cycles = int(match[1]) if match[1] else int(float(match[3]) * 1e6 / float(match[2]))
        return for_cycles(description, wanted, cycles, match[3], device)
    if wanted.startswith("luts="):
        return within(description, wanted, _lut_budget(wanted))
    if wanted.startswith("device="):
        budget = _device_budget(wanted)
        try:
            return within(description, wanted, budget)
        except InputError as refused:
            smaller = sequential_within(description, budget)
            if smaller is not None:
                return smaller
            if isinstance(refused, DoesNotFitError):
                raise InputError(f"{refused}; nor does one engine for all layers fit ('{SEQUENTIAL}')") from None
            raise
    path = Path(wanted)
    if not wanted or (path.suffix != ".json" and not path.exists()):
        raise InputError(
            f"folding '{wanted}': no such preset or file, expected {', '.join(PRESETS)}, {UNROLLED}, cycles=N, "
            "rate=IMAGES@MHZ, "
            f"luts=N@FAMILY, device=NAME, {SEQUENTIAL}, {SEQUENTIAL}=PExSIMD or a folding file"
        )
    return read_folding(path, description)


def _lut_budget(wanted: str) -> Budget:
    match = re.fullmatch(r"luts=(\d{1,12})@(\w+)", wanted, re.ASCII)
    if match is None or match[2] not in FAMILIES:
        raise InputError(f"folding '{wanted}': expected luts=N@FAMILY with FAMILY one of {', '.join(FAMILIES)}")
    luts = int(match[1])
    family = FAMILIES[match[2]]
    return Budget(family, Target.of(family), f"{luts:,} LUTs", luts, lambda area: area.luts <= luts)


def _device_budget(wanted: str) -> Budget:
    name = wanted.removeprefix("device=")
    if name not in DEVICES:
        raise InputError(f"folding '{wanted}': expected device= and one of {', '.join(DEVICES)}")
    device = DEVICES[name]
    target = Target.of_device(device)
    words = f"{FULL:.0%} of {device.luts:,} LUTs and {device.flip_flops:,} flip-flops, {device.block_rams} block RAMs"
    return Budget(FAMILIES[device.family], target, words, FULL * device.luts, lambda area: area.fits(device))
