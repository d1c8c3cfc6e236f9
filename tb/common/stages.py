# SPDX-License-Identifier: Apache-2.0
"""Outside the simulator: emit a random network and pick one stage's module with its golden streams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wsfracbnn.gen.description import TAPS
from wsfracbnn.gen.emit import emit
from wsfracbnn.gen.folding import Folding, StageFold
from wsfracbnn.model import integer
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description
from wsfracbnn.tb.common.runner import BUILD, run_block

IMAGES = 2


def folding_of(config: NetworkConfig, folds: Mapping[str, tuple[int, ...]]) -> Folding:
    """(PE, SIMD) by stage name; the others get one output channel and one tap or channel at once."""
    folding = {"input": StageFold(1, config.input_bits), "head": StageFold(1, 1)}
    for number, _ in enumerate(config.convolutions(), start=1):
        folding[f"stage_{number:02d}"] = StageFold(1, TAPS)
    return folding | {name: StageFold(*fold) for name, fold in folds.items()}


def run_stage(
    simulator: str, stage: str, bench: Path, config: NetworkConfig, fold: tuple[int, ...], seed: int = 1
) -> None:
    """Simulate the emitted module of `stage` alone against the golden model's streams into and out of it."""
    description = random_description(config, seed)
    folding = folding_of(config, {stage: fold})
    key = json.dumps([config.to_dict(), {k: vars(v) for k, v in folding.items()}, seed, simulator, stage])
    folder = BUILD / "stages" / hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:12]
    design = emit(description, folding, folder)
    shape = (IMAGES, config.image_height, config.image_width, config.image_channels)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    trace = integer.run(description, images)
    streams = {"pixels": images.astype(np.int64)} | {name: s.output for name, s in trace.stages.items()}
    names = list(streams)
    position = len(names) if stage == "head" else names.index(stage)
    built = next(s for s in design.stages if s.name == stage)
    vectors = folder / "stage.npz"
    np.savez(
        vectors,
        x=streams[names[position - 1]],
        y=trace.logits if stage == "head" else streams[stage],
        in_lanes=config.image_channels if stage == "input" else built.in_lanes,  # type: ignore[union-attr]
        out_lanes=1 if stage == "head" else built.fold.out_lanes,
        bits=8 if stage == "input" else config.residual_bits,
        out_bits=32 if stage == "head" else config.residual_bits,
        classes=trace.classes,
    )
    sources = [folder / line for line in (folder / "filelist.f").read_text().split()]
    run_block(simulator, f"random_{stage}", bench, {}, sources=sources, environment={"VECTORS": str(vectors)})
