# SPDX-License-Identifier: Apache-2.0
"""The head: sum pooling, linear layer, argmax."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.base import Stage, stage_kind
from wsfracbnn.gen.stages.digit_codes import DigitCodes, cheapest_codes, every_code
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.memory import Memory, free_memory, luts_of_memories, rom_memory
from wsfracbnn.gen.stages.pace import StagePace
from wsfracbnn.gen.stages.rom import LaneWords, Rom, Words, clog2, index_width, pack
from wsfracbnn.gen.stages.timing import LANE_OVERHEAD
from wsfracbnn.model.contract import HEAD_DIGITS, LOGIT_BITS
from wsfracbnn.model.description import HeadLayer

GROUP_CYCLES = 9
"""Cycles per group of classes that rtl/linear.v spends beside one per channel."""


@stage_kind
@dataclass(frozen=True)
class HeadStage(Stage[HeadLayer]):
    """X in, logits and the winning class out: PE classes of one channel a cycle.

    sum_w: width of P. class_w: width of a class's number.
    """

    sum_w: int
    class_w: int
    weights: Rom
    codes: DigitCodes
    biases: Rom

    kind: ClassVar[str] = "head"
    template: ClassVar[str] = "head.v.j2"
    colour: ClassVar[str] = "#f9ead7"

    @classmethod
    def outputs(cls, layer: HeadLayer) -> tuple[int, str]:
        return layer.classes, "classes"

    @classmethod
    def cycles_at(cls, layer: HeadLayer, fold: StageFold) -> int:
        """(classes / PE) * (C + GROUP_CYCLES) + C."""
        return layer.classes // fold.pe * (layer.in_channels + GROUP_CYCLES) + layer.in_channels

    @classmethod
    def cost_at(cls, layer: HeadLayer, fold: StageFold) -> int:
        """PE * (SIMD + LANE_OVERHEAD)."""
        return fold.pe * (fold.simd + LANE_OVERHEAD)

    @classmethod
    def build(cls, name: str, layer: HeadLayer, fold: StageFold, bits: int, in_lanes: int) -> HeadStage:
        codes = cheapest_codes(map(int, layer.weights.reshape(-1)), HEAD_DIGITS)
        return cls(
            name=name,
            layer=layer,
            fold=fold,
            bits=bits,
            in_lanes=in_lanes,
            sum_w=bits + clog2(layer.height * layer.width),
            class_w=index_width(layer.classes),
            weights=_weight_rom(layer, fold.pe, codes),
            codes=codes,
            biases=_bias_rom(layer, fold.pe),
        )

    def with_loaded_weights(self) -> HeadStage:
        """The same for weights and biases that come through a port: any of these shapes."""
        codes = every_code(HEAD_DIGITS)
        weights = replace(_weight_rom(self.layer, self.fold.pe, codes), loaded=True)
        return replace(self, codes=codes, weights=weights, biases=replace(self.biases, loaded=True))

    @property
    def pace(self) -> StagePace:
        entering = self.layer.in_channels // self.in_lanes
        # The sums of the last pixel's channels leave one by one.
        last = self.layer.in_channels - entering
        return StagePace(
            self.layer.width, self.pixels, entering=entering, first=0, apart=0, last=last, after=self.cycles
        )

    @property
    def busy_signal(self) -> str:
        return f"{self.instance}.classify.run"

    @property
    def pixels(self) -> int:
        """Pixels that the pool adds up."""
        return self.layer.height * self.layer.width

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.weights, self.biases

    @property
    def memories(self) -> list[Memory]:
        name, instance = self.name, self.instance
        beats = self.layer.in_channels // self.in_lanes
        class_sums = rf"{instance}\.classify\.sums\b"
        return [
            *(rom_memory(name, instance, rom) for rom in self.roms),
            free_memory(name, "pool_sums", rf"{instance}\.pool\.sums\b", beats, self.in_lanes * self.sum_w),
            Memory(name, "class_sums", class_sums, self.layer.in_channels, self.sum_w, 1, block=False),
        ]

    def area_terms(self, family: Family) -> dict[str, float]:
        in_luts = luts_of_memories(self.memories, family)
        return {
            "head": 1.0,
            "head_lane": self.fold.pe,
            "head_in": self.in_lanes * self.sum_w,
            "head_constants": in_luts.get("weights", 0) + in_luts.get("biases", 0),
        }

    @property
    def xnor_bits(self) -> int:
        """The head has no binary weights."""
        return 0

    @property
    def out_shape(self) -> tuple[int, ...]:
        return (self.layer.classes,)

    @property
    def caption(self) -> tuple[str, str, str]:
        return (
            "sum pool, linear, argmax",
            f"{self.layer.in_channels} → {self.layer.classes}",
            f"PE {self.fold.pe}",
        )


def _weight_rom(layer: HeadLayer, pe: int, codes: DigitCodes) -> Rom:
    """W, a word for each group of classes and channel."""
    places = [(group, channel) for group in range(layer.classes // pe) for channel in range(layer.in_channels)]

    def words() -> LaneWords:
        coded = [[codes.code(int(w)) for w in row] for row in layer.weights]
        return (tuple(pack([(coded[g * pe + lane][c], codes.bits) for lane in range(pe)]) for g, c in places),)

    return Rom(
        suffix="weights",
        purpose="Linear weights W as up to three signed digits",
        layout=f"word = group * {layer.in_channels} + channel; lane l of group g is class g * {pe} + l; "
        "lane = {digit 2, digit 1, digit 0}, digit = {enable, negate, index of the shift}",
        width=pe * codes.bits,
        words=Words(1, len(places), words),
        comments=lambda: [f"group {g}, channel {c}" for g, c in places],
        latency=2,
    )


def _bias_rom(layer: HeadLayer, pe: int) -> Rom:
    """B, a word for each group of classes."""
    groups = range(layer.classes // pe)

    def words() -> LaneWords:
        return (tuple(pack([(int(layer.bias[g * pe + lane]), LOGIT_BITS) for lane in range(pe)]) for g in groups),)

    return Rom(
        suffix="biases",
        purpose="Biases B of the logits",
        layout=f"lane l of group g is class g * {pe} + l; lane = B [{LOGIT_BITS}]",
        width=pe * LOGIT_BITS,
        words=Words(1, len(groups), words),
        comments=lambda: [f"group {g}" for g in groups],
        latency=2,
    )
