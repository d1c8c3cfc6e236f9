# SPDX-License-Identifier: Apache-2.0
"""The optimizer of one of the two training steps."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from wsfracbnn.model.training.settings import TrainConfig


def make_optimizer(
    network: nn.Module, settings: TrainConfig, *, second_step: bool, recorded: bool
) -> torch.optim.Optimizer:
    """With fresh moments; weight decay is for the weights of convolutions and head alone.

    Args:
        network: whose parameters it changes.
        settings: which optimizer, with what.
        second_step: whether weights are binary, which have a decay of their own.
        recorded: whether it runs in a CUDA graph: it then reads its rate, and counts its steps, on the device.
    """
    s = settings
    decay = s.binary_weight_decay if second_step and s.binary_weight_decay >= 0 else s.weight_decay
    decayed = [p for name, p in network.named_parameters() if _is_decayed(name)]
    others = [p for name, p in network.named_parameters() if not _is_decayed(name)]
    groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    rate: Any = torch.tensor(s.learning_rate, device=decayed[0].device) if recorded else s.learning_rate
    if s.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=s.momentum, nesterov=True, fused=True)
    kind = torch.optim.AdamW if s.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, capturable=recorded, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step; a rate on the device stays there."""
    for group in optimizer.param_groups:
        group["lr"] = group["lr"].fill_(rate) if isinstance(group["lr"], Tensor) else rate


def _is_decayed(name: str) -> bool:
    return re.search(r"(conv\d?|head)\.weight$", name) is not None
