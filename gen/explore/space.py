# SPDX-License-Identifier: Apache-2.0
"""The designs of an exploration: foldings x devices, estimated, and those of them that are worth a synthesis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wsfracbnn.gen.design import NOMINAL_MHZ, AcceleratorDesign, build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES, SPEED_GRADES, Device, routable_devices
from wsfracbnn.gen.explore.front import ranked
from wsfracbnn.gen.explore.objective import Objective
from wsfracbnn.gen.sizing.area import Estimate, estimate
from wsfracbnn.gen.sizing.presets import fastest_cycles, possible_cycles, slowest_cycles
from wsfracbnn.gen.sizing.targets import cheapest_foldings, choose_folding
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError, shown

FAMILY = FAMILIES["ecp5"]
"""The family whose devices nextpnr routes here."""

FIT = "fit"
"""Word for each device's fastest folding that is estimated to fit it."""

MOST_FOLDINGS = 1000
"""Of one range; a wider one is a slip, and would take minutes to estimate."""

MOST_SEEDS = 1000


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network at a folding on a device, with what it is estimated to take. fold: what `--fold` calls it."""

    fold: str
    design: AcceleratorDesign
    device: Device
    area: Estimate

    @property
    def fits(self) -> bool:
        """Whether place and route can be expected to succeed."""
        return self.area.fits(self.device)

    @property
    def figures(self) -> dict[str, float]:
        """Figures of an objective, estimated, at the nominal clock."""
        rate = NOMINAL_MHZ * 1e6 / self.design.cycles
        return {
            "images_per_s": rate,
            "luts": self.area.luts,
            "fmax_mhz": float(NOMINAL_MHZ),
            "images_per_s_per_lut": rate / self.area.luts,
        }


def parse_words(option: str, text: str) -> list[str]:
    """The words of a list with commas between.

    Raises:
        InputError: one is empty, or is there twice.
    """
    words = text.split(",")
    if not all(words) or len(set(words)) < len(words):
        raise InputError(f"{option}: found {shown(text)}, expected words with commas between, each once")
    return words


def parse_devices(text: str) -> list[Device]:
    """The devices of --devices.

    Raises:
        InputError: one that nextpnr cannot route.
    """
    known = routable_devices()
    names = parse_words("--devices", text)
    for name in names:
        if name not in known:
            raise InputError(f"--devices: found {shown(name)}, expected some of {', '.join(known)}")
    return [DEVICES[name] for name in names]


def parse_speeds(text: str) -> list[int]:
    """The speed grades of --speed.

    Raises:
        InputError: one that there is not.
    """
    known = {str(grade): grade for grade in SPEED_GRADES}
    words = parse_words("--speed", text)
    for word in words:
        if word not in known:
            raise InputError(f"--speed: found {shown(word)}, expected some of {', '.join(known)}")
    return [known[word] for word in words]


def candidates(description: NetworkDescription, folds: str, devices: Sequence[Device]) -> list[Candidate]:
    """Every different folding that --fold names, on each device.

    Args:
        folds: with commas between: what `choose_folding` takes, 'fit', or 'cycles=A..B' for all that the solver finds.
    Raises:
        InputError: a word that is no folding, or one that cannot be had.
    """
    found = []
    words = parse_words("--fold", folds)
    for device in devices:
        seen = set()
        for word in words:
            for label, folding in _foldings(description, word, device):
                design = build_design(description, folding.for_family(FAMILY))
                if design.build_id not in seen:
                    seen.add(design.build_id)
                    found.append(Candidate(label, design, device, estimate(design, FAMILY)))
    return found


def _foldings(description: NetworkDescription, word: str, device: Device) -> Iterator[tuple[str, Folding]]:
    """(what `--fold` calls it, folding) of one word."""
    if word == FIT:
        label = f"device={device.name}"
        yield label, choose_folding(description, label)
    elif ".." in word and word.startswith("cycles="):
        yield from _range(description, word, device)
    else:
        yield word, choose_folding(description, word, device)


def _range(description: NetworkDescription, word: str, device: Device) -> Iterator[tuple[str, Folding]]:
    match = re.fullmatch(r"cycles=(\d{1,12})\.\.(\d{1,12})", word, re.ASCII)
    if match is None or int(match[1]) > int(match[2]):
        raise InputError(f"--fold: found {shown(word)}, expected cycles=A..B with A at most B")
    first, last = max(int(match[1]), fastest_cycles(description)), int(match[2])
    within = [cycles for cycles in possible_cycles(description) if first <= cycles <= last]
    if not within or len(within) > MOST_FOLDINGS:
        raise InputError(
            f"--fold: '{word}' stands for {len(within):,} foldings, expected 1 to {MOST_FOLDINGS}; the fastest takes "
            f"{fastest_cycles(description):,} cycles"
        )
    for folding in cheapest_foldings(description, within, device):
        # The name under which `--fold` finds the same: no stage is as slow as was allowed, where none can be.
        yield f"cycles={slowest_cycles(description, folding.stages)}", folding


def worth_it(found: Sequence[Candidate], objective: Objective, keep: int) -> list[Candidate]:
    """At most `keep` candidates of each device that are estimated to fit it.

    First those on the front of area and rate as estimated, then those of the front below; within each the best by the
    objective. They stay in their order.
    """
    kept: list[Candidate] = []
    for device in dict.fromkeys(candidate.device for candidate in found):
        fitting = [candidate for candidate in found if candidate.device == device and candidate.fits]
        kept += ranked(
            fitting,
            lambda candidate: (-candidate.area.luts, -float(candidate.design.cycles)),
            lambda candidate: objective.score(candidate.figures),
        )[:keep]
    chosen = set(map(id, kept))
    return [candidate for candidate in found if id(candidate) in chosen]
