# SPDX-License-Identifier: Apache-2.0
"""What every kind of hardware stage answers, before it is built and afterwards, and the registry of the kinds.

A kind is one class: its class methods say how its layer can be folded, in how many cycles and at what cost; its
instances are the design of one stage, every number that the template prints. Nothing else asks what kind a stage is.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.locations import TEMPLATES
from wsfracbnn.gen.stages.folding import PLAIN, StageFold, divisors
from wsfracbnn.gen.stages.memory import Memory
from wsfracbnn.gen.stages.pace import StagePace
from wsfracbnn.gen.stages.rom import Rom
from wsfracbnn.model.description import Layer

AnyLayer = TypeVar("AnyLayer", bound=Layer)


@dataclass(frozen=True)
class Stage(ABC, Generic[AnyLayer]):
    """The design of one stage.

    Attributes:
        name: of the stage, 'input', 'stage_01', ... or 'head'. layer: what it computes. fold: how parallel.
        bits: width of the residual stream. in_lanes: channels of an input beat.
    """

    name: str
    layer: AnyLayer
    fold: StageFold
    bits: int
    in_lanes: int

    kind: ClassVar[str]
    """That of the layers which become such stages."""

    template: ClassVar[str]
    """File of the emitted module."""

    simd_meaning: ClassVar[str] = "window bits at once"
    template_folder: ClassVar[Path] = TEMPLATES
    colour: ClassVar[str] = "#eeeeee"
    """Fill of the stage in the picture of the pipeline."""

    # How a layer can be folded ----------------------------------------------------------------------------------------

    @classmethod
    def outputs(cls, layer: AnyLayer) -> tuple[int, str]:
        """What PE divides, and how that is called."""
        return layer.out_channels, "output channels"

    @classmethod
    def simd_choices(cls, layer: AnyLayer) -> list[int]:
        """All SIMD, ascending."""
        return [1]

    @classmethod
    def lane_choices(cls, layer: AnyLayer, pe: int) -> list[int]:
        """Channels of an output beat, fewer than PE, that a stage of that PE can have."""
        return []

    @classmethod
    def movable(cls, layer: AnyLayer, fold: StageFold) -> list[str]:
        """Names of the memories that a fold may have in block RAM where LUTs hold them else (StageFold.moved)."""
        return []

    @classmethod
    def choices(cls, layer: AnyLayer) -> Iterator[StageFold]:
        """Every fold, with nothing moved to block RAM."""
        for pe, simd in itertools.product(divisors(cls.outputs(layer)[0]), cls.simd_choices(layer)):
            yield StageFold(pe, simd)
            yield from (StageFold(pe, simd, lanes) for lanes in cls.lane_choices(layer, pe))

    @classmethod
    def whole_window(cls, layer: AnyLayer) -> StageFold | None:
        """The fold of one output a cycle, whose rate the preset 'auto' aims at; None: the stage is not asked."""
        return None

    @classmethod
    @abstractmethod
    def cycles_at(cls, layer: AnyLayer, fold: StageFold) -> int:
        """Cycles of work an image: the busiest of a stage's engine, its input beats and its output beats."""

    @classmethod
    @abstractmethod
    def cost_at(cls, layer: AnyLayer, fold: StageFold) -> int:
        """LUTs relative to other folds of the same layer, in XNOR bits."""

    @classmethod
    def input_lanes(cls, layer: AnyLayer, fold: StageFold, lanes_before: int) -> int:
        """Channels of an input beat; what the stage before sends, `lanes_before`, is widened and narrowed to it."""
        return lanes_before

    @classmethod
    @abstractmethod
    def build(cls, name: str, layer: AnyLayer, fold: StageFold, bits: int, in_lanes: int) -> Stage[AnyLayer]:
        """The design."""

    @classmethod
    def unrolled_fold(cls, layer: AnyLayer) -> StageFold | None:
        """The fold whose stage takes a pixel a cycle; None: there is none of this kind."""
        return None

    # What is built ----------------------------------------------------------------------------------------------------

    @property
    def cycles(self) -> int:
        """Cycles of work an image."""
        return self.cycles_at(self.layer, self.fold)

    @property
    def pace(self) -> StagePace:
        """How it moves with its neighbours; by default it works evenly on one pixel after the other."""
        height, width, _ = self.in_shape
        return StagePace(width, height * width, first=math.ceil(self.cycles / (height * width)), apart=0)

    @property
    def instance(self) -> str:
        """Name of the stage's instance in the top module."""
        return self.name

    @property
    def out_lanes(self) -> int:
        """Channels of an output beat."""
        return self.fold.out_lanes

    @property
    @abstractmethod
    def busy_signal(self) -> str:
        """Hierarchical name, below the top module, of what is high while the stage's engine is at work."""

    def is_moved(self, memory: str) -> bool:
        """Whether a memory is in block RAM by its fold."""
        return memory in self.fold.moved

    @property
    def roms(self) -> tuple[Rom, ...]:
        """The constant memories, each a module of its own."""
        return ()

    @property
    def rom_errors(self) -> list[str]:
        """Signals that say of words whose parity is wrong."""
        return [rom.error for rom in self.roms]

    @property
    def rom_bits(self) -> int:
        """Of all constant memories."""
        return sum(rom.bits for rom in self.roms)

    @property
    def memories(self) -> list[Memory]:
        """Every memory that is more than a few registers."""
        return []

    @abstractmethod
    def area_terms(self, family: Family) -> Mapping[str, float]:
        """Sizes that the stage's area grows with, by the names of their coefficients (gen/sizing/area.py)."""

    @property
    def xnor_bits(self) -> int:
        """XNOR operations a cycle."""
        return self.fold.pe * self.fold.simd

    # What is said about it --------------------------------------------------------------------------------------------

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Rows, columns and channels of the input."""
        return self.layer.height, self.layer.width, self.layer.in_channels

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Rows, columns and channels of the output."""
        return self.layer.out_height, self.layer.out_width, self.layer.out_channels

    @property
    def gates_open(self) -> float | None:
        """Measured share of outputs whose second bit is computed; None where there is no gate."""
        return None

    @property
    @abstractmethod
    def caption(self) -> tuple[str, str, str]:
        """What, shape and fold, for the picture of the pipeline."""

    @property
    def shortcut_caption(self) -> str | None:
        """What the picture says about the way around the stage, if there is one."""
        return None


StageClass = TypeVar("StageClass", bound=type[Stage[Any]])

STAGE_KINDS: dict[str, type[Stage[Any]]] = {}
"""The class of stage that a layer of each kind becomes."""


def stage_kind(cls: StageClass) -> StageClass:
    """Class decorator that adds a kind of stage."""
    STAGE_KINDS[cls.kind] = cls
    return cls


STAGE_FORMS: dict[tuple[str, str], type[Stage[Any]]] = {}
"""The class that it becomes at folds of a form of their own (StageFold.form), of the kinds that have it."""


def stage_form(form: str) -> Callable[[StageClass], StageClass]:
    """Class decorator that adds a form of a kind of stage."""

    def add(cls: StageClass) -> StageClass:
        STAGE_FORMS[cls.kind, form] = cls
        return cls

    return add


def kind_of(layer: Layer, fold: StageFold | None = None) -> type[Stage[Any]]:
    """The class of stage that a layer becomes at a fold; without one the class that is asked for its folds."""
    if fold is None or fold.form == PLAIN:
        return STAGE_KINDS[layer.kind]
    return STAGE_FORMS[layer.kind, fold.form]
