# SPDX-License-Identifier: Apache-2.0
"""Settings that were given and change nothing: what they wait for is not there, a teacher for one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from wsfracbnn.model.training.settings import Run


@dataclass(frozen=True)
class _Need:
    """keys: settings that need something. there: whether a run has it. else_: what to say otherwise."""

    keys: tuple[str, ...]
    there: Callable[[Run], bool]
    else_: str


_HAS_GATES = ("wsfracbnn", "fracbnn", "fracbnn_matched")

_NEEDS = (
    _Need(
        ("distill_weight", "temperature", "distill_logits", "distill_views"),
        lambda run: bool(run.teacher),
        "there is no teacher",
    ),
    _Need(("momentum",), lambda run: run.settings.optimizer == "sgd", "the optimizer is not sgd"),
    _Need(("mix_alpha",), lambda run: run.settings.mix != "none", "no images are mixed"),
    _Need(
        ("agc", "stream_rate", "weight_standardization"),
        lambda run: run.model == "wsfracbnn",
        "the model is not wsfracbnn",
    ),
    _Need(("gate_target",), lambda run: run.settings.gate_weight > 0, "gate_weight is 0"),
    _Need(
        ("gate_target", "gate_weight", "gate_into_sum", "weight_window"),
        lambda run: run.model in _HAS_GATES,
        "the model has neither gates nor binary weights",
    ),
    _Need(
        ("gate_start",),
        lambda run: run.model in ("wsfracbnn", "fracbnn_matched") and not run.start_from,
        "the thresholds are FracBNN's own or come from start_from",
    ),
    _Need(
        ("binary_from", "binary_rate", "binary_weight_decay"),
        lambda run: run.turns_binary,
        "the model's weights stay real",
    ),
    _Need(
        ("binary_weight_decay", "binary_rate"),
        lambda run: not run.turns_binary or run.settings.switch_epoch < run.settings.epochs,
        "binary_from leaves no epoch with binary weights",
    ),
)

_OFF: dict[str, Any] = {
    "agc": 0.0,
    "binary_from": 0.0,
    "binary_rate": 1.0,
    "stream_rate": 0.0,
    "weight_window": 0.0,
    "gate_weight": 0.0,
    "distill_weight": 0.0,
    "distill_views": 0,
    "weight_standardization": True,
}
"""Values with which a setting asks for nothing, so that nothing is missing."""


def without_effect(run: Run, given: Collection[str]) -> list[str]:
    """A sentence for each group of the settings that were given and change nothing in this run."""
    sentences = []
    for need in _NEEDS:
        idle = [key for key in need.keys if key in given and not _is_off(run, key)]
        if idle and not need.there(run):
            named = ", ".join(f"'{key}'" for key in idle)
            sentences.append(f"setting{'s' if len(idle) > 1 else ''} {named}: no effect, as {need.else_}")
    return sentences


def _is_off(run: Run, key: str) -> bool:
    return key in _OFF and getattr(run.settings, key) == _OFF[key]
