# SPDX-License-Identifier: Apache-2.0
"""The program that the sequencer runs for each image: one instruction for each layer, and where it halves for two.

Fields are those of docs/sequential.md. Widths are as small as the program allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields

from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.stages.rom import Rom, Words, pack
from wsfracbnn.model.contract import HEAD_NAME, TAPS
from wsfracbnn.model.description import ConvLayer, InputLayer, NetworkDescription

BEGIN_CYCLES = 4
"""Of an instruction, beside its own work and DRAIN: to fetch, to begin, and to see that it ended."""

PIPELINE_CYCLES = 24
"""From a step to the last write behind it, without the lanes' registers and the PE results that leave one by one."""

AVERAGE_CYCLES = 4
"""A value of a halved stream."""

AVERAGE_TAIL = 4
"""From the last read of a halved stream to its last write."""

READ_CYCLES = 3
"""A value that is read out."""


@dataclass(frozen=True)
class Instruction:
    """One word of the program. Numbers of rows, columns, groups, steps and channels are each one less.

    windows, average, read_out: what to do, one of them set. pixels: windows come from the image. bank: of the plane
    that is read. Of `average`, pixel_step is C and row_jump the words of a row less C.
    """

    windows: int = 0
    average: int = 0
    read_out: int = 0
    pixels: int = 0
    bank: int = 0
    shortcut: int = 0
    stride_2: int = 0
    rows: int = 0
    columns: int = 0
    groups: int = 0
    steps: int = 0
    pause: int = 0
    first_word: int = 0
    row_jump: int = 0
    pixel_step: int = 0
    row_step: int = 0
    weights: int = 0
    constants: int = 0
    channels: int = 0


@dataclass(frozen=True)
class PlacedInstruction:
    """An instruction, the layer that it works for, and the cycles that it is at work."""

    layer: str
    word: Instruction
    work: int


@dataclass(frozen=True)
class Field:
    """Where a field lies in the program's word."""

    name: str
    low: int
    width: int

    @property
    def high(self) -> int:
        """Its highest bit."""
        return self.low + self.width - 1

    @property
    def range(self) -> str:
        """Before the name of a wire as wide."""
        return "" if self.width == 1 else f"[{self.width - 1}:0] "

    @property
    def place(self) -> str:
        """Its bits of the word."""
        return f"{self.low}" if self.width == 1 else f"{self.high}:{self.low}"


def input_parts(layer: InputLayer, simd: int) -> int:
    """Steps of SIMD bits that a colour's thermometer code takes."""
    return -(-layer.levels // simd)


def steps_of(layer: InputLayer | ConvLayer, simd: int) -> int:
    """Steps of a tap."""
    return layer.colours * input_parts(layer, simd) if isinstance(layer, InputLayer) else layer.in_channels // simd


def weight_words(layer: InputLayer | ConvLayer, engine: EngineSize) -> int:
    """Words of PE * SIMD weights that a layer has."""
    return layer.out_channels // engine.pe * TAPS * steps_of(layer, engine.simd)


def engine_layers(description: NetworkDescription) -> Iterator[tuple[str, InputLayer | ConvLayer]]:
    """(name, layer) of all that the engine computes."""
    for name, layer in description.named_layers():
        if isinstance(layer, (InputLayer, ConvLayer)):
            yield name, layer


def shift_of(layer: InputLayer | ConvLayer) -> int:
    """r of a layer's sum A; the input layer's is 2 S, since its gate is always closed."""
    return layer.scale_shift + (1 if isinstance(layer, InputLayer) else 0)


def plane_words(description: NetworkDescription, simd: int) -> int:
    """Words of the largest quantized plane."""
    return max(conv.height * conv.width * conv.in_channels // simd for conv in description.convs)


def build_program(description: NetworkDescription, engine: EngineSize, plane_w: int) -> list[PlacedInstruction]:
    """The instructions in their order. plane_w: width of an address of the plane, in which increments wrap."""
    found: list[PlacedInstruction] = []
    weights = constants = 0
    for number, (name, layer) in enumerate(engine_layers(description)):
        if isinstance(layer, ConvLayer) and layer.stride == 2:
            found.append(_average(name, layer))
        word = _windows(layer, engine, plane_w)
        bank = (number + 1) % 2  # the input layer writes bank 0, the first convolution reads it
        own = {"bank": bank, "weights": weights, "constants": constants}
        period = TAPS * (word.steps + 1) + word.pause
        # Nobody waits behind the last group.
        work = layer.out_height * layer.out_width * (word.groups + 1) * period - word.pause
        found.append(PlacedInstruction(name, Instruction(**(asdict(word) | own)), work))
        weights += weight_words(layer, engine)
        constants += layer.out_channels
    head = description.head
    values = head.height * head.width * head.in_channels
    found.append(PlacedInstruction(HEAD_NAME, Instruction(read_out=1), READ_CYCLES * values))
    return found


def _average(name: str, layer: ConvLayer) -> PlacedInstruction:
    word = Instruction(
        average=1,
        rows=layer.out_height - 1,
        columns=layer.out_width - 1,
        channels=layer.in_channels - 1,
        pixel_step=layer.in_channels,
        row_jump=(layer.width - 1) * layer.in_channels,
    )
    values = layer.out_height * layer.out_width * layer.in_channels
    return PlacedInstruction(name, word, AVERAGE_CYCLES * values + AVERAGE_TAIL)


def _windows(layer: InputLayer | ConvLayer, engine: EngineSize, plane_w: int) -> Instruction:
    """All of it that follows from the layer alone."""
    is_input = isinstance(layer, InputLayer)
    stride = 1 if isinstance(layer, InputLayer) else layer.stride
    steps = steps_of(layer, engine.simd)
    pixel = 1 if is_input else steps  # words of a pixel in the plane
    row = layer.width * pixel
    size = 1 << plane_w
    return Instruction(
        windows=1,
        pixels=int(is_input),
        shortcut=int(not is_input),
        stride_2=int(stride == 2),
        rows=layer.out_height - 1,
        columns=layer.out_width - 1,
        groups=layer.out_channels // engine.pe - 1,
        steps=steps - 1,
        pause=max(0, engine.pe - TAPS * steps),
        first_word=-(row + pixel) % size,
        row_jump=(row - 3 * pixel + 1) % size,
        pixel_step=stride * pixel % size,
        row_step=(stride * pixel + (stride - 1) * row) % size,
        channels=layer.out_channels - 1,
    )


def program_fields(program: Sequence[PlacedInstruction]) -> list[Field]:
    """Every field of the word, as wide as its largest value; what no instruction does has none."""
    found, low = [], 0
    halves = any(placed.word.average for placed in program)
    for field in fields(Instruction):
        if field.name == "average" and not halves:
            continue
        width = max(1, *(int(getattr(placed.word, field.name)).bit_length() for placed in program))
        found.append(Field(field.name, low, width))
        low += width
    return found


def program_rom(program: Sequence[PlacedInstruction]) -> Rom:
    """The program as a constant memory."""
    layout = program_fields(program)
    return Rom(
        suffix="program",
        purpose="The program",
        layout=f"word = {{{', '.join(field.name for field in reversed(layout))}}}",
        width=layout[-1].high + 1,
        words=Words.of(
            (tuple(pack([(getattr(p.word, field.name), field.width) for field in layout]) for p in program),)
        ),
        comments=lambda: [_meaning(placed) for placed in program],
    )


def _meaning(placed: PlacedInstruction) -> str:
    what = next(name for name in ("windows", "average", "read_out") if getattr(placed.word, name))
    return f"{placed.layer}: {what.replace('_', ' ')}"
