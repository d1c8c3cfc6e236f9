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
    return shift(images, random_offsets(len(images), reach, generator), reach)


def random_offsets(count: int, reach: int, generator: torch.Generator) -> Tensor:
    """Where in its padded picture each image is cut out: int64 (2, count), rows and columns, 0 to 2 * reach."""
    return torch.randint(0, 2 * reach + 1, (2, count), generator=generator, device=generator.device)


def shift(images: Tensor, offsets: Tensor, reach: int) -> Tensor:
    """Pad each image by `reach` zeros and crop it at its offsets (2, N). images: (N, C, H, W)."""
    n, _, height, width = images.shape
    padded = F.pad(images, (reach,) * 4)
    rows = offsets[0].unsqueeze(1) + torch.arange(height, device=images.device)
    columns = offsets[1].unsqueeze(1) + torch.arange(width, device=images.device)
    index = torch.arange(n, device=images.device).view(n, 1, 1)
    return padded[index, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


def random_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability one half. images: (N, C, H, W)."""
    return flip(images, random_bits(len(images), generator))


def random_bits(count: int, generator: torch.Generator) -> Tensor:
    """Fair coins: bool (count,)."""
    return torch.randint(0, 2, (count,), generator=generator, device=generator.device).bool()


def flip(images: Tensor, which: Tensor) -> Tensor:
    """Mirror the images that `which` (N,) names left to right. images: (N, C, H, W)."""
    return torch.where(which.view(-1, 1, 1, 1), images.flip(3), images)


def random_cutout(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Zero a square of `side` pixels around a random pixel of each image (DeVries and Taylor, arXiv 1708.04552)."""
    if side == 0:
        return images
    n, _, height, width = images.shape
    inside = [
        _interval(torch.randint(0, size, (n, 1), generator=generator, device=images.device), side, size)
        for size in (height, width)
    ]
    square = inside[0].unsqueeze(2) & inside[1].unsqueeze(1)
    return images.masked_fill(square.unsqueeze(1), 0)


def mix_images(images: Tensor, kind: str, alpha: float, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Blend each image with a partner of the same batch.

    Args:
        images: (N, C, H, W).
        kind: "mixup", share * image + (1 - share) * partner (arXiv 1710.09412), or "cutmix", a rectangle of
            (1 - share) of the partner's area (arXiv 1905.04899).
        alpha: share ~ Beta(alpha, alpha), one draw a batch.
    Returns:
        float32 images; partner (N,), each image's partner's place in the batch; share, a scalar, of the own label.
    """
    n, _, height, width = images.shape
    device = images.device
    partner = torch.randperm(n, generator=generator, device=device)
    share = _beta(alpha, generator, device)
    if kind == "mixup":
        return share * images.float() + (1 - share) * images[partner].float(), partner, share
    side = (1 - share).sqrt()
    inside = [
        _interval(torch.randint(0, size, (1,), generator=generator, device=device), (size * side).round().long(), size)
        for size in (height, width)
    ]
    rectangle = inside[0].unsqueeze(1) & inside[1]
    mixed = torch.where(rectangle, images[partner].float(), images.float())
    return mixed, partner, 1 - rectangle.float().mean()  # the rectangle was cut at the border


def _interval(centre: Tensor, length: int | Tensor, size: int) -> Tensor:
    """Whether each of `size` places is among `length` around `centre` (..., 1): bool (..., size)."""
    start = centre - length // 2
    place = torch.arange(size, device=centre.device)
    return (place >= start) & (place < start + length)


def _beta(alpha: float, generator: torch.Generator, device: torch.device) -> Tensor:
    """A draw from Beta(alpha, alpha) with a generator of one's own, which torch.distributions cannot take."""
    gamma = torch._standard_gamma(torch.full((2,), alpha, device=device), generator=generator)
    return gamma[0] / gamma.sum()
