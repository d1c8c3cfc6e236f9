# SPDX-License-Identifier: Apache-2.0
"""Lowering: a trained network becomes a network description of plain integers.

The layers' own methods compute each constant once, for the eval forward and for this module alike; here they are
laid out for hardware and checked against the integer widths.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from wsfracbnn.model.checkpoint import Checkpoint, require_name
from wsfracbnn.model.contract import signed_range, window_order
from wsfracbnn.model.description import (
    ConvLayer,
    HeadLayer,
    InputLayer,
    Ints,
    NetworkDescription,
    Signs,
)
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.layers import BinaryWSConv2d
from wsfracbnn.model.networks.wsfracbnn import ResidualConv, WSFracBNN

DEFAULT_GATE_FRACTION = 0.5
"""Assumed where a checkpoint carries no measured gate fractions; only the hardware's cycle estimate uses it."""


def lower_checkpoint(checkpoint: Checkpoint, name: str | None = None) -> NetworkDescription:
    """The description of a WSFracBNN checkpoint, called `name` where one is given.

    Raises:
        InputError: the checkpoint holds the baseline, a value does not fit its integer width, or the name is no
            identifier.
    """
    if name is not None:
        require_name(name, "name")
    network = checkpoint.network()
    if not isinstance(network, WSFracBNN):
        raise InputError(
            f"key 'model': found '{checkpoint.model}', expected 'wsfracbnn': the baseline's BatchNorm needs multipliers"
        )
    return lower_network(network, name or checkpoint.name, checkpoint.class_names, checkpoint.gate_fractions)


@torch.no_grad()
def lower_network(
    network: WSFracBNN,
    name: str,
    class_names: tuple[str, ...],
    gate_fractions: tuple[float, ...] | None = None,
) -> NetworkDescription:
    """Lay out every integer constant of `network`; see `lower_checkpoint`."""
    config = network.config
    unit = 2.0**config.residual_fraction
    bits = config.residual_bits
    layer = network.input
    scale, shift = _scale(layer.conv, layer.path.factor, "input.conv")
    first = InputLayer(
        height=config.image_height,
        width=config.image_width,
        colours=config.image_channels,
        levels=config.thermometer_levels,
        out_channels=config.widths[0],
        scale_shift=shift,
        weights=_signs(layer.conv),
        scale=scale,
        bias_in=_fixed_point(layer.bias, unit, bits, "input.bias"),
    )
    fractions = gate_fractions or (DEFAULT_GATE_FRACTION,) * len(network.stages)
    convs = tuple(
        _lower_conv(stage, f"stages.{i}", unit, bits, fraction)
        for i, (stage, fraction) in enumerate(zip(network.stages, fractions, strict=True))
        if isinstance(stage, ResidualConv)
    )
    last = config.convolutions()[-1]
    weights, bias, k = network.head.constants()
    if float(k) <= network.head.K_MIN:
        raise InputError("key 'state.head.weight': too large for 8-bit weights and 32-bit logits")
    head = HeadLayer(last.out_height, last.out_width, config.widths[-1], config.classes, _ints(weights), _ints(bias))
    return NetworkDescription(name, bits, config.residual_fraction, class_names, (first, *convs, head))


def _lower_conv(stage: ResidualConv, key: str, unit: float, bits: int, gate_fraction: float) -> ConvLayer:
    shape = stage.shape
    scale, shift = _scale(stage.gated.conv, stage.path.factor, f"{key}.gated.conv")
    thresholds = _ints(stage.activation.thresholds())
    _check_range(thresholds, bits, f"{key}.activation.shift", "a threshold")
    slope = stage.rprelu.slope.double() * 2**q.SLOPE_SHIFT
    if float(slope.abs().max()) > q.SLOPE_LIMIT + 0.5:
        raise InputError(
            f"key 'state.{key}.rprelu.slope': found {float(stage.rprelu.slope.abs().max()):.4g}, "
            f"expected at most {q.SLOPE_LIMIT / 2**q.SLOPE_SHIFT:.4g} in magnitude"
        )
    return ConvLayer(
        height=shape.height,
        width=shape.width,
        in_channels=shape.in_channels,
        out_channels=shape.out_channels,
        stride=shape.stride,
        scale_shift=shift,
        slope_shift=q.SLOPE_SHIFT,
        gate_fraction=round(float(gate_fraction), 6),
        thresholds=thresholds,
        weights=_signs(stage.gated.conv),
        gate=np.clip(_ints(stage.gated.gates()), -shape.fan_in - 1, shape.fan_in),  # |S_m| <= fan_in
        scale=scale,
        bias_in=_fixed_point(stage.rprelu.bias_in, unit, bits, f"{key}.rprelu.bias_in"),
        slope=_ints(stage.rprelu.slopes()),
        bias_out=_fixed_point(stage.rprelu.bias_out, unit, bits, f"{key}.rprelu.bias_out"),
    )


def _ints(values: Tensor) -> Ints:
    """Float64 integers to int64."""
    return values.detach().numpy().astype(np.int64)


def _signs(conv: BinaryWSConv2d) -> Signs:
    """Sign plane of +-1 in the contract's order, (O, I, 9)."""
    return window_order(conv.signs().detach().numpy())


def _scale(conv: BinaryWSConv2d, factor: float, key: str) -> tuple[Ints, int]:
    real = conv.scale() * factor
    largest = float(real.abs().max())
    if largest > q.SCALE_LIMIT + 0.5:
        raise InputError(
            f"key 'state.{key}.gain': the scale comes to {largest:.4g} residual units per accumulator unit, "
            f"expected at most {q.SCALE_LIMIT}"
        )
    m, shift = q.quantize_scale(real)
    return _ints(m), int(shift)


def _fixed_point(values: Tensor, unit: float, bits: int, key: str) -> Ints:
    fixed = _ints(torch.floor(values.double() * unit + 0.5))
    _check_range(fixed, bits, key, "a value")
    return fixed


def _check_range(values: Ints, bits: int, key: str, what: str) -> None:
    low, high = signed_range(bits)
    wrong = values[(values < low) | (values > high)]
    if wrong.size:
        raise InputError(f"key 'state.{key}': {what} becomes {int(wrong[0])}, expected {low} to {high} ({bits} bits)")
