# SPDX-License-Identifier: Apache-2.0
"""Batched augmentation of uint8 images on whatever device they live on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def random_shift(images: Tensor, reach: int, generator: torch.Generator) -> Tensor:
    """Shift each image by up to `reach` pixels in both directions, zeros coming in (pad and crop).

    images: (N, C, H, W) -> the same shape and dtype.
    """
    if reach == 0:
        return images
    n, _, height, width = images.shape
    padded = F.pad(images, (reach,) * 4)
    offsets = torch.randint(0, 2 * reach + 1, (2, n, 1), generator=generator).to(images.device)
    rows = offsets[0] + torch.arange(height, device=images.device)
    columns = offsets[1] + torch.arange(width, device=images.device)
    index = torch.arange(n, device=images.device).view(n, 1, 1)
    return padded[index, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability one half. images: (N, C, H, W)."""
    flip = torch.randint(0, 2, (len(images),), generator=generator).bool().to(images.device)
    return torch.where(flip.view(-1, 1, 1, 1), images.flip(3), images)
