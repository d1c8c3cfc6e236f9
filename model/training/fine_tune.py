# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: a run that begins with the weights of a checkpoint, published ones of one bit included."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from wsfracbnn.model.checkpoint import is_binary, load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.layers import BinaryWSConv2d
from wsfracbnn.model.networks.registry import MODELS, AnyNetwork

PUBLISHED_SIZE = 2.5
"""How much larger than fresh ones the weights are that published signs are given."""


@torch.no_grad()
def begin_with(network: AnyNetwork, path: Path) -> None:
    """Give a network the weights of a checkpoint; where the classes are others in number, its own head stays.

    Raises:
        InputError: the checkpoint is of another model, or its config differs in more than the number of classes.
    """
    checkpoint = load_checkpoint(path)
    if MODELS[checkpoint.model] is not type(network):
        ours = next(name for name, kind in MODELS.items() if kind is type(network))
        raise InputError(f"{path}: key 'model': found '{checkpoint.model}', expected '{ours}' to begin with")
    theirs, expected = checkpoint.config.to_dict(), network.config.to_dict()
    for key, value in expected.items():
        if key != "classes" and theirs[key] != value:
            raise InputError(f"{path}: config key '{key}': found {theirs[key]}, expected {value} to begin with")
    state = checkpoint.state
    if theirs["classes"] != expected["classes"]:
        state = state | {key: value for key, value in network.state_dict().items() if key.startswith("head.")}
    network.load_state_dict(state)
    for module in network.modules():
        if isinstance(module, BinaryWSConv2d) and module.standardize:
            module.weight.copy_(fresh_magnitudes(module) if is_binary(module.weight) else _fresh_size(module))


def _fresh_size(conv: BinaryWSConv2d) -> Tensor:
    """Real weights of the size of fresh ones: their size decides how many steps turn a sign."""
    return conv.standardized(conv.weight) / math.sqrt(conv.fan_in)


def fresh_magnitudes(conv: BinaryWSConv2d) -> Tensor:
    """Real weights (O, I, 3, 3) with the signs of published ones of one bit, which have lost their magnitudes.

    With equal magnitudes no sign would turn for many steps, and then most of them at once. These are normal, as
    those of a trained network nearly are, and larger than fresh ones, so that single steps turn fewer signs. The
    negative ones are scaled to the sum of the positive ones: the mean is zero, and standardization moves no sign.
    """
    signs = conv.signs()
    sizes = torch.randn_like(signs).abs()
    positive, negative = (torch.where(signs * side > 0, sizes, 0).sum(dim=(1, 2, 3), keepdim=True) for side in (1, -1))
    balanced = torch.where(signs > 0, sizes, -sizes * positive / negative)
    weight = conv.standardized(balanced) * (PUBLISHED_SIZE / math.sqrt(conv.fan_in))
    # A filter of one sign alone cannot be standardized to it: it is constant, as published.
    return torch.where((positive > 0) & (negative > 0), weight, conv.weight.double()).float()
