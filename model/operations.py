# SPDX-License-Identifier: Apache-2.0
"""The operation counter: what one inference costs, layer by layer, for both networks.

Binary operations (BOPs) are XNOR-popcount multiply-accumulates at every output position, padded taps included, as the
binary-network literature counts them. FLOPs count each floating-point multiplication and addition once. The load is
BOPs / 64 + FLOPs (Bi-Real Net, arXiv 1808.00278; ReActNet, arXiv 2003.03488; "BNN - BN = ?", arXiv 2104.08215).
Integer additions, shifts and comparisons are counted apart and are not in the load, as in that literature; WSFracBNN
does in integers what the baseline does in floating point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wsfracbnn.model.config import ConvShape, NetworkConfig
from wsfracbnn.model.contract import HEAD_DIGITS, HEAD_NAME, INPUT_NAME, LOGIT_BITS, TAPS, stage_name

BOPS_PER_OP = 64

BEHIND_CONVOLUTIONS, BEHIND_SUMS = "BatchNorm behind convolutions", "BatchNorm behind residual sums"
"""Two kinds of the baseline's FLOPs."""


@dataclass(frozen=True)
class LayerOperations:
    """Operations of one layer for one image.

    Attributes:
        msb: binary MACs of the first pass. lsb: those of the second, where the gate is open.
        flops: floating-point operations by what needs them.
        adds, shifts, compares: integer operations outside the popcounts.
        parameters: trained numbers that inference needs. bits: their size.
    """

    name: str
    msb: float = 0
    lsb: float = 0
    flops: dict[str, float] = field(default_factory=dict)
    adds: float = 0
    shifts: float = 0
    compares: float = 0
    parameters: int = 0
    bits: int = 0

    @property
    def load(self) -> float:
        """BOPs / 64 + FLOPs."""
        return (self.msb + self.lsb) / BOPS_PER_OP + sum(self.flops.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"load": self.load}


def total(layers: Iterable[LayerOperations]) -> LayerOperations:
    """The sum of all layers, FLOPs kept apart by kind."""
    everything = list(layers)
    flops: dict[str, float] = {}
    for layer in everything:
        for kind, count in layer.flops.items():
            flops[kind] = flops.get(kind, 0) + count
    return LayerOperations(
        name="total",
        msb=sum(layer.msb for layer in everything),
        lsb=sum(layer.lsb for layer in everything),
        flops=flops,
        adds=sum(layer.adds for layer in everything),
        shifts=sum(layer.shifts for layer in everything),
        compares=sum(layer.compares for layer in everything),
        parameters=sum(layer.parameters for layer in everything),
        bits=sum(layer.bits for layer in everything),
    )


def _outputs(shape: ConvShape) -> int:
    return shape.out_channels * shape.out_height * shape.out_width


def _inputs(shape: ConvShape) -> int:
    return shape.in_channels * shape.height * shape.width


def _input_macs(config: NetworkConfig) -> int:
    return config.image_height * config.image_width * config.widths[0] * TAPS * config.input_bits


ACTIVATION_COMPARES = 2
"""With the middle threshold, and with the one above or below it (rtl/quantizer.v)."""


def count_wsfracbnn(config: NetworkConfig, gate_fractions: Sequence[float]) -> list[LayerOperations]:
    """Operations of the integer network that the hardware computes.

    A scale is two shifts and one addition, its rounding and its bias one addition each; RPReLU (for every output, as
    the hardware does it) one compare, two shifts, one addition, the shift by s and its bias; the residual sum one
    addition and two compares (saturation). The thermometer code is K compares per colour, an activation two compares,
    a gate one.
    """
    bits, width = config.residual_bits, config.widths[0]
    pixels = config.image_height * config.image_width
    outputs = pixels * width
    window = TAPS * config.input_bits
    layers = [
        LayerOperations(
            name=INPUT_NAME,
            msb=_input_macs(config),
            adds=3 * outputs,
            shifts=3 * outputs,
            compares=pixels * config.input_bits + 2 * outputs,
            parameters=width * (window + 2),
            bits=width * (window + 10 + bits),
        )
    ]
    for number, (shape, gate) in enumerate(zip(config.convolutions(), gate_fractions, strict=True), start=1):
        macs = _outputs(shape) * shape.fan_in
        pooled = 0 if shape.stride == 1 else _outputs(shape) // 2
        layers.append(
            LayerOperations(
                name=stage_name(number),
                msb=macs,
                lsb=gate * macs,
                adds=(1 + gate + 3 + 2 + 1) * _outputs(shape) + 4 * pooled,  # 2 S_m is wiring, S_l is added where open
                shifts=(3 + 3) * _outputs(shape) + pooled,
                compares=ACTIVATION_COMPARES * _inputs(shape) + 4 * _outputs(shape),
                parameters=shape.out_channels * (shape.fan_in + 5) + 3 * shape.in_channels,
                bits=shape.out_channels * (shape.fan_in + shape.fan_in.bit_length() + 1 + 2 * (10 + bits))
                + 3 * bits * shape.in_channels,
            )
        )
    products = config.widths[-1] * config.classes
    layers.append(
        LayerOperations(
            name=HEAD_NAME,
            adds=config.head_pixels() * config.widths[-1] + HEAD_DIGITS * products,
            shifts=HEAD_DIGITS * products,
            compares=config.classes,
            parameters=products + config.classes,
            bits=8 * products + LOGIT_BITS * config.classes,
        )
    )
    return layers


def count_fracbnn(config: NetworkConfig, gate_fractions: Sequence[float]) -> list[LayerOperations]:
    """Operations of the baseline, BatchNorm folded to a scale and a bias.

    FLOPs per output: BatchNorm 2 (one multiplication, one addition), after each convolution and after each residual
    sum; RPReLU 3 (shift, slope, shift); residual sum 1; 2x2 average 4; head a multiplication and an addition per
    weight, the average pooling one addition per value.
    """
    pixels, width = config.image_height * config.image_width, config.widths[0]
    layers = [
        LayerOperations(
            name=INPUT_NAME,
            msb=_input_macs(config),
            flops={BEHIND_CONVOLUTIONS: 2 * pixels * width},
            compares=pixels * config.input_bits,
            parameters=width * (TAPS * config.input_bits + 2),
            bits=width * (TAPS * config.input_bits + 2 * 32),
        )
    ]
    for number, (shape, gate) in enumerate(zip(config.convolutions(), gate_fractions, strict=True), start=1):
        outputs, macs = _outputs(shape), _outputs(shape) * shape.fan_in
        flops: dict[str, float] = {
            BEHIND_CONVOLUTIONS: 2 * outputs,
            BEHIND_SUMS: 2 * outputs,
            "RPReLU": 3 * outputs,
            "residual sum": outputs,
        }
        if shape.stride == 2:
            flops["average pooling"] = 4 * outputs // 2
        layers.append(
            LayerOperations(
                name=stage_name(number),
                msb=macs,
                lsb=gate * macs,
                flops=flops,
                compares=ACTIVATION_COMPARES * _inputs(shape) + outputs,
                parameters=shape.out_channels * (shape.fan_in + 1 + 4 + 3),
                bits=shape.out_channels * (shape.fan_in + (1 + 4 + 3) * 32),
            )
        )
    products = config.widths[-1] * config.classes
    layers.append(
        LayerOperations(
            name=HEAD_NAME,
            flops={"head": 2 * products + config.head_pixels() * config.widths[-1]},
            parameters=products + config.classes,
            bits=32 * (products + config.classes),
        )
    )
    return layers


def load_ratio(ours: Iterable[LayerOperations], baseline: Iterable[LayerOperations]) -> float:
    """Load of the first over load of the second."""
    return total(ours).load / total(baseline).load


def other_load_ratios(ours: Iterable[LayerOperations], baseline: Iterable[LayerOperations]) -> dict[str, float]:
    """The same, counted in other ways, by what is otherwise.

    BatchNorm behind a residual sum can be folded into what reads the sum (model/lower_fracbnn.py), which then costs
    nothing. And an integer addition may be held to cost what a floating-point one does; the baseline has none.
    """
    mine, theirs = total(ours), total(baseline)
    return {
        "with FracBNN's BatchNorm behind residual sums folded away": mine.load
        / (theirs.load - theirs.flops.get(BEHIND_SUMS, 0)),
        "with integer additions counted as floating-point operations are": (mine.load + mine.adds)
        / (theirs.load + theirs.adds),
    }
