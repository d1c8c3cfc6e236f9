# SPDX-License-Identifier: Apache-2.0
"""Adaptive gradient clipping (Brock et al., arXiv 2102.06171, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def clip_gradients_adaptively(weights: Iterable[Tensor], threshold: float, eps: float = 1e-3) -> None:
    """Scale each output unit's gradient so that |G_i| <= threshold * max(|W_i|, eps), in place.

    Args:
        weights: convolution weights of shape (O, I, kh, kw) with `.grad`; unit i is row i.
        threshold: lambda of equation 3.
        eps: floor of the weight norm, which lets zero-initialized units learn.
    """
    for weight in weights:
        if weight.grad is None:
            continue
        norm = weight.flatten(1).norm(dim=1).clamp_min(eps)
        gradient_norm = weight.grad.flatten(1).norm(dim=1).clamp_min(1e-6)
        factor = (threshold * norm / gradient_norm).clamp_max(1.0)
        weight.grad.mul_(factor.view(-1, 1, 1, 1))
