# SPDX-License-Identifier: Apache-2.0
"""What shifts and adds save: scale paths of signed digits beside multipliers, as FracBNN's folded BatchNorm needs them.

    .venv/bin/python benchmarks/batchnorm_hardware.py [--results results/batchnorm.json] [--page docs/hardware.md]

Builds the bundled digits network with its own scale paths and, of the same constants, with multipliers; and FracBNN
for the same data (configs/digits-fracbnn.toml, trained in some minutes where --baseline names no checkpoint), its
BatchNorm folded, at the same folding. Each with multipliers in DSPs and in LUTs. In rounds: areas for ECP5, simulation
of test images, clocks on an ECP5-25F, areas for Xilinx 7; figures are written as they are measured, and runs of Yosys
and nextpnr are kept. Five minutes a clock.
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
SECTION = "batchnorm"


def main(
    results: Annotated[Path, typer.Option(help="JSON file that gets the figures.")] = BUILD / "batchnorm.json",
    page: Annotated[Path | None, typer.Option(help=f"Markdown file with a section '{SECTION}'.")] = None,
    baseline: Annotated[
        Path, typer.Option(help="FracBNN's checkpoint, which is trained where it is not there yet.")
    ] = BUILD / "batchnorm" / "digits-fracbnn.pt",
    fold: Annotated[str, typer.Option(help="Folding of all designs, that of the bundled network.")] = "auto",
    only: Annotated[str, typer.Option(help="Rounds, with commas between.")] = "area,simulation,xc7,clock",
    seeds: Annotated[str, typer.Option(help="Seeds of the placer, with commas between.")] = "1",
    cache: Annotated[Path, typer.Option(help="Folder of emitted designs and simulations.")] = BUILD / "batchnorm",
    synthesis: Annotated[Path, typer.Option(help="Folder of synthesis and routing runs.")] = BUILD / "synthesis",
) -> None:
    """Measure, print, record."""
    from benchmarks.batchnorm_designs.measure import DESIGNS, Bench, rounds_of, train_baseline
    from benchmarks.batchnorm_designs.rows import add_figures, read_rows, table

    if not all(seed.isdecimal() for seed in seeds.split(",")):
        raise InputError(f"--seeds: found '{seeds}', expected numbers with commas between")
    rounds = rounds_of([int(seed) for seed in seeds.split(",")])
    for name in only.split(","):
        if name not in rounds:
            raise InputError(f"--only: found '{name}', expected some of {', '.join(rounds)}")
    require_folder(cache, synthesis)
    require_writable(results)
    read_rows(results)
    if page is not None:
        require_section(page, SECTION)
    train_baseline(baseline)
    bench = Bench(baseline, fold, cache.resolve(), synthesis.resolve(), console.print)
    for name in only.split(","):
        for measure in rounds[name]:
            for wanted in DESIGNS:
                console.print(f"{name}: {', '.join(wanted.words)}")
                add_figures(results, wanted, measure(bench, wanted))
    text = table(read_rows(results))
    console.print(f"\n{text}", markup=False, soft_wrap=True)
    if page is not None:
        replace_section(page, SECTION, text)


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
