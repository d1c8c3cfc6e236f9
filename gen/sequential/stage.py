# SPDX-License-Identifier: Apache-2.0
"""What the one engine has of a layer: nothing of its own but time and constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.base import Stage
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.model.contract import PIXEL_BITS
from wsfracbnn.model.description import ConvLayer, InputLayer

EngineLayer = InputLayer | ConvLayer


@dataclass(frozen=True)
class EngineStage(Stage[EngineLayer]):
    """A layer that the engine computes: how long, and with how many bits of constants."""

    work: int
    constant_bits: int

    kind: ClassVar[str] = "engine"
    template: ClassVar[str] = ""
    colour: ClassVar[str] = "#e2f0dc"

    @classmethod
    def cycles_at(cls, layer: EngineLayer, fold: StageFold) -> int:
        """Without the time that the sequencer takes (gen/sequential/program.py)."""
        return layer.out_height * layer.out_width * layer.out_channels // fold.pe

    @classmethod
    def cost_at(cls, layer: EngineLayer, fold: StageFold) -> int:
        return fold.pe * fold.simd

    @classmethod
    def build(cls, name: str, layer: EngineLayer, fold: StageFold, bits: int, in_lanes: int) -> EngineStage:
        """A layer by itself; a whole design knows its work and its constants better."""
        return cls(name, layer, fold, bits, in_lanes, cls.cycles_at(layer, fold), 0)

    @property
    def cycles(self) -> int:
        return self.work

    @property
    def rom_bits(self) -> int:
        return self.constant_bits

    @property
    def pixel_w(self) -> int:
        """Bits of a pixel of the input layer."""
        return PIXEL_BITS * self.layer.colours if isinstance(self.layer, InputLayer) else 0

    @property
    def busy_signal(self) -> str:
        """One for all layers; the testbench tells them apart by the instruction."""
        return "step"

    @property
    def xnor_bits(self) -> int:
        """Of both planes; the input layer has one."""
        return self.fold.pe * self.fold.simd * (1 if isinstance(self.layer, InputLayer) else 2)

    @property
    def gates_open(self) -> float | None:
        return self.layer.gate_fraction if isinstance(self.layer, ConvLayer) else None

    def area_terms(self, family: Family) -> Mapping[str, float]:
        """A layer takes no area of its own."""
        return {}

    @property
    def caption(self) -> tuple[str, str, str]:
        shape = "x".join(map(str, self.out_shape))
        return "one engine", shape, f"PE {self.fold.pe}  SIMD {self.fold.simd}"
