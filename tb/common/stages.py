# SPDX-License-Identifier: Apache-2.0
"""Outside the simulator: emit a random network and pick one stage's module with its golden streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.stages.folding import Folding, StageFold
from wsfracbnn.model import golden
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.contract import HEAD_NAME, INPUT_NAME, LOGIT_BITS, PIXEL_BITS, TAPS, stage_name
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.runner import BUILD, run_block

IMAGES = 2


Fold = StageFold | tuple[int, ...]
"""A fold, or its first fields."""


def folding_of(config: NetworkConfig, folds: Mapping[str, Fold]) -> Folding:
    """Folds by stage name; the other stages get one output channel and one tap or channel at once."""
    least = {INPUT_NAME: StageFold(1, config.input_bits)}
    for number, _ in enumerate(config.convolutions(), start=1):
        least[stage_name(number)] = StageFold(1, TAPS)
    least[HEAD_NAME] = StageFold(1, 1)
    given = {name: fold if isinstance(fold, StageFold) else StageFold(*fold) for name, fold in folds.items()}
    return Folding(least | given)


def run_stage(simulator: str, stage: str, bench: Path, config: NetworkConfig, fold: Fold, seed: int = 1) -> None:
    """Simulate the emitted module of `stage` alone against the golden model's streams into and out of it."""
    description = random_description(config, seed)
    folding = folding_of(config, {stage: fold})
    key = json.dumps([config.to_dict(), folding.to_json(), seed, simulator, stage])
    folder = BUILD / "stages" / hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:12]
    design = emit(description, folding, folder)
    shape = (IMAGES, config.image_height, config.image_width, config.image_channels)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    trace = golden.run(description, images)
    streams = {"pixels": images.astype(np.int64)} | {name: layer.output for name, layer in trace.layers.items()}
    streams[HEAD_NAME] = trace.logits
    names = list(streams)
    built = next(s for s in design.stages if s.name == stage)
    vectors = folder / "stage.npz"
    np.savez(
        vectors,
        x=streams[names[names.index(stage) - 1]],
        y=streams[stage],
        in_lanes=built.in_lanes,
        out_lanes=1 if stage == HEAD_NAME else built.out_lanes,
        bits=PIXEL_BITS if stage == INPUT_NAME else config.residual_bits,
        out_bits=LOGIT_BITS if stage == HEAD_NAME else config.residual_bits,
        classes=trace.classes,
    )
    sources = emitted_sources(folder)
    run_block(simulator, f"random_{stage}", bench, {}, sources=sources, environment={"VECTORS": str(vectors)})
