# SPDX-License-Identifier: Apache-2.0
"""A further kind of layer, from outside the package: X' = X >> n, its golden function and its hardware stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages import Stage, stage_kind
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.model.description import layer_kind
from wsfracbnn.model.golden import Integers, LayerTrace, golden_layer


@layer_kind
@dataclass(frozen=True)
class ShiftLayer:
    """X' = X >> n for every value of an image of (height, width, in_channels) numbers."""

    height: int
    width: int
    in_channels: int
    shift: int

    kind: ClassVar[str] = "shift"

    @property
    def out_height(self) -> int:
        return self.height

    @property
    def out_width(self) -> int:
        return self.width

    @property
    def out_channels(self) -> int:
        return self.in_channels


@golden_layer("shift")
def run_shift(layer: ShiftLayer, x: Integers, bits: int) -> LayerTrace:
    """The contract: an arithmetic shift, which rounds down and cannot overflow."""
    return LayerTrace(output=x >> layer.shift)


@stage_kind
@dataclass(frozen=True)
class ShiftStage(Stage[ShiftLayer]):
    """PE channels a beat, in and out; shifting is wiring, so that a register is all that it takes."""

    kind: ClassVar[str] = "shift"
    template: ClassVar[str] = "shift_stage.v.j2"
    template_folder: ClassVar[Path] = Path(__file__).parent

    @classmethod
    def input_lanes(cls, layer: ShiftLayer, fold: StageFold, lanes_before: int) -> int:
        """As many as go out; the generator widens or narrows the stream before."""
        return fold.pe

    @classmethod
    def cycles_at(cls, layer: ShiftLayer, fold: StageFold) -> int:
        """A beat a cycle."""
        return layer.height * layer.width * layer.in_channels // fold.pe

    @classmethod
    def cost_at(cls, layer: ShiftLayer, fold: StageFold) -> int:
        """Registers alone grow with PE."""
        return fold.pe

    @classmethod
    def build(cls, name: str, layer: ShiftLayer, fold: StageFold, bits: int, in_lanes: int) -> ShiftStage:
        return cls(name, layer, fold, bits, in_lanes)

    @property
    def busy_signal(self) -> str:
        return f"{self.instance}.busy"

    @property
    def xnor_bits(self) -> int:
        return 0

    def area_terms(self, family: Family) -> dict[str, float]:
        """A beat is a term that is calibrated: the registers of a convolution stage's input."""
        return {"beat": self.in_lanes * self.bits}

    @property
    def caption(self) -> tuple[str, str, str]:
        return f"shift by {self.layer.shift}", "x".join(map(str, self.out_shape)), f"PE {self.fold.pe}"
