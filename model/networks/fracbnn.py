# SPDX-License-Identifier: Apache-2.0
"""The baseline: FracBNN with its BatchNorm (Zhang et al., FPGA 2021, arXiv 2012.12206), in floating point.

Same topology, thermometer input, gates and two-step schedule as WSFracBNN, under the same trainer; what differs is
the normalization: BatchNorm after each convolution and after each residual sum, unstandardized weights, a
full-precision head.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsfracbnn.model.config import ConvShape, NetworkConfig
from wsfracbnn.model.networks import mixed_precision
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.fractional import gated_sum, two_bit_planes
from wsfracbnn.model.networks.kernels import fracbnn as kernels
from wsfracbnn.model.networks.kernels import input as input_kernel
from wsfracbnn.model.networks.kernels import switch
from wsfracbnn.model.networks.layers import ThermometerEncoder, root_mean_square


class BinaryConv2d(nn.Module):
    """3x3 convolution with sign(W) weights, straight-through inside |W| <= 1.3; real weights while not `binary`.

    With `unit_size` W is divided by its root mean square per output channel first (without a gradient through that),
    so that sums keep their size when the weights turn binary, and the straight-through window is `window`.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, unit_size: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.unit_size = unit_size
        self.window = math.inf if unit_size else 1.3
        self.binary = True
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        nn.init.kaiming_normal_(self.weight)

    def plane(self) -> Tensor:
        """What the convolution multiplies by."""
        weight: Tensor = self.weight
        if self.unit_size:
            weight = weight / root_mean_square(weight)
        if self.binary:
            weight = q.straight_through(q.sign(weight), weight.clamp(-self.window, self.window))
        return weight

    def forward(self, x: Tensor) -> Tensor:
        weight = self.plane()
        if mixed_precision.active():
            return mixed_precision.conv3x3(x, weight, self.stride)
        return F.conv2d(x, weight, stride=self.stride, padding=1)


class FractionalConv2d(nn.Module):
    """FracBNN's PGBinaryConv2d: (2/3) S_m, plus (1/3) S_l where (2/3) S_m exceeds the channel's threshold.

    `matched`: see `MatchedFracBNN`.
    """

    def __init__(self, shape: ConvShape, matched: bool) -> None:
        super().__init__()
        self.matched = matched
        self.conv = BinaryConv2d(shape.in_channels, shape.out_channels, shape.stride, unit_size=matched)
        self.threshold = nn.Parameter(torch.full((shape.out_channels,), 0.25 if matched else -1.0))
        self.unit = 1 / math.sqrt(shape.fan_in) if matched else 2 / 3
        """From S_m to the units of the threshold."""
        self.gate_into_sum = True
        """Whether the gate's gradient flows into S_m too, not into the threshold alone."""
        self.register_buffer("thresholds", torch.tensor([-2 / 3, 0.0, 2 / 3]), persistent=False)
        self.thresholds: Tensor
        self.gate_mean: Tensor = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        t1, t2, t3 = self.thresholds.unbind()
        planes = two_bit_planes(x, (t1, t2, t3), x, polynomial=False)
        threshold = self.threshold.view(1, -1, 1, 1)
        sums, bound = self.conv(torch.cat(planes)), threshold / self.unit
        accumulator, means = gated_sum(sums, bound, threshold, self.unit, into_sum=self.gate_into_sum)
        self.gate_mean = means.mean()
        return accumulator / 3.0


class FloatRPReLU(nn.Module):
    """RPReLU without quantization (ReActNet, arXiv 2003.03488)."""

    def __init__(self, channels: int, spread_slopes: bool) -> None:
        super().__init__()
        self.bias_in = nn.Parameter(torch.zeros(channels))
        slopes = torch.linspace(-0.25, 0.75, channels) if spread_slopes else torch.full((channels,), 0.25)
        self.slope = nn.Parameter(slopes)
        self.bias_out = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x + self.bias_in.view(1, -1, 1, 1), self.slope) + self.bias_out.view(1, -1, 1, 1)


class BatchNormConv(nn.Module):
    """BN(RPReLU(BN(conv(x))) + shortcut(x)): one of the two halves of FracBNN's basic block."""

    def __init__(self, shape: ConvShape, matched: bool) -> None:
        super().__init__()
        self.stride = shape.stride
        self.gated = FractionalConv2d(shape, matched)
        self.norm = nn.BatchNorm2d(shape.out_channels)
        self.rprelu = FloatRPReLU(shape.out_channels, spread_slopes=matched)
        self.sum_norm = nn.BatchNorm2d(shape.out_channels)

    def branch(self, x: Tensor) -> Tensor:
        """What is added to the shortcut."""
        out: Tensor = self.rprelu(self.norm(self.gated(x)))
        return out

    def shortcut(self, x: Tensor) -> Tensor:
        """x itself, or at stride 2 the 2x2 average with the channels twice."""
        if self.stride == 1:
            return x
        pooled = F.avg_pool2d(x, 2)
        return torch.cat((pooled, pooled), dim=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.sum_norm(self.branch(x) + self.shortcut(x))
        return out


class FracBNN(nn.Module):
    """The whole baseline. forward: pixels (N, colours, H, W), 0..255 -> logits (N, classes) float32."""

    MATCHED = False

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = ThermometerEncoder(config.thermometer_levels)
        self.conv = BinaryConv2d(config.input_bits, config.widths[0], stride=1, unit_size=self.MATCHED)
        self.norm = nn.BatchNorm2d(config.widths[0])
        self.stages = nn.ModuleList(BatchNormConv(shape, self.MATCHED) for shape in config.convolutions())
        self.head = nn.Linear(config.widths[-1], config.classes)

    def forward(self, pixels: Tensor) -> Tensor:
        if self.training and switch.active(self.config, pixels.device):
            x = self.norm(input_kernel.convolve(pixels, self.encoder.thresholds, self.conv.plane()))
            for layer in self._stages():
                x = kernels.stage(layer, x)
        else:
            x = self.norm(self.conv(self.encoder(pixels)).float())
            for stage in self.stages:
                x = stage(x)
        out: Tensor = self.head(x.mean(dim=(2, 3)))
        return out

    def set_binary_weights(self, binary: bool) -> None:
        """Second (True) or first (False) step of the two-step schedule."""
        for module in self.modules():
            if isinstance(module, BinaryConv2d):
                module.binary = binary

    def gate_means(self) -> Tensor:
        """Fraction of open gates per gated convolution in the last forward pass, shape (convolutions,)."""
        return torch.stack([s.gated.gate_mean for s in self._stages()])

    def _stages(self) -> list[BatchNormConv]:
        return [stage for stage in self.stages if isinstance(stage, BatchNormConv)]

    def calibrate(self, pixels: Tensor) -> None:
        """Nothing to do: BatchNorm finds the statistics by itself."""


class MatchedFracBNN(FracBNN):
    """FracBNN with what WSFracBNN has that is not about BatchNorm: the baseline of the like-for-like comparison.

    Weights of unit size in both steps, so that sums do not grow when they turn binary (FracBNN's grow 8 to 17 times,
    and its gate thresholds cannot follow); gate thresholds in units of sqrt(fan-in), starting where WSFracBNN's do;
    slopes that start spread. WSFracBNN's alone stays Bi-Real Net's gradient of the most significant plane
    (arXiv 1808.00278).
    """

    MATCHED = True

    @torch.no_grad()
    def set_gate_thresholds(self, threshold: float) -> None:
        """Start every gate at one threshold, in units of sqrt(fan_in)."""
        for stage in self._stages():
            stage.gated.threshold.fill_(threshold)
