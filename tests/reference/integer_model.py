# SPDX-License-Identifier: Apache-2.0
"""The numeric contract a second time: docs/numeric-contract.md alone, in plain loops over Python's integers.

It shares no line with model/golden.py, nor with the torch model: a fault common to both shows as a difference here.
Of a description it takes the numbers. Nothing here is made to be quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsfracbnn.model.description import ConvLayer, HeadLayer, InputLayer, NetworkDescription

Pixel = Sequence[int]
"""One value a channel."""

Image = Sequence[Sequence[Pixel]]
"""Rows of pixels."""


@dataclass(frozen=True)
class Streams:
    """What one layer computes for one image, by the contract's symbols; None where the layer has no such stream.

    output: X', or the head's logits as an image of one pixel. sums: the head's P.
    """

    output: Image
    q: Image | None = None
    s_m: Image | None = None
    gate: Image | None = None
    s_l: Image | None = None
    a: Image | None = None
    sums: Pixel | None = None


@dataclass(frozen=True)
class Answer:
    """The streams of every layer under its name, and the class."""

    streams: dict[str, Streams]
    winner: int


def compute(network: NetworkDescription, image: Image) -> Answer:
    """One image of 8-bit pixels through a network.

    Args:
        image: [row][column][colour], 0 to 255.
    """
    streams: dict[str, Streams] = {}
    x = image
    for name, layer in network.named_layers():
        if isinstance(layer, InputLayer):
            streams[name] = _input(layer, x, network.residual_bits)
        elif isinstance(layer, ConvLayer):
            streams[name] = _conv(layer, x, network.residual_bits)
        elif isinstance(layer, HeadLayer):
            streams[name] = _head(layer, x)
        else:
            raise TypeError(f"{name}: the contract has no layer of kind {layer.kind}")
        x = streams[name].output
    logits = x[0][0]
    winner = 0
    for j, logit in enumerate(logits):
        if logit > logits[winner]:
            winner = j
    return Answer(streams, winner)


def _sat(x: int, bits: int) -> int:
    """Clamp to `bits` bits, two's complement."""
    highest = (1 << (bits - 1)) - 1
    lowest = -(1 << (bits - 1))
    if x > highest:
        return highest
    if x < lowest:
        return lowest
    return x


def _floor_shift(x: int, n: int) -> int:
    """X >> n, by a division that rounds down."""
    return x // (1 << n)


def _rshift(x: int, n: int) -> int:
    """Round half up; n = 0 rounds nothing."""
    if n == 0:
        return x
    return _floor_shift(x + (1 << (n - 1)), n)


def _sum_inside(signs: Image, weights: Sequence[Sequence[int]], row: int, column: int) -> int:
    """Sum of w * sign over the taps of the window centred on (row, column) that lie inside the image.

    Args:
        signs: [row][column][channel], each -1 or +1. weights: [channel][tap] of one output channel.
    """
    total = 0
    for ky in range(3):
        for kx in range(3):
            y = row + ky - 1
            x = column + kx - 1
            if y < 0 or x < 0 or y >= len(signs) or x >= len(signs[0]):
                continue
            for channel, sign in enumerate(signs[y][x]):
                total += weights[channel][3 * ky + kx] * sign
    return total


def _input(layer: InputLayer, image: Image, bits: int) -> Streams:
    resolution = 256 // layer.levels
    weights = layer.weights.tolist()
    scale = layer.scale.tolist()
    bias_in = layer.bias_in.tolist()

    code = []
    for row in image:
        code_row = []
        for pixel in row:
            code_pixel = []
            for p in pixel:
                for k in range(layer.levels):
                    code_pixel.append(1 if 2 * p >= 2 * resolution * k + resolution else -1)
            code_row.append(code_pixel)
        code.append(code_row)

    sums: list[list[list[int]]] = []
    output: list[list[list[int]]] = []
    for row_index in range(len(image)):
        sums.append([])
        output.append([])
        for column in range(len(image[0])):
            sums[-1].append([])
            output[-1].append([])
            for c in range(layer.out_channels):
                s = _sum_inside(code, weights[c], row_index, column)
                y = _rshift(s * scale[c], layer.scale_shift)
                sums[-1][-1].append(s)
                output[-1][-1].append(_sat(y + bias_in[c], bits))
    return Streams(output, s_m=sums, a=sums)


def _quantize(x: Image, thresholds: Sequence[Sequence[int]]) -> list[list[list[int]]]:
    q = []
    for row in x:
        q_row = []
        for pixel in row:
            q_pixel = []
            for channel, value in enumerate(pixel):
                reached = 0
                for threshold in thresholds[channel]:
                    if value >= threshold:
                        reached += 1
                q_pixel.append(reached)
            q_row.append(q_pixel)
        q.append(q_row)
    return q


def _plane(q: Image, bit: int) -> list[list[list[int]]]:
    """+1 where a bit of q is set, else -1."""
    signs = []
    for row in q:
        signs_row = []
        for pixel in row:
            signs_row.append([1 if value & bit else -1 for value in pixel])
        signs.append(signs_row)
    return signs


def _shortcut(layer: ConvLayer, x: Image, row: int, column: int, c: int) -> int:
    if layer.stride == 1:
        return x[row][column][c]
    channel = c if c < layer.in_channels else c - layer.in_channels
    upper, lower = x[2 * row], x[2 * row + 1]
    four = (
        upper[2 * column][channel]
        + upper[2 * column + 1][channel]
        + lower[2 * column][channel]
        + lower[2 * column + 1][channel]
    )
    return _floor_shift(four + 2, 2)


def _conv(layer: ConvLayer, x: Image, bits: int) -> Streams:
    weights = layer.weights.tolist()
    gate = layer.gate.tolist()
    scale = layer.scale.tolist()
    bias_in = layer.bias_in.tolist()
    slope = layer.slope.tolist()
    bias_out = layer.bias_out.tolist()

    q = _quantize(x, layer.thresholds.tolist())
    upper, lower = _plane(q, 2), _plane(q, 1)
    s_ms: list[list[list[int]]] = []
    gates: list[list[list[int]]] = []
    s_ls: list[list[list[int]]] = []
    sums: list[list[list[int]]] = []
    output: list[list[list[int]]] = []
    streams = (s_ms, gates, s_ls, sums, output)
    for row in range(len(x) // layer.stride):
        for stream in streams:
            stream.append([])
        for column in range(len(x[0]) // layer.stride):
            for stream in streams:
                stream[-1].append([])
            for c in range(layer.out_channels):
                s_m = _sum_inside(upper, weights[c], row * layer.stride, column * layer.stride)
                s_l = _sum_inside(lower, weights[c], row * layer.stride, column * layer.stride)
                is_open = s_m > gate[c]
                a = 2 * s_m
                if is_open:
                    a += s_l
                v = _rshift(a * scale[c], layer.scale_shift) + bias_in[c]
                if v < 0:
                    v = _floor_shift(v * slope[c], layer.slope_shift)
                v += bias_out[c]
                s_ms[-1][-1].append(s_m)
                gates[-1][-1].append(int(is_open))
                s_ls[-1][-1].append(s_l)
                sums[-1][-1].append(a)
                output[-1][-1].append(_sat(v + _shortcut(layer, x, row, column, c), bits))
    return Streams(output, q=q, s_m=s_ms, gate=gates, s_l=s_ls, a=sums)


def _head(layer: HeadLayer, x: Image) -> Streams:
    weights = layer.weights.tolist()
    bias = layer.bias.tolist()
    sums = [0] * layer.in_channels
    for row in x:
        for pixel in row:
            for c, value in enumerate(pixel):
                sums[c] += value
    logits = []
    for j in range(layer.classes):
        logit = bias[j]
        for c in range(layer.in_channels):
            logit += weights[j][c] * sums[c]
        logits.append(logit)
    return Streams([[logits]], sums=sums)
