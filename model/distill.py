# SPDX-License-Identifier: Apache-2.0
"""Knowledge distillation from a full-precision teacher (Hinton et al., arXiv 1503.02531)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError


def load_teacher(path: Path, config: NetworkConfig) -> nn.Module:
    """The network of a checkpoint, frozen and in eval mode.

    Raises:
        InputError: where its images or classes are not those of `config`.
    """
    checkpoint = load_checkpoint(path)
    theirs = checkpoint.config
    for key in ("image_height", "image_width", "image_channels", "classes"):
        if getattr(theirs, key) != getattr(config, key):
            raise InputError(
                f"{path}: teacher's config key '{key}': found {getattr(theirs, key)}, expected {getattr(config, key)}"
            )
    network: nn.Module = checkpoint.network()
    return network.requires_grad_(False).eval()


def distillation_losses(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)) of each image: (N, classes) twice -> (N,).

    The factor T^2 keeps the gradient's size independent of the temperature (section 2.1).
    """
    student = F.log_softmax(logits / temperature, dim=1)
    target = F.log_softmax(teacher_logits.to(logits.dtype) / temperature, dim=1)
    return temperature**2 * F.kl_div(student, target, reduction="none", log_target=True).sum(dim=1)


def teacher_logits(teacher: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """What the teacher says of uint8 or float images (N, C, H, W): logits (N, classes)."""
    with torch.no_grad():
        out: Tensor = teacher(images)
    return out
