# SPDX-License-Identifier: Apache-2.0
"""WSFracBNN: FracBNN's topology without BatchNorm, every value obeying the numeric contract."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wsfracbnn.model.config import ConvShape, NetworkConfig
from wsfracbnn.model.contract import INPUT_NAME, stage_name
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.kernels import stages as kernels
from wsfracbnn.model.networks.kernels import switch
from wsfracbnn.model.networks.layers import (
    BinaryWSConv2d,
    FractionalActivation,
    GatedConv2d,
    Head,
    RPReLU,
    ScalePath,
    ThermometerEncoder,
    shortcut,
)


@dataclass(frozen=True)
class InputConstants:
    """The integers of the input layer, in float64: weights (O, I, 3, 3) of +-1, scale M and bias_in b1 (O,), r."""

    weights: Tensor
    scale: Tensor
    scale_shift: Tensor
    bias_in: Tensor


@dataclass(frozen=True)
class StageConstants:
    """The integers of a stage, in float64.

    thresholds T (I, 3), weights (O, I, 3, 3) of +-1; gate G, scale M, bias_in b1, slope N and bias_out b2, all (O,);
    scale_shift r. Thresholds and biases may exceed the stream's width.
    """

    thresholds: Tensor
    weights: Tensor
    gate: Tensor
    scale: Tensor
    scale_shift: Tensor
    bias_in: Tensor
    slope: Tensor
    bias_out: Tensor


class InputLayer(nn.Module):
    """X = sat(rshift(S * M, r) + b1), S the binary convolution of the thermometer-coded pixels."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.unit = 2.0**config.residual_fraction
        self.bits = config.residual_bits
        self.encoder = ThermometerEncoder(config.thermometer_levels)
        self.conv = BinaryWSConv2d(config.input_bits, config.widths[0], 1, config.weight_standardization)
        self.path = ScalePath(1.0, self.unit)
        self.bias = nn.Parameter(torch.zeros(config.widths[0]))

    def forward(self, pixels: Tensor) -> Tensor:
        accumulator = self.conv(self.encoder(pixels)).to(_value_dtype())
        y = self.path(accumulator, self.conv.scale())
        return q.saturate(y + q.per_channel(self.bias_constant(), y.dtype), self.bits)

    def bias_constant(self) -> Tensor:
        """b1 in float64, shape (C,)."""
        return q.round_ste(self.bias.double() * self.unit)

    @torch.no_grad()
    def constants(self) -> InputConstants:
        """What the hardware's stage holds."""
        return InputConstants(self.conv.signs(), *self.path.constants(self.conv.scale()), self.bias_constant())


class ResidualConv(nn.Module):
    """One accelerator stage: X' = sat(RPReLU(rshift(A * M, r)) + shortcut(X)), A the gated convolution of X."""

    def __init__(self, shape: ConvShape, config: NetworkConfig, expected_std: float) -> None:
        super().__init__()
        self.shape = shape
        self.bits = config.residual_bits
        self.expected_std = expected_std
        unit = 2.0**config.residual_fraction
        self.activation = FractionalActivation(shape.in_channels, unit, expected_std)
        self.gated = GatedConv2d(shape.in_channels, shape.out_channels, shape.stride, config.weight_standardization)
        # A standard normal leaves the 2-bit activation with mean square 0.56, and the convolution keeps that: this gain
        # makes the branch alpha times as strong as its input.
        with torch.no_grad():
            self.gated.conv.gain.fill_(expected_std * config.residual_alpha / math.sqrt(0.56))
        self.path = ScalePath(3.0, unit)
        self.rprelu = RPReLU(shape.out_channels, unit)

    @torch.no_grad()
    def constants(self) -> StageConstants:
        """What the hardware's stage holds."""
        bias_in, _, bias_out = self.rprelu.constants()
        return StageConstants(
            self.activation.thresholds(),
            self.gated.conv.signs(),
            self.gated.gates(),
            *self.path.constants(self.gated.conv.scale()),
            bias_in,
            self.rprelu.slopes(),
            bias_out,
        )

    def accumulate(self, x: Tensor) -> Tensor:
        """A = 2 S_m + g S_l, shape (N, O, H', W')."""
        out: Tensor = self.gated(*self.activation(x)).to(_value_dtype())
        return out

    def branch(self, x: Tensor) -> Tensor:
        """What is added to the shortcut, shape (N, O, H', W')."""
        out: Tensor = self.rprelu(self.path(self.accumulate(x), self.gated.conv.scale()))
        return out

    def forward(self, x: Tensor) -> Tensor:
        return q.saturate(self.branch(x) + shortcut(x, self.shape.stride), self.bits)


class WSFracBNN(nn.Module):
    """The whole network.

    forward: pixels (N, colours, H, W), values 0..255 (uint8 or float) -> logits (N, classes). In `eval()` mode under
    `torch.no_grad()` the result is float64 and every intermediate value is exact.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.input = InputLayer(config)
        self.stages = nn.ModuleList()
        variance = 1.0
        for shape in config.convolutions():
            self.stages.append(ResidualConv(shape, config, math.sqrt(variance)))
            variance *= 1.0 + config.residual_alpha**2  # the residual sum's variance (arXiv 2101.08692, section 4)
        unit = 2.0**config.residual_fraction
        self.head = Head(config.widths[-1], config.classes, config.head_pixels(), config.residual_bits, unit)

    def forward(self, pixels: Tensor) -> Tensor:
        if switch.active(self.config, pixels.device):
            x = kernels.forward(self.input, self.residual_stages(), pixels).to(_value_dtype())
        else:
            x = self.input(pixels)
            for stage in self.stages:
                x = stage(x)
        out: Tensor = self.head(x)
        return out

    @torch.no_grad()
    def trace(self, pixels: Tensor) -> dict[str, Tensor]:
        """Streams of the eval forward as int64: 'input', 'stage_01', ... (N, C, H, W) and 'logits' (N, classes).

        Raises:
            AssertionError: a value is no integer that float64 holds exactly, so that a cast would hide a difference.
        """
        x = self.input(pixels)
        streams = {INPUT_NAME: q.exact_integers(x)}
        for number, stage in enumerate(self.stages, start=1):
            x = stage(x)
            streams[stage_name(number)] = q.exact_integers(x)
        _, _, k = self.head.constants()
        streams["logits"] = q.exact_integers(self.head(x) * (2.0**k * self.head.output_unit))
        return streams

    def set_binary_weights(self, binary: bool) -> None:
        """Second (True) or first (False) step of the two-step schedule."""
        for module in self.modules():
            if isinstance(module, BinaryWSConv2d):
                module.binary = binary

    def gate_means(self) -> Tensor:
        """Fraction of open gates per gated convolution in the last forward pass, shape (convolutions,)."""
        return torch.stack([stage.gated.gate_mean for stage in self.residual_stages()])

    @torch.no_grad()
    def set_gate_thresholds(self, threshold: float) -> None:
        """Start every gate at one threshold, in units of sqrt(fan_in)."""
        for stage in self.residual_stages():
            stage.gated.threshold.fill_(threshold)

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring scales and slopes that a training step moved out of the hardware's range back to its border."""
        self.input.conv.limit_scale(self.input.path.largest_scale)
        for stage in self.residual_stages():
            stage.gated.conv.limit_scale(stage.path.largest_scale)
            stage.rprelu.slope.clamp_(-q.SLOPE_LIMIT / 2**q.SLOPE_SHIFT, q.SLOPE_LIMIT / 2**q.SLOPE_SHIFT)

    @torch.no_grad()
    def calibrate(self, pixels: Tensor) -> None:
        """Data-dependent start (LSUV, arXiv 1511.06422).

        Unit variance after the input layer, thresholds centred on each channel, and each residual branch alpha times as
        strong as its shortcut on this batch.
        """
        unit = 2.0**self.config.residual_fraction
        x = self.input(pixels) / unit
        self.input.conv.gain.div_(x.std().clamp_min(1e-3))
        x = self.input(pixels)
        self.input.bias.sub_(x.mean(dim=(0, 2, 3)).float() / unit)
        x = self.input(pixels)
        for stage in self.residual_stages():
            stage.activation.shift.copy_(x.mean(dim=(0, 2, 3)) / unit)
            stage.activation.scale.copy_((x.std(dim=(0, 2, 3)) / unit).clamp_min(0.05))
            branch = stage.branch(x)
            centred = branch - branch.mean(dim=(0, 2, 3), keepdim=True)  # bias_out takes the means away
            target = self.config.residual_alpha * shortcut(x, stage.shape.stride).std()
            stage.gated.conv.gain.mul_((target / centred.std().clamp_min(1e-3)).float())
            branch = stage.branch(x)
            stage.rprelu.bias_out.sub_(branch.mean(dim=(0, 2, 3)).float() / unit)
            x = stage(x)

    def stream_parameters(self) -> Iterator[tuple[nn.Parameter, float]]:
        """Parameters in units of the residual stream, each with the standard deviation that the stream has there.

        Without a normalization the stream grows from stage to stage (arXiv 2101.08692, section 4), and they with it.
        """
        for stage in self.residual_stages():
            activation, rprelu = stage.activation, stage.rprelu
            for parameter in (
                activation.shift,
                activation.scale,
                stage.gated.conv.gain,
                rprelu.bias_in,
                rprelu.bias_out,
            ):
                yield parameter, stage.expected_std

    def residual_stages(self) -> list[ResidualConv]:
        """The stages, as what they are."""
        return [stage for stage in self.stages if isinstance(stage, ResidualConv)]


def _value_dtype() -> torch.dtype:
    """float64 holds every intermediate exactly and is used wherever no gradient is asked for."""
    return torch.float32 if torch.is_grad_enabled() else torch.float64
