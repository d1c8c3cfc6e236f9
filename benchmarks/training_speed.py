#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training speed of the networks on CIFAR-100's shapes, as a Markdown table: images per second, optimizer included.

The images are random, because their contents do not change the work; each figure is the best of `--repeats` times
`--steps` steps after the compilation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import numpy as np
import torch
import typer

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.training.distributed import joined_world
from wsfracbnn.model.training.settings import make_run, read_toml
from wsfracbnn.model.training.trainer import Trainer

CONFIGS = {"wsfracbnn": "cifar100.toml", "fracbnn": "cifar100-fracbnn.toml", "resnet": "cifar100-teacher.toml"}
COLUMNS = {
    "eager, float32": (False, "float32", False),
    "compiled, float32": (True, "float32", False),
    "compiled, mixed": (True, "mixed", False),
    "kernels, mixed": (False, "mixed", True),
}
"""Compiled, precision, kernels."""


def random_images(count: int) -> Dataset:
    """Images and labels in CIFAR-100's shapes."""
    generator = np.random.default_rng(1)
    images = generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    labels = generator.integers(0, 100, count)
    return Dataset("cifar100", images, labels, images[:8], labels[:8], tuple(map(str, range(100))))


def measure(
    model: str,
    column: str,
    device: str,
    steps: int,
    repeats: int,
    batch_size: int,
    real_weights: bool,
    clock: Callable[[], float],
) -> float | None:
    """Images per second of `clock`, with binary weights unless `real_weights`; None where there are no kernels."""
    compiled, precision, kernels = COLUMNS[column]
    changes = {"precision": precision, "binary_from": 1.0 if real_weights else 0.0, "batch_size": batch_size}
    run = make_run(read_toml(ROOT / "configs" / CONFIGS[model]) | changes)
    batch = run.settings.batch_size
    torch._dynamo.reset()
    with joined_world(device) as world:
        graphs = compiled and world.device.type == "cuda"  # as `wsfracbnn train` does
        images = random_images(max(512, steps * batch))
        trainer = Trainer(run, images, world=world, compiled=compiled, graphs=graphs, kernels=kernels)
        if kernels and not trainer.kernels:
            return None
        speeds = []
        for _ in range(repeats + 1):  # the first one compiles
            start = clock()
            trainer.train_epoch(lambda done, status: None)
            speeds.append(len(trainer.batches) / (clock() - start))
        return max(speeds[1:])


def main(
    steps: Annotated[int, typer.Option(help="Steps per measurement.")] = 8,
    repeats: Annotated[int, typer.Option(help="Measurements, of which the best counts.")] = 2,
    device: Annotated[str, typer.Option(help="As for `wsfracbnn train`.")] = "auto",
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 128,
    real_weights: Annotated[bool, typer.Option("--real-weights", help="The first of the two training steps.")] = False,
    cpu_time: Annotated[bool, typer.Option("--cpu-time", help="Seconds of computing, for a busy machine.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="These networks; may be repeated.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="These columns; may be repeated.")] = None,
) -> None:
    """Print the table."""
    typer.echo(f"torch {torch.__version__}, {torch.get_num_threads()} threads, device {device}\n")
    columns = column or list(COLUMNS)
    clock = time.process_time if cpu_time else time.perf_counter
    typer.echo(f"| network, {'real' if real_weights else 'binary'} step | " + " | ".join(columns) + " |")
    typer.echo("| --- " * (1 + len(columns)) + "|")
    for model in only or CONFIGS:
        cells = [measure(model, name, device, steps, repeats, batch_size, real_weights, clock) for name in columns]
        typer.echo(f"| `{model}` | " + " | ".join("-" if cell is None else f"{cell:.0f}" for cell in cells) + " |")


if __name__ == "__main__":
    typer.run(main)
