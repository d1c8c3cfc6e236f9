# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn run`."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.figures import CheckFailedError, Figures
from wsfracbnn.cli.options import DataFolder, Weights
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.description import NetworkDescription

DEFAULT_COUNT = 10
"""Test images."""


def run(
    weights: Weights,
    images: Annotated[
        list[Path] | None, typer.Argument(help="Pictures; default test images of the checkpoint's dataset.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="Serial port of the board, such as /dev/ttyUSB0.")] = None,
    emulate: Annotated[bool, typer.Option("--emulate", help="An emulated board instead of a port.")] = False,
    baud: Annotated[int, typer.Option(min=1, help="As `wsfracbnn board` was told.")] = 1_000_000,
    count: Annotated[
        int | None, typer.Option(min=1, help="Test images, where no pictures are named; default 10.")
    ] = None,
    window: Annotated[int, typer.Option(help="Images on their way at once.")] = 2,
    patience: Annotated[float, typer.Option(min=0.01, help="Seconds that a reply may take.")] = 2.0,
    data: DataFolder = None,
    results: Annotated[Path | None, typer.Option(help="JSON file that gets what --json prints.")] = None,
) -> Figures:
    """Images through a board; each result is compared with the integer model's."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.boards.emulator import emulated_port
    from wsfracbnn.gen.boards.host import BoardClient, open_line, require_same_network
    from wsfracbnn.gen.boards.protocol import Info
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.files import require_writable, write_text
    from wsfracbnn.model.golden import run_logits
    from wsfracbnn.model.lower import lower_checkpoint

    if (port is None) != emulate:
        given = "missing" if port is None else f"found --port {port} and --emulate"
        raise InputError(f"--port: {given}, expected a serial port, or --emulate without one")
    if images and (count is not None or data is not None):
        raise InputError(
            f"{'--data' if count is None else '--count'}: expected without pictures, it is for test images"
        )
    if results is not None:
        require_writable(results)
    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint)
    names, pixels = _images(checkpoint, description, images or [], count, data)
    expected, _ = run_logits(description, pixels)
    with (
        emulated_port(description) if port is None else nullcontext(port) as name,
        open_line(name, baud) as line,
    ):
        client = BoardClient(line, window=window, patience=patience)
        require_same_network(client.info(), Info.of(description))
        start = time.monotonic()
        found = []
        for title, wanted, result in zip(
            names, expected, client.classify(pixels, description.head.classes), strict=True
        ):
            equal = result.logits == tuple(int(logit) for logit in wanted) and result.winner == int(wanted.argmax())
            verdict = "" if equal else f"  NOT the integer model's: {[int(logit) for logit in wanted]}"
            label = description.class_names[result.winner] if result.winner < len(wanted) else "?"
            console.print(f"{title}: {label}  logits {list(result.logits)}{verdict}", markup=False, highlight=False)
            found.append({"image": title, "class": result.winner, "logits": list(result.logits), "equal": equal})
        seconds = time.monotonic() - start
    wrong = sum(not result["equal"] for result in found)
    figures = {"seconds": round(seconds, 3), "repeated": client.repeated, "results": found}
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    again = f", {client.repeated} requests sent again" if client.repeated else ""
    console.print(
        f"{len(found)} images in {seconds:.2f} s{again}: {len(found) - wrong} equal the integer model's results",
        highlight=False,
    )
    if wrong:
        raise CheckFailedError(figures)
    return figures


def _images(
    checkpoint: Checkpoint, description: NetworkDescription, files: list[Path], count: int | None, data: Path | None
) -> tuple[list[str], NDArray[np.uint8]]:
    """Names and pixels (N, H, W, colours) of the pictures, or of test images evenly over the test set."""
    import numpy as np

    from wsfracbnn.cli.inspect import dataset_of
    from wsfracbnn.model.data.picture_files import picture_files, read_pictures

    if files:
        pictures = picture_files(files)
        return [*map(str, pictures)], read_pictures(pictures, checkpoint.config.image_shape, checkpoint.pictures)
    dataset = dataset_of(checkpoint, data)
    held = len(dataset.test_images)
    if count is not None and count > held:
        raise InputError(f"--count: found {count:,}, expected at most the {held:,} test images")
    chosen = np.linspace(0, held - 1, min(count or DEFAULT_COUNT, held)).astype(int)
    labels = [description.class_names[dataset.test_labels[i]] for i in chosen]
    names = [f"test image {i} ({label})" for i, label in zip(chosen, labels, strict=True)]
    return names, dataset.test_images[chosen]
