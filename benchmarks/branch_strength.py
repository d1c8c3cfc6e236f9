#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What trained networks make of their two bits and of their branches, layer by layer, as a Markdown table.

    .venv/bin/python benchmarks/branch_strength.py --data FOLDER CHECKPOINT...

Of each network, on some test images: the entropy of the 2-bit activation (of 2 bits at most, the mean over its
channels), and the standard deviation of the branch relative to that of the shortcut that it is added to (the median of
the channels). WSFracBNN's and FracBNN's, whose layers correspond.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from wsfracbnn.cli.app import run
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.fracbnn import BatchNormConv
from wsfracbnn.model.networks.layers import shortcut
from wsfracbnn.model.networks.wsfracbnn import ResidualConv
from wsfracbnn.model.rows import markdown_table


def entropy(x: Tensor, thresholds: Tensor) -> float:
    """Bits of q = [x >= T1] + [x >= T2] + [x >= T3]: x (N, C, H, W), thresholds (C, 3); the mean over C."""
    number = torch.stack([x >= t.view(1, -1, 1, 1) for t in thresholds.unbind(1)]).sum(dim=0)
    shares = torch.stack([(number == value).double().mean(dim=(0, 2, 3)) for value in range(4)])
    return float(-(shares * shares.clamp_min(1e-12).log2()).sum(dim=0).mean())


def relative_deviation(branch: Tensor, skipped: Tensor) -> float:
    """The median over the channels of std(branch) / std(skipped), both (N, C, H, W)."""
    deviations = [values.std(dim=(0, 2, 3)) for values in (branch, skipped)]
    return float((deviations[0] / deviations[1].clamp_min(1e-12)).median())


def layer_figures(layer: nn.Module, x: Tensor) -> tuple[float, float]:
    """Entropy and relative deviation of a layer whose input is x (N, C, H, W)."""
    if isinstance(layer, ResidualConv):
        skipped = shortcut(x, layer.shape.stride)
        return entropy(x, layer.activation.thresholds()), relative_deviation(layer.branch(x), skipped)
    assert isinstance(layer, BatchNormConv)
    thresholds = layer.gated.thresholds.expand(x.shape[1], 3)
    return entropy(x, thresholds), relative_deviation(layer.branch(x), layer.shortcut(x))


def figures_of(weights: Path, data: Path | None, images: int) -> list[tuple[float, float]]:
    """`layer_figures` of every residual convolution.

    Raises:
        InputError: the checkpoint or its data cannot be read, or the network has no such layers.
    """
    checkpoint = load_checkpoint(weights)
    network = checkpoint.network()
    layers = [layer for layer in network.modules() if isinstance(layer, ResidualConv | BatchNormConv)]
    if not layers:
        raise InputError(f"{weights}: found a network '{checkpoint.model}', expected wsfracbnn, fracbnn or its like")
    dataset = load_dataset(checkpoint.training["dataset"], data)
    pixels = torch.from_numpy(dataset.test_images[:images]).permute(0, 3, 1, 2)
    found: list[tuple[float, float]] = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda module, given: found.append(layer_figures(module, given[0])))
    with torch.no_grad():
        network(pixels)
    return found


def main(
    weights: Annotated[list[Path], typer.Argument(metavar="CHECKPOINT...", help="Checkpoints of one shape.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the dataset's files.")] = None,
    images: Annotated[int, typer.Option(min=2, help="Test images.")] = 200,
) -> None:
    """Print the table."""
    columns = [figures_of(path, data, images) for path in weights]
    if len({len(column) for column in columns}) > 1:
        raise InputError(f"found networks of {', '.join(str(len(c)) for c in columns)} layers, expected one number")
    names = [f"{path.stem}: {what}" for path in weights for what in ("bits", "branch / shortcut")]
    rows = [
        [str(number), *(f"{value:.2f}" for column in columns for value in column[number - 1])]
        for number in range(1, len(columns[0]) + 1)
    ]
    print(markdown_table(["layer", *names], rows))


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
