# SPDX-License-Identifier: Apache-2.0
"""What can be built: networks whose parameters fit each other, and constants within the widths of the contract.

A parameter's own range is in config.py. Here are the bounds that several of them meet together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.contract import (
    FACTOR_BITS_LEAST,
    FACTOR_BITS_LIMIT,
    FACTOR_SHIFT_LIMIT,
    HEAD_LIMIT,
    LOGIT_BITS,
    SCALE_LIMIT,
    SCALE_SHIFT_LIMIT,
    SLOPE_LIMIT,
    factor_limit,
    head_room,
    signed_range,
)
from wsfracbnn.model.description import ConvLayer, HeadLayer, InputLayer, NetworkDescription
from wsfracbnn.model.errors import InputError

MAX_COLOURS = 64
"""Values of a pixel. Both simulators read, window and look up so many (tb/network/test_extremes.py)."""


def require_buildable(colours: int, pixels: int, channels: int, bits: int) -> None:
    """Check the parameters of a network together.

    Args:
        colours: of an input pixel. pixels, channels: what the head adds up, and of how many bits each.
    Raises:
        InputError: no hardware, or none that computes anything, can be made of them; names the keys.
    """
    if colours > MAX_COLOURS:
        raise InputError(f"config key 'image_channels': found {colours}, expected an integer from 1 to {MAX_COLOURS}")
    room, needed = head_room(pixels, bits), -(-channels // 2)
    if room < needed:
        raise InputError(
            f"config keys 'residual_bits', 'image_height', 'image_width' and 'widths': the head adds up "
            f"{pixels} pixels of {bits} bits, so that the weights of a {LOGIT_BITS}-bit logit may add up to {room} in "
            f"magnitude, expected at least {needed} for {channels} channels: fewer bits, a smaller image or more stages"
        )


def require_in_range(description: NetworkDescription) -> None:
    """Check every constant against its width in hardware: beyond it, a cast or a ROM word would wrap.

    Layers of a kind from outside the package are not looked at.

    Raises:
        InputError: names layer and field.
    """
    for name, layer in description.named_layers():
        if isinstance(layer, InputLayer):
            _require_affine(name, layer, description.residual_bits)
        elif isinstance(layer, ConvLayer):
            _require_affine(name, layer, description.residual_bits)
            _require_gated(name, layer, description.residual_bits)
        elif isinstance(layer, HeadLayer):
            _require_head(name, layer, description.residual_bits)


def _require_affine(name: str, layer: InputLayer | ConvLayer, bits: int) -> None:
    if layer.factor_bits:
        _within(f"{name}.factor_bits", np.array(layer.factor_bits), FACTOR_BITS_LEAST, FACTOR_BITS_LIMIT)
    largest = factor_limit(layer.factor_bits) if layer.factor_bits else SCALE_LIMIT
    _within(f"{name}.scale", layer.scale, -largest, largest)
    largest_shift = FACTOR_SHIFT_LIMIT if layer.factor_bits else SCALE_SHIFT_LIMIT
    _within(f"{name}.scale_shift", np.array(layer.scale_shift), 0, largest_shift)
    _within(f"{name}.bias_in", layer.bias_in, *signed_range(bits))
    if not np.isin(layer.weights, (-1, 1)).all():
        raise InputError(f"{name}.weights: expected -1 and 1 alone")


def _require_gated(name: str, layer: ConvLayer, bits: int) -> None:
    _within(f"{name}.thresholds", layer.thresholds, *signed_range(bits))
    if (np.diff(layer.thresholds, axis=1) < 0).any():
        raise InputError(f"{name}.thresholds: expected T1 <= T2 <= T3 in every channel")
    _within(f"{name}.gate", layer.gate, -layer.window_bits - 1, layer.window_bits)
    largest = factor_limit(layer.factor_bits) if layer.factor_bits else SLOPE_LIMIT
    _within(f"{name}.slope", layer.slope, -largest, largest)
    if layer.factor_bits:  # from zero on the factor is 2^s
        _within(f"{name}.slope_shift", np.array(layer.slope_shift), 1, layer.factor_bits - 2)
    _within(f"{name}.bias_out", layer.bias_out, *signed_range(bits))


def _require_head(name: str, layer: HeadLayer, bits: int) -> None:
    _within(f"{name}.weights", layer.weights, -HEAD_LIMIT, HEAD_LIMIT)
    _within(f"{name}.bias", layer.bias, *signed_range(LOGIT_BITS))
    largest_sum = layer.height * layer.width << (bits - 1)
    worst = [
        sum(abs(int(weight)) for weight in weights) * largest_sum + abs(int(bias))
        for weights, bias in zip(layer.weights, layer.bias, strict=True)
    ]
    if max(worst) > signed_range(LOGIT_BITS)[1]:
        raise InputError(f"{name}: a logit may come to {max(worst)}, expected less than 2^{LOGIT_BITS - 1}")


def _within(what: str, values: NDArray[Any], low: int, high: int) -> None:
    wrong = values[(values < low) | (values > high)]
    if wrong.size:
        raise InputError(f"{what}: found {wrong.flat[0]}, expected {low} to {high}")
