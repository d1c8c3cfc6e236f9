# SPDX-License-Identifier: Apache-2.0
"""Lowering: a trained network becomes a network description of plain integers.

The layers' own methods compute each constant once, for the eval forward and for this module alike; here they are
laid out for hardware and checked against the integer widths.
"""

from __future__ import annotations

from typing import NoReturn

import torch
from torch import Tensor

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.contract import (
    FACTOR_BITS_LIMIT,
    HEAD_LIMIT,
    LOGIT_BITS,
    SCALE_LIMIT,
    SLOPE_LIMIT,
    SLOPE_SHIFT,
    signed_range,
    window_order,
)
from wsfracbnn.model.description import (
    ConvLayer,
    HeadLayer,
    InputLayer,
    Ints,
    NetworkDescription,
    Signs,
)
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower_fracbnn import lower_fracbnn
from wsfracbnn.model.names import require_name
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.fracbnn import FracBNN
from wsfracbnn.model.networks.layers import BinaryWSConv2d, Head, RPReLU, ScalePath
from wsfracbnn.model.networks.wsfracbnn import ResidualConv, WSFracBNN

DEFAULT_GATE_FRACTION = 0.5
"""Assumed where a checkpoint carries no measured gate fractions; only the hardware's cycle estimate uses it."""


def lower_checkpoint(
    checkpoint: Checkpoint, name: str | None = None, *, factor_bits: int = FACTOR_BITS_LIMIT
) -> NetworkDescription:
    """The description of a checkpoint, called `name` where one is given.

    WSFracBNN's computes what PyTorch does, bit for bit. The baseline's BatchNorm is folded into integers of
    `factor_bits` bits that are multiplied by (model/lower_fracbnn.py), and only comes near it.

    Raises:
        InputError: the checkpoint holds a network of another kind, a value does not fit its integer width, or the
            name is no identifier.
    """
    if name is not None:
        require_name(name, "name")
    network = checkpoint.network()
    chosen = name or checkpoint.name
    if isinstance(network, WSFracBNN):
        return lower_network(network, chosen, checkpoint.class_names, checkpoint.gate_fractions)
    if not isinstance(network, FracBNN):
        raise InputError(f"key 'model': found '{checkpoint.model}', expected a binary network: wsfracbnn or a fracbnn")
    fractions = checkpoint.gate_fractions or (DEFAULT_GATE_FRACTION,) * len(network.config.convolutions())
    return lower_fracbnn(network, chosen, checkpoint.class_names, fractions, factor_bits)


@torch.no_grad()
def lower_network(
    network: WSFracBNN,
    name: str,
    class_names: tuple[str, ...],
    gate_fractions: tuple[float, ...] | None = None,
) -> NetworkDescription:
    """Lay out every integer constant of `network`; see `lower_checkpoint`."""
    config, bits = network.config, network.config.residual_bits
    entry, given = network.input, network.input.constants()
    _check_scale(entry.conv, entry.path, "input.conv")
    first = InputLayer(
        height=config.image_height,
        width=config.image_width,
        colours=config.image_channels,
        levels=config.thermometer_levels,
        out_channels=config.widths[0],
        scale_shift=int(given.scale_shift),
        weights=_signs(given.weights),
        scale=_ints(given.scale),
        bias_in=_of_width(given.bias_in, bits, "input.bias"),
    )
    fractions = gate_fractions or (DEFAULT_GATE_FRACTION,) * len(network.stages)
    convs = tuple(
        _lower_stage(stage, f"stages.{i}", bits, fraction)
        for i, (stage, fraction) in enumerate(zip(network.residual_stages(), fractions, strict=True))
    )
    last = config.convolutions()[-1]
    weights, bias, k = network.head.constants()
    if float(k) <= network.head.K_MIN:
        _refuse_head(network.head)
    head = HeadLayer(last.out_height, last.out_width, config.widths[-1], config.classes, _ints(weights), _ints(bias))
    return NetworkDescription(name, bits, config.residual_fraction, class_names, (first, *convs, head))


def _lower_stage(stage: ResidualConv, key: str, bits: int, gate_fraction: float) -> ConvLayer:
    shape, given = stage.shape, stage.constants()
    _check_scale(stage.gated.conv, stage.path, f"{key}.gated.conv")
    _check_slopes(stage.rprelu, f"{key}.rprelu")
    return ConvLayer(
        height=shape.height,
        width=shape.width,
        in_channels=shape.in_channels,
        out_channels=shape.out_channels,
        stride=shape.stride,
        scale_shift=int(given.scale_shift),
        slope_shift=SLOPE_SHIFT,
        gate_fraction=round(float(gate_fraction), 6),
        thresholds=_thresholds(stage, given.thresholds, bits, f"{key}.activation"),
        weights=_signs(given.weights),
        gate=_of_width(given.gate, shape.fan_in.bit_length() + 1, f"{key}.gated.threshold", "a gate"),
        scale=_ints(given.scale),
        bias_in=_of_width(given.bias_in, bits, f"{key}.rprelu.bias_in"),
        slope=_ints(given.slope),
        bias_out=_of_width(given.bias_out, bits, f"{key}.rprelu.bias_out"),
    )


def _ints(values: Tensor) -> Ints:
    """Float64 integers to int64."""
    return q.exact_integers(values).numpy()


def _signs(weights: Tensor) -> Signs:
    """Sign plane of +-1 in the contract's order, (O, I, 9)."""
    return window_order(weights.numpy())


def _of_width(values: Tensor, bits: int, key: str, what: str = "a value") -> Ints:
    low, high = signed_range(bits)
    wrong = values[~((values >= low) & (values <= high))]  # NaN among them
    if wrong.numel():
        raise InputError(f"key 'state.{key}': {what} becomes {wrong[0]:.10g}, expected {low} to {high} ({bits} bits)")
    return _ints(values)


def _thresholds(stage: ResidualConv, values: Tensor, bits: int, key: str) -> Ints:
    """T within the stream's width; the parameter that is named is the larger part of the one that is not."""
    shift, scale = stage.activation.shift.abs(), stage.activation.scale.abs() * (2.0 / 3.0)
    low, high = signed_range(bits)
    outside = ~((values >= low) & (values <= high)).all(dim=1)
    of_scale = bool((outside & ~(scale <= shift)).any())
    return _of_width(values, bits, f"{key}.{'scale' if of_scale else 'shift'}", "a threshold")


def _refuse_head(head: Head) -> NoReturn:
    """Raise for a head whose logits fit no 32 bits, naming the parameter that is too large."""
    largest = {name: float(values.abs().max()) for name, values in (("weight", head.weight), ("bias", head.bias))}
    bias_alone = largest["bias"] * 2.0**head.K_MIN * head.output_unit >= 2.0 ** (LOGIT_BITS - 1)
    name = "bias" if bias_alone and largest["weight"] * 2.0**head.K_MIN <= HEAD_LIMIT else "weight"
    raise InputError(
        f"key 'state.head.{name}': found {largest[name]:.4g} in magnitude, "
        "too large for 8-bit weights and 32-bit logits"
    )


def _check_scale(conv: BinaryWSConv2d, path: ScalePath, key: str) -> None:
    largest = float(path.real(conv.scale()).abs().max())
    if not largest <= SCALE_LIMIT + 0.5:
        raise InputError(
            f"key 'state.{key}.gain': the scale comes to {largest:.4g} residual units per accumulator unit, "
            f"expected at most {SCALE_LIMIT}"
        )


def _check_slopes(rprelu: RPReLU, key: str) -> None:
    largest = float(rprelu.slope.double().abs().max())
    if not largest * 2**SLOPE_SHIFT <= SLOPE_LIMIT + 0.5:
        limit = SLOPE_LIMIT / 2**SLOPE_SHIFT
        raise InputError(f"key 'state.{key}.slope': found {largest:.4g}, expected at most {limit:.4g} in magnitude")
