# SPDX-License-Identifier: Apache-2.0
"""The integer golden model: numpy, no torch, every intermediate stream of the accelerator.

Formulas are those of docs/numeric-contract.md, in its order. Arrays are (N, H, W, C): pixel-major, channel-minor, as
the hardware streams them. The golden function of a further kind of layer is registered by `golden_layer`.

Convolutions run as matrix products of small integers held in float32, which are exact below 2^24. Both binary
planes go through one product: 2^12 S_l + S_m is formed at once and taken apart again (|S| <= 2047, else two products).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wsfracbnn.model.contract import INPUT_NAME, signed_range
from wsfracbnn.model.description import (
    ConvLayer,
    HeadLayer,
    InputLayer,
    Ints,
    NetworkDescription,
    Signs,
)
from wsfracbnn.model.limits import require_in_range

Integers = NDArray[np.int32]
Floats = NDArray[np.float32]

_PLANE_BITS = 12
"""Distance of the two planes in one float32 product; also packs two images of the ungated input layer."""
_PLANE_LIMIT = 2047


@dataclass(frozen=True)
class LayerTrace:
    """Streams of one layer for N images; None where the layer has no such stream.

    output: X', (N, H', W', O) int32.  activation: (N, H, W, I) int32, q = 0..3.  s_m, s_l: (N, H', W', O) int32 (s_l
    also where the gate is closed).  gate: (N, H', W', O) bool.  accumulator: A, (N, H', W', O) int32.
    """

    output: Integers
    activation: Integers | None = None
    s_m: Integers | None = None
    gate: NDArray[np.bool_] | None = None
    s_l: Integers | None = None
    accumulator: Integers | None = None


@dataclass(frozen=True)
class NetworkTrace:
    """Everything the accelerator computes for N images.

    layers: 'input', 'stage_01', ... in order. pooled: P, (N, C) int64. logits: (N, classes) int64. classes: (N,).
    """

    layers: dict[str, LayerTrace]
    pooled: Ints
    logits: Ints
    classes: Ints

    def gate_fractions(self) -> list[float]:
        """Measured share of open gates per gated layer."""
        return [float(layer.gate.mean()) for layer in self.layers.values() if layer.gate is not None]


GoldenFunction = Callable[[Any, Integers, int], LayerTrace]
"""(layer, X (N, H, W, I), width of the residual stream in bits) -> the layer's streams."""

_GOLDEN: dict[str, GoldenFunction] = {}


def golden_layer(kind: str) -> Callable[[GoldenFunction], GoldenFunction]:
    """Decorator: this function computes the layers of a kind that lie between input layer and head."""

    def register(function: GoldenFunction) -> GoldenFunction:
        _GOLDEN[kind] = function
        return function

    return register


def rshift(x: Integers, n: int) -> Integers:
    """(x + 2^(n-1)) >> n, round half up; n = 0 means no rounding."""
    return x if n == 0 else (x + np.int32(1 << (n - 1))) >> np.int32(n)


def thermometer(pixels: NDArray[np.uint8], levels: int) -> Floats:
    """(..., colours) uint8 to (..., colours * K) of +-1: bit k = [p >= R k + R/2], colour-major."""
    resolution = 256 // levels
    thresholds = (np.arange(levels) * resolution + resolution // 2).astype(np.uint8)
    bits = pixels[..., np.newaxis] >= thresholds
    planes = bits.astype(np.float32)
    planes *= 2.0
    planes -= 1.0
    return planes.reshape(*pixels.shape[:-1], -1)


def convolve(planes: Floats, weights: Signs, stride: int) -> Floats:
    """3x3 convolution, zero padding 1: planes (N, H, W, I), weights (O, I, 9) -> (N, H/stride, W/stride, O).

    The three taps of a row lie side by side (an im2col in one direction only). At stride 1 the images stand on top of
    each other with a zero row between them, so that the operand of each kernel row is one contiguous slice.
    """
    n, height, width, channels = planes.shape
    out_channels = weights.shape[0]
    columns = width // stride
    pitch = height + stride  # rows from one image to the next
    taps = np.zeros((n * pitch + 2, columns, 3, channels), dtype=np.float32)
    images = taps[1 : n * pitch + 1].reshape(n, pitch, columns, 3, channels)[:, :height]
    for kx in range(3):
        first = 1 if kx == 0 else 0  # the first output column whose tap is inside the image
        source = planes[:, :, first * stride + kx - 1 :: stride][:, :, : columns - first]
        images[:, :, first : first + source.shape[2], kx] = source
    by_tap = weights.astype(np.float32).transpose(2, 1, 0)  # (9, I, O)
    kernel = np.ascontiguousarray(by_tap.reshape(3, 3 * channels, out_channels))
    rows = taps.reshape(-1, columns, 3 * channels)
    total: Floats | None = None
    for ky in range(3):
        operand = np.ascontiguousarray(rows[ky : ky + n * pitch : stride]).reshape(-1, 3 * channels)
        product = operand @ kernel[ky]
        total = product if total is None else np.add(total, product, out=total)
    assert total is not None
    return total.reshape(n, pitch // stride, columns, out_channels)[:, : height // stride]


def _split_planes(packed: Floats) -> tuple[Integers, Integers]:
    """(low, high) of low + 4096 high with |low| <= 2047."""
    low = packed.astype(np.int32)
    high = (low + np.int32(1 << (_PLANE_BITS - 1))) >> np.int32(_PLANE_BITS)
    low -= high << np.int32(_PLANE_BITS)
    return low, high


def run_input(layer: InputLayer, images: NDArray[np.uint8], bits: int) -> LayerTrace:
    """Thermometer, binary convolution, scale, bias."""
    planes = thermometer(images, layer.levels)
    half = len(images) // 2
    if half and layer.window_bits <= _PLANE_LIMIT:  # two images in one product
        packed = planes[:half] + np.float32(1 << _PLANE_BITS) * planes[half : 2 * half]
        s = np.concatenate(_split_planes(convolve(packed, layer.weights, 1)))
        if len(images) % 2:
            s = np.concatenate((s, convolve(planes[-1:], layer.weights, 1).astype(np.int32)))
    else:
        s = convolve(planes, layer.weights, 1).astype(np.int32)
    y = rshift(_widened(_rows(s), layer) * _row(layer.scale, layer.out_width), layer.scale_shift)
    y += _row(layer.bias_in, layer.out_width)
    return LayerTrace(saturate(y, bits).reshape(s.shape), s_m=s, accumulator=s)


@golden_layer("conv")
def run_conv(layer: ConvLayer, x: Integers, bits: int) -> LayerTrace:
    """Fractional activation, gated convolution, scale path, RPReLU, residual sum."""
    msb_plane, lsb_plane, q = _activate(layer, x)
    if layer.window_bits <= _PLANE_LIMIT:
        lsb_plane *= np.float32(1 << _PLANE_BITS)
        lsb_plane += msb_plane
        s_m, s_l = _split_planes(convolve(lsb_plane, layer.weights, layer.stride))
    else:
        s_m, s_l = (convolve(p, layer.weights, layer.stride).astype(np.int32) for p in (msb_plane, lsb_plane))
    width = layer.out_width
    gate = _rows(s_m) > _row(layer.gate, width)
    accumulator = _rows(s_l) * gate
    accumulator += _rows(s_m)
    accumulator += _rows(s_m)
    v = rshift(_widened(accumulator, layer) * _row(layer.scale, width), layer.scale_shift)
    v += _row(layer.bias_in, width)
    negative = np.minimum(v, 0)
    negative *= _row(layer.slope, width)
    negative >>= np.int32(layer.slope_shift)
    np.maximum(v, 0, out=v)
    v += negative  # one of the two is 0
    v += _row(layer.bias_out, width)
    v += _rows(x if layer.stride == 1 else _average_pool(x))
    shape = s_m.shape
    return LayerTrace(
        output=saturate(v, bits).reshape(shape),
        activation=q,
        s_m=s_m,
        gate=gate.reshape(shape),
        s_l=s_l,
        accumulator=accumulator.reshape(shape),
    )


def _activate(layer: ConvLayer, x: Integers) -> tuple[Floats, Floats, Integers]:
    """The +-1 planes of msb and lsb, and q = 0..3, each (N, H, W, I)."""
    t1, t2, t3 = (_row(t, layer.width) for t in layer.thresholds.T)
    rows = _rows(x)
    msb = rows >= t2
    lsb = (rows >= t1) ^ msb  # T1 <= T2 <= T3: below T2 lsb = [X >= T1], above it [X >= T3]
    lsb |= rows >= t3
    q = 2 * msb.astype(np.int32)
    q += lsb
    msb_plane, lsb_plane = (plane.astype(np.float32) for plane in (msb, lsb))
    for plane in (msb_plane, lsb_plane):
        plane *= 2.0
        plane -= 1.0
    return msb_plane.reshape(x.shape), lsb_plane.reshape(x.shape), q.reshape(x.shape)


def run_head(layer: HeadLayer, x: Integers) -> tuple[Ints, Ints]:
    """P (N, C) and logits (N, classes)."""
    pooled = x.sum(axis=(1, 2), dtype=np.int64)
    return pooled, pooled @ layer.weights.T + layer.bias


def run(description: NetworkDescription, images: NDArray[np.uint8]) -> NetworkTrace:
    """All streams for images (N, H, W, colours) uint8.

    Raises:
        InputError: a constant of the description does not fit its width, where the integers here would wrap too.
    """
    require_in_range(description)
    layers: dict[str, LayerTrace] = {}
    pooled, logits = _forward(description, images, layers.__setitem__)
    return NetworkTrace(layers, pooled, logits, logits.argmax(axis=1))


def run_logits(
    description: NetworkDescription,
    images: NDArray[np.uint8],
    batch: int = 16,
    threads: int = 2,
    progress: Callable[[int], None] | None = None,
) -> tuple[Ints, list[float]]:
    """Logits (N, classes) int64 and the share of open gates of each gated layer, without keeping any stream.

    Batches that fit the cache are spread over threads. progress: told how many images are done.

    Raises:
        InputError: see `run`.
    """
    require_in_range(description)

    def logits_and_gates(chunk: NDArray[np.uint8]) -> tuple[Ints, list[int]]:
        gates: list[int] = []

        def count(name: str, layer: LayerTrace) -> None:
            if layer.gate is not None:
                gates.append(int(np.count_nonzero(layer.gate)))

        return _forward(description, chunk, count)[1], gates

    chunks = [images[i : i + batch] for i in range(0, len(images), batch)]  # views: nothing is read yet
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        found: list[tuple[Ints, list[int]]] = []
        for part in pool.map(logits_and_gates, chunks):
            found.append(part)
            if progress is not None:
                progress(min(len(found) * batch, len(images)))
    logits, gates = zip(*found, strict=True)
    outputs = [len(images) * conv.out_height * conv.out_width * conv.out_channels for conv in description.convs]
    return np.concatenate(logits), [sum(g) / n for g, n in zip(zip(*gates, strict=True), outputs, strict=True)]


def _forward(
    description: NetworkDescription, images: NDArray[np.uint8], keep: Callable[[str, LayerTrace], None]
) -> tuple[Ints, Ints]:
    """P (N, C) and logits (N, classes); `keep` gets each layer's name and streams."""
    bits = description.residual_bits
    trace = run_input(description.input, images, bits)
    keep(INPUT_NAME, trace)
    for name, layer in zip(description.names[1:-1], description.layers[1:-1], strict=True):
        trace = _GOLDEN[layer.kind](layer, trace.output, bits)
        keep(name, trace)
    return run_head(description.head, trace.output)


def _rows(x: Integers) -> Integers:
    """(N, H, W, C) as (N * H, W * C): numpy's inner loops are then a row long, not a pixel."""
    return x.reshape(x.shape[0] * x.shape[1], -1)


def _row(constants: Ints, width: int) -> Integers:
    """Constants of each channel, repeated over the pixels of a row."""
    return np.tile(constants.astype(np.int32), width)


def _widened(sums: Integers, layer: InputLayer | ConvLayer) -> Any:
    """Sums that a product with M, and V after them with N, does not overflow: int64 in the multiplied form."""
    return sums.astype(np.int64) if layer.factor_bits else sums


def saturate(x: Integers, bits: int) -> Integers:
    """sat(x): clamp to `bits`-bit two's complement."""
    low, high = signed_range(bits)
    return np.clip(x, np.int32(low), np.int32(high)).astype(np.int32, copy=False)


def _average_pool(x: Integers) -> Integers:
    """(a + b + c + d + 2) >> 2 over 2x2 pixels, channels twice."""
    total = x[:, ::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, ::2] + x[:, 1::2, 1::2]
    pooled = (total + np.int32(2)) >> np.int32(2)
    return np.concatenate((pooled, pooled), axis=3)
