# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn emit` and `draw`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.options import Fold, LutInputs, Weights
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.gen.stages.folding import Folding
    from wsfracbnn.model.description import NetworkDescription

Force = Annotated[
    bool, typer.Option("--force", help="Replace emitted files that were changed since, or files in their way.")
]


def emit(
    weights: Weights,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default build/NAME.", show_default=False)] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the top module; default the checkpoint's.", show_default=False)
    ] = None,
    fold: Fold = "auto",
    lut_inputs: LutInputs = None,
    force: Force = False,
) -> None:
    """Checkpoint to a self-contained folder: Verilog, description, golden vectors, testbench, Makefile."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.emission.folder import emit as emit_folder
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.lower import lower_checkpoint
    from wsfracbnn.model.names import require_name

    if name is not None:
        require_name(name, "--name")
    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint, name)
    folder = out or Path("build") / description.name
    folding = folding_of(description, fold, lut_inputs)
    images, labels = checkpoint.sample_arrays()
    reference = torch_reference(checkpoint)
    design = emit_folder(description, folding, folder, images, labels, reference=reference, force=force)
    console.print(report.design_table(design))
    console.print(report.design_totals(design))
    console.print(f"written to {folder}; run it:", highlight=False, markup=False)
    console.print(f"  {how_to_simulate(folder)}", highlight=False, markup=False)


def how_to_simulate(folder: Path) -> str:
    """The command that runs an emitted folder's own testbench with this Python, to be typed into a shell as it is."""
    from wsfracbnn.gen.simulation.selection import missing_packages

    python = shlex.quote(sys.executable)
    install = f"{python} -m pip install 'wsfracbnn[sim]' && " if missing_packages() else ""
    return f"{install}make -C {shlex.quote(str(folder))} sim SIM=icarus PYTHON={python}"


def folding_of(description: NetworkDescription, fold: str, lut_inputs: int | None) -> Folding:
    """What --fold and --lut-inputs ask for.

    Raises:
        InputError: no such folding, or other LUTs than there are.
    """
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.gen.stages.folding import LUT_INPUTS

    if lut_inputs is not None and lut_inputs not in LUT_INPUTS:
        raise InputError(f"--lut-inputs: found {lut_inputs}, expected {' or '.join(map(str, LUT_INPUTS))}")
    folding = choose_folding(description, fold)
    return folding if lut_inputs is None else folding.with_lut_inputs(lut_inputs)


def draw(
    weights: Weights,
    out: Annotated[Path, typer.Option(help="Picture to write, .svg or .png.")] = Path("build/pipeline.svg"),
    fold: Fold = "auto",
) -> None:
    """Draw the pipeline that a checkpoint becomes."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.emission.draw import draw_pipeline
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.files import require_writable
    from wsfracbnn.model.lower import lower_checkpoint

    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out: found '{out}', expected a name that ends with .svg or .png")
    require_writable(out)
    description = lower_checkpoint(load_checkpoint(weights))
    draw_pipeline(build_design(description, choose_folding(description, fold)), out)
    console.print(f"written to {out}", markup=False)
