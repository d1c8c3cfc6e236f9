# SPDX-License-Identifier: Apache-2.0
"""The integer golden model: numpy, no torch, every intermediate stream of the accelerator.

Formulas are those of docs/numeric-contract.md, in its order. Arrays are (N, H, W, C): pixel-major, channel-minor, as
the hardware streams them.

Convolutions run as matrix products of small integers held in float32, which are exact below 2^24. Both binary
planes go through one product: 2^12 S_l + S_m is formed at once and taken apart again (|S| <= 2047, else two products).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from wsfracbnn.gen.description import ConvStage, HeadStage, InputStage, Ints, NetworkDescription

Integers = NDArray[np.int32]
Floats = NDArray[np.float32]

_PLANE_BITS = 12
"""Distance of the two planes in one float32 product; also packs two images of the ungated input layer."""
_PLANE_LIMIT = 2047


@dataclass(frozen=True)
class StageTrace:
    """Streams of one stage for N images. The ungated input stage has s_m only.

    activation: (N, H, W, I) int32, q = 0..3.  s_m, s_l: (N, H', W', O) int32 (s_l also where the gate is closed).
    gate: (N, H', W', O) bool.  accumulator: A, (N, H', W', O).  output: X', (N, H', W', O).
    """

    activation: Integers | None
    s_m: Integers
    gate: NDArray[np.bool_] | None
    s_l: Integers | None
    accumulator: Integers
    output: Integers


@dataclass(frozen=True)
class NetworkTrace:
    """Everything the accelerator computes for N images.

    stages: 'input', 'stage_01', ... in order. pooled: P, (N, C) int64. logits: (N, classes) int64. classes: (N,).
    """

    stages: dict[str, StageTrace]
    pooled: Ints
    logits: Ints
    classes: Ints

    def gate_fractions(self) -> list[float]:
        """Measured share of open gates per gated stage."""
        return [float(s.gate.mean()) for s in self.stages.values() if s.gate is not None]


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


def convolve(planes: Floats, weights: Ints, stride: int) -> Floats:
    """3x3 convolution, zero padding 1: planes (N, H, W, I), weights (O, 9, I) -> (N, H/stride, W/stride, O).

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
    kernel = np.ascontiguousarray(weights.reshape(out_channels, 3, 3 * channels).transpose(1, 2, 0), dtype=np.float32)
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


def run_input(stage: InputStage, images: NDArray[np.uint8], bits: int) -> StageTrace:
    """Thermometer, binary convolution, scale, bias."""
    planes = thermometer(images, stage.levels)
    half = len(images) // 2
    if half and stage.window_bits <= _PLANE_LIMIT:  # two images in one product
        packed = planes[:half] + np.float32(1 << _PLANE_BITS) * planes[half : 2 * half]
        s = np.concatenate(_split_planes(convolve(packed, stage.weights, 1)))
        if len(images) % 2:
            s = np.concatenate((s, convolve(planes[-1:], stage.weights, 1).astype(np.int32)))
    else:
        s = convolve(planes, stage.weights, 1).astype(np.int32)
    y = rshift(_rows(s) * _row(stage.scale, stage.out_width), stage.scale_shift)
    y += _row(stage.bias_in, stage.out_width)
    return StageTrace(None, s, None, None, s, _saturate(y, bits).reshape(s.shape))


def run_conv(stage: ConvStage, x: Integers, bits: int) -> StageTrace:
    """Fractional activation, gated convolution, scale path, RPReLU, residual sum."""
    msb_plane, lsb_plane, q = _activate(stage, x)
    if stage.window_bits <= _PLANE_LIMIT:
        lsb_plane *= np.float32(1 << _PLANE_BITS)
        lsb_plane += msb_plane
        s_m, s_l = _split_planes(convolve(lsb_plane, stage.weights, stage.stride))
    else:
        s_m, s_l = (convolve(p, stage.weights, stage.stride).astype(np.int32) for p in (msb_plane, lsb_plane))
    width = stage.out_width
    gate = _rows(s_m) > _row(stage.gate, width)
    accumulator = _rows(s_l) * gate
    accumulator += _rows(s_m)
    accumulator += _rows(s_m)
    v = rshift(accumulator * _row(stage.scale, width), stage.scale_shift)
    v += _row(stage.bias_in, width)
    negative = np.minimum(v, 0)
    negative *= _row(stage.slope, width)
    negative >>= np.int32(stage.slope_shift)
    np.maximum(v, 0, out=v)
    v += negative  # one of the two is 0
    v += _row(stage.bias_out, width)
    v += _rows(x if stage.stride == 1 else _average_pool(x))
    shape = s_m.shape
    return StageTrace(q, s_m, gate.reshape(shape), s_l, accumulator.reshape(shape), _saturate(v, bits).reshape(shape))


def _activate(stage: ConvStage, x: Integers) -> tuple[Floats, Floats, Integers]:
    """The +-1 planes of msb and lsb, and q = 0..3, each (N, H, W, I)."""
    t1, t2, t3 = (_row(t, stage.width) for t in stage.thresholds.T)
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


def run_head(stage: HeadStage, x: Integers) -> tuple[Ints, Ints]:
    """P (N, C) and logits (N, classes)."""
    pooled = x.sum(axis=(1, 2), dtype=np.int64)
    return pooled, pooled @ stage.weights.T + stage.bias


def run(description: NetworkDescription, images: NDArray[np.uint8]) -> NetworkTrace:
    """All streams for images (N, H, W, colours) uint8."""
    stages: dict[str, StageTrace] = {}
    logits, pooled = _forward(description, images, stages.__setitem__)
    return NetworkTrace(stages, pooled, logits, logits.argmax(axis=1))


def run_logits(
    description: NetworkDescription, images: NDArray[np.uint8], batch: int = 16, threads: int = 2
) -> tuple[Ints, list[float]]:
    """Logits (N, classes) int64 and the share of open gates of each gated stage, without keeping any stream.

    Batches that fit the cache are spread over threads.
    """

    def logits_and_gates(chunk: NDArray[np.uint8]) -> tuple[Ints, list[int]]:
        gates: list[int] = []

        def count(name: str, stage: StageTrace) -> None:
            if stage.gate is not None:
                gates.append(int(np.count_nonzero(stage.gate)))

        return _forward(description, chunk, count)[0], gates

    chunks = [images[i : i + batch] for i in range(0, len(images), batch)]
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        logits, gates = zip(*pool.map(logits_and_gates, chunks), strict=True)
    outputs = [len(images) * s.out_height * s.out_width * s.out_channels for s in description.convs]
    return np.concatenate(logits), [sum(g) / n for g, n in zip(zip(*gates, strict=True), outputs, strict=True)]


def _forward(
    description: NetworkDescription, images: NDArray[np.uint8], keep: Callable[[str, StageTrace], None] | None
) -> tuple[Ints, Ints]:
    bits = description.residual_bits
    trace = run_input(description.input, images, bits)
    if keep:
        keep("input", trace)
    for number, conv in enumerate(description.convs, start=1):
        trace = run_conv(conv, trace.output, bits)
        if keep:
            keep(f"stage_{number:02d}", trace)
    pooled, logits = run_head(description.head, trace.output)
    return logits, pooled


def _rows(x: Integers) -> Integers:
    """(N, H, W, C) as (N * H, W * C): numpy's inner loops are then a row long, not a pixel."""
    return x.reshape(x.shape[0] * x.shape[1], -1)


def _row(constants: Ints, width: int) -> Integers:
    """Constants of each channel, repeated over the pixels of a row."""
    return np.tile(constants.astype(np.int32), width)


def _saturate(x: Integers, bits: int) -> Integers:
    return np.clip(x, np.int32(-(1 << (bits - 1))), np.int32((1 << (bits - 1)) - 1))


def _average_pool(x: Integers) -> Integers:
    """(a + b + c + d + 2) >> 2 over 2x2 pixels, channels twice."""
    total = x[:, ::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, ::2] + x[:, 1::2, 1::2]
    pooled = (total + np.int32(2)) >> np.int32(2)
    return np.concatenate((pooled, pooled), axis=3)
