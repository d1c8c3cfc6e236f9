# SPDX-License-Identifier: Apache-2.0
"""WSFracBNN: FracBNN's topology without BatchNorm, every value obeying the numeric contract."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wsfracbnn.model import quantizers as q
from wsfracbnn.model.config import ConvShape, NetworkConfig
from wsfracbnn.model.contract import stage_name
from wsfracbnn.model.layers import (
    BinaryWSConv2d,
    FractionalActivation,
    GatedConv2d,
    Head,
    RPReLU,
    ScalePath,
    ThermometerEncoder,
    shortcut,
)


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
        return q.saturate(y + q.per_channel(q.round_ste(self.bias.double() * self.unit), y.dtype), self.bits)


class ResidualConv(nn.Module):
    """One accelerator stage: X' = sat(RPReLU(rshift(A * M, r)) + shortcut(X)), A the gated convolution of X."""

    def __init__(self, shape: ConvShape, config: NetworkConfig, expected_std: float) -> None:
        super().__init__()
        self.shape = shape
        self.bits = config.residual_bits
        unit = 2.0**config.residual_fraction
        self.activation = FractionalActivation(shape.in_channels, unit, expected_std)
        self.gated = GatedConv2d(shape.in_channels, shape.out_channels, shape.stride, config.weight_standardization)
        # An unquantized standard normal leaves the 2-bit activation with mean square 0.56 and the WS convolution
        # with its mean|w|^2 = 2/pi of the variance: this gain makes the branch alpha times as strong as its input.
        with torch.no_grad():
            self.gated.conv.gain.fill_(expected_std * config.residual_alpha / math.sqrt(0.56 * 2 / math.pi))
        self.path = ScalePath(3.0, unit)
        self.rprelu = RPReLU(shape.out_channels, unit)

    def accumulate(self, x: Tensor) -> Tensor:
        """A = 2 S_m + g S_l, shape (N, O, H', W')."""
        out: Tensor = self.gated(*self.activation(x)).to(_value_dtype())
        return out

    def forward(self, x: Tensor) -> Tensor:
        y = self.path(self.accumulate(x), self.gated.conv.scale())
        return q.saturate(self.rprelu(y) + shortcut(x, self.shape.stride), self.bits)


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
            variance *= 1.0 + config.residual_alpha**2  # the residual sum's variance (arXiv 2101.08692, section 3)
        unit = 2.0**config.residual_fraction
        self.head = Head(config.widths[-1], config.classes, config.head_pixels(), config.residual_bits, unit)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.input(pixels)
        for stage in self.stages:
            x = stage(x)
        out: Tensor = self.head(x)
        return out

    @torch.no_grad()
    def trace(self, pixels: Tensor) -> dict[str, Tensor]:
        """Streams of the eval forward as int64: 'input', 'stage_01', ... (N, C, H, W) and 'logits' (N, classes)."""
        x = self.input(pixels)
        streams = {"input": x.long()}
        for number, stage in enumerate(self.stages, start=1):
            x = stage(x)
            streams[stage_name(number)] = x.long()
        _, _, k = self.head.constants()
        streams["logits"] = (self.head(x) * (2.0**k * self.head.output_unit)).long()
        return streams

    def set_binary_weights(self, binary: bool) -> None:
        """Second (True) or first (False) step of the two-step schedule."""
        for module in self.modules():
            if isinstance(module, BinaryWSConv2d):
                module.binary = binary

    def gate_means(self) -> Tensor:
        """Fraction of open gates per gated convolution in the last forward pass, shape (convolutions,)."""
        return torch.stack([stage.gated.gate_mean for stage in self._stages()])

    @torch.no_grad()
    def set_gate_thresholds(self, threshold: float) -> None:
        """Start every gate at one threshold, in units of sqrt(fan_in)."""
        for stage in self._stages():
            stage.gated.threshold.fill_(threshold)

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
        for stage in self._stages():
            stage.activation.shift.copy_(x.mean(dim=(0, 2, 3)) / unit)
            stage.activation.scale.copy_((x.std(dim=(0, 2, 3)) / unit).clamp_min(0.05))
            branch = stage.rprelu(stage.path(stage.accumulate(x), stage.gated.conv.scale()))
            target = self.config.residual_alpha * shortcut(x, stage.shape.stride).std()
            stage.gated.conv.gain.mul_((target / branch.std().clamp_min(1e-3)).float())
            branch = stage.rprelu(stage.path(stage.accumulate(x), stage.gated.conv.scale()))
            stage.rprelu.bias_out.sub_(branch.mean(dim=(0, 2, 3)).float() / unit)
            x = stage(x)

    def _stages(self) -> list[ResidualConv]:
        return [stage for stage in self.stages if isinstance(stage, ResidualConv)]


def _value_dtype() -> torch.dtype:
    """float64 holds every intermediate exactly and is used wherever no gradient is asked for."""
    return torch.float32 if torch.is_grad_enabled() else torch.float64
