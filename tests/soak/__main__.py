# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.soak`: frames of all kinds through random networks; exit code 1 where one of them goes wrong."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import torch
import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, working_in, write_text

from .run import Record, WrongError, command, example_of, soak, sources_digest

FOLDER = ROOT / "build" / "soak"


def main(
    frames: Annotated[int, typer.Option(min=1, help="Frames to check.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of networks, frames, stalls, resets.")] = 1,
    only: Annotated[int | None, typer.Option(min=0, help="This network alone, from its beginning.")] = None,
    results: Annotated[Path | None, typer.Option(help="JSON file that the figures are written to.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'soak'.")] = None,
) -> Figures:
    """Soak random networks: bad frames, stalls, gaps, resets. What was done is kept; the same command goes on."""
    if results is not None:
        require_writable(results)
    if page is not None:
        require_section(page, "soak")
    torch.set_num_threads(1)
    console.print(f"seed {seed}", highlight=False)
    folder = FOLDER / f"seed{seed}"
    failed: dict[int, str] = {}
    with working_in(folder):
        record = Record(folder / ("done.json" if only is None else f"only{only}.json"), sources_digest())
        if only is not None:
            record.done.clear()
        if record.done:
            console.print(f"{record.total('frames')} frames of {len(record.done)} networks are done", highlight=False)
        number = only if only is not None else max((row.number for row in record.done), default=-1) + 1
        began = time.monotonic()
        with bar_of("frames", frames) as show:
            while record.total("frames") < frames and not failed:
                show(record.total("frames"))
                example = example_of(seed, number)
                if example is not None:
                    work = Path(tempfile.mkdtemp(dir=folder))
                    try:
                        record.add(soak(example, seed, number, work, frames - record.total("frames")))
                    except WrongError as error:
                        failed[number] = str(error)
                        shutil.rmtree(folder / f"failed{number}", ignore_errors=True)
                        work.rename(folder / f"failed{number}")
                    finally:
                        shutil.rmtree(work, ignore_errors=True)
                elif only is not None:
                    raise InputError(f"--only: found {only}, a network that is left out, expected one that is soaked")
                if only is not None:
                    break
                number += 1
        figures = {
            "seed": seed,
            "networks": len(record.done),
            **{name: record.total(name) for name in ("frames", "good", "bad", "cut", "resets", "cycles")},
            "wrong": len(failed),  # a network is left at its first wrong frame
            "failed": sorted(failed),
        }
    for number, message in failed.items():
        console.print(f"network {number}: {message}", markup=False, highlight=False)
        console.print(f"  {folder / f'failed{number}'}; {command(seed, number)}", markup=False, highlight=False)
    console.print(
        f"{figures['frames']} frames of {figures['networks']} networks: {figures['good']} with the right result, "
        f"{figures['bad']} bad ones flagged and counted; {figures['resets']} resets; {len(failed)} networks failed; "
        f"{time.monotonic() - began:.0f} s",
        highlight=False,
    )
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    if page is not None:
        replace_section(page, "soak", page_of(figures))
    if failed:
        raise CheckFailedError(figures)
    return figures


def page_of(figures: Figures) -> str:
    """A paragraph of the figures."""
    count = {name: f"{figures[name]:,}" for name in ("frames", "networks", "good", "bad", "resets", "cut", "cycles")}
    failed = figures["failed"]
    return (
        f"Seed {figures['seed']}: {count['frames']} frames through {count['networks']} networks in {count['cycles']} "
        f"cycles. {count['good']} images with the right result, {count['bad']} bad frames flagged and counted; "
        f"{count['resets']} resets, which dropped {count['cut']} more. "
        + (f"Networks that failed: {', '.join(map(str, failed))}." if failed else "None was wrong.")
    )


if __name__ == "__main__":
    command_line = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command_line.command()(with_json(main))
    run(command_line)
