# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn board`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.emit import Force
from wsfracbnn.cli.figures import Figures
from wsfracbnn.cli.options import Described, FoldOrOwn
from wsfracbnn.gen.boards.catalog import BOARDS, board_named
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.gen.boards.project import Project

log = logging.getLogger(__name__)

Mhz = Annotated[
    float | None,
    typer.Option(min=1, help="Clock at most; default the board's usual one. The PLL makes the nearest below."),
]


def boards_named(incomplete: str) -> list[str]:
    """For the shell's completion."""
    return [name for name in BOARDS if name.startswith(incomplete)]


def board(
    name: Annotated[
        str, typer.Argument(help=f"One of {', '.join(BOARDS)}.", show_default=False, autocompletion=boards_named)
    ],
    weights: Described,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the project; default build/NETWORK-NAME.", show_default=False)
    ] = None,
    fold: FoldOrOwn = None,
    mhz: Mhz = None,
    fastest: Annotated[
        bool, typer.Option("--fastest", help="Route again with the clock that it was routed for, up to three times.")
    ] = False,
    baud: Annotated[int, typer.Option(min=1, help="Of the serial line.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Of the placer.")] = 1,
    build: Annotated[bool, typer.Option(help="Make a bitstream, where the open tools can.")] = True,
    cache: Annotated[Path, typer.Option(help="Folder of tool runs, by hash.")] = Path("build/boards"),
    results: Annotated[
        Path | None,
        typer.Option(
            help="JSON file that gets the figures; results/boards.json is the project's. Default build/boards.json.",
            show_default=False,
        ),
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file whose section 'boards' gets the table.")] = None,
    force: Force = False,
) -> Figures:
    """A board's project (Verilog, pins, clock, scripts), and its bitstream by the open tools."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.markdown import replace_section, require_section
    from wsfracbnn.cli.networks import description_of, folding_word
    from wsfracbnn.gen.boards.project import make_project, write_project
    from wsfracbnn.gen.boards.record import add_board_row, board_row, board_table, read_board_rows
    from wsfracbnn.gen.boards.toolchain import make_bitstream_at_a_clock, require_room, require_tools
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.sizing.targets import choose_folding
    from wsfracbnn.model.files import require_folder, require_writable

    chosen = board_named(name)
    if fastest and mhz is not None:
        raise InputError("--fastest: found beside --mhz, expected one of the two")
    if not (build and chosen.open_tools):
        for option, given in (("--fastest", fastest), ("--results", results is not None), ("--page", page is not None)):
            if given:
                raise InputError(
                    f"{option}: found where no bitstream is made, expected --build and a board of the open tools"
                )
    description = description_of(weights)
    fold = folding_word(weights, fold)
    folding = choose_folding(description, fold, chosen.device)
    design = build_design(description, folding.for_family(chosen.family))
    folder = out or Path("build") / f"{description.name}-{chosen.name}"
    record = results or Path("build") / "boards.json"
    require_folder(folder, cache)
    if build:
        require_writable(record)
        read_board_rows(record)
    if page is not None:
        require_section(page, "boards")

    def at(clock: float | None) -> Project:
        """The project for a clock."""
        return make_project(chosen, design, mhz=clock, baud=baud, seed=seed)

    project = at(mhz)
    require_room(project.build)
    if build:
        require_tools(project)
    write_project(project.files, folder, force=force)
    console.print(f"{description.name} on {chosen.title}: {project.build.clock_words}", highlight=False)
    console.print(f"project written to {folder}", highlight=False)
    asked: Figures = {"network": description.name, "board": chosen.name, "folder": str(folder)}
    if not chosen.open_tools:
        console.print(f"build it with Vivado: cd {folder} && sh build_top.sh", highlight=False)
        return asked
    if not build:
        return asked
    with console.status(f"{description.name} on {chosen.name}: synthesis, place and route (minutes to an hour)"):
        project, made = make_bitstream_at_a_clock(
            project, at if mhz is None else None, cache, fastest=fastest, report=log.info
        )
    write_project({**project.files, made.name: made.contents}, folder, force=force)
    used = {kind: counts for kind, counts in made.used.items() if counts[0]}
    for kind, (taken, available) in used.items():
        console.print(f"  {kind:<20} {taken:>7,} of {available:>7,}", highlight=False)
    console.print(f"  clock: {project.build.clock.mhz:g} MHz, routed for {made.fmax_mhz:g} MHz", highlight=False)
    console.print(f"bitstream: {folder / made.name}; load it: {chosen.program}", highlight=False)
    rows = add_board_row(record, board_row(project, made, fold, seed))
    if page is not None:
        replace_section(page, "boards", board_table(rows))
    return {
        **asked,
        "bitstream": str(folder / made.name),
        "clock_mhz": project.build.clock.mhz,
        "fmax_mhz": made.fmax_mhz,
        "cells": {kind: {"used": taken, "available": available} for kind, (taken, available) in used.items()},
    }
