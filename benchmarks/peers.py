# SPDX-License-Identifier: Apache-2.0
"""This project's digits network beside accelerators that other tools build for the same data.

    .venv/bin/python benchmarks/peers.py [--results results/peers.json] [--page docs/hardware.md] [--only da4ml,nngen]

Installs da4ml and NNgen in an environment of their own under build/ (benchmarks/peer_designs/constraints.txt), trains a
network for each, checks its Verilog in simulation against a plain numpy model, synthesizes all designs as `wsfracbnn
synth` does and routes what fits an ECP5 as `wsfracbnn pnr` does. Prints the tables. In rounds: all areas, then all
clocks, then Xilinx 7; rows are written as they are measured, and a run that was cut off goes on where it was. An hour
or more.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_folder, require_writable, working_in

BUILD = ROOT / "build"
SECTIONS = ("peers", "binary-layers")

ROUNDS = {"area": (), "clock": ("clock",), "xc7": ("clock", "xc7")}
"""What each round measures of all designs, beside their area on ECP5: what takes longest comes last."""


def main(
    results: Annotated[Path, typer.Option(help="JSON file that gets the rows.")] = BUILD / "peers.json",
    page: Annotated[Path | None, typer.Option(help=f"Markdown file with sections {', '.join(SECTIONS)}.")] = None,
    only: Annotated[str | None, typer.Option(help="Designs, with commas between; default all.")] = None,
    until: Annotated[str, typer.Option(help=f"Last round: {', '.join(ROUNDS)}.")] = "xc7",
    cache: Annotated[Path, typer.Option(help="Folder of the environment, networks, simulations.")] = BUILD / "peers",
    synthesis: Annotated[Path, typer.Option(help="Folder of synthesis and routing runs.")] = BUILD / "synthesis",
) -> None:
    """Measure, print, record."""
    from benchmarks.peer_designs.designs import DESIGNS, Bench
    from benchmarks.peer_designs.results import PeerResults, accelerator_table, add_row, layer_table

    names = list(DESIGNS) if only is None else only.split(",")
    for name in names:
        if name not in DESIGNS:
            raise InputError(f"--only: found '{name}', expected some of {', '.join(DESIGNS)}")
    if until not in ROUNDS:
        raise InputError(f"--until: found '{until}', expected one of {', '.join(ROUNDS)}")
    require_folder(cache, synthesis)
    require_writable(results)
    found = PeerResults.read(results)
    if page is not None:
        for section in SECTIONS:
            require_section(page, section)
    rounds = list(ROUNDS)[: list(ROUNDS).index(until) + 1]
    work = [(name, steps) for steps in rounds for name in names]
    with working_in(cache, "name another folder: --cache"), bar_of("steps", len(work)) as progress:
        for number, (name, steps) in enumerate(work):
            console.print(f"{name}, {steps}: {number + 1} of {len(work)}")
            bench = Bench(cache.resolve(), synthesis.resolve(), console.print, ROUNDS[steps])
            found = add_row(results, DESIGNS[name](bench))
            progress(number + 1)
    tables = (accelerator_table(found.accelerators), layer_table(found.layers))
    for table in tables:
        console.print(f"\n{table}", markup=False, soft_wrap=True)
    if page is not None:
        for section, table in zip(SECTIONS, tables, strict=True):
            replace_section(page, section, table)


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
