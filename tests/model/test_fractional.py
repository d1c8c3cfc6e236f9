# SPDX-License-Identifier: Apache-2.0
"""The fractional convolution's closed-form gradients against autograd of the formulas that they stand for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from wsfracbnn.model.config import ConvShape
from wsfracbnn.model.networks import quantizers as q
from wsfracbnn.model.networks.fracbnn import FractionalConv2d
from wsfracbnn.model.networks.fractional import gated_sum, two_bit_planes
from wsfracbnn.model.networks.mixed_precision import mixed_precision


def surrogate(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard`, the gradient of `soft`, written out."""
    return hard.detach() + (soft - soft.detach())


@pytest.fixture
def x() -> Tensor:
    """Values on both sides of every threshold and of +-1."""
    return (1.2 * torch.randn(6, 8, 5, 5, generator=torch.Generator().manual_seed(1))).requires_grad_()


def planes_written_out(x: Tensor, soft: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    u = x.clamp(-1, 1)
    level = (x >= -2 / 3).float() + (x >= 0).float() + (x >= 2 / 3).float()
    msb = surrogate(2.0 * (level >= 2).float() - 1.0, soft(u))
    lsb = surrogate(2.0 * (level % 2) - 1.0, 3.0 * u - 2.0 * soft(u))
    return msb, lsb


@pytest.mark.parametrize("polynomial", [False, True])
def test_planes_and_their_gradients(x: Tensor, polynomial: bool) -> None:
    thresholds = (torch.tensor(-2 / 3), torch.tensor(0.0), torch.tensor(2 / 3))
    soft = (lambda u: u * (2.0 - u.abs())) if polynomial else (lambda u: u)
    weights = torch.randn(2, *x.shape)
    expected, found = planes_written_out(x, soft), two_bit_planes(x, thresholds, x, polynomial=polynomial)
    gradients = []
    for msb, lsb in (expected, found):
        assert set(msb.flatten().tolist()) == set(lsb.flatten().tolist()) == {-1.0, 1.0}
        gradients.append(torch.autograd.grad((msb * weights[0] + lsb * weights[1]).sum(), x)[0])
    assert torch.equal(expected[0], found[0])
    assert torch.equal(expected[1], found[1])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_planes_are_of_16_bits_only_where_training_runs_in_them(x: Tensor) -> None:
    thresholds = (torch.tensor(-1.0), torch.tensor(0.0), torch.tensor(1.0))
    with mixed_precision(True):
        assert two_bit_planes(x, thresholds, x, polynomial=True)[0].dtype == torch.bfloat16
        with torch.no_grad():
            assert two_bit_planes(x, thresholds, x, polynomial=True)[0].dtype == torch.float32


@pytest.mark.parametrize("into_sum", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gated_sum_and_its_gradients(dtype: torch.dtype, into_sum: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    sums = (2.0 * torch.randint(-9, 10, (12, 4, 5, 5), generator=generator)).to(dtype).requires_grad_()
    threshold = torch.tensor([-0.5, 0.0, 0.3, 1.0]).view(1, -1, 1, 1).requires_grad_()
    scale, weight, of_means = 0.25, torch.randn(6, 4, 5, 5, generator=generator), torch.randn(4, generator=generator)
    bound = (threshold / scale).floor().detach()

    s_m, s_l = sums.float().chunk(2)
    gate = surrogate(
        (s_m > bound).float(), torch.sigmoid(5.0 * ((s_m if into_sum else s_m.detach()) * scale - threshold))
    )
    expected = 2.0 * s_m + gate * s_l, gate.mean(dim=(0, 2, 3))
    found = gated_sum(sums, bound, threshold, scale, into_sum=into_sum)
    losses = [(total * weight).sum() + (means * of_means).sum() for total, means in (expected, found)]
    assert torch.equal(expected[0], found[0])
    torch.testing.assert_close(found[1], expected[1])
    wanted, got = (torch.autograd.grad(loss, (sums, threshold)) for loss in losses)
    torch.testing.assert_close(got, wanted, rtol=1e-4 if dtype == torch.float32 else 2e-2, atol=1e-3)


def test_fracbnn_convolution_is_the_papers(x: Tensor) -> None:
    """(2/3) conv(msb) + [that > threshold] (conv(value) - that), the form that FracBNN's release computes."""
    layer = FractionalConv2d(ConvShape(8, 4, 1, 5, 5), matched=False)
    threshold = layer.threshold.view(1, -1, 1, 1)
    msb, lsb = planes_written_out(x, lambda u: u)
    partial, full = layer.conv(msb * (2 / 3)), layer.conv((2.0 * msb + lsb) / 3.0)
    gate = surrogate((partial > threshold).float(), torch.sigmoid(5.0 * (partial - threshold)))
    expected, found = partial + gate * (full - partial), layer(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn_like(expected)
    inputs = (x, layer.threshold, layer.conv.weight)
    wanted, got = (torch.autograd.grad((out * weight).sum(), inputs) for out in (expected, found))
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3)


def test_saturation_stops_the_gradient_at_the_extremes() -> None:
    x = torch.tensor([-9.0, -8.0, -7.0, 0.0, 6.0, 7.0, 8.0], requires_grad=True)
    out = q.saturate(x, 4)
    assert out.tolist() == [-8, -8, -7, 0, 6, 7, 7]
    assert torch.autograd.grad(out.sum(), x)[0].tolist() == [0, 0, 1, 1, 1, 0, 0]


def test_comparisons_are_the_same_compiled() -> None:
    x = torch.tensor([-1e30, -1.0, -1e-30, -0.0, 0.0, 1e-30, 1.0, 1e30])
    compiled = torch.compile(q.at_least_zero, backend="eager")
    assert q.at_least_zero(x).tolist() == compiled(x).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
