# SPDX-License-Identifier: Apache-2.0
"""Commands that tell about a checkpoint: `wsfracbnn eval`, `count` and `card`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.options import REFUSE, SKIP, BadPictures, DataFolder, Weights, bundled_or_file, networks_begun
from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.errors import InputError, shortened

if TYPE_CHECKING:
    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.data.dataset import Dataset


def evaluate(
    weights: Weights,
    data: DataFolder = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images, evenly over the test set; default all.", show_default=False)
    ] = None,
    bad_pictures: BadPictures = REFUSE,
) -> Figures:
    """Measure a checkpoint on its dataset's test set, with the integer model that the hardware computes."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.progress import bar_of
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.contract import stage_name
    from wsfracbnn.model.lower import lower_checkpoint
    from wsfracbnn.model.measure import measure

    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint)
    dataset = dataset_of(checkpoint, data, bad_pictures)
    there = len(dataset.test_labels)
    if images is not None:
        if images > there:
            raise InputError(f"--images: found {images}, expected at most the {there} test images of {dataset.name}")
        dataset = dataset.with_test_images(images)
    with bar_of("images", images or there) as progress:
        accuracy, fractions = measure(description, dataset, progress)
    what = "whole test set" if images is None else f"{images} of {there} test images"
    console.print(f"{description.name}: top-1 {accuracy:.2f} % (integer model, {what})")
    gates = {stage_name(number): fraction for number, fraction in enumerate(fractions, start=1)}
    for name, fraction in gates.items():
        console.print(f"  {name}  gates open {100 * fraction:5.1f} %")
    console.print(f"  mean      gates open {100 * sum(fractions) / len(fractions):5.1f} %")
    return {"name": description.name, "images": images or there, "top1": round(accuracy, 4), "gates_open": gates}


def count(
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint, or a bundled network's name, whose shape and measured gates to count; default ResNet-20.",
            callback=bundled_or_file,
            autocompletion=networks_begun,
        ),
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
) -> Figures:
    """Operations of one inference: FracBNN against WSFracBNN of the same shape and gate fractions."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.config import resnet20
    from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio, other_load_ratios, total

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
    ratio = load_ratio(both["WSFracBNN"], both["FracBNN"])
    others = other_load_ratios(both["WSFracBNN"], both["FracBNN"])
    console.print(f"load of WSFracBNN: {100 * ratio:.1f} % of FracBNN's")
    for how, other in others.items():
        console.print(f"  {100 * other:.1f} % {how}")
    return {
        "networks": {
            name: {"total": total(counted).to_json(), "layers": [layer.to_json() for layer in counted]}
            for name, counted in both.items()
        },
        "share_of_fracbnn_load": round(ratio, 4),
        "counted_otherwise": {how: round(other, 4) for how, other in others.items()},
    }


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
    from wsfracbnn.model.reading import TEXT_LIMIT, read_bytes

    path = out or _card_beside(weights)
    require_writable(path)
    text = model_card(load_checkpoint(weights), weights.name)
    if out is None and not force and path.exists() and read_bytes(path, "a model card", TEXT_LIMIT) != text.encode():
        raise InputError(f"{path}: exists and is another text, expected --force, which replaces it, or --out")
    write_text(path, text)
    console.print(f"written to {path}", markup=False)


def _card_beside(weights: Path) -> Path:
    """Where a card goes unless told: beside the checkpoint, but not into the package."""
    from wsfracbnn.model.files import real_path

    if not weights.name:  # '.' and '/'
        raise InputError(f"--weights: found '{weights}', expected a checkpoint's file")
    name = weights.with_suffix(".md")
    return Path(name.name) if real_path(weights).parent == CHECKPOINTS else name


def dataset_of(checkpoint: Checkpoint, data: Path | None, bad_pictures: str = REFUSE) -> Dataset:
    """The dataset that a checkpoint was trained on.

    Args:
        data: folder of the published files, or of the user's own pictures.
        bad_pictures: SKIP or REFUSE.
    Raises:
        InputError: it names none that is known, or the files cannot be read or have other classes.
    """
    from wsfracbnn.model.data.dataset import Own
    from wsfracbnn.model.data.registry import SOURCES, load_dataset, own_source

    name = checkpoint.training.get("dataset")
    if name in SOURCES:
        return load_dataset(name, data)
    if name is None:
        raise InputError(f"key 'training.dataset' is missing, expected one of {', '.join(SOURCES)}")
    if data is None:
        raise InputError(
            f"--data: missing, expected the folder or .npz file of '{name}', which the network learnt from"
        )
    kept = None if checkpoint.held_out is None else dict(zip(checkpoint.class_names, checkpoint.held_out, strict=True))
    own = Own(name, checkpoint.config.image_shape, checkpoint.pictures, bad_pictures == SKIP, kept)
    dataset = own_source(data).load(own)
    if dataset.class_names != checkpoint.class_names:
        ours, theirs = (", ".join(names) for names in (checkpoint.class_names, dataset.class_names))
        raise InputError(f"{data}: found the classes {shortened(theirs, 200)}, expected {shortened(ours, 200)}")
    return dataset
