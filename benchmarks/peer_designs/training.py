# SPDX-License-Identifier: Apache-2.0
"""Trains the networks that da4ml and NNgen build, on the digits as `model/data/digits.py` splits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peer_designs.networks import INT8, Int8Cnn, Int8Layer, Integers, Mlp
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.training.augment import random_shift

EPOCHS = 200
BATCH = 64
LEARNING_RATE = 1e-2
LABEL_SMOOTHING = 0.05

SHIFTED = 0.3
"""Share of the batches of the fully connected network whose images are shifted: it sees no neighbourhoods."""

INPUT_BITS, HIDDEN_BITS, SHIFT = 4, 4, 3
"""Of the ternary network: of a pixel, of a hidden value, and what a hidden sum is divided by, as a power of 2."""

TERNARY = 0.7
"""A weight is 0 below this share of the layer's mean absolute weight (Li et al., arXiv 1605.04711)."""

SCALE_BITS = 7
"""Of the int8 factor that brings a sum back to int8."""


def train_mlp(dataset: Dataset, hidden: int, epochs: int = EPOCHS) -> Mlp:
    """A network with ternary weights and one hidden layer, trained as it computes (straight-through estimator)."""
    generator = torch.Generator().manual_seed(1)
    inputs = dataset.train_images[0].size
    weights = [
        (torch.randn(shape, generator=generator) * 0.3).requires_grad_()
        for shape in ((inputs, hidden), (hidden, len(dataset.class_names)))
    ]
    offsets = [torch.zeros(width, requires_grad=True) for width in (hidden, len(dataset.class_names))]
    top = 2**HIDDEN_BITS - 1

    def forward(images: Tensor) -> Tensor:
        x = torch.floor(images.flatten(1) / 2 ** (8 - INPUT_BITS))
        sums = (x @ _ternary(weights[0]) + _rounded(offsets[0])) / 2**SHIFT
        clipped = sums.clamp(0, top)
        h = clipped + (torch.floor(clipped) - clipped).detach()
        logits: Tensor = (h @ _ternary(weights[1]) + _rounded(offsets[1])) / (2 * top)
        return logits

    _fit(forward, [*weights, *offsets], dataset, epochs, SHIFTED, generator)
    with torch.no_grad():
        whole = [
            [_integers(of(array)) for array in arrays] for of, arrays in ((_ternary, weights), (_rounded, offsets))
        ]
    return Mlp(INPUT_BITS, HIDDEN_BITS, tuple(whole[0]), tuple(whole[1]), (SHIFT,))


def train_cnn(dataset: Dataset, channels: tuple[int, int], epochs: int = EPOCHS) -> Int8Cnn:
    """A float network, quantized after training by its activations' largest values on the training images.

    channels: of both convolutions.
    """
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    height, width, colours = dataset.train_images.shape[1:]
    convolutions = [
        nn.Conv2d(colours, channels[0], 3, padding=1),
        nn.Conv2d(channels[0], channels[1], 3, padding=1),
    ]
    linear = nn.Linear(channels[1] * (height // 4) * (width // 4), len(dataset.class_names))

    parameters = [tensor for layer in (*convolutions, linear) for tensor in layer.parameters()]

    def stages(images: Tensor) -> list[Tensor]:
        x = torch.floor(images / 2) / INT8
        found = []
        for convolution in convolutions:
            found.append(F.relu(convolution(x)))
            x = F.max_pool2d(found[-1], 2)
        return [*found, linear(x.permute(0, 2, 3, 1).flatten(1))]

    _fit(lambda images: stages(images)[-1], parameters, dataset, epochs, 1.0, generator)
    with torch.no_grad():
        tops = [1.0, *(float(values.abs().max()) for values in stages(_as_tensor(dataset.train_images)))]
        quantized = [
            _quantized(weights, bias, tops[number], tops[number + 1])
            for number, (weights, bias) in enumerate(zip(parameters[::2], parameters[1::2], strict=True))
        ]
    return Int8Cnn(dict(zip(("conv_1", "conv_2", "linear"), quantized, strict=True)))


def _fit(
    logits: Callable[[Tensor], Tensor],
    parameters: Iterable[Tensor],
    dataset: Dataset,
    epochs: int,
    shifted: float,
    generator: torch.Generator,
) -> None:
    """Train by Adam at a cosine schedule. logits: of float images (n, 1, H, W), 0 to 255. shifted: share of batches."""
    images, labels = _as_tensor(dataset.train_images), torch.as_tensor(dataset.train_labels)
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            reach = int(torch.rand((), generator=generator) < shifted)
            loss = F.cross_entropy(
                logits(random_shift(images[batch], reach, generator)), labels[batch], label_smoothing=LABEL_SMOOTHING
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()


def _quantized(weights: Tensor, bias: Tensor, top_in: float, top_out: float) -> Int8Layer:
    """A float layer in integers. top_in, top_out: the values that 127 stands for before and behind it."""
    real = weights.movedim(1, -1).double()
    steps = real.flatten(1).abs().amax(1) / INT8
    per_output = steps.reshape(-1, *[1] * (real.ndim - 1))
    sums = steps * top_in / INT8  # what 1 in a sum of products stands for
    factors = sums * INT8 / top_out
    shift = SCALE_BITS - 1 - int(torch.floor(torch.log2(factors.max())))
    return Int8Layer(
        _integers(torch.round(real / per_output)),
        _integers(torch.round(bias.double() / sums)),
        _integers(torch.round(factors * 2**shift).clamp(1, INT8)),
        shift,
    )


def _ternary(weights: Tensor) -> Tensor:
    whole = torch.sign(weights) * (weights.abs() > TERNARY * weights.abs().mean())
    return weights + (whole - weights).detach()


def _rounded(offsets: Tensor) -> Tensor:
    """Offsets in steps of 1; sixteen times larger than trained, so that they learn as fast as weights do."""
    scaled = offsets * 16
    return scaled + (torch.round(scaled) - scaled).detach()


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    return torch.as_tensor(images).permute(0, 3, 1, 2).float()


def _integers(values: Tensor) -> Integers:
    whole: Integers = torch.round(values.double()).long().numpy()
    return whole
