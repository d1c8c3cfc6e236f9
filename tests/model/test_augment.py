# SPDX-License-Identifier: Apache-2.0
"""Augmentation on the device: what each picture may become."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from wsfracbnn.model.training.augment import mix_images, random_cutout, random_flip, random_shift


def test_shift_moves_pixels_and_brings_zeros_in() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(1, 17, dtype=torch.uint8).view(1, 1, 4, 4).repeat(50, 1, 1, 1)
    seen = {tuple(image.flatten().tolist()) for image in random_shift(images, 1, generator)}
    padded = np.pad(images[0, 0].numpy(), 1)
    expected = {tuple(padded[y : y + 4, x : x + 4].flatten().tolist()) for y in range(3) for x in range(3)}
    assert seen == expected


def test_flip_mirrors_about_half() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.arange(4, dtype=torch.uint8).view(1, 1, 1, 4).repeat(200, 1, 1, 1)
    flipped = (random_flip(images, generator)[:, 0, 0, 0] == 3).sum().item()
    assert 70 < flipped < 130


def test_cutout_zeroes_a_square_cut_at_the_border() -> None:
    images = torch.full((300, 2, 6, 6), 9, dtype=torch.uint8)
    cut = random_cutout(images, 3, torch.Generator().manual_seed(1)) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    rows, columns = cut[:, 0].any(dim=2).sum(dim=1), cut[:, 0].any(dim=1).sum(dim=1)
    assert torch.equal(cut[:, 0].flatten(1).sum(dim=1), rows * columns)
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3}


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixing_takes_the_share_it_says(kind: str) -> None:
    images = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8)
    for seed in range(10):
        mixed, partner, share = mix_images(images, kind, 1.0, torch.Generator().manual_seed(seed))
        own, other = images.float(), images[partner].float()
        if kind == "mixup":
            torch.testing.assert_close(mixed, share * own + (1 - share) * other)
        else:
            taken = ((mixed != own) & (mixed == other)).any(dim=1).any(dim=0)
            assert torch.all((mixed == own) | (mixed == other))
            assert taken.float().mean() == pytest.approx(1 - float(share))
