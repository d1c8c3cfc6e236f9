# SPDX-License-Identifier: Apache-2.0
"""What a shape of network costs in hardware, before anything is trained or synthesized."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import Device
from wsfracbnn.gen.sizing.area import AreaEstimate, area_estimate
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


@dataclass(frozen=True)
class DeviceCost:
    """The fastest folding that a device can be expected to hold, or why there is none."""

    device: Device
    design: AcceleratorDesign | None
    area: AreaEstimate | None
    refusal: str = ""

    @functools.cached_property
    def cycles(self) -> int:
        """From one image to the next, estimated; 0 without a design."""
        return 0 if self.design is None else cycles_per_image(self.design)

    @property
    def architecture(self) -> str:
        """The pipeline, a stage for each layer, or one engine for all of them ('sequential'); "" without a design."""
        return "" if self.design is None else "sequential" if self.design.one_engine else "pipeline"

    def to_json(self, mhz: float) -> dict[str, Any]:
        """Plain JSON values. mhz: clock of the rate."""
        if self.design is None or self.area is None:
            return {"device": self.device.name, "fits": False, "why": self.refusal}
        cycles = self.cycles
        rate = {"cycles_per_image": cycles, "images_per_s": round(mhz * 1e6 / cycles, 1)}
        folding = {"architecture": self.architecture, "folding": self.design.folding.to_json()}
        return self.area.to_json() | folding | rate


def device_cost(description: NetworkDescription, device: Device, fold: str | None = None) -> DeviceCost:
    """What a network costs on a device. fold: what `--fold` names; default the fastest folding that fits.

    Raises:
        InputError: the folding that was asked for does not exist.
    """
    if fold is not None:
        design = build_design(description, choose_folding(description, fold, device).for_device(device))
        return DeviceCost(device, design, area_estimate(design))
    try:
        folding = choose_folding(description, f"device={device.name}")
    except InputError as refused:
        return DeviceCost(device, None, None, str(refused))
    design = build_design(description, folding)
    return DeviceCost(device, design, area_estimate(design))
