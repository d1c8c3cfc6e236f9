# SPDX-License-Identifier: Apache-2.0
"""Sixteen-bit convolutions: exact sums forward, float32's gradients backward."""

from __future__ import annotations

import pytest
import torch

from wsfracbnn.model.networks import mixed_precision
from wsfracbnn.model.networks.mixed_precision import conv3x3, exact_channels


@pytest.mark.parametrize("channels", [1, 7, 16, 27, 28, 56, 57, 64, 96, 131])
@pytest.mark.parametrize("stride", [1, 2])
def test_sixteen_bit_convolutions_of_signs_are_exact(channels: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(channels)
    # All taps alike in one corner: the largest sums there are.
    x = torch.randint(0, 2, (4, channels, 8, 8), generator=generator).float() * 2 - 1
    x[0] = 1
    weight = torch.randint(0, 2, (6, channels, 3, 3), generator=generator).float() * 2 - 1
    weight[0] = 1
    expected = torch.nn.functional.conv2d(x.double(), weight.double(), stride=stride, padding=1)
    assert torch.equal(conv3x3(x, weight, stride).double(), expected)


@pytest.mark.parametrize("dtype, even_to", [(torch.bfloat16, 512), (torch.float16, 4096)])
def test_sixteen_bit_floats_hold_the_sums(dtype: torch.dtype, even_to: int) -> None:
    values = torch.arange(0, even_to + 1, 2).double()
    assert torch.equal(values.to(dtype).double(), values)
    assert 9 * exact_channels(dtype) <= even_to
    odd = torch.arange(1, even_to // 2, 2).double()  # odd channels: half as many of them
    assert torch.equal(odd.to(dtype).double(), odd)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("magnitude", [1.0, 1e-9])  # float16 ends at 6e-8, without loss scaling
def test_mixed_precision_gradients_are_those_of_float32_rounded(
    dtype: torch.dtype, magnitude: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixed_precision, "operand_dtype", lambda device: dtype)
    x = (torch.randn(8, 16, 8, 8) > 0).float().mul(2).sub(1).requires_grad_()
    weight = (torch.randn(4, 16, 3, 3) > 0).float().mul(2).sub(1).requires_grad_()
    gradient = magnitude * torch.randn(8, 4, 8, 8)
    mixed = torch.autograd.grad(conv3x3(x, weight, 1).float(), (x, weight), gradient)
    exact = torch.autograd.grad(torch.nn.functional.conv2d(x, weight, padding=1), (x, weight), gradient)
    for a, b in zip(mixed, exact, strict=True):
        assert (a - b).norm() < 0.01 * b.norm()
