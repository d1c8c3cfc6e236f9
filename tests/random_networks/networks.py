# SPDX-License-Identifier: Apache-2.0
"""Network descriptions and images drawn by Hypothesis: shapes within model/limits.py, constants at every corner.

A layer's constants are drawn field by field as a kind, such as 'highest' or 'tie', of which the first is the simplest.
Kinds that a value has to meet exactly, such as a gate's threshold that equals a sum, are made from what the golden
model computes for the images up to there. `model/random_network.py` draws a network by one seed, which cannot shrink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model import golden
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import (
    HEAD_DIGITS,
    HEAD_LIMIT,
    LOGIT_BITS,
    SCALE_DIGITS,
    SCALE_LIMIT,
    SCALE_SHIFT_LIMIT,
    SLOPE_LIMIT,
    SLOPE_SHIFT,
    TAPS,
    head_room,
    signed_range,
)
from wsfracbnn.model.description import ConvLayer, HeadLayer, InputLayer, Ints, Layer, NetworkDescription, Signs
from wsfracbnn.model.limits import MAX_COLOURS
from wsfracbnn.model.signed_digits import representable

from .picks import Picks

SIDES = (4, 4, 4, 8, 16)
"""Pixels up to which an image may be high or wide: most are small, as a simulation takes time for each."""

LEVELS = (1, 2, 4, 8, 16, 32, 64, 128)
MOST_CLASSES = (10, 10, 10, 300)
STAGES = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5)
"""Widths: up to as often as 16 pixels can be halved, and one; many leave no choice of the image."""

IMAGES = ("dark", "bright", "random", "steps")
WEIGHTS = ("plus", "minus", "random")
THRESHOLDS = ("zero", "spread", "lowest", "highest", "ends", "tie", "one_tie", "random", "mixed")
GATES = ("zero", "shut", "open", "tie", "random", "mixed")
SCALES = ("one", "zero", "minus", "largest", "least", "halves", "random", "mixed")
BIASES_IN = ("zero", "lowest", "highest", "tie", "below", "random", "mixed")
SLOPES = ("identity", "zero", "largest", "least", "minus", "random", "mixed")
BIASES_OUT = ("zero", "lowest", "highest", "top", "bottom", "random", "mixed")
GATE_FRACTIONS = ("half", "none", "all", "measured")
HEAD_WEIGHTS = ("one", "zero", "largest", "same", "random", "mixed")
HEAD_BIASES = ("zero", "lowest", "highest", "tie", "random", "mixed")


Made = Mapping[str, NDArray[Any]]
"""A field's values by the name of their kind."""


@dataclass(frozen=True)
class Size:
    """Bounds that keep a simulation short.

    blocks: of all stages, where these are fewer. work: multiply-adds of an image, a plane, a tap. cycles: of a stage,
    an image. engine_cycles: of the one engine. cost: of all stages, as Stage.cost_at counts it. table_bits: of the
    input stage's tables.
    """

    blocks: int

    work: int
    cycles: int
    engine_cycles: int
    cost: int
    table_bits: int


SMALL = Size(blocks=2, work=1_500, cycles=400, engine_cycles=5_000, cost=1_500, table_bits=30_000)
LARGE = Size(blocks=9, work=120_000, cycles=8_000, engine_cycles=200_000, cost=20_000, table_bits=1_000_000)


def draw_config(picks: Picks, size: Size) -> NetworkConfig:
    """A shape that can be built."""
    stages = picks.option("stages", STAGES)
    unit = 1 << (stages - 1)
    height = unit * picks.integer("rows", 1, max(1, picks.option("side", SIDES) // unit))
    width = unit * picks.integer("columns", 1, max(1, picks.option("side", SIDES) // unit))
    blocks = tuple(picks.integer("blocks", 1, max(1, size.blocks // stages)) for _ in range(stages))
    levels = picks.option("levels", LEVELS)
    channels = picks.integer("channels", 1, _most(64, lambda n: _fits(size, height, width, 1, levels, n, blocks)))
    most = _most(MAX_COLOURS, lambda n: _fits(size, height, width, n, levels, channels, blocks))
    colours = picks.integer("colours", 1, most)
    widths = tuple(channels << stage for stage in range(stages))
    pixels = (height >> (stages - 1)) * (width >> (stages - 1))
    bits = picks.integer("bits", 8, _most(24, lambda n: head_room(pixels, n) >= -(-widths[-1] // 2), least=8))
    fraction = picks.integer("fraction", 0, bits - 1)
    classes = picks.integer("classes", 2, picks.option("most_classes", MOST_CLASSES))
    return NetworkConfig(height, width, colours, levels, widths, blocks, classes, bits, fraction)


def _most(limit: int, fits: Any, least: int = 1) -> int:
    """The largest number up to a limit that fits, or the least of all."""
    return max((n for n in range(least, limit + 1) if fits(n)), default=least)


def _fits(
    size: Size, height: int, width: int, colours: int, levels: int, channels: int, blocks: tuple[int, ...]
) -> bool:
    pixels = height * width
    table = TAPS * colours * channels * (1 << (levels + 1).bit_length()) * (levels.bit_length() + 1)
    work = pixels * colours * channels
    for stage, count in enumerate(blocks):
        outputs = (pixels >> (2 * stage)) * (channels << stage)
        convs = 2 * count
        work += outputs * (channels << stage) * convs
    return work <= size.work and table <= size.table_bits


def draw_images(picks: Picks, config: NetworkConfig) -> NDArray[np.uint8]:
    """One or two images (n, H, W, colours) uint8; 'steps' has pixels at and just below the levels of the code."""
    resolution = 256 // config.thermometer_levels
    steps = np.arange(config.thermometer_levels) * resolution + resolution // 2
    edges = np.unique(np.concatenate((steps, steps - 1, [0, 255]))).astype(np.uint8)
    images = []
    for _ in range(picks.integer("images", 1, 2)):
        kind = picks.option("image", IMAGES)
        generator = picks.generator()
        images.append(
            {
                "dark": np.zeros(config.image_shape, np.uint8),
                "bright": np.full(config.image_shape, 255, np.uint8),
                "random": generator.integers(0, 256, config.image_shape, dtype=np.uint8),
                "steps": generator.choice(edges, config.image_shape),
            }[kind]
        )
    return np.stack(images)


def draw_network(picks: Picks, config: NetworkConfig, images: NDArray[np.uint8]) -> NetworkDescription:
    """All layers of that shape, from the input on: what one gives is what the next one's ties are made of."""
    bits = config.residual_bits
    layers: list[Layer] = [_draw_input(picks, config, images)]
    x = golden.run_input(layers[0], images, bits).output  # type: ignore[arg-type]
    for shape in config.convolutions():
        layer = _draw_conv(picks, shape.in_channels, shape.out_channels, shape.stride, x, bits)
        layers.append(layer)
        x = golden.run_conv(layer, x, bits).output
    layers.append(_draw_head(picks, config.classes, x, bits))
    names = tuple(str(number) for number in range(config.classes))
    return NetworkDescription("random", bits, config.residual_fraction, names, tuple(layers))


def _pick(picks: Picks, name: str, kinds: tuple[str, ...], made: Made, generator: np.random.Generator) -> Ints:
    """A field's values by a drawn kind; 'mixed' takes another kind for each channel."""
    kind = picks.option(name, kinds)
    if kind == "mixed":
        several = np.stack([made[k] for k in kinds if k != "mixed"])
        chosen = generator.integers(0, len(several), several.shape[1])
        values = several[chosen, np.arange(several.shape[1])]
    else:
        values = made[kind]
    found: Ints = values.astype(np.int64)
    return found


def _weights(picks: Picks, out_channels: int, in_channels: int, generator: np.random.Generator) -> Signs:
    shape = (out_channels, in_channels, TAPS)
    made: Made = {
        "plus": np.ones(shape, np.int8),
        "minus": -np.ones(shape, np.int8),
        "random": generator.choice(np.array([-1, 1], np.int8), shape),
    }
    return made[picks.option("weights", WEIGHTS)]


def _somewhere(values: NDArray[Any], generator: np.random.Generator, count: int = 1) -> Ints:
    """Of values (N, H, W, C), `count` that occur in each channel: (C, count), ascending."""
    flat = values.reshape(-1, values.shape[-1]).astype(np.int64)
    places = generator.integers(0, len(flat), (values.shape[-1], count))
    return np.sort(np.take_along_axis(flat.T, places, axis=1), axis=1)


def _scales(picks: Picks, channels: int, generator: np.random.Generator) -> tuple[int, Ints]:
    """r and M. 'halves': |M| = 2^(r-1) for odd A, 2^(r-2) for those that are twice an odd number, and so on."""
    shift = picks.integer("scale_shift", 0, SCALE_SHIFT_LIMIT)
    signs = generator.choice([-1, 1], channels)
    made: Made = {
        "one": np.ones(channels),
        "zero": np.zeros(channels),
        "minus": -np.ones(channels),
        "largest": np.full(channels, SCALE_LIMIT),
        "least": np.full(channels, -SCALE_LIMIT),
        "halves": signs * (1 << (shift - 1 - generator.integers(0, 3, channels)).clip(0, 6)),
        "random": generator.choice(representable(SCALE_DIGITS, SCALE_LIMIT), channels),
    }
    return shift, _pick(picks, "scale", SCALES, made, generator)


def _biases_in(picks: Picks, y: NDArray[Any], bits: int, generator: np.random.Generator) -> Ints:
    """b1. 'tie': Y + b1 = 0 somewhere, 'below': -1, where it has room. y: (N, H, W, C)."""
    low, high = signed_range(bits)
    channels = y.shape[-1]
    zero = -_somewhere(y, generator)[:, 0]
    made: Made = {
        "zero": np.zeros(channels),
        "lowest": np.full(channels, low),
        "highest": np.full(channels, high),
        "tie": zero.clip(low, high),
        "below": (zero - 1).clip(low, high),
        "random": generator.integers(low, high + 1, (channels,)),
    }
    return _pick(picks, "bias_in", BIASES_IN, made, generator)


def _draw_input(picks: Picks, config: NetworkConfig, images: NDArray[np.uint8]) -> InputLayer:
    generator, channels = picks.generator(), config.widths[0]
    shift, scale = _scales(picks, channels, generator)
    plain = InputLayer(
        height=config.image_height,
        width=config.image_width,
        colours=config.image_channels,
        levels=config.thermometer_levels,
        out_channels=channels,
        scale_shift=shift,
        weights=_weights(picks, channels, config.input_bits, generator),
        scale=scale,
        bias_in=np.zeros(channels, np.int64),
    )
    s = golden.run_input(plain, images, config.residual_bits).accumulator
    assert s is not None
    y = golden.rshift((s * scale).astype(np.int32), shift)
    return replace(plain, bias_in=_biases_in(picks, y, config.residual_bits, generator))


def _draw_conv(
    picks: Picks, in_channels: int, out_channels: int, stride: int, x: NDArray[np.int32], bits: int
) -> ConvLayer:
    generator, zeros = picks.generator(), np.zeros(out_channels, np.int64)
    shift, scale = _scales(picks, out_channels, generator)
    layer = ConvLayer(
        height=x.shape[1],
        width=x.shape[2],
        in_channels=in_channels,
        out_channels=out_channels,
        stride=stride,
        scale_shift=shift,
        slope_shift=SLOPE_SHIFT,
        gate_fraction=0.5,
        thresholds=_thresholds(picks, x, bits, generator),
        weights=_weights(picks, out_channels, in_channels, generator),
        gate=zeros,
        scale=scale,
        bias_in=zeros,
        slope=zeros,
        bias_out=zeros,
    )
    layer = replace(layer, gate=_gates(picks, layer, x, bits, generator))
    trace = golden.run_conv(layer, x, bits)
    assert trace.accumulator is not None
    assert trace.gate is not None
    y = golden.rshift((trace.accumulator * scale).astype(np.int32), shift)
    layer = replace(layer, bias_in=_biases_in(picks, y, bits, generator), slope=_slopes(picks, out_channels, generator))
    measured = round(float(trace.gate.mean()), 6)
    fraction = {"half": 0.5, "none": 0.0, "all": 1.0, "measured": measured}[
        picks.option("gate_fraction", GATE_FRACTIONS)
    ]
    # Without b2 the output is V + shortcut, clamped: what is left to the range's ends.
    output = golden.run_conv(layer, x, bits).output
    return replace(layer, gate_fraction=fraction, bias_out=_biases_out(picks, output, bits, generator))


def _thresholds(picks: Picks, x: NDArray[np.int32], bits: int, generator: np.random.Generator) -> Ints:
    """T1 <= T2 <= T3 of each channel, (I, 3). 'tie': all three are values of X; 'one_tie': the same one three times."""
    low, high = signed_range(bits)
    channels = x.shape[-1]
    made: Made = {
        "zero": np.zeros((channels, 3)),
        "spread": np.tile((low // 2, 0, high // 2), (channels, 1)),
        "lowest": np.full((channels, 3), low),
        "highest": np.full((channels, 3), high),
        "ends": np.tile((low, 0, high), (channels, 1)),
        "tie": _somewhere(x, generator, 3),
        "one_tie": np.repeat(_somewhere(x, generator), 3, axis=1),
        "random": np.sort(generator.integers(low, high + 1, (channels, 3)), axis=1),
    }
    return _pick(picks, "thresholds", THRESHOLDS, made, generator)


def _gates(picks: Picks, layer: ConvLayer, x: NDArray[np.int32], bits: int, generator: np.random.Generator) -> Ints:
    """G. 'tie': a value of S_m."""
    s_m = golden.run_conv(layer, x, bits).s_m
    assert s_m is not None
    channels, most = layer.out_channels, layer.window_bits
    made: Made = {
        "zero": np.zeros(channels),
        "shut": np.full(channels, most),
        "open": np.full(channels, -most - 1),
        "tie": _somewhere(s_m, generator)[:, 0],
        "random": generator.integers(-most - 1, most + 1, channels),
    }
    return _pick(picks, "gate", GATES, made, generator)


def _slopes(picks: Picks, channels: int, generator: np.random.Generator) -> Ints:
    made: Made = {
        "identity": np.full(channels, 1 << SLOPE_SHIFT),
        "zero": np.zeros(channels),
        "largest": np.full(channels, SLOPE_LIMIT),
        "least": np.full(channels, -SLOPE_LIMIT),
        "minus": -np.ones(channels),
        "random": generator.choice(representable(SCALE_DIGITS, SLOPE_LIMIT), channels),
    }
    return _pick(picks, "slope", SLOPES, made, generator)


def _biases_out(picks: Picks, output: NDArray[np.int32], bits: int, generator: np.random.Generator) -> Ints:
    """b2. 'top', 'bottom': X' reaches an end of its range, or passes it by one, somewhere. output: X' without b2."""
    low, high = signed_range(bits)
    channels = output.shape[-1]
    past = generator.integers(0, 2, channels)
    made: Made = {
        "zero": np.zeros(channels),
        "lowest": np.full(channels, low),
        "highest": np.full(channels, high),
        "top": (high - _somewhere(output, generator)[:, 0] + past).clip(low, high),
        "bottom": (low - _somewhere(output, generator)[:, 0] - past).clip(low, high),
        "random": generator.integers(low, high + 1, (channels,)),
    }
    return _pick(picks, "bias_out", BIASES_OUT, made, generator)


def _draw_head(picks: Picks, classes: int, x: NDArray[np.int32], bits: int) -> HeadLayer:
    """Weights and biases with which no logit can overflow. 'same', 'tie': classes of equal logits."""
    generator = picks.generator()
    _, height, width, channels = x.shape
    room = head_room(height * width, bits)
    allowed = representable(HEAD_DIGITS, HEAD_LIMIT)
    largest = int(allowed[allowed <= min(room, HEAD_LIMIT)].max())
    lone = np.zeros((classes, channels), np.int64)
    lone[np.arange(classes), generator.integers(0, channels, classes)] = largest * generator.choice([-1, 1], classes)
    rows = np.stack([_row(channels, room, allowed, generator) for _ in range(classes)])
    made: Made = {
        "one": np.tile(np.arange(channels) < room, (classes, 1)),
        "zero": np.zeros((classes, channels)),
        "largest": lone,
        "same": np.tile(rows[0], (classes, 1)),
        "random": rows,
    }
    weights = _pick(picks, "head_weights", HEAD_WEIGHTS, made, generator)
    left = signed_range(LOGIT_BITS)[1] - abs(weights).sum(axis=1) * (height * width << (bits - 1))
    sums = x.sum(axis=(1, 2), dtype=np.int64)[0] @ weights.T
    biases: Made = {
        "zero": np.zeros(classes, np.int64),
        "lowest": -left,
        "highest": left,
        "tie": (sums.max() - sums).clip(-left, left),
        "random": generator.integers(-left, left + 1),
    }
    return HeadLayer(height, width, channels, classes, weights, _pick(picks, "bias", HEAD_BIASES, biases, generator))


def _row(channels: int, room: int, allowed: Ints, generator: np.random.Generator) -> Ints:
    """Random weights of one class whose magnitudes add up to `room` at most."""
    row = np.zeros(channels, np.int64)
    for channel in generator.permutation(channels):
        fitting = allowed[abs(allowed) <= room]
        row[channel] = generator.choice(fitting)
        room -= abs(int(row[channel]))
    return row
