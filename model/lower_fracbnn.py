# SPDX-License-Identifier: Apache-2.0
"""Lowering the baseline: FracBNN's BatchNorm folded into integers of the contract's multiplied form.

The BatchNorm behind a convolution is a factor and a bias of each channel, which the scale path has. The one behind a
residual sum, X' = a (branch + X) + b with a > 0, needs no hardware: the stream carries Z, where X = u Z + o of each
channel, and both branch and shortcut stay in Z. u' = a u and o' = a o + b then hold for the next layer, whose
thresholds, scales and biases are divided by u'; the head's weights are multiplied by it. A channel's u at the input is
chosen so that none is less than 2^-F on the channel's way to the head.

What is rounded: factors to `factor_bits`, biases and thresholds to whole units, slopes, and the head as WSFracBNN's
is. The integer network so is not the floating-point one, as a lowered WSFracBNN is; its accuracy says how near it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wsfracbnn.model.contract import FACTOR_BITS_LIMIT, FACTOR_SHIFT_LIMIT, factor_limit, signed_range, window_order
from wsfracbnn.model.description import ConvLayer, HeadLayer, InputLayer, Ints, NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.fracbnn import BatchNormConv, FracBNN
from wsfracbnn.model.networks.layers import Head

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """What the integers Z of a residual stream stand for: X = unit Z + offset, each of channel (C,), unit > 0."""

    unit: Reals
    offset: Reals

    def through_shortcut(self, stride: int) -> Stream:
        """Behind a stage's shortcut: at stride 2 the channels come twice."""
        return self if stride == 1 else Stream(np.tile(self.unit, 2), np.tile(self.offset, 2))

    def behind(self, norm: Affine) -> Stream:
        """Of a BatchNorm's output, in whose input these integers stand."""
        return Stream(norm.factor * self.unit, norm.factor * self.offset + norm.bias)


@dataclass(frozen=True)
class Affine:
    """A BatchNorm in evaluation: factor x + bias, each of channel (C,)."""

    factor: Reals
    bias: Reals

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> Affine:
        """Its running statistics folded."""
        assert norm.running_mean is not None
        assert norm.running_var is not None
        factor = _reals(norm.weight) / np.sqrt(_reals(norm.running_var) + norm.eps)
        return cls(factor, _reals(norm.bias) - _reals(norm.running_mean) * factor)


@torch.no_grad()
def lower_fracbnn(
    network: FracBNN,
    name: str,
    class_names: tuple[str, ...],
    gate_fractions: tuple[float, ...],
    factor_bits: int = FACTOR_BITS_LIMIT,
) -> NetworkDescription:
    """The integer network of a FracBNN with binary weights; the thermometer code is the contract's.

    Args:
        gate_fractions: share of open gates of each stage. factor_bits: width of M and N.
    Raises:
        InputError: a BatchNorm behind a residual sum has a factor that is not above zero, or a value does not fit.
    """
    config, bits = network.config, network.config.residual_bits
    stages = list(_stages(network))
    sums = [Affine.of(stage.sum_norm) for stage in stages]
    for number, norm in enumerate(sums):
        _require_positive(norm.factor, f"stages.{number}.sum_norm.weight")
    stream = Stream(_first_units(sums, config.widths[0], config.residual_fraction), np.zeros(config.widths[0]))
    entry = Affine.of(network.norm)
    scale, shift = _factors(entry.factor / stream.unit, factor_bits, FACTOR_SHIFT_LIMIT, "norm.weight")
    layers: list[InputLayer | ConvLayer | HeadLayer] = [
        InputLayer(
            height=config.image_height,
            width=config.image_width,
            colours=config.image_channels,
            levels=config.thermometer_levels,
            out_channels=config.widths[0],
            scale_shift=shift,
            weights=window_order(network.conv.plane().numpy()),
            scale=scale,
            bias_in=_whole(entry.bias / stream.unit, bits, "norm.bias"),
            factor_bits=factor_bits,
        )
    ]
    for number, (stage, norm, fraction) in enumerate(zip(stages, sums, gate_fractions, strict=True)):
        after = stream.through_shortcut(stage.stride)
        layers.append(_stage(network, number, stage, (stream, after), fraction, factor_bits))
        stream = after.behind(norm)
    layers.append(_head(network, stream))
    return NetworkDescription(name, bits, config.residual_fraction, class_names, tuple(layers))


def _stages(network: FracBNN) -> Iterator[BatchNormConv]:
    for stage in network.stages:
        assert isinstance(stage, BatchNormConv)
        yield stage


def _first_units(sums: list[Affine], channels: int, fraction: int) -> Reals:
    """u of the input layer's channels, with which the least u on each one's ways to the head is 2^-F."""
    product = least = np.ones(channels)
    for norm in sums:
        if len(norm.factor) > len(product):
            product, least = np.tile(product, 2), np.tile(least, 2)
        product = product * norm.factor
        least = np.minimum(least, product)
    return np.asarray(2.0**-fraction / least.reshape(-1, channels).min(axis=0), dtype=np.float64)


def _stage(
    network: FracBNN,
    number: int,
    stage: BatchNormConv,
    streams: tuple[Stream, Stream],
    gate_fraction: float,
    factor_bits: int,
) -> ConvLayer:
    """streams: at the stage's input, and the shortcut's, in whose units the branch is."""
    key, config = f"stages.{number}", network.config
    shape, bits = config.convolutions()[number], config.residual_bits
    entering, after = streams
    levels = _reals(stage.gated.thresholds)
    thresholds = np.ceil((levels - entering.offset[:, None]) / entering.unit[:, None])
    # The module compares in float32, as this quotient is there.
    gate = np.floor(_reals(stage.gated.threshold / stage.gated.unit))
    norm = Affine.of(stage.norm)
    scale, scale_shift = _factors(norm.factor / 3.0 / after.unit, factor_bits, FACTOR_SHIFT_LIMIT, f"{key}.norm.weight")
    # From zero on RPReLU multiplies by 2^s, which has to be a factor too.
    slope, slope_shift = _factors(_reals(stage.rprelu.slope), factor_bits, factor_bits - 2, f"{key}.rprelu.slope")
    bias_in = (norm.bias + _reals(stage.rprelu.bias_in)) / after.unit
    return ConvLayer(
        height=shape.height,
        width=shape.width,
        in_channels=shape.in_channels,
        out_channels=shape.out_channels,
        stride=shape.stride,
        scale_shift=scale_shift,
        slope_shift=slope_shift,
        gate_fraction=round(float(gate_fraction), 6),
        thresholds=_fitting(thresholds, bits, f"{key}.sum_norm.weight", "a threshold of the next activation"),
        weights=window_order(stage.gated.conv.plane().numpy()),
        gate=np.clip(gate, -shape.fan_in - 1, shape.fan_in).astype(np.int64),
        scale=scale,
        bias_in=_whole(bias_in, bits, f"{key}.norm.bias"),
        slope=slope,
        bias_out=_whole(_reals(stage.rprelu.bias_out) / after.unit, bits, f"{key}.rprelu.bias_out"),
        factor_bits=factor_bits,
    )


def _head(network: FracBNN, stream: Stream) -> HeadLayer:
    """The linear layer on the mean, as WSFracBNN's on the sum: weights of signed digits."""
    config = network.config
    last = config.convolutions()[-1]
    pixels, unit = last.out_height * last.out_width, 2.0**config.residual_fraction
    head = Head(config.widths[-1], config.classes, pixels, config.residual_bits, unit)
    weight, bias = _reals(network.head.weight), _reals(network.head.bias) + _reals(network.head.weight) @ stream.offset
    # The module's logits are sum W P / (2^F 2^p), this one's sum W u P / pixels.
    head.weight.copy_(torch.from_numpy(weight * stream.unit * head.output_unit / pixels))
    head.bias.copy_(torch.from_numpy(bias))
    weights, biases, k = head.constants()
    if float(k) <= head.K_MIN:
        raise InputError("key 'state.head.weight': found weights too large for 8-bit weights and 32-bit logits")
    return HeadLayer(
        last.out_height,
        last.out_width,
        config.widths[-1],
        config.classes,
        weights.numpy().astype(np.int64),
        biases.numpy().astype(np.int64),
    )


def _factors(real: Reals, bits: int, most_shift: int, key: str) -> tuple[Ints, int]:
    """Whole factors M with real ~ M / 2^r, and r, the largest up to `most_shift` with which all fit in `bits` bits."""
    limit, largest = factor_limit(bits), float(np.abs(real).max())
    fitting = [r for r in range(most_shift + 1) if np.floor(largest * 2.0**r + 0.5) <= limit]
    if not fitting:
        raise InputError(
            f"key 'state.{key}': the factor comes to {largest:.4g}, expected at most {limit} ({bits} bits)"
        )
    return np.floor(real * 2.0 ** fitting[-1] + 0.5).astype(np.int64), fitting[-1]


def _whole(real: Reals, bits: int, key: str) -> Ints:
    """Rounded, half up."""
    return _fitting(np.floor(real + 0.5), bits, key, "a value")


def _fitting(values: Reals, bits: int, key: str, what: str) -> Ints:
    low, high = signed_range(bits)
    wrong = values[~((values >= low) & (values <= high))]  # NaN among them
    if wrong.size:
        raise InputError(f"key 'state.{key}': {what} becomes {wrong[0]:.10g}, expected {low} to {high} ({bits} bits)")
    return values.astype(np.int64)


def _require_positive(factor: Reals, key: str) -> None:
    wrong = np.flatnonzero(~(factor > 0))
    if wrong.size:
        raise InputError(
            f"key 'state.{key}': found {factor[wrong[0]]:.4g} in channel {wrong[0]}, expected above 0: the BatchNorm "
            "behind a residual sum is folded into what reads the sum"
        )


def _reals(values: Tensor) -> Reals:
    found: Reals = values.detach().double().numpy()
    return found
