# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn emit` and `draw`."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.networks import description_of, folding_word, is_described, source_of
from wsfracbnn.cli.options import Described, FoldOrOwn, LutInputs, devices_begun
from wsfracbnn.gen.devices import DEVICES, device_named
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.gen.devices import Device
    from wsfracbnn.gen.soc.wrapper import AxiWidths
    from wsfracbnn.gen.stages.folding import Folding
    from wsfracbnn.model.description import NetworkDescription


class Wrapper(StrEnum):
    """What can stand around an accelerator."""

    AXI = "axi"


Force = Annotated[
    bool, typer.Option("--force", help="Replace emitted files that were changed since, or files in their way.")
]


def emit(
    weights: Described,
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(help="More pictures for --images, as a shell makes them of *.png.", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default build/NAME.", show_default=False)] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the top module; default the checkpoint's.", show_default=False)
    ] = None,
    fold: FoldOrOwn = None,
    device: Annotated[
        str | None,
        typer.Option(
            help=f"FPGA that the area is held against and the LUTs are shaped for: {', '.join(DEVICES)}. Default: that "
            "of --fold device=NAME.",
            autocompletion=devices_begun,
            show_default=False,
        ),
    ] = None,
    lut_inputs: LutInputs = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            help="Picture for the golden vectors, in place of the checkpoint's samples; may be repeated; a folder "
            "stands for the pictures in it.",
            show_default=False,
        ),
    ] = None,
    wrapper: Annotated[
        Wrapper | None,
        typer.Option(help="Add a wrapper: axi, for a system on chip with DMA and processor.", show_default=False),
    ] = None,
    axis_in: Annotated[
        int | None,
        typer.Option(help="Bits a beat of the wrapper's input: 8, 32 or 64; default 32.", show_default=False),
    ] = None,
    axis_out: Annotated[
        int | None, typer.Option(help="Bits a beat of its output: 8, 32 or 64; default 32.", show_default=False)
    ] = None,
    rom_parity: Annotated[
        bool, typer.Option("--rom-parity", help="Check the words of constant memories; adds the output rom_error.")
    ] = False,
    force: Force = False,
) -> Figures:
    """Checkpoint to a self-contained folder: Verilog, description, golden vectors, testbench, Makefile."""
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.emission.folder import design_summary
    from wsfracbnn.gen.emission.folder import emit as emit_folder
    from wsfracbnn.gen.sizing.area import area_estimate
    from wsfracbnn.gen.soc.wrapper import AxiWrapper
    from wsfracbnn.model.names import require_name

    if name is not None:
        require_name(name, "--name")
    if pictures and not images:
        raise InputError(f"found '{pictures[0]}', expected pictures behind --images alone")
    axi = axi_widths(wrapper, axis_in, axis_out)
    for_device = None if device is None else device_named(device)
    source = source_of(weights, name, [*(images or ()), *(pictures or ())] or None)
    folder = out or Path("build") / source.description.name
    if is_described(weights) and folder.resolve() == weights.resolve():
        raise InputError(f"--out: found '{folder}', which is what --weights names, expected another folder")
    folding = folding_of(source.description, folding_word(weights, fold), lut_inputs, for_device)
    if rom_parity:
        folding = folding.with_rom_parity()
    design = emit_folder(
        source.description,
        folding,
        folder,
        source.images,
        source.labels,
        reference=source.reference,
        axi=axi,
        force=force,
    )
    console.print(report.design_table(design))
    console.print(report.design_totals(design))
    area = area_estimate(design)
    if area is not None:
        console.print(report.area_line(area))
    elif folding.rom_parity:
        console.print("no estimate of the area: parity is not in the area model")
    wrapped = None if axi is None else AxiWrapper(design, axi)
    if wrapped is not None:
        console.print(f"around it {wrapped.module}, which is not in these figures; software for it in driver/")
    console.print(f"written to {folder}; run it:", highlight=False, markup=False)
    console.print(f"  {how_to_simulate(folder)}", highlight=False, markup=False)
    return design_summary(design, wrapped) | {"folder": str(folder)}


def axi_widths(wrapper: Wrapper | None, axis_in: int | None, axis_out: int | None) -> AxiWidths | None:
    """What --wrapper, --axis-in and --axis-out ask for.

    Raises:
        InputError: a width that is not made, or one without a wrapper.
    """
    from wsfracbnn.gen.soc.wrapper import AxiWidths

    if wrapper is None:
        for option, found in (("--axis-in", axis_in), ("--axis-out", axis_out)):
            if found is not None:
                raise InputError(f"{option}: found {found}, expected it beside --wrapper axi alone")
        return None
    default = AxiWidths()
    return AxiWidths.of(
        default.input_bits if axis_in is None else axis_in, default.output_bits if axis_out is None else axis_out
    )


def how_to_simulate(folder: Path) -> str:
    """The command that runs an emitted folder's own testbench with this Python, to be typed into a shell as it is."""
    from wsfracbnn.model.extras import SIMULATION, missing_packages, requirement

    python = shlex.quote(sys.executable)
    install = f"{python} -m pip install {requirement(SIMULATION)} && " if missing_packages(SIMULATION) else ""
    return f"{install}make -C {shlex.quote(str(folder))} sim SIM=icarus PYTHON={python}"


def folding_of(
    description: NetworkDescription, fold: str, lut_inputs: int | None, device: Device | None = None
) -> Folding:
    """What --fold, --device and --lut-inputs ask for.

    Raises:
        InputError: no such folding, or other LUTs than there are.
    """
    from wsfracbnn.gen.devices import family_named
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.gen.stages.folding import LUT_INPUTS

    if lut_inputs is not None and lut_inputs not in LUT_INPUTS:
        raise InputError(f"--lut-inputs: found {lut_inputs}, expected {' or '.join(map(str, LUT_INPUTS))}")
    if device is not None and fold.startswith(("device=", "luts=")):
        raise InputError(f"--device: found '{device.name}', but --fold {fold} says what the design is for")
    folding = choose_folding(description, fold, device)
    if device is not None:
        folding = folding.for_device(device)
    family = None if folding.target.family is None else family_named(folding.target.family)
    if lut_inputs is not None and family is not None and lut_inputs != family.lut_inputs:
        raise InputError(
            f"--lut-inputs: found {lut_inputs}, but folding '{fold}' is for {family.name}, whose LUTs have "
            f"{family.lut_inputs} inputs"
        )
    return folding if lut_inputs is None else folding.with_lut_inputs(lut_inputs)


def draw(
    weights: Described,
    out: Annotated[Path, typer.Option(help="Picture to write, .svg or .png.")] = Path("build/pipeline.svg"),
    fold: FoldOrOwn = None,
) -> None:
    """Draw the pipeline that a checkpoint becomes."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.emission.draw import draw_pipeline
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.model.files import require_writable

    if out.suffix not in (".svg", ".png"):
        raise InputError(f"--out: found '{out}', expected a name that ends with .svg or .png")
    require_writable(out)
    description = description_of(weights)
    draw_pipeline(build_design(description, choose_folding(description, folding_word(weights, fold))), out)
    console.print(f"written to {out}", markup=False)
