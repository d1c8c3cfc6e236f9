# SPDX-License-Identifier: Apache-2.0
"""Commands that tell about a checkpoint: `wsfracbnn eval`, `count` and `card`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.options import DataFolder, Weights
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.data.dataset import Dataset


def evaluate(weights: Weights, data: DataFolder = None) -> None:
    """Measure a checkpoint on its dataset's whole test set, with the integer model that the hardware computes."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.contract import stage_name
    from wsfracbnn.model.lower import lower_checkpoint
    from wsfracbnn.model.measure import measure

    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint)
    accuracy, fractions = measure(description, dataset_of(checkpoint, data))
    console.print(f"{description.name}: top-1 {accuracy:.2f} % (integer model, whole test set)")
    for number, fraction in enumerate(fractions, start=1):
        console.print(f"  {stage_name(number)}  gates open {100 * fraction:5.1f} %")
    console.print(f"  mean      gates open {100 * sum(fractions) / len(fractions):5.1f} %")


def count(
    weights: Annotated[
        Path | None, typer.Option(help="Checkpoint whose shape and measured gates to count; default ResNet-20.")
    ] = None,
    classes: Annotated[
        int | None,
        typer.Option(min=2, help="Classes of ResNet-20, without --weights; default 100.", show_default=False),
    ] = None,
    gate_fraction: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Open gates, where no checkpoint says how many; default 0.4.", show_default=False
        ),
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="One row per layer.")] = False,
) -> None:
    """Operations of one inference: FracBNN against WSFracBNN of the same shape and gate fractions."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.config import resnet20
    from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio

    measured: tuple[float, ...] | None = None
    if weights is None:
        config = resnet20(classes or 100)
    elif classes is not None:
        raise InputError("--classes: belongs to ResNet-20, expected no --weights beside it")
    else:
        checkpoint = load_checkpoint(weights)
        config, measured = checkpoint.config, checkpoint.gate_fractions
    if measured is not None and gate_fraction is not None:
        raise InputError(f"--gate-fraction: {weights} says how many gates are open, expected no such option")
    gates = list(measured or [0.4 if gate_fraction is None else gate_fraction] * len(config.convolutions()))
    both = {"FracBNN": count_fracbnn(config, gates), "WSFracBNN": count_wsfracbnn(config, gates)}
    for name, counted in both.items():
        if layers:
            console.print(report.layer_operations_table(name, counted))
    console.print(report.operations_table(both))
    console.print(f"load of WSFracBNN: {100 * load_ratio(both['WSFracBNN'], both['FracBNN']):.1f} % of FracBNN's")


def card(
    weights: Weights,
    out: Annotated[
        Path | None, typer.Option(help="Markdown file; default WEIGHTS.md, of a bundled network in this folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace WEIGHTS.md where it is another text.")] = False,
) -> None:
    """Write the model card of a checkpoint: data, recipe, seed, accuracy, gates, load, limits."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.card import model_card
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.files import require_writable, write_text

    path = out or _card_beside(weights)
    require_writable(path)
    text = model_card(load_checkpoint(weights), weights.name)
    if out is None and not force and path.exists() and path.read_bytes() != text.encode():
        raise InputError(f"{path}: exists and is another text, expected --force, which replaces it, or --out")
    write_text(path, text)
    console.print(f"written to {path}", markup=False)


def _card_beside(weights: Path) -> Path:
    """Where a card goes unless told: beside the checkpoint, but not into the package."""
    name = weights.with_suffix(".md")
    return Path(name.name) if weights.resolve().parent == CHECKPOINTS else name


def dataset_of(checkpoint: Checkpoint, data: Path | None) -> Dataset:
    """The dataset that a checkpoint was trained on. data: folder of the published files.

    Raises:
        InputError: it names none that is known, or the files cannot be read.
    """
    from wsfracbnn.model.data.registry import SOURCES, load_dataset

    name = checkpoint.training.get("dataset")
    if name not in SOURCES:
        raise InputError(f"key 'training.dataset': found {name!r}, expected one of {', '.join(SOURCES)}")
    return load_dataset(name, data)
