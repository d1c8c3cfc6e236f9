# SPDX-License-Identifier: Apache-2.0
"""The optimizer of one of the two training steps."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from wsfracbnn.model.networks.wsfracbnn import WSFracBNN
from wsfracbnn.model.training.settings import TrainConfig

FACTOR = "rate_factor"
"""A group's option: its learning rate against the schedule's."""


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
    factors = _rate_factors(network, s.stream_rate)
    alike: dict[tuple[bool, float], list[nn.Parameter]] = {}  # in an order that both steps have
    for name, parameter in network.named_parameters():
        alike.setdefault((_is_decayed(name), factors.get(parameter, 1.0)), []).append(parameter)
    groups = []
    for (decayed, factor), parameters in alike.items():
        rate: Any = torch.tensor(s.learning_rate, device=parameters[0].device) if recorded else s.learning_rate
        groups.append({"params": parameters, "weight_decay": decay if decayed else 0.0, "lr": rate, FACTOR: factor})
    if s.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=s.learning_rate, momentum=s.momentum, nesterov=True, fused=True)
    kind = torch.optim.AdamW if s.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=s.learning_rate, capturable=recorded, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step, each group's times its factor; a rate on the device stays there."""
    for group in optimizer.param_groups:
        own = rate * group[FACTOR]
        group["lr"] = group["lr"].fill_(own) if isinstance(group["lr"], Tensor) else own


def _rate_factors(network: nn.Module, stream_rate: float) -> dict[nn.Parameter, float]:
    """Of the parameters whose rate is not that of the others."""
    if stream_rate == 0 or not isinstance(network, WSFracBNN):
        return {}
    return {parameter: stream_rate * size for parameter, size in network.stream_parameters()}


def _is_decayed(name: str) -> bool:
    return re.search(r"(conv\d?|head)\.weight$", name) is not None
