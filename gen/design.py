# SPDX-License-Identifier: Apache-2.0
"""The design state: every number that a template prints, computed from a description and a folding.

Templates lay these objects out and compute nothing themselves (after PeakRDL-regblock's exporter). What belongs to a
stage is in gen/stages/; here they are put in a row.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from wsfracbnn.gen.stages import ConvStage, HeadStage, InputStage, Stage, kind_of
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.gen.stages.memory import Memory
from wsfracbnn.gen.stages.rom import Rom
from wsfracbnn.model.contract import LOGIT_BITS
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

INTERVALS = 48
"""Times an image that the testbench writes down how long each engine was at work."""

NOMINAL_MHZ = 100
"""Clock at which rates are quoted; cycles are what is measured."""

SHORT_DIGITS = 16
"""Digits of a hash that headers print."""


@dataclass(frozen=True)
class Link:
    """The stream between two stages, with the widening and narrowing that fits their lanes together."""

    source: str
    sink: Stage[Any]
    lanes_out: int
    up: int
    down: int

    @property
    def lanes_in(self) -> int:
        """Channels of a beat that the sink takes."""
        return self.sink.in_lanes

    @property
    def lanes_wide(self) -> int:
        """Channels of a beat between widening and narrowing."""
        return self.lanes_out * self.up

    @property
    def widens(self) -> bool:
        """Whether beats are joined."""
        return self.up > 1

    @property
    def narrows(self) -> bool:
        """Whether beats are taken apart."""
        return self.down > 1

    @property
    def wide_stream(self) -> str:
        """Name of the stream behind the widening."""
        return f"{self.source}_wide" if self.widens else self.source

    @property
    def arriving_stream(self) -> str:
        """Name of the stream that the sink takes."""
        return f"{self.source}_narrow" if self.narrows else self.wide_stream


@dataclass(frozen=True)
class EmittedModule:
    """A module to be rendered: its file below rtl/, the template, and what that is given beside the design."""

    file: str
    template: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class AcceleratorDesign:
    """Everything that is emitted."""

    description: NetworkDescription
    folding: Folding
    stages: tuple[Stage[Any], ...]
    links: tuple[Link, ...]

    testbench_template: ClassVar[str] = "testbench.v.j2"
    """Of the simulation's top module."""

    one_engine: ClassVar[bool] = False
    """Whether one engine computes the layers one after the other, so that a layer has no hardware of its own."""

    load: ClassVar[Any] = None
    """How weights are loaded, where they do not come with the bitstream."""

    @property
    def name(self) -> str:
        """The network's, and the beginning of every module's."""
        return self.description.name

    @property
    def top(self) -> str:
        """Name of the top module."""
        return f"{self.name}_top"

    @property
    def bits(self) -> int:
        """Width of the residual stream."""
        return self.description.residual_bits

    @property
    def lut_inputs(self) -> int:
        """4 or 6, those of the LUTs that the adder trees are made for."""
        return self.folding.target.lut_inputs

    @property
    def stage_errors(self) -> list[str]:
        """Signals of the top module that say of words whose parity is wrong, one for each stage."""
        return [f"{stage.name}_error" for stage in self.stages]

    @property
    def rom_parity(self) -> bool:
        """Whether words of constant memories are checked as they are read."""
        return self.folding.rom_parity

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the network."""
        return self.description.digest()

    @functools.cached_property
    def build_id(self) -> str:
        """SHA-256 over network, folding and target: equal ids mean equal Verilog from one version of the generator."""
        text = json.dumps([self.digest, self.folding.to_json()], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def short_build_id(self) -> str:
        """Its first digits, as headers print it."""
        return self.build_id[:SHORT_DIGITS]

    @property
    def origin(self) -> str:
        """What an emitted module says of where it comes from."""
        return f"network '{self.name}', sha256 {self.digest[:SHORT_DIGITS]}, build {self.short_build_id}"

    @property
    def input(self) -> InputStage:
        """The first stage."""
        first = self.stages[0]
        assert isinstance(first, InputStage)
        return first

    @property
    def convs(self) -> tuple[ConvStage, ...]:
        """The gated convolutions."""
        return tuple(stage for stage in self.stages if isinstance(stage, ConvStage))

    @property
    def head(self) -> HeadStage:
        """The last stage."""
        last = self.stages[-1]
        assert isinstance(last, HeadStage)
        return last

    def modules(self) -> Iterator[EmittedModule]:
        """The modules that are made from templates: the top, the stages, their constant memories."""
        yield EmittedModule(f"{self.top}.v", "top.v.j2", {})
        for stage in self.stages:
            yield from self.modules_of(stage)

    def modules_of(self, stage: Stage[Any]) -> Iterator[EmittedModule]:
        """A stage's module and its constant memories."""
        yield EmittedModule(f"{self.name}_{stage.name}.v", stage.template, {"stage": stage})
        for rom in stage.roms:
            if not rom.loaded:
                yield self.rom_module(stage.name, rom)

    def rom_module(self, owner: str, rom: Rom) -> EmittedModule:
        """A constant memory of the part `owner` of the design."""
        return EmittedModule(f"rom/{self.name}_{owner}_{rom.suffix}.v", "rom.v.j2", {"owner": owner, "rom": rom})

    @property
    def blocks_left_out(self) -> frozenset[str]:
        """Blocks of rtl/ that a folder does not get: a design of shifts and adds holds no multiplier, used or not."""
        return frozenset() if self.description.multiplied else frozenset({"affine_multiply"})

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the stages' instances in the top module."""
        return tuple(stage.instance for stage in self.stages)

    @property
    def stage_modules(self) -> tuple[str, ...]:
        """Names of the stages' modules."""
        return tuple(f"{self.name}_{stage.name}" for stage in self.stages)

    @property
    def memories(self) -> list[Memory]:
        """Every memory that is more than a few registers, stage by stage."""
        return [memory for stage in self.stages for memory in stage.memories]

    @property
    def streams(self) -> tuple[Link, ...]:
        """Those between stages that the top module has as signals."""
        return self.links

    @property
    def reset_parts(self) -> tuple[str, ...]:
        """Parts of the design that have a reset register of their own."""
        return "entry", *(stage.name for stage in self.stages), "exit"

    @property
    def cycles(self) -> int:
        """Cycles of work an image of the busiest stage."""
        return max(stage.cycles for stage in self.stages)

    @property
    def occupancy_interval(self) -> int:
        """Cycles over which the testbench adds up how long each engine was at work."""
        return max(1, self.cycles // INTERVALS)

    @property
    def status_depth(self) -> int:
        """Verdicts on their way: a stage holds parts of two frames at most while the next waits before it."""
        return len(self.stages) + 2

    @property
    def pixels(self) -> int:
        """Of an image."""
        return self.input.layer.height * self.input.layer.width

    @property
    def logit_beat_w(self) -> int:
        """A logit and the winning class."""
        return LOGIT_BITS + self.head.class_w

    @property
    def last_and_pixel_w(self) -> int:
        """A pixel and whether it is the last of its image."""
        return 1 + self.input.pixel_w

    @property
    def last_and_logit_beat_w(self) -> int:
        """A beat of the output and whether it is the last of its image."""
        return 1 + self.logit_beat_w

    @property
    def xnor_bits(self) -> int:
        """XNOR operations of all stages in one cycle."""
        return sum(stage.xnor_bits for stage in self.stages)

    @property
    def rom_bits(self) -> int:
        """Of the constant memories of all stages."""
        return sum(stage.rom_bits for stage in self.stages)

    @property
    def parts(self) -> str:
        """What it is made of, in words."""
        return f"{len(self.stages)} stages"


Builder = Callable[[NetworkDescription, Any], AcceleratorDesign]
AnyBuilder = TypeVar("AnyBuilder", bound=Builder)

_BUILDERS: dict[type[Folding], Builder] = {}
"""By the class of the folding, for architectures other than the pipeline."""


def builds(kind: type[Folding]) -> Callable[[AnyBuilder], AnyBuilder]:
    """Decorator: this function computes the design state of foldings of that class."""

    def register(builder: AnyBuilder) -> AnyBuilder:
        _BUILDERS[kind] = builder
        return builder

    return register


def build_design(description: NetworkDescription, folding: Folding) -> AcceleratorDesign:
    """Compute the design state."""
    if type(folding) in _BUILDERS:
        return _BUILDERS[type(folding)](description, folding)
    stages: list[Stage[Any]] = []
    links: list[Link] = []
    for name, layer in description.named_layers():
        fold = folding[name]
        kind = kind_of(layer, fold)
        lanes = stages[-1].out_lanes if stages else 1
        in_lanes = kind.input_lanes(layer, fold, lanes)
        stage = kind.build(name, layer, fold, description.residual_bits, in_lanes)
        if stages:
            common = math.lcm(lanes, stage.in_lanes)
            links.append(Link(stages[-1].name, stage, lanes, common // lanes, common // stage.in_lanes))
        stages.append(stage)
    return AcceleratorDesign(description, folding, tuple(stages), tuple(links))


def require_constant_weights(design: AcceleratorDesign, around: str) -> None:
    """Refuse a design whose weights are loaded where nothing around it would load them. around: what is made.

    Raises:
        InputError: they are.
    """
    if design.load is not None:
        raise InputError(f'{around}: nothing there loads weights, expected a folding file without "weights": "loaded"')
