# SPDX-License-Identifier: Apache-2.0
"""When training runs in the kernels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.networks import mixed_precision
from wsfracbnn.model.networks.kernels import library

STREAM_BITS = 16
"""WSFracBNN's stream is kept in int16."""
MOST_CHANNELS = 1024
MOST_PIXELS = 32768
"""Bounds of the kernels' int32 sums (convolution.h)."""

_allowed = True
_measuring = False


@contextmanager
def measuring(on: bool) -> Iterator[None]:
    """Within this context, evaluation of WSFracBNN uses the kernels too where `on`.

    Their float32 arithmetic is exact but for numbers beyond 2^24, which no trained network of the usual widths comes
    near; what is published is measured by the integer model all the same.
    """
    global _measuring
    before, _measuring = _measuring, on
    try:
        yield
    finally:
        _measuring = before


@contextmanager
def allowed(on: bool) -> Iterator[None]:
    """Within this context, training may use the kernels where `on`; outside it may."""
    global _allowed
    before, _allowed = _allowed, on
    try:
        yield
    finally:
        _allowed = before


def usable(config: NetworkConfig, device: torch.device) -> bool:
    """Whether a binary network can be trained in the kernels: small enough for them, on a CPU that has them."""
    return device.type == "cpu" and fits(config) and library.available()


def active(config: NetworkConfig, device: torch.device) -> bool:
    """Whether a forward pass runs in the kernels: in training with mixed precision, where they are usable."""
    wanted = _allowed and mixed_precision.active() if torch.is_grad_enabled() else _measuring
    if not wanted or torch.compiler.is_compiling():
        return False
    return usable(config, device)


def fits(config: NetworkConfig) -> bool:
    """Whether the network's numbers stay within the kernels' bounds."""
    return (
        config.residual_bits <= STREAM_BITS
        and max(config.widths) <= MOST_CHANNELS
        and config.image_height * config.image_width <= MOST_PIXELS
    )
