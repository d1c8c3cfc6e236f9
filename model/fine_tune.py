# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: a run that begins with the weights of a checkpoint, published ones of one bit included."""

from __future__ import annotations

from pathlib import Path

import torch

from wsfracbnn.model.checkpoint import MODELS, AnyNetwork, load_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.layers import BinaryWSConv2d


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
        if isinstance(module, BinaryWSConv2d):
            module.restore_weight_size()
