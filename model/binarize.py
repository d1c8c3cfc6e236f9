# SPDX-License-Identifier: Apache-2.0
"""From a trained WSFracBNN to the same integer network with one bit a weight: what is published of a finished run."""

from __future__ import annotations

from dataclasses import replace

import torch

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.networks.layers import BinaryWSConv2d
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN


@torch.no_grad()
def binarize(checkpoint: Checkpoint) -> Checkpoint:
    """Replace each real weight by its sign, and each gain by the one that leaves the convolution's scale as it was.

    Returns:
        A checkpoint that folds into the very same integers; `save_checkpoint` gives such weights one bit each. How
        near each real weight was to turning its sign is gone; training can begin anew from the signs (fine_tune.py).
    Raises:
        InputError: it is no WSFracBNN, or one of its scales lies so near the middle between two representable ones
            that rounding the gain to float32 would move it.
    """
    network = checkpoint.network()
    if not isinstance(network, WSFracBNN):
        raise InputError(f"key 'model': found '{checkpoint.model}', expected 'wsfracbnn', whose weights are binary")
    for module in network.modules():
        if isinstance(module, BinaryWSConv2d):
            scale = module.scale()
            module.weight.copy_(module.signs())
            module.gain.copy_(module.gain.double() * scale / module.scale())
    signs = replace(checkpoint, state={key: value.clone() for key, value in network.state_dict().items()})
    if lower_checkpoint(signs).digest() != lower_checkpoint(checkpoint).digest():
        raise InputError(f"network '{checkpoint.name}': one bit a weight would round a scale differently")
    return signs
