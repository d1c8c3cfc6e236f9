# SPDX-License-Identifier: Apache-2.0
"""The design state of the sequential architecture: every number that its templates print."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NoReturn

from wsfracbnn.gen.design import AcceleratorDesign, EmittedModule, Link, builds
from wsfracbnn.gen.devices import FAMILIES, ONE_PORT, Shapes
from wsfracbnn.gen.sequential.constants import (
    Constants,
    WeightPart,
    any_digit_codes,
    build_constants,
    build_weights,
    channels_of,
    digit_codes,
    widths_for_any,
    widths_of,
)
from wsfracbnn.gen.sequential.load import Load, build_load
from wsfracbnn.gen.sequential.program import (
    BEGIN_CYCLES,
    PIPELINE_CYCLES,
    Field,
    PlacedInstruction,
    build_program,
    engine_layers,
    input_parts,
    plane_words,
    program_fields,
    program_rom,
    weight_words,
)
from wsfracbnn.gen.sequential.size import ARCHITECTURE_KEY, SMALLEST, WORD, EngineSize
from wsfracbnn.gen.sequential.stage import EngineStage
from wsfracbnn.gen.stages import HeadStage
from wsfracbnn.gen.stages.base import Stage
from wsfracbnn.gen.stages.folding import TARGET_KEY, Folding
from wsfracbnn.gen.stages.fractional_engine import match_count_stages
from wsfracbnn.gen.stages.memory import Memory, free_memory, rom_memory
from wsfracbnn.gen.stages.rom import Rom, clog2, index_width
from wsfracbnn.model.contract import HEAD_NAME, TAPS
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

HEAD_RESTART_CYCLES = 4
"""At most, from an image's last logits until the sums of the next come one a cycle."""

OWNER = "engine"
"""Part of the design that all constant memories but the head's belong to."""


@dataclass(frozen=True)
class SequentialFolding(Folding):
    """One engine; `stages` says for each layer what of it works there."""

    engine: EngineSize = SMALLEST

    def with_rom_parity(self) -> NoReturn:
        """Its memories are read by several blocks, and checked by none.

        Raises:
            InputError: always.
        """
        raise InputError(f"parity of constant memories: is for the pipeline, found the folding '{WORD}'")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {ARCHITECTURE_KEY: WORD, TARGET_KEY: self.target.to_json()} | self.engine.to_json()


@dataclass(frozen=True)
class SequentialDesign(AcceleratorDesign):
    """One engine, its program and its memories, and the pipeline's head."""

    engine: EngineSize
    program: tuple[PlacedInstruction, ...]
    weights: tuple[WeightPart, ...]
    constants: Constants

    testbench_template: ClassVar[str] = "sequential_testbench.v.j2"
    one_engine: ClassVar[bool] = True

    @property
    def parts(self) -> str:
        return f"{len(self.stages)} layers, all but the head in one engine"

    @property
    def input(self) -> EngineStage:  # type: ignore[override]
        """The first layer."""
        first = self.stages[0]
        assert isinstance(first, EngineStage)
        return first

    @property
    def streams(self) -> tuple[Link, ...]:
        """None: layers leave their results in a memory."""
        return ()

    @property
    def reset_parts(self) -> tuple[str, ...]:
        return "entry", OWNER, "head", "exit"

    @property
    def engine_cycles(self) -> int:
        """Cycles of an image in the engine: of all instructions, one after the other."""
        return sum(placed.work + self.drain + BEGIN_CYCLES for placed in self.program)

    @property
    def cycles(self) -> int:
        """Cycles of an image: the engine's, or at most the head's, which works on the image before."""
        return max(self.engine_cycles, self.head.cycles + HEAD_RESTART_CYCLES)

    @property
    def instances(self) -> tuple[str, ...]:
        """Instances with block RAMs, in the order of the data's way."""
        return "level_ram", "plane_ram", "weights", "scales_rom", "slopes_rom", "thresholds_rom", "x_ram", "head"

    @property
    def stage_modules(self) -> tuple[str, ...]:
        """The head's alone: the engine is the top module."""
        return (f"{self.name}_{self.head.name}",)

    @property
    def memories(self) -> list[Memory]:
        """Those that are written, the constant ones, and the head's."""
        written = {
            "level_ram": (self.pixels, self.description.input.colours * self.level_w),
            "plane_ram": (self.plane_words, 2 * self.engine.simd),
            "x_ram": (self.x_words, self.bits),
        }
        constant = [
            *((f"weights.{part.rom.suffix}_rom", part.rom) for part in self.weights),
            *((f"{rom.suffix}_rom", rom) for rom in self.roms if not rom.suffix.startswith("weights")),
        ]
        return [
            *(free_memory(OWNER, name, rf"{name}\.memory\b", *size) for name, size in written.items()),
            *(replace(rom_memory(OWNER, "", rom), cell=re.escape(name) + r"\.") for name, rom in constant),
            *self.head.memories,
        ]

    @property
    def status_depth(self) -> int:
        """Verdicts on their way: of an image that arrives, one in the engine and two in the head."""
        return 4

    @property
    def xnor_bits(self) -> int:
        return 2 * self.engine.pe * self.engine.simd

    def modules(self) -> Iterator[EmittedModule]:
        yield EmittedModule(f"{self.top}.v", "sequential_top.v.j2", {})
        yield EmittedModule(f"{self.name}_{OWNER}_weights.v", "sequential_weights.v.j2", {})
        for rom in self.roms:
            if not rom.loaded:
                yield self.rom_module(OWNER, rom)
        yield from self.modules_of(self.head)

    @property
    def roms(self) -> tuple[Rom, ...]:
        """Constant memories of the engine."""
        constants = self.constants
        return (
            self.program_rom,
            *(part.rom for part in self.weights),
            constants.scales,
            constants.slopes,
            constants.thresholds,
        )

    @functools.cached_property
    def load(self) -> Load | None:
        """How weights are loaded; None where they come with the bitstream."""
        if not self.engine.loaded:
            return None
        owned = [*((OWNER, rom) for rom in self.roms), *((self.head.name, rom) for rom in self.head.roms)]
        first, widths = self.description.input, self.constants.widths
        shape = [
            self.engine.to_json(),
            self.bits,
            [self.pixels, first.colours, first.levels],
            self.program_rom.words.packed,
            [widths.gate, widths.bias_in, widths.bias_out, widths.threshold, widths.shift, widths.span],
        ]
        return build_load([(owner, rom) for owner, rom in owned if rom.loaded], shape)

    # Program ----------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def program_rom(self) -> Rom:
        """The program."""
        return program_rom(self.program)

    @functools.cached_property
    def program_fields(self) -> dict[str, Field]:
        """Fields of its word by their names."""
        return {field.name: field for field in program_fields(self.program)}

    def _field(self, name: str, width: int) -> str:
        """A field of the word in so many bits, as a Verilog expression."""
        own = self.program_fields[name].width
        if own > width:
            return f"op_{name}[{width - 1}:0]"
        return f"op_{name}" if own == width else f"{{{width - own}'d0, op_{name}}}"

    @property
    def walk_ports(self) -> dict[str, str]:
        """What rtl/sequential/layer_walk.v is told of a layer."""
        plane = self.plane_w
        return {
            "rows": self._field("rows", self.side_w),
            "columns": self._field("columns", self.side_w),
            "groups": "op_groups",
            "steps": "op_steps",
            "pause": "op_pause",
            "stride_2": "op_stride_2",
            "hold": "op_pixels",
            "first_word": self._field("first_word", plane),
            "row_jump": self._field("row_jump", plane),
            "pixel_step": self._field("pixel_step", plane),
            "row_step": self._field("row_step", plane),
            "weights": self._field("weights", self.weight_w),
        }

    @property
    def average_ports(self) -> dict[str, str]:
        """What rtl/sequential/average_walk.v is told of a layer."""
        return {
            "rows": self._field("rows", self.side_w),
            "columns": self._field("columns", self.side_w),
            "channels": "op_channels",
            "pixel": self._field("pixel_step", self.x_w),
            "row_turn": self._field("row_jump", self.x_w),
        }

    @property
    def constants_port(self) -> str:
        """Where a layer's constants begin."""
        return self._field("constants", self.constant_w)

    @property
    def constant_ports(self) -> list[tuple[str, str, Rom]]:
        """Signals of address and data of each constant memory."""
        constants = self.constants
        named = (("scale", constants.scales), ("slope", constants.slopes), ("threshold", constants.thresholds))
        return [(f"{name}_addr", f"{name}_data", rom) for name, rom in named]

    @property
    def instruction_count(self) -> int:
        """Instructions of the program."""
        return len(self.program)

    @property
    def instruction_numbers(self) -> dict[str, int]:
        """Number of the instruction that computes each layer, but the head."""
        numbered = enumerate(self.program)
        return {placed.layer: number for number, placed in numbered if placed.word.windows}

    @property
    def part_count(self) -> int:
        """Parts of the weight memory."""
        return len(self.weights)

    @property
    def first_part(self) -> WeightPart:
        """The part that the memory begins with."""
        return self.weights[0]

    @property
    def further_parts(self) -> tuple[WeightPart, ...]:
        """The others."""
        return self.weights[1:]

    @property
    def last_parts_first(self) -> tuple[WeightPart, ...]:
        """The others as their words are chosen among."""
        return self.further_parts[::-1]

    @property
    def halves(self) -> bool:
        """Whether any layer has a stride of 2."""
        return any(placed.word.average for placed in self.program)

    @property
    def side_w(self) -> int:
        """Width of numbers of rows and of columns."""
        return max(self.program_fields[name].width for name in ("rows", "columns"))

    @property
    def drain(self) -> int:
        """Cycles from the last step of an instruction until nothing of it is under way."""
        return PIPELINE_CYCLES + self.popcount_stages + self.engine.pe

    # Sizes ------------------------------------------------------------------------------------------------------------

    @property
    def popcount_stages(self) -> int:
        """Registers in rtl/match_count.v."""
        return match_count_stages(self.engine.simd)

    @property
    def pad(self) -> int:
        """Bits of the last part of a colour's thermometer code that are none."""
        return pad_of(self.description, self.engine)

    @property
    def most_counted(self) -> int:
        """The largest sum of matches, and of what is counted beside them."""
        return most_counted(self.description, self.engine)

    @property
    def count_w(self) -> int:
        """Width of a count."""
        return count_width(self.description, self.engine)

    @property
    def x_words(self) -> int:
        """Values of the largest residual stream."""
        return max(
            layer.out_height * layer.out_width * layer.out_channels for _, layer in engine_layers(self.description)
        )

    @property
    def x_w(self) -> int:
        """Width of their address."""
        return index_width(self.x_words)

    @property
    def plane_w(self) -> int:
        """Width of an address of a bank of the plane, and of the levels."""
        return plane_address_width(self.description, self.engine)

    @property
    def plane_words(self) -> int:
        """Words of both banks, of which the second begins at a power of two."""
        return (1 << self.plane_w) + plane_words(self.description, self.engine.simd)

    @property
    def level_w(self) -> int:
        """Width of a level, as rtl/pixel_level.v has it."""
        return clog2(self.description.input.levels + 2)

    @property
    def pixel_index_w(self) -> int:
        """Width of a pixel's number."""
        return index_width(self.pixels)

    @property
    def weight_words(self) -> int:
        """Words of all weights."""
        return sum(part.rom.depth for part in self.weights)

    @property
    def weight_w(self) -> int:
        """Width of their address."""
        return index_width(self.weight_words)

    @property
    def constant_w(self) -> int:
        """Width of a channel's address among the constants of all layers."""
        return self.constants.scales.addr_w

    @property
    def read_out_words(self) -> int:
        """Values that the head takes."""
        head = self.description.head
        return head.height * head.width * head.in_channels


def plane_address_width(description: NetworkDescription, engine: EngineSize) -> int:
    """Width of an address that holds a word of the largest plane, or a pixel."""
    first = description.input
    return index_width(max(plane_words(description, engine.simd), first.height * first.width))


def _shapes(folding: SequentialFolding) -> Shapes:
    """Of the target's block RAMs; those of ECP5 and 7 series where no family, or a board's own, is named."""
    family = FAMILIES.get(folding.target.family or "")
    return ONE_PORT if family is None else family.block_ram_shapes


def _constants(description: NetworkDescription, engine: EngineSize) -> Constants:
    channels = channels_of(description)
    if engine.loaded:
        widths = widths_for_any(channels, count_width(description, engine), description.residual_bits)
        return build_constants(channels, widths, any_digit_codes(), loaded=True)
    return build_constants(channels, widths_of(channels), digit_codes(channels))


def pad_of(description: NetworkDescription, engine: EngineSize) -> int:
    """Bits of the last part of a colour's thermometer code that are none."""
    layer = description.input
    return input_parts(layer, engine.simd) * engine.simd - layer.levels


def most_counted(description: NetworkDescription, engine: EngineSize) -> int:
    """The largest sum of matches, and of what is counted beside them."""
    layer, pad = description.input, pad_of(description, engine)
    windows = [conv.window_bits for conv in description.convs]
    return max(*windows, TAPS * layer.colours * (layer.levels + 2 * pad), 2 * engine.simd)


def count_width(description: NetworkDescription, engine: EngineSize) -> int:
    """Width of a count."""
    return clog2(most_counted(description, engine) + 1)


@builds(SequentialFolding)
def build_sequential(description: NetworkDescription, folding: SequentialFolding) -> SequentialDesign:
    """Compute the design state."""
    engine = folding.engine
    program = build_program(description, engine, plane_address_width(description, engine))
    weights = build_weights(description, engine, _shapes(folding))
    constants = _constants(description, engine)
    channel_bits = constants.scales.width + constants.slopes.width + constants.thresholds.width
    bits = description.residual_bits
    stages: list[Stage[Any]] = []
    for name, layer in engine_layers(description):
        work = sum(placed.work for placed in program if placed.layer == name)
        constant_bits = weight_words(layer, engine) * engine.pe * engine.simd + layer.out_channels * channel_bits
        stages.append(EngineStage(name, layer, folding[name], bits, 1, work, constant_bits))
    head = HeadStage.build(HEAD_NAME, description.head, folding[HEAD_NAME], bits, 1)
    # A block RAM would be nearly empty, and on the smallest parts it is the one too many.
    head = replace(head, biases=replace(head.biases, in_luts=True))
    stages.append(head.with_loaded_weights() if engine.loaded else head)
    links = [Link(stage.name, sink, 1, 1, 1) for stage, sink in itertools.pairwise(stages)]
    return SequentialDesign(
        description, folding, tuple(stages), tuple(links), engine, tuple(program), tuple(weights), constants
    )
