# SPDX-License-Identifier: Apache-2.0
"""The convolution of thermometer-coded pixels, straight from the pixels."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from wsfracbnn.model.networks.kernels import library


def levels_of(pixels: Tensor, thresholds: Tensor) -> Tensor:
    """How many thermometer bits of each pixel are +1: (N, colours, H, W) -> uint8 (N, H, W, colours)."""
    rows = pixels.permute(0, 2, 3, 1)
    if pixels.dtype == torch.uint8:
        table = torch.bucketize(torch.arange(256.0), thresholds, right=True).to(torch.uint8)
        return table[rows.int()].contiguous()
    return torch.bucketize(rows.float().contiguous(), thresholds, right=True).to(torch.uint8)


def convolve(pixels: Tensor, thresholds: Tensor, plane: Tensor) -> Tensor:
    """S, float32 (N, O, H, W), of pixels (N, colours, H, W) and a plane (O, colours * levels, 3, 3)."""
    out: Tensor = _InputSums.apply(levels_of(pixels, thresholds), len(thresholds), plane)  # type: ignore[no-untyped-call]
    return out


class _InputSums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, levels: Tensor, count: int, plane: Tensor) -> Tensor:
        images, height, width, colours = levels.shape
        channels = len(plane)
        sums = torch.empty(images, height, width, channels)
        ctx.tensors = levels, plane.detach().float().contiguous(), torch.tensor([[1.0], [0.0]]).repeat(1, channels)
        ctx.record = library.Input(
            *(colours, count, channels, height, width, 0),
            *(t.data_ptr() for t in ctx.tensors),
            None,
            sums.data_ptr(),
        )
        library.load().input_sums_forward(ctypes.byref(ctx.record), images, torch.get_num_threads())
        return sums.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, of_sums: Tensor) -> tuple[None, None, Tensor]:
        levels, plane, constants = ctx.tensors
        of_sums = of_sums.float().permute(0, 2, 3, 1).contiguous()
        of_plane, of_constants = torch.empty_like(plane), torch.empty_like(constants)
        ctx.record.plane_gradient, ctx.record.out_gradient = of_plane.data_ptr(), of_constants.data_ptr()
        library.load().input_sums_backward(
            *(ctypes.byref(ctx.record), len(levels), torch.get_num_threads()), ctypes.c_void_p(of_sums.data_ptr())
        )
        return None, None, of_plane
