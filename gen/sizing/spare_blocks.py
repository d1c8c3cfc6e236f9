# SPDX-License-Identifier: Apache-2.0
"""Block RAMs that a folding leaves of its device, spent on memories that LUTs would hold.

LUTs are what runs out first, while a pipeline often leaves block RAMs: digits at `auto` a third of an ECP5-25F's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wsfracbnn.gen.devices import DEVICES, Device
from wsfracbnn.gen.sizing.area import is_calibrated
from wsfracbnn.gen.sizing.solver import AreaModel
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.folding import Folding, StageFold

SPENT = 0.9
"""Share of a device's block RAMs that may be taken so: some are left for what a user has beside the accelerator, and
place and route has a choice."""


@dataclass(frozen=True)
class Move:
    """A memory of a stage that block RAM may hold: what it saves and takes."""

    stage: str
    memory: str
    luts: float
    block_rams: int

    @property
    def gain(self) -> float:
        """LUTs for each block RAM."""
        return self.luts / self.block_rams


def with_spare_blocks(area_of: AreaModel, folding: Folding, device: Device | None = None) -> Folding:
    """The folding with memories moved to block RAM, those first that save most LUTs for a block RAM.

    Args:
        area_of: of the network, on the folding's family.
        device: whose block RAMs they are; else the folding's, else the smallest of the family that holds the design. A
            design that fits none, has no estimate, or has folds that the family cannot have, stays as it is.
    """
    if not is_calibrated(area_of.family.name) or area_of.description.multiplied:
        return folding
    if not all(fold.is_possible_on(area_of.family) for fold in folding.stages.values()):
        return folding
    device = device or _device_for(area_of, folding)
    if device is None:
        return folding
    folds = dict(folding.stages)
    spare = int(SPENT * device.block_rams) - area_of(folds).block_rams
    for move in sorted(_moves(area_of, folds), key=lambda move: -move.gain):
        if move.block_rams <= spare:
            spare -= move.block_rams
            fold = folds[move.stage]
            folds[move.stage] = _moved(area_of, move.stage, fold, {*fold.moved, move.memory})
    return folding.with_stages(folds)


def _device_for(area_of: AreaModel, folding: Folding) -> Device | None:
    if folding.target.device is not None:
        return DEVICES[folding.target.device]
    area = area_of(folding.stages)
    holding = (device for device in DEVICES.values() if device.family == area_of.family.name and area.fits(device))
    return min(holding, key=lambda device: device.luts, default=None)


def _moves(area_of: AreaModel, folds: dict[str, StageFold]) -> list[Move]:
    """Every memory that takes LUTs and could take block RAM, in the order of the stages."""
    found = []
    before = area_of(folds)
    for name, layer in area_of:
        for memory in kind_of(layer, folds[name]).movable(layer, folds[name]):
            after = area_of({**folds, name: _moved(area_of, name, folds[name], {memory})})
            move = Move(name, memory, before.luts - after.luts, after.block_rams - before.block_rams)
            if move.luts > 0 and move.block_rams > 0:
                found.append(move)
    return found


def _moved(area_of: AreaModel, name: str, fold: StageFold, memories: set[str]) -> StageFold:
    """The fold with those memories moved, in the order in which its stage names them."""
    layer = dict(area_of)[name]
    order = kind_of(layer, fold).movable(layer, fold)
    return replace(fold, moved=tuple(memory for memory in order if memory in memories))
