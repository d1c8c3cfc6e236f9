# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn predict`: what a network says of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wsfracbnn.cli.emit import Force, folding_of
from wsfracbnn.cli.figures import CheckFailedError, Figures
from wsfracbnn.cli.options import Weights
from wsfracbnn.gen.simulation.job import SIMULATORS
from wsfracbnn.model.errors import InputError, shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.description import Ints, NetworkDescription


def predict(
    files: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.", show_default=False)],
    weights: Weights,
    top: Annotated[int, typer.Option(min=1, help="Classes to name, the most likely first.")] = 5,
    rtl: Annotated[
        bool, typer.Option("--rtl", help="Simulate the Verilog too, and hold every layer against the integer model.")
    ] = False,
    simulator: Annotated[
        str | None, typer.Option(help="With --rtl: icarus or verilator (default).", show_default=False)
    ] = None,
    fold: Annotated[
        str | None, typer.Option(help="With --rtl: as for `emit`; default auto.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --rtl: build folder; default build/predict.", show_default=False)
    ] = None,
    force: Force = False,
) -> Figures:
    """Classify pictures by the integer model, or by the Verilog itself: class names and logits, the best first."""
    given = {"--simulator": simulator, "--fold": fold, "--out": out, "--force": force or None}
    if not rtl and (useless := [name for name, value in given.items() if value is not None]):
        raise InputError(f"{useless[0]}: is for the Verilog, expected --rtl beside it")
    runs_in = simulator or SIMULATORS[-1]
    if rtl:
        from wsfracbnn.gen.simulation.selection import require_simulator

        if runs_in not in SIMULATORS:
            raise InputError(f"--simulator: found {shown(runs_in)}, expected {' or '.join(SIMULATORS)}")
        require_simulator(runs_in)

    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.report import prediction_table
    from wsfracbnn.model import golden
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.data.picture_files import picture_files, read_pictures
    from wsfracbnn.model.lower import lower_checkpoint

    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint)
    pictures = picture_files(files)
    images = read_pictures(pictures, checkpoint.config.image_shape, checkpoint.pictures)
    logits, _ = golden.run_logits(description, images)
    figures: dict[str, Any] = {
        "network": description.name,
        "computed_by": runs_in if rtl else "integer model",
        "predictions": [
            {"file": str(file), "classes": _ranked(row, description.class_names, top)}
            for file, row in zip(pictures, logits, strict=True)
        ],
    }
    if rtl:
        failures = _simulate(checkpoint, description, images, runs_in, fold or "auto", out, force)
        figures["failures"] = failures
        if failures:
            for failure in failures:
                console.print(failure, style="red", markup=False, highlight=False)
            raise CheckFailedError(figures)
    console.print(prediction_table(figures["predictions"]))
    if rtl:
        console.print(f"computed by the Verilog in {runs_in}, every layer equal to the integer model's and PyTorch's")
    return figures


def _ranked(logits: Ints, names: Sequence[str], top: int) -> list[dict[str, Any]]:
    """The classes of the largest logits; of equal ones the first, as the hardware's argmax takes it."""
    order = sorted(range(len(logits)), key=lambda number: (-int(logits[number]), number))[:top]
    return [{"class": number, "name": names[number], "logit": int(logits[number])} for number in order]


def _simulate(
    checkpoint: Checkpoint,
    description: NetworkDescription,
    images: NDArray[np.uint8],
    simulator: str,
    fold: str,
    out: Path | None,
    force: bool,
) -> list[str]:
    """Run the images through the emitted Verilog; what differs from the integer model, in words."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.emission.folder import VECTORS, emit
    from wsfracbnn.gen.simulation.run import EXACTNESS_TEST, simulate
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.files import working_in

    build, reference = out or Path("build/predict"), torch_reference(checkpoint)
    folding = folding_of(description, fold, None)
    with working_in(build, "name another folder: --out"):
        folder = build / description.name
        emit(description, folding, folder, images, reference=reference, force=force)
        with console.status(f"{len(images)} pictures in {simulator}"):
            result = simulate(folder, simulator, folder / VECTORS, len(images), tests=EXACTNESS_TEST)
    failures = [*result.failures]
    if not failures and (result.mismatches or result.images != len(images)):
        failures.append(f"{result.mismatches} mismatches, {result.images} of {len(images)} pictures compared")
    return failures
