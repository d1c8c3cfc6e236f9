# SPDX-License-Identifier: Apache-2.0
"""Accuracy and gate fractions on a whole test set, by the integer model or by a network's eval forward."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from wsfracbnn.model import golden
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.registry import AnyNetwork


@torch.no_grad()
def measure_float(network: AnyNetwork, dataset: Dataset, device: torch.device) -> tuple[float, list[float]]:
    """Top-1 in percent and the gate fraction of each gated stage of a network's eval forward, on the whole test set."""
    network.eval()
    correct, total = torch.zeros((), device=device), len(dataset.test_labels)
    gates = torch.zeros_like(network.gate_means(), device=device)
    images, labels = image_tensor(dataset.test_images), torch.from_numpy(dataset.test_labels)
    size = 2500 if device.type == "cuda" else 500  # what keeps the device busy
    for part, expected in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        part = part.to(device).contiguous(memory_format=torch.channels_last)
        correct += (network(part).argmax(1) == expected.to(device)).sum()
        gates += network.gate_means() * len(part)
    return 100.0 * float(correct) / total, (gates / total).tolist()


def measure(description: NetworkDescription, dataset: Dataset) -> tuple[float, list[float]]:
    """Integer-model top-1 in percent and the gate fraction of each gated stage, on the whole test set.

    Raises:
        InputError: the dataset's images or classes are not the network's.
    """
    first, shape = description.input, dataset.test_images.shape[1:]
    expected = (first.height, first.width, first.colours)
    if shape != expected or len(dataset.class_names) != description.head.classes:
        raise InputError(
            f"dataset '{dataset.name}' has images of {shape} in {len(dataset.class_names)} classes, the network "
            f"'{description.name}' expects {expected} in {description.head.classes}"
        )
    logits, fractions = golden.run_logits(description, dataset.test_images)
    return 100.0 * float((logits.argmax(axis=1) == dataset.test_labels).mean()), fractions


def image_tensor(images: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """(N, H, W, C) uint8 array to (N, C, H, W) tensor."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
