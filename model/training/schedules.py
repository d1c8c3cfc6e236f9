# SPDX-License-Identifier: Apache-2.0
"""Learning-rate schedules over the two steps of the two-step training."""

from __future__ import annotations

import math

from wsfracbnn.model.training.settings import TrainConfig


def learning_rate(settings: TrainConfig, progress: float) -> float:
    """The rate at `progress`, in epochs with their fraction. Each of the two steps has a schedule of its own.

    Cosine: step one ends at a tenth of the peak, for step two goes on from there; what is last ends at 0.
    """
    switch, epochs = settings.switch_epoch, settings.epochs
    start, end = (0, switch) if progress < switch else (switch, epochs)
    done = (progress - start) / max(end - start, 1)
    if settings.schedule == "step":
        factor = 1 - done if end == switch else 0.1 ** sum(done >= milestone for milestone in (0.4, 0.6, 0.8))
    else:
        floor = 0.1 if end == switch < epochs else 0.0
        factor = floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
    warmup = min(1.0, (progress - start + 0.01) / max(settings.warmup_epochs, 0.01))
    peak = settings.learning_rate * (1.0 if progress < switch else settings.binary_rate)
    return peak * warmup * factor
