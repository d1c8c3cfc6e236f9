# SPDX-License-Identifier: Apache-2.0
"""The head: sum pooling, linear layer, argmax."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.base import Stage, stage_kind
from wsfracbnn.gen.stages.digit_codes import DIGIT_BITS, DigitCodes, cheapest_codes, digit_values, every_code
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.memory import Memory, free_memory, luts_of_memories, rom_memory
from wsfracbnn.gen.stages.pace import StagePace
from wsfracbnn.gen.stages.rom import LaneWords, Rom, Words, clog2, index_width, lanes_of, numbered, pack
from wsfracbnn.gen.stages.timing import LANE_OVERHEAD
from wsfracbnn.model.contract import HEAD_DIGITS, LOGIT_BITS
from wsfracbnn.model.description import HeadLayer

CODE_BITS = HEAD_DIGITS * DIGIT_BITS
"""Width of a weight."""

GROUP_CYCLES = 5
"""Cycles per group of classes that rtl/linear.v spends beside those of the digits, and one for each digit at once."""


@stage_kind
@dataclass(frozen=True)
class HeadStage(Stage[HeadLayer]):
    """X in, logits and the winning class out: SIMD digits, one or all, of the weights of PE classes a cycle.

    sum_w: width of P. class_w: width of a class's number.
    """

    sum_w: int
    class_w: int
    weights: Rom
    codes: DigitCodes
    biases: Rom

    kind: ClassVar[str] = "head"
    template: ClassVar[str] = "head.v.j2"
    simd_meaning: ClassVar[str] = "digits of a weight at once"
    colour: ClassVar[str] = "#f9ead7"

    @classmethod
    def outputs(cls, layer: HeadLayer) -> tuple[int, str]:
        return layer.classes, "classes"

    @classmethod
    def simd_choices(cls, layer: HeadLayer) -> list[int]:
        """Digits of a weight."""
        return [1, HEAD_DIGITS]

    @classmethod
    def cycles_at(cls, layer: HeadLayer, fold: StageFold) -> int:
        """(classes / PE) * (C * digits / SIMD + SIMD + GROUP_CYCLES) + C."""
        products = layer.in_channels * HEAD_DIGITS // fold.simd
        return layer.classes // fold.pe * (products + fold.simd + GROUP_CYCLES) + layer.in_channels

    @classmethod
    def cost_at(cls, layer: HeadLayer, fold: StageFold) -> int:
        """PE * (SIMD + LANE_OVERHEAD)."""
        return fold.pe * (fold.simd + LANE_OVERHEAD)

    @classmethod
    def build(cls, name: str, layer: HeadLayer, fold: StageFold, bits: int, in_lanes: int) -> HeadStage:
        constants = {int(weight) for weight in np.unique(layer.weights)}
        if fold.simd < HEAD_DIGITS:
            constants = {digit for weight in constants for digit in digit_values(weight, HEAD_DIGITS)}
        codes = cheapest_codes(constants, fold.simd)
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
        codes = every_code(self.fold.simd)
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
    def result_w(self) -> int:
        """Width of a beat of the output: a logit, the class and whether it is the last."""
        return LOGIT_BITS + self.class_w + 1

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
            "head_digits": self.fold.pe * (self.fold.simd - 1),
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
            f"PE {self.fold.pe}  SIMD {self.fold.simd}",
        )


def _weight_rom(layer: HeadLayer, pe: int, codes: DigitCodes) -> Rom:
    """W, a word for each group of classes and channel. codes: of a weight, or of each of its digits."""
    places = [(group, channel) for group in range(layer.classes // pe) for channel in range(layer.in_channels)]

    def code(weight: int) -> int:
        if codes.digits == HEAD_DIGITS:
            return codes.code(weight)
        return pack([(codes.code(digit), codes.bits) for digit in digit_values(weight, HEAD_DIGITS)])

    def words() -> LaneWords:
        coded = [[code(int(w)) for w in row] for row in layer.weights]
        return (tuple(pack([(coded[g * pe + lane][c], CODE_BITS) for lane in range(pe)]) for g, c in places),)

    return Rom(
        suffix="weights",
        purpose="Linear weights W as up to three signed digits",
        layout=f"word = {numbered('group', layer.in_channels, 'channel')}; {lanes_of('class', pe)}; "
        "lane = {digit 2, digit 1, digit 0}, digit = {enable, negate, index of the shift}",
        width=pe * CODE_BITS,
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
        layout=f"{lanes_of('class', pe)}; lane = B [{LOGIT_BITS}]",
        width=pe * LOGIT_BITS,
        words=Words(1, len(groups), words),
        comments=lambda: [f"group {g}" for g in groups],
        latency=2,
    )
