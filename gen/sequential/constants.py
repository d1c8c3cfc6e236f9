# SPDX-License-Identifier: Apache-2.0
"""Weights and constants of all layers, one layer behind the other, as rtl/sequential/ reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.devices import Shapes
from wsfracbnn.gen.sequential.parts import cut
from wsfracbnn.gen.sequential.program import engine_layers, input_parts
from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.stages.digit_codes import DigitCodes, cheapest_codes
from wsfracbnn.gen.stages.rom import Rom, clog2, pack
from wsfracbnn.model.contract import SCALE_DIGITS, SLOPE_SHIFT, TAPS
from wsfracbnn.model.description import ConvLayer, InputLayer, NetworkDescription

IDENTITY = 1 << SLOPE_SHIFT
"""N of a channel whose line does not bend, as those of the input layer."""


@dataclass(frozen=True)
class Channel:
    """Constants of one output channel; thresholds: those of the layer behind."""

    where: str
    gate: int
    scale: int
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
    gate_w: int
    bias_in_w: int
    bias_out_w: int
    threshold_w: int

    @property
    def identity(self) -> int:
        """Code of 2^s among the slopes."""
        return self.slope_codes.code(IDENTITY)


@dataclass(frozen=True)
class WeightPart:
    """A part of the weight memory: its first word and its own memory."""

    first: int
    rom: Rom


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


def build_constants(description: NetworkDescription) -> Constants:
    """The memories of G, M and b1, of N and b2, and of T1 to T3."""
    channels = channels_of(description)
    scale_codes = cheapest_codes([channel.scale for channel in channels], SCALE_DIGITS)
    slope_codes = cheapest_codes([IDENTITY, *(channel.slope for channel in channels)], SCALE_DIGITS)
    gate_w = signed_width([channel.gate for channel in channels])
    bias_in_w = signed_width([channel.bias_in for channel in channels])
    bias_out_w = signed_width([channel.bias_out for channel in channels])
    threshold_w = signed_width([t for channel in channels for t in channel.thresholds])

    def rom(suffix: str, purpose: str, layout: str, fields: list[list[tuple[int, int]]], meanings: list[str]) -> Rom:
        width = sum(bits for _, bits in fields[0])
        comments = tuple(f"{c.where}: {meaning}" for c, meaning in zip(channels, meanings, strict=True))
        return Rom(suffix, purpose, layout, width, (tuple(map(pack, fields)),), comments, latency=2)

    return Constants(
        scales=rom(
            "scales",
            "Gates, scales and first biases",
            f"word = {{b1 [{bias_in_w}], M as digits 1 and 0 [10], G [{gate_w}]}}",
            [[(c.gate, gate_w), (scale_codes.code(c.scale), 10), (c.bias_in, bias_in_w)] for c in channels],
            [f"G {c.gate}, M {c.scale}, b1 {c.bias_in}" for c in channels],
        ),
        slopes=rom(
            "slopes",
            "Slopes and second biases",
            f"word = {{b2 [{bias_out_w}], N as digits 1 and 0 [10]}}",
            [[(slope_codes.code(c.slope), 10), (c.bias_out, bias_out_w)] for c in channels],
            [f"N {c.slope}, b2 {c.bias_out}" for c in channels],
        ),
        thresholds=rom(
            "thresholds",
            "Thresholds of the layer behind",
            f"word = {{T3, T2, T1}} [{threshold_w} each]",
            [[(t, threshold_w) for t in c.thresholds] for c in channels],
            [f"T {', '.join(map(str, c.thresholds))}" for c in channels],
        ),
        scale_codes=scale_codes,
        slope_codes=slope_codes,
        gate_w=gate_w,
        bias_in_w=bias_in_w,
        bias_out_w=bias_out_w,
        threshold_w=threshold_w,
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
            words=(tuple(words[first : first + depth]),),
            comments=tuple(places[first : first + depth]),
            latency=2,
            in_luts=in_luts,
        )
        found.append(WeightPart(first, rom))
        first += depth
    return found
