# SPDX-License-Identifier: Apache-2.0
"""Folding: how much of each stage is computed at once, and which LUTs that was chosen for. One value that travels.

Two knobs per stage, as in FINN: PE output channels and SIMD window bits per cycle. SIMD is spent first, because lanes
that compute one output each in one cycle keep the whole saving of the gates (docs/architecture.md). A third is how
many channels a convolution stage takes in, scales and sends a cycle: PE, or fewer where there is time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from wsfracbnn.gen.devices import FAMILIES, Device, Family, family_named

LUT_INPUTS = (4, 6)
"""Inputs of the LUTs that adder trees can be shaped for."""

TARGET_KEY = "target"
"""Key of a folding file beside the names of the stages."""

PARITY_KEY = "rom_parity"
"""Key of a folding file that adds parity to the constant memories."""

MOVED_KEY = "block_ram"
"""Key of a stage in a folding file: the memories that are in block RAM and not in LUTs."""

PLAIN, UNROLLED, IN_MEMORY = "plain", "unrolled", "memory"
"""Forms of a kind of stage."""


@dataclass(frozen=True)
class StageFold:
    """How parallel one stage is.

    pe: output channels (head: classes) at once. simd: window bits (head: digits of a weight) at once. lanes: of a
    convolution stage, channels at once before and behind the engine, a divisor of PE; None: PE. unrolled: a pixel a
    cycle, with all that its window needs computed at once and weights that are logic (docs/architecture.md); pe and
    simd are then all. in_memory: of a convolution stage, windows are in memories and not in registers
    (docs/architecture.md). moved: names of memories that are in block RAM to spare and not in LUTs.
    """

    pe: int
    simd: int
    lanes: int | None = None
    unrolled: bool = field(default=False, kw_only=True)
    in_memory: bool = field(default=False, kw_only=True)
    moved: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def out_lanes(self) -> int:
        """Channels of the output stream's beat."""
        return self.pe if self.lanes is None else self.lanes

    @property
    def form(self) -> str:
        """Which of the classes of its kind builds the stage."""
        return UNROLLED if self.unrolled else IN_MEMORY if self.in_memory else PLAIN

    def to_json(self) -> dict[str, int | bool | str | list[str]]:
        """As a folding file has it."""
        found: dict[str, int | bool | str | list[str]] = {"pe": self.pe, "simd": self.simd}
        if self.lanes is not None:
            found["lanes"] = self.lanes
        if self.unrolled:
            found["unrolled"] = True
        if self.in_memory:
            found["windows"] = IN_MEMORY
        if self.moved:
            found[MOVED_KEY] = list(self.moved)
        return found

    def is_possible_on(self, family: Family) -> bool:
        """Whether a family can have it: windows in memories need LUT RAM."""
        return family.has_lut_ram or not self.in_memory


StageFolds = Mapping[str, StageFold]
"""How parallel each stage is, by its name."""


@dataclass(frozen=True)
class Target:
    """What hardware is shaped for: inputs of the LUTs, and the FPGA family and device where they were named."""

    lut_inputs: int = LUT_INPUTS[0]
    family: str | None = None
    device: str | None = None

    @classmethod
    def of(cls, family: Family) -> Target:
        """That family's LUTs."""
        return cls(family.lut_inputs, family.name)

    @classmethod
    def of_device(cls, device: Device) -> Target:
        """That device, and its family's LUTs."""
        return cls(family_named(device.family).lut_inputs, device.family, device.name)

    @property
    def known_family(self) -> Family:
        """The family that was named, else the first with such LUTs."""
        if self.family is not None:
            return family_named(self.family)
        return next(family for family in FAMILIES.values() if family.lut_inputs == self.lut_inputs)

    def to_json(self) -> dict[str, Any]:
        """As a folding file has it."""
        named = {"family": self.family, "device": self.device}
        return {"lut_inputs": self.lut_inputs} | {key: name for key, name in named.items() if name is not None}


@dataclass(frozen=True)
class Folding:
    """All that makes hardware of a network: the folds of its stages, and the target.

    rom_parity: whether words of constant memories are checked as they are read.
    """

    stages: StageFolds
    target: Target = Target()
    rom_parity: bool = field(default=False, kw_only=True)

    def __getitem__(self, name: str) -> StageFold:
        return self.stages[name]

    def for_family(self, family: Family) -> Folding:
        """The same folds on the LUTs of a family.

        Where it has no LUT RAM, windows are in registers, and block RAM holds what it must alone.
        """
        return replace(self, stages=_with_memories(self.stages, family), target=Target.of(family))

    def for_device(self, device: Device) -> Folding:
        """The same folds for a device, as `for_family`."""
        return replace(self.for_family(family_named(device.family)), target=Target.of_device(device))

    def with_lut_inputs(self, lut_inputs: int) -> Folding:
        """The same folds on LUTs of so many inputs."""
        return replace(self, target=replace(self.target, lut_inputs=lut_inputs))

    def with_rom_parity(self) -> Folding:
        """The same with constant memories that are checked."""
        return replace(self, rom_parity=True)

    def with_stages(self, folds: StageFolds) -> Folding:
        """The same with other folds for some stages."""
        return replace(self, stages={**self.stages, **folds})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        parity = {PARITY_KEY: True} if self.rom_parity else {}
        stages = {name: fold.to_json() for name, fold in self.stages.items()}
        return {TARGET_KEY: self.target.to_json()} | parity | stages

    def text(self) -> str:
        """The text of a folding file, a line for each stage, which `--fold FILE` reads back as the same value."""
        lines = [f'  "{key}": {json.dumps(value)}' for key, value in self.to_json().items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _with_memories(folds: StageFolds, family: Family) -> StageFolds:
    return {
        name: fold if fold.is_possible_on(family) else replace(fold, in_memory=False, moved=())
        for name, fold in folds.items()
    }


def divisors(n: int) -> list[int]:
    """All divisors of n, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]
