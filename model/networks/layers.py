# SPDX-License-Identifier: Apache-2.0
"""The layers of WSFracBNN, in the order in which a pixel meets them.

Units: the residual stream X is an integer in units of 2^-F; parameters are real numbers and `unit` = 2^F converts
them. Symbols (T, S_m, G, M, r, b1, N, s, b2) are those of docs/numeric-contract.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.networks import mixed_precision
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.fractional import gated_sum, two_bit_planes


class ThermometerEncoder(nn.Module):
    """8-bit pixels to K bits per colour (FracBNN, section 3.1): bit k = [p >= R*k + R/2] with R = 256 / K.

    forward: (N, colours, H, W), any dtype, values 0..255 -> (N, colours * K, H, W) float32 of +-1, colour-major.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        resolution = 256 // levels
        thresholds = torch.arange(levels, dtype=torch.float32) * resolution + resolution / 2
        self.register_buffer("thresholds", thresholds, persistent=False)
        self.thresholds: Tensor

    def forward(self, pixels: Tensor) -> Tensor:
        n, colours, height, width = pixels.shape
        bits = pixels.float().unsqueeze(2) >= self.thresholds.view(-1, 1, 1)
        return q.plus_minus(bits, torch.float32).reshape(n, colours * len(self.thresholds), height, width)


def integer_thresholds(shift: Tensor, scale: Tensor, unit: float) -> Tensor:
    """T1 <= T2 <= T3 of each channel, float64 (C, 3)."""
    centre = shift.detach().double()
    spread = scale.detach().double().abs() * (2.0 / 3.0)
    return torch.ceil(torch.stack((centre - spread, centre, centre + spread), dim=1) * unit)


def positive_scale(scale: Tensor) -> Tensor:
    """What u is divided by, for an activation's learnt scale."""
    return scale.abs().clamp_min(1e-3)


class FractionalActivation(nn.Module):
    """The 2-bit activation (FracBNN, section 3.2) with a learnt shift and scale per channel.

    u = (x - shift) / scale is quantized to (2q - 3)/3, q = [u >= -2/3] + [u >= 0] + [u >= 2/3]; shift and scale fold
    into the integer thresholds T1 <= T2 <= T3, so that evaluation only compares integers.

    forward: X (N, C, H, W) -> (msb, lsb) planes of +-1, each (N, C, H, W), see `two_bit_planes`.
    """

    def __init__(self, channels: int, unit: float, expected_std: float) -> None:
        super().__init__()
        self.unit = unit
        self.shift = nn.Parameter(torch.zeros(channels))
        self.scale = nn.Parameter(torch.full((channels,), expected_std))

    def thresholds(self) -> Tensor:
        """T of shape (C, 3), float64 integers: [X >= T] equals [x >= t] for every integer X when T = ceil(t)."""
        return integer_thresholds(self.shift, self.scale, self.unit)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        t1, t2, t3 = (q.per_channel(t, x.dtype) for t in self.thresholds().unbind(1))
        if not torch.is_grad_enabled():
            return two_bit_planes(x, (t1, t2, t3), x, polynomial=True)  # nothing flows back: u is not needed
        scale = q.per_channel(positive_scale(self.scale), torch.float32)
        u = (x / self.unit - q.per_channel(self.shift, torch.float32)) / scale
        return two_bit_planes(x, (t1, t2, t3), u, polynomial=True)


class BinaryWSConv2d(nn.Module):
    """3x3 convolution with scaled weight standardization and 1-bit weights, split into plane and scale.

    W_hat = z / sqrt(fan_in) with z = (W - mean) / std per output channel (scaled WS, arXiv 2101.08692, section 4).
    `plane` is what the convolution multiplies by: sign(z), or z itself while not `binary` (the first step of the
    two-step schedule). Both have unit mean square, so that sums, gates and branches keep their size when the weights
    turn binary. `scale` is the real number that the accumulator is multiplied by: gain / sqrt(fan_in). "BNN - BN = ?"
    (arXiv 2104.08215) has mean|W_hat| in it too, a constant of standardized weights that the learnt gain takes in.

    With `standardize` False (an ablation) z = W / rms(W) and the scale has the factor rms(W) sqrt(fan_in), so that the
    product is gain W; XNOR-Net (arXiv 1603.05279) takes mean|W|. No gradient flows through rms(W), as there.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, standardize: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.standardize = standardize
        self.fan_in = TAPS * in_channels
        self.binary = True
        self.window = math.inf
        """The sign's straight-through gradient is zero where |z| is larger."""
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.gain = nn.Parameter(torch.ones(out_channels))
        nn.init.normal_(self.weight, std=1 / math.sqrt(self.fan_in))

    def standardized(self, weight: Tensor) -> Tensor:
        """z, unit mean square per output channel, and zero mean where weights are standardized."""
        if not self.standardize:
            return weight / root_mean_square(weight)
        variance, mean = torch.var_mean(weight, dim=(1, 2, 3), keepdim=True, correction=0)
        return (weight - mean) / torch.sqrt(variance + 1e-10)

    def signs(self) -> Tensor:
        """sign(W_hat) in float64, shape (O, I, 3, 3), values +-1."""
        return q.sign(self.standardized(self.weight.detach().double()))

    def plane(self) -> Tensor:
        """What the convolution multiplies by: +-1, or real weights in the first training step."""
        if not torch.is_grad_enabled() and self.binary:
            return self.signs().to(self.weight.dtype)
        z = self.standardized(self.weight)
        if self.binary:
            return q.straight_through(q.sign(z), z.clamp(-self.window, self.window))
        return z

    def scale(self) -> Tensor:
        """The factor of the accumulator in float64, shape (O,)."""
        if not self.standardize:
            return self.gain.double() * root_mean_square(self.weight.double()).flatten()
        return self.gain.double() / math.sqrt(self.fan_in)

    @torch.no_grad()
    def limit_scale(self, largest: float) -> None:
        """Lower each gain as far as its scale exceeds `largest`."""
        self.gain.div_((self.scale().abs() / largest).clamp_min(1.0).float())

    def forward(self, planes: Tensor) -> Tensor:
        weight = self.plane().to(planes.dtype)
        if mixed_precision.active():
            return mixed_precision.conv3x3(planes, weight, self.stride)
        return F.conv2d(planes, weight, stride=self.stride, padding=1)


def root_mean_square(weight: Tensor) -> Tensor:
    """Of each output channel: (O, I, 3, 3) -> (O, 1, 1, 1), without gradient."""
    return weight.detach().square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-10)


class ScalePath(nn.Module):
    """Y = rshift(A * M_c, r): the WS scale, the activation's 1/3 and the unit, as shifts and adds."""

    def __init__(self, denominator: float, unit: float) -> None:
        super().__init__()
        self.factor = unit / denominator
        self.largest_scale = q.SCALE_LIMIT / self.factor
        """What `constants` can represent."""

    def real(self, scale: Tensor) -> Tensor:
        """Output units per accumulator unit, for the scale of a convolution, shape (C,)."""
        return scale * self.factor

    def constants(self, scale: Tensor) -> tuple[Tensor, Tensor]:
        """M (float64 integers, (C,)) and r (float64 scalar) for the scale of a convolution, shape (C,)."""
        return q.quantize_scale(self.real(scale))

    def forward(self, accumulator: Tensor, scale: Tensor) -> Tensor:
        m, r = self.constants(scale)
        factor = q.per_channel(q.straight_through(m / 2.0**r, self.real(scale)), accumulator.dtype)
        return q.round_ste(accumulator * factor)  # at r = 0 the product is an integer, which rounding leaves alone


class GatedConv2d(nn.Module):
    """The fractional convolution: A = 2 S_m + (S_m > G ? S_l : 0) (FracBNN, section 3.2 and equation 4).

    The gate threshold is learnt in units of sqrt(fan_in), the scale of S_m; its gradient is that of
    sigmoid(5 (S_m / sqrt(fan_in) - threshold)). `gate_mean` holds the differentiable fraction of open gates of the
    last training forward pass.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, standardize: bool = True) -> None:
        super().__init__()
        self.conv = BinaryWSConv2d(in_channels, out_channels, stride, standardize)
        self.threshold = nn.Parameter(torch.full((out_channels,), 0.25))
        self.norm = math.sqrt(TAPS * in_channels)
        self.gate_into_sum = True
        """Whether the gate's gradient flows into S_m too, not into the threshold alone."""
        self.gate_mean: Tensor = torch.zeros(())

    def gates(self) -> Tensor:
        """G of shape (O,), float64 integers: S_m > theta equals S_m > floor(theta) for every integer S_m.

        |S_m| <= fan_in, so that larger bounds mean a gate that is always open or never.
        """
        return torch.floor(self.threshold.detach().double() * self.norm).clamp(-self.conv.fan_in - 1, self.conv.fan_in)

    def forward(self, msb: Tensor, lsb: Tensor) -> Tensor:
        sums = self.conv(torch.cat((msb, lsb)))
        bound, threshold = q.per_channel(self.gates(), torch.float32), q.per_channel(self.threshold, torch.float32)
        accumulator, means = gated_sum(sums, bound, threshold, 1 / self.norm, into_sum=self.gate_into_sum)
        self.gate_mean = means.mean()
        return accumulator


def integer_slopes(slope: Tensor) -> Tensor:
    """N of each channel, float64 integers."""
    return q.nearest_signed_digits(slope * 2**q.SLOPE_SHIFT, q.SCALE_DIGITS, q.SLOPE_LIMIT)


def rprelu_constants(bias_in: Tensor, slope: Tensor, bias_out: Tensor, unit: float) -> tuple[Tensor, Tensor, Tensor]:
    """b1, N / 2^s and b2 in float64, each (C,), with the gradients of the parameters behind them."""
    quantized = q.straight_through(integer_slopes(slope) / 2**q.SLOPE_SHIFT, slope.double())
    return q.round_ste(bias_in.double() * unit), quantized, q.round_ste(bias_out.double() * unit)


class RPReLU(nn.Module):
    """PReLU between two learnt shifts (ReActNet, arXiv 2003.03488): V = Y + b1; V >= 0 ? V : (V N) >> s; + b2.

    Slopes start evenly spread from -1/4 to 3/4 over the channels, ReActNet's 1/4 in the mean: a channel of binary
    sums is worth more where its neighbours bend differently, and channels that fold (a negative slope) occur.
    """

    def __init__(self, channels: int, unit: float) -> None:
        super().__init__()
        self.unit = unit
        self.bias_in = nn.Parameter(torch.zeros(channels))
        self.slope = nn.Parameter(torch.linspace(-0.25, 0.75, channels))
        self.bias_out = nn.Parameter(torch.zeros(channels))

    def slopes(self) -> Tensor:
        """N of shape (C,), float64 integers; the slope is N / 2^s."""
        return integer_slopes(self.slope)

    def constants(self) -> tuple[Tensor, Tensor, Tensor]:
        """b1, N / 2^s and b2 in float64, each (C,), with the gradients of the parameters behind them."""
        return rprelu_constants(self.bias_in, self.slope, self.bias_out, self.unit)

    def forward(self, y: Tensor) -> Tensor:
        bias_in, slope, bias_out = (q.per_channel(c, y.dtype) for c in self.constants())
        v = y + bias_in
        upper = q.at_least_zero(v)
        v = upper * v + (1.0 - upper) * q.floor_ste(v * slope)
        return v + bias_out


def shortcut(x: Tensor, stride: int) -> Tensor:
    """X itself, or at stride 2 the 2x2 average (a + b + c + d + 2) >> 2 with the channels twice."""
    if stride == 1:
        return x
    n, channels, height, width = x.shape
    total = x.view(n, channels, height // 2, 2, width // 2, 2).sum(dim=(3, 5))
    pooled = q.floor_ste((total + 2.0) / 4.0)
    return torch.cat((pooled, pooled), dim=1)


class Head(nn.Module):
    """Sum pooling and a linear layer of 3-signed-digit weights: logits_j = sum_c W_jc P_c + B_j, exact in 32 bits.

    forward: X (N, C, H, W) -> real logits (N, classes) = integer logits * 2^-(k + F + p), where 2^k scales the
    weights and 2^p is the smallest power of two not below the number of pixels.
    """

    K_MIN, K_MAX = -8, 24

    def __init__(self, channels: int, classes: int, pixels: int, residual_bits: int, unit: float) -> None:
        super().__init__()
        self.pixels = pixels
        self.residual_bits = residual_bits
        self.output_unit = unit * 2.0 ** math.ceil(math.log2(pixels))
        self.weight = nn.Parameter(torch.randn(classes, channels) / math.sqrt(channels))
        self.bias = nn.Parameter(torch.zeros(classes))

    def constants(self) -> tuple[Tensor, Tensor, Tensor]:
        """W (classes, C), B (classes,) and k, all float64 integers.

        k is the largest of -8 to 24 for which |W| <= 127 and the worst case sum_c |W_jc| * pixels * 2^(B-1) + |B_j|
        stays below 2^31, so that no input can overflow the 32-bit logits. On an accelerator all candidates are tried at
        once, in tensors, so that training never waits for the host; on a CPU from the top, few at a time.
        """
        if self.weight.device.type != "cpu" or torch.compiler.is_compiling():
            return self._constants_among(self.K_MIN, self.K_MAX)[:3]
        last, largest = self.K_MAX, float(self.weight.detach().double().abs().max())
        while last > self.K_MIN and largest * 2.0**last > q.HEAD_LIMIT:
            last -= 1
        while True:
            first = max(last - 1, self.K_MIN)
            w, b, k, fits = self._constants_among(first, last)
            if first == self.K_MIN or bool(fits):
                return w, b, k
            last = first - 1

    def _constants_among(self, first: int, last: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """W, B and k for the largest k of `first` to `last` that fits, and whether one does; else for the first."""
        weight, bias = self.weight.detach().double(), self.bias.detach().double()
        candidates = torch.arange(first, last + 1, dtype=torch.float64, device=weight.device)
        scaled = (weight * 2.0 ** candidates.view(-1, 1, 1)).clamp(-1e6, 1e6)
        w = q.nearest_signed_digits(scaled, q.HEAD_DIGITS, q.HEAD_LIMIT)
        b = torch.floor(bias * 2.0 ** candidates.view(-1, 1) * self.output_unit + 0.5)
        worst = (w.abs().sum(dim=2) * (self.pixels * 2.0 ** (self.residual_bits - 1)) + b.abs()).amax(dim=1)
        fits = (worst < 2.0**31) & (weight.abs().max() * 2.0**candidates <= q.HEAD_LIMIT)
        best = torch.where(fits, candidates, first).argmax(dim=0, keepdim=True)
        w, b, k = (t.index_select(0, best)[0] for t in (w, b, candidates))
        return w, b, k, fits.any()

    def forward(self, x: Tensor) -> Tensor:
        w, b, k = self.constants()
        pooled = x.sum(dim=(2, 3))
        weight = q.straight_through(w / 2.0**k, self.weight).to(x.dtype)
        bias = q.straight_through(b / (2.0**k * self.output_unit), self.bias).to(x.dtype)
        return pooled @ (weight / self.output_unit).T + bias
