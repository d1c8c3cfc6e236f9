# SPDX-License-Identifier: Apache-2.0
"""Weights and constants of all layers, one layer behind the other, as rtl/sequential/ reads them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.devices import Shapes
from wsfracbnn.gen.sequential.parts import cut
from wsfracbnn.gen.sequential.program import engine_layers, input_parts, shift_of
from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.stages.digit_codes import DIGIT_BITS, DigitCodes, cheapest_codes, every_code
from wsfracbnn.gen.stages.rom import Rom, Words, clog2, pack
from wsfracbnn.model.contract import SCALE_DIGITS, SLOPE_SHIFT, TAPS
from wsfracbnn.model.description import ConvLayer, InputLayer, NetworkDescription

CODE_W = SCALE_DIGITS * DIGIT_BITS
"""Width of a scale or of a slope."""

LOADED_SHIFT = 4
"""r up to which networks can be loaded, whatever the one has that the hardware was made from."""

IDENTITY = 1 << SLOPE_SHIFT
"""N of a channel whose line does not bend, as those of the input layer."""


@dataclass(frozen=True)
class Channel:
    """Constants of one output channel. shift: r of its layer's sum. thresholds: those of the layer behind."""

    where: str
    gate: int
    scale: int
    shift: int
    bias_in: int
    slope: int
    bias_out: int
    thresholds: tuple[int, ...]


@dataclass(frozen=True)
class Constants:
    """The constant memories of all channels, and the widths in which they hold their numbers."""

    scales: Rom
    slopes: Rom
    thresholds: Rom
    scale_codes: DigitCodes
    slope_codes: DigitCodes
    widths: Widths

    @property
    def identity(self) -> int:
        """Code of 2^s among the slopes."""
        return self.slope_codes.code(IDENTITY)


@dataclass(frozen=True)
class WeightPart:
    """A part of the weight memory: its first word and its own memory."""

    first: int
    rom: Rom

    @property
    def address(self) -> str:
        """Its share of an address of the whole memory, as a Verilog expression."""
        return f"addr[{self.rom.addr_w - 1}:0]"

    @property
    def data(self) -> str:
        """Name of its word's signal."""
        return f"{self.rom.suffix}_data"


def channels_of(description: NetworkDescription) -> list[Channel]:
    """Every output channel of the engine, in the order of its constants' addresses.

    The input layer's gate is one that no sum exceeds.
    """
    layers = list(engine_layers(description))
    behind = [layer for _, layer in layers[1:]]
    found = []
    for number, (name, layer) in enumerate(layers):
        following = behind[number] if number < len(behind) else None
        for c in range(layer.out_channels):
            conv = layer if isinstance(layer, ConvLayer) else None
            found.append(
                Channel(
                    where=f"{name}, channel {c}",
                    gate=layer.window_bits if conv is None else int(conv.gate[c]),
                    scale=int(layer.scale[c]),
                    shift=shift_of(layer),
                    bias_in=int(layer.bias_in[c]),
                    slope=IDENTITY if conv is None else int(conv.slope[c]),
                    bias_out=0 if conv is None else int(conv.bias_out[c]),
                    thresholds=_thresholds(following, c),
                )
            )
    return found


def _thresholds(following: InputLayer | ConvLayer | None, channel: int) -> tuple[int, ...]:
    """T1 to T3 of a channel of the layer behind; the last layer has none."""
    return tuple(map(int, following.thresholds[channel])) if isinstance(following, ConvLayer) else (0, 0, 0)


def signed_width(values: Sequence[int]) -> int:
    """Bits that hold all of these as two's complement, two at least."""
    return max(2, *(clog2(max(value + 1, -value)) + 1 for value in values))


@dataclass(frozen=True)
class Widths:
    """Widths in which constants are stored, and the range of r that they are for: `shift` and down to `span` less."""

    gate: int
    bias_in: int
    bias_out: int
    threshold: int
    shift: int
    span: int

    @property
    def prescale(self) -> int:
        """Width of R - r."""
        return self.span.bit_length()

    @property
    def scale_word(self) -> int:
        """Width of a word with G, M, b1 and R - r."""
        return self.gate + CODE_W + self.bias_in + self.prescale


def widths_of(channels: Sequence[Channel]) -> Widths:
    """As narrow as these constants allow."""
    shifts = [channel.shift for channel in channels]
    return Widths(
        gate=signed_width([channel.gate for channel in channels]),
        bias_in=signed_width([channel.bias_in for channel in channels]),
        bias_out=signed_width([channel.bias_out for channel in channels]),
        threshold=signed_width([t for channel in channels for t in channel.thresholds]),
        shift=max(shifts),
        span=max(shifts) - min(shifts),
    )


def widths_for_any(channels: Sequence[Channel], count_w: int, bits: int) -> Widths:
    """For constants that are loaded: every one that the contract allows, r up to `LOADED_SHIFT` or this network's."""
    shift = max(LOADED_SHIFT, *(channel.shift for channel in channels))
    return Widths(count_w + 1, bits, bits, bits, shift, shift)


def digit_codes(channels: Sequence[Channel]) -> tuple[DigitCodes, DigitCodes]:
    """Codes of scales and of slopes that need the smallest shifters."""
    scales = cheapest_codes([channel.scale for channel in channels], SCALE_DIGITS)
    return scales, cheapest_codes([IDENTITY, *(channel.slope for channel in channels)], SCALE_DIGITS)


def any_digit_codes() -> tuple[DigitCodes, DigitCodes]:
    """Codes that take any constant."""
    return every_code(SCALE_DIGITS), every_code(SCALE_DIGITS)


def build_constants(
    channels: Sequence[Channel], widths: Widths, codes: tuple[DigitCodes, DigitCodes], *, loaded: bool = False
) -> Constants:
    """The memories of G, M, b1 and R - r, of N and b2, and of T1 to T3. codes: of scales and of slopes."""
    scale_codes, slope_codes = codes

    def rom(suffix: str, purpose: str, layout: str, fields: list[list[tuple[int, int]]], meanings: list[str]) -> Rom:
        width = sum(bits for _, bits in fields[0])
        comments = [f"{c.where}: {meaning}" for c, meaning in zip(channels, meanings, strict=True)]
        words = Words.of((tuple(map(pack, fields)),))
        return Rom(suffix, purpose, layout, width, words, lambda: comments, latency=2, loaded=loaded)

    def scale_fields(c: Channel) -> list[tuple[int, int]]:
        code = scale_codes.code(c.scale)
        return [
            (c.gate, widths.gate),
            (code, CODE_W),
            (c.bias_in, widths.bias_in),
            (widths.shift - c.shift, widths.prescale),
        ]

    return Constants(
        scales=rom(
            "scales",
            "Gates, scales, first biases and how far r is below the largest",
            f"word = {{R - r [{widths.prescale}], b1 [{widths.bias_in}], M as digits 1 and 0 [{CODE_W}], "
            f"G [{widths.gate}]}}",
            [scale_fields(c) for c in channels],
            [f"G {c.gate}, M {c.scale}, b1 {c.bias_in}, r {c.shift}" for c in channels],
        ),
        slopes=rom(
            "slopes",
            "Slopes and second biases",
            f"word = {{b2 [{widths.bias_out}], N as digits 1 and 0 [{CODE_W}]}}",
            [[(slope_codes.code(c.slope), CODE_W), (c.bias_out, widths.bias_out)] for c in channels],
            [f"N {c.slope}, b2 {c.bias_out}" for c in channels],
        ),
        thresholds=rom(
            "thresholds",
            "Thresholds of the layer behind",
            f"word = {{T3, T2, T1}} [{widths.threshold} each]",
            [[(t, widths.threshold) for t in c.thresholds] for c in channels],
            [f"T {', '.join(map(str, c.thresholds))}" for c in channels],
        ),
        scale_codes=scale_codes,
        slope_codes=slope_codes,
        widths=widths,
    )


def layer_bits(layer: InputLayer | ConvLayer, engine: EngineSize) -> NDArray[np.bool_]:
    """Weights of one layer, (words, PE * SIMD): a word for each group, tap and step; true for +1."""
    weights = layer.weights > 0  # (O, I, 9)
    outputs = weights.shape[0]
    if isinstance(layer, InputLayer):
        parts = input_parts(layer, engine.simd)
        code = weights.reshape(outputs, layer.colours, layer.levels, TAPS)
        pad = ((0, 0), (0, 0), (0, parts * engine.simd - layer.levels), (0, 0))
        weights = np.pad(code, pad).reshape(outputs, -1, TAPS)
    grouped = weights.reshape(outputs // engine.pe, engine.pe, -1, engine.simd, TAPS)
    return grouped.transpose(0, 4, 2, 1, 3).reshape(-1, engine.pe * engine.simd)


def build_weights(description: NetworkDescription, engine: EngineSize, shapes: Shapes) -> list[WeightPart]:
    """The weight memory in parts; shapes: of a block RAM."""
    bits = np.concatenate([layer_bits(layer, engine) for _, layer in engine_layers(description)])
    packed = np.packbits(bits, axis=1, bitorder="little")
    words = [int.from_bytes(row.tobytes(), "little") for row in packed]
    places = [
        f"{name}, group {word // per_group}, tap {word % per_group // steps}, step {word % steps}"
        for name, layer in engine_layers(description)
        for count in (len(layer_bits(layer, engine)),)
        for per_group in (count // (layer.out_channels // engine.pe),)
        for steps in (per_group // TAPS,)
        for word in range(count)
    ]
    depths = cut(len(words), engine.pe * engine.simd, shapes)
    found, first = [], 0
    for number, depth in enumerate(depths):
        in_luts = engine.tail_in_luts and len(depths) > 1 and number == len(depths) - 1
        rom = Rom(
            suffix=f"weights_{number}",
            purpose=f"Binary weights from word {first} on, 1 for +1 and 0 for -1",
            layout=f"bit {engine.simd} l + i of a word is bit i of lane l",
            width=engine.pe * engine.simd,
            words=Words.of((tuple(words[first : first + depth]),)),
            comments=functools.partial(places.__getitem__, slice(first, first + depth)),
            latency=2,
            in_luts=in_luts,
            loaded=engine.loaded,
        )
        found.append(WeightPart(first, rom))
        first += depth
    return found
