# SPDX-License-Identifier: Apache-2.0
"""What shifts and adds save: scale paths of signed digits beside multipliers, as FracBNN's folded BatchNorm needs them.

    .venv/bin/python benchmarks/batchnorm_hardware.py [--results results/batchnorm.json] [--page docs/hardware.md]

Builds the bundled digits network with its own scale paths and, of the same constants, with multipliers; and FracBNN
for the same data (configs/digits-fracbnn.toml, trained in some minutes where --baseline names no checkpoint), its
BatchNorm folded, at the same folding. Each with multipliers in DSPs and in LUTs. In rounds: accuracy by the width of
factors, areas for ECP5, simulation of test images, areas for Xilinx 7, clocks on an ECP5-25F; figures are written as
they are measured, and runs of Yosys and nextpnr are kept. Five minutes a clock.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_folder, require_writable

BUILD = ROOT / "build"
SECTIONS = ("batchnorm", "batchnorm-precision")
PRECISION = "precision"
"""A round of its own: of networks, not of designs."""


def main(
    results: Annotated[Path, typer.Option(help="JSON file that gets the figures.")] = BUILD / "batchnorm.json",
    page: Annotated[Path | None, typer.Option(help=f"Markdown file with sections {', '.join(SECTIONS)}.")] = None,
    baseline: Annotated[
        Path, typer.Option(help="FracBNN's checkpoint, which is trained where it is not there yet.")
    ] = BUILD / "batchnorm" / "digits-fracbnn.pt",
    fold: Annotated[str, typer.Option(help="Folding of all designs, that of the bundled network.")] = "auto",
    only: Annotated[str, typer.Option(help="Rounds, with commas between.")] = "precision,area,simulation,xc7,clock",
    released: Annotated[
        Path | None, typer.Option(help="FracBNN's released CIFAR-10 network, a NumPy archive, for its precision too.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with CIFAR-10's files for it; else downloaded.")] = None,
    cifar100: Annotated[
        Path | None, typer.Option(help="Folder with CIFAR-100's files, for the precision of its matched FracBNN too.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the placer, with commas between.")] = "1",
    cache: Annotated[Path, typer.Option(help="Folder of emitted designs and simulations.")] = BUILD / "batchnorm",
    synthesis: Annotated[Path, typer.Option(help="Folder of synthesis and routing runs.")] = BUILD / "synthesis",
) -> None:
    """Measure, print, record."""
    from benchmarks.batchnorm_designs.measure import (
        DESIGNS,
        Bench,
        digits_precisions,
        matched_precisions,
        released_precisions,
        rounds_of,
        train_baseline,
    )
    from benchmarks.batchnorm_designs.rows import Comparison, add_figures, add_precision, precision_table, table

    if not all(seed.isdecimal() for seed in seeds.split(",")):
        raise InputError(f"--seeds: found '{seeds}', expected numbers with commas between")
    rounds = rounds_of([int(seed) for seed in seeds.split(",")])
    for name in only.split(","):
        if name not in (PRECISION, *rounds):
            raise InputError(f"--only: found '{name}', expected some of {PRECISION}, {', '.join(rounds)}")
    require_folder(cache, synthesis)
    require_writable(results)
    Comparison.read(results)
    if page is not None:
        for section in SECTIONS:
            require_section(page, section)
    train_baseline(baseline)
    bench = Bench(baseline, fold, cache.resolve(), synthesis.resolve(), console.print)
    for name in only.split(","):
        if name == PRECISION:
            console.print(name)
            for row in digits_precisions(bench):
                add_precision(results, row)
            for row in () if released is None else released_precisions(released, data):
                add_precision(results, row)
            for row in () if cifar100 is None else matched_precisions(cifar100):
                add_precision(results, row)
            continue
        for measure in rounds[name]:
            for wanted in DESIGNS:
                console.print(f"{name}: {', '.join(wanted.words)}")
                add_figures(results, wanted, measure(bench, wanted))
    found = Comparison.read(results)
    tables = (table(found.rows), precision_table(found.precision))
    for text in tables:
        console.print(f"\n{text}", markup=False, soft_wrap=True)
    if page is not None:
        for section, text in zip(SECTIONS, tables, strict=True):
            replace_section(page, section, text)


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
