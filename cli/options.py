# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.gen.locations import CHECKPOINTS
from wsfracbnn.model.errors import InputError, shown


def bundled_or_file(weights: Path | None) -> Path | None:
    """A checkpoint's path, for what an option names: a file, or a bundled network by its name.

    Raises:
        InputError: it looks like a name, and there is neither a file nor a network of that name.
    """
    if weights is None or weights.suffix or weights.name != str(weights) or weights.is_file():
        return weights
    bundled = CHECKPOINTS / f"{weights}.pt"
    if bundled.is_file():
        return bundled
    if (weights / "net.json").is_file():
        return weights
    names = ", ".join(sorted(path.stem for path in CHECKPOINTS.glob("*.pt")))
    raise InputError(f"--weights: found {shown(str(weights))}, expected a checkpoint's file or one of {names}")


WEIGHTS_HELP = "Checkpoint, .pt or .safetensors, or the name of a bundled network, such as digits"

DESCRIBED_HELP = f"{WEIGHTS_HELP}; or an emitted folder, for which PyTorch is not needed"

Described = Annotated[Path, typer.Option(help=f"{DESCRIBED_HELP}.", callback=bundled_or_file, show_default=False)]

Weights = Annotated[Path, typer.Option(help=f"{WEIGHTS_HELP}.", callback=bundled_or_file, show_default=False)]

DataFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the dataset's published files, without which they are downloaded; or the folder or .npz file "
        "of your own pictures, where a network was trained on some.",
    ),
]

DATASETS = ("digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "svhn")
"""The built-in ones, as model/data/registry.py has them, which loads too much for a help text."""

SKIP, REFUSE = "skip", "refuse"


def _skip_or_refuse(value: str) -> str:
    if value not in (SKIP, REFUSE):
        raise InputError(f"--bad-pictures: found {shown(value)}, expected {REFUSE} or {SKIP}")
    return value


BadPictures = Annotated[
    str,
    typer.Option(
        help="What to do with pictures of your own that cannot be read: refuse or skip; either names and counts them.",
        callback=_skip_or_refuse,
    ),
]

Fold = Annotated[
    str,
    typer.Option(
        help="Parallelism: auto, small, fast, cycles=N an image, rate=IMAGES@MHZ, luts=N@FAMILY, device=NAME, or a "
        "folding file (JSON)."
    ),
]

LutInputs = Annotated[
    int | None,
    typer.Option(
        help="Of the target's LUTs: 4 (ECP5, iCE40) or 6 (7 series and up); shapes the adder trees. Default: those of "
        "the family that the folding is for, or 4.",
        show_default=False,
    ),
]

Compiled = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="torch.compile; default where there is a GPU.")
]

Graphs = Annotated[
    bool | None,
    typer.Option("--cuda-graphs/--no-cuda-graphs", help="Record a step as a CUDA graph; default with one GPU."),
]
