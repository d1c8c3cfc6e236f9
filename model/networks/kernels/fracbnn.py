# SPDX-License-Identifier: Apache-2.0
"""A stage of FracBNN as one autograd function over the C++ kernels."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

import torch
from torch import Tensor

from wsfracbnn.model.networks.kernels import library


class SignConvolution(Protocol):
    """What the kernels ask of a convolution."""

    binary: bool

    def plane(self) -> Tensor:
        """What it multiplies by: (O, I, 3, 3)."""


class GatedConvolution(Protocol):
    """What the kernels ask of a fractional convolution; `unit` leads from S_m to that of the threshold."""

    @property
    def conv(self) -> SignConvolution:
        """The convolution of both planes."""

    threshold: torch.nn.Parameter
    unit: float
    gate_into_sum: bool
    gate_mean: Tensor


class Activation(Protocol):
    """What the kernels ask of an RPReLU; parameters of shape (O,)."""

    bias_in: torch.nn.Parameter
    slope: torch.nn.Parameter
    bias_out: torch.nn.Parameter


class StageLayer(Protocol):
    """What the kernels ask of a stage."""

    stride: int
    norm: torch.nn.BatchNorm2d
    sum_norm: torch.nn.BatchNorm2d

    @property
    def gated(self) -> GatedConvolution:
        """Its convolution."""

    @property
    def rprelu(self) -> Activation:
        """What follows the first norm."""


def stage(layer: StageLayer, x: Tensor) -> Tensor:
    """X (N, I, H, W) to X' of one stage, both float32; updates its running statistics and `gate_mean`."""
    gated, norms = layer.gated, (layer.norm, layer.sum_norm)
    rows = (
        gated.threshold.detach() / gated.unit,
        *(gated.threshold, layer.norm.weight, layer.norm.bias),
        *(layer.rprelu.bias_in, layer.rprelu.slope, layer.rprelu.bias_out),
        *(layer.sum_norm.weight, layer.sum_norm.bias),
    )
    slopes = gated.unit, gated.unit if gated.gate_into_sum else 0.0
    out: Tensor
    out, gates, statistics = _Stage.apply(  # type: ignore[no-untyped-call]
        x, gated.conv.plane(), torch.stack(rows), layer.stride, gated.conv.binary, layer.norm.eps, *slopes
    )
    gated.gate_mean = gates.mean()
    values = out.numel() // out.shape[1]
    for norm, mean, variance in zip(norms, statistics[::2], statistics[1::2], strict=True):
        _update_running(norm, mean, variance * (values / max(1, values - 1)))
    return out


@torch.no_grad()
def _update_running(norm: torch.nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """As nn.BatchNorm2d does in training."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.num_batches_tracked.add_(1)
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance, norm.momentum)


class _Stage(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        plane: Tensor,
        constants: Tensor,
        stride: int,
        binary: bool,
        eps: float,
        gate_scale: float,
        sum_slope: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        x = x.detach().permute(0, 2, 3, 1).contiguous()
        plane, constants = plane.detach().float().contiguous(), constants.detach().contiguous()
        images, height, width, channels = x.shape
        size = images, height // stride, width // stride
        kept = torch.int16 if binary else torch.float32
        sums = torch.empty((*size, 2, library.lanes(len(plane))), dtype=kept)
        z, out = torch.empty(*size, len(plane)), torch.empty(*size, len(plane))
        gates, statistics = torch.empty(len(plane)), torch.empty(4, len(plane))
        ctx.record = library.FracStage(
            *(images, channels, len(plane), height, width, stride, binary, eps, gate_scale, sum_slope),
            *(t.data_ptr() for t in (x, plane, constants, sums, z, out, gates, statistics)),
        )
        library.load().fracbnn_forward(ctypes.byref(ctx.record), torch.get_num_threads())
        ctx.tensors = x, plane, constants, sums, z, statistics
        ctx.mark_non_differentiable(statistics)
        return out.permute(0, 3, 1, 2), gates, statistics

    @staticmethod
    def backward(ctx: Any, of_next: Tensor, of_gates: Tensor, of_statistics: Tensor) -> tuple[Tensor | None, ...]:
        del of_statistics
        x, plane, constants, _, z, _ = ctx.tensors
        of_next = of_next.float().permute(0, 2, 3, 1).contiguous()
        of_gates = of_gates.float().contiguous()
        of_y, of_x = torch.empty_like(z), torch.empty_like(x)
        of_plane, of_constants = torch.empty_like(plane), torch.empty_like(constants)
        for name, tensor in (
            *(("of_next", of_next), ("of_gates", of_gates), ("of_y", of_y)),
            *(("of_x", of_x), ("of_plane", of_plane), ("of_constants", of_constants)),
        ):
            setattr(ctx.record, name, tensor.data_ptr())
        library.load().fracbnn_backward(ctypes.byref(ctx.record), torch.get_num_threads())
        del ctx.tensors
        return of_x.permute(0, 3, 1, 2), of_plane, of_constants, None, None, None, None, None
