# SPDX-License-Identifier: Apache-2.0
"""What a training step makes small: the labels' cross entropy, the distance to a teacher, and the gates' target."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from wsfracbnn.model.training.distill import distillation_losses
from wsfracbnn.model.training.settings import Run, TrainConfig


def image_losses(
    run: Run, logits: Tensor, said: Tensor | None, labels: Tensor, partners: Tensor, share: Tensor
) -> Tensor:
    """The loss of each image: (N,).

    Args:
        run: its settings.
        logits: of the network, float32 (N, classes).
        said: of the teacher, (N, classes), or None.
        labels: int64 (N,), of an image.
        partners: int64 (N,), of the one it is mixed with.
        share: a scalar, of the first.
    """
    s = run.settings

    def entropy(target: Tensor) -> Tensor:
        return F.cross_entropy(logits, target, label_smoothing=run.label_smoothing, reduction="none")

    losses = entropy(labels)
    if s.mix != "none":
        losses = share * losses + (1 - share) * entropy(partners)
    if said is None:
        return losses
    standardized = s.distill_logits == "standardized"
    followed = distillation_losses(logits, said, s.temperature, standardized=standardized)
    return (1 - s.distill_weight) * losses + s.distill_weight * followed


def gate_term(settings: TrainConfig, gates: Tensor, fractions: Tensor) -> Tensor:
    """A scalar with the gradient of gate_weight (g - gate_target)^2, summed over the layers.

    Args:
        settings: weight and target.
        gates: of this process's images, differentiable, (layers,).
        fractions: g, the means over the global batch, (layers,).
    """
    return settings.gate_weight * (2 * (fractions - settings.gate_target) * gates).sum()
