# SPDX-License-Identifier: Apache-2.0
"""Model cards (Mitchell et al., arXiv 1810.03993) of checkpoints, written from what the checkpoint itself records."""

from __future__ import annotations

import json

from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.data.registry import SOURCES
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio, total

FRACBNN_MODELS = ("fracbnn", "fracbnn_matched")
"""Models of which the baseline's operations are counted."""


def model_card(checkpoint: Checkpoint, file_name: str) -> str:
    """The card as Markdown: data, network, recipe, results, limits."""
    training, config = checkpoint.training, checkpoint.config
    dataset = str(training.get("dataset"))
    source = SOURCES.get(dataset)
    gates = list(checkpoint.gate_fractions or ())
    lines = [f"# {file_name}", "", f"**Data.** {source.data if source else dataset}.", ""]
    widths = "/".join(str(w) for w in config.widths)
    lines += [
        f"**Network.** {checkpoint.model}, {1 + len(config.convolutions())} convolutions, widths {widths}"
        + (f", {config.thermometer_levels} thermometer levels" if checkpoint.model != "resnet" else "")
        + (f", {config.residual_bits}-bit residual stream" if checkpoint.model == "wsfracbnn" else "")
        + ".",
        "",
        f"**Recipe.** {training.get('epochs')} epochs, seed {training.get('seed')}"
        + (f", begun with {training['start_from']}" if training.get("start_from") else "")
        + (f", distilled from {training['teacher']}" if training.get("teacher") else "")
        + ".",
        "",
        "**Settings.** All that the checkpoint records: "
        + ", ".join(f"{key} {_shown(value)}" for key, value in training.items())
        + ".",
        "",
    ]
    if checkpoint.test_accuracy is not None:
        by = "integer model" if checkpoint.model == "wsfracbnn" else "in floating point"
        on = checkpoint.measured_on
        lines += [f"**Accuracy.** Top-1 {checkpoint.test_accuracy:.2f} % on {on}, {by}.", ""]
    if gates:
        theirs = count_fracbnn(config, gates)
        ours = theirs if checkpoint.model in FRACBNN_MODELS else count_wsfracbnn(config, gates)
        share = f", {100 * load_ratio(ours, theirs):.1f} % of FracBNN's of the same shape and gates"
        lines += [
            f"**Gates open.** {100 * sum(gates) / len(gates):.1f} % in the mean; by layer "
            + ", ".join(f"{100 * g:.0f}" for g in gates)
            + " %.",
            "",
            f"**Load.** {total(ours).load:,.0f} operations an image{share if ours is not theirs else ''}: binary "
            "operations / 64 + floating-point operations, without integer additions, shifts and comparisons.",
            "",
        ]
    if checkpoint.is_binarized:
        begin = "`train --start-from` goes on from them"
        lines += [f"**File.** Weights are signs, one bit each (model/binarize.py): {begin}.", ""]
    lines += [f"**Limits.** {source.limits if source else 'Unknown.'}", ""]
    return "\n".join(lines)


def _shown(value: object) -> str:
    """A setting as a TOML file has it, so that an empty one is seen."""
    return json.dumps(value)
