#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long the tools take for the bundled ResNet-20: `emit`, and synthesis stage by stage against that of the whole.

    .venv/bin/python benchmarks/tool_speed.py [--only emit] [--results results/figures.json]

`emit` is the fastest of some runs, in seconds of computing. Synthesis is for ECP5 at `auto`, from nothing, in seconds
by the clock. Both want an idle machine, synthesis for half an hour or more.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable

NETWORK = "cifar100"
RUNS = 3

Figures = dict[str, float]


def emit() -> Figures:
    """Seconds of computing of one `emit`, the fastest of RUNS."""
    from benchmarks.start_up import measure

    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(measure("emit", "--weights", NETWORK, "--out", f"{folder}/net")[1])
    return {"emit of ResNet-20: s of computing": round(min(seconds), 2)}


def synthesis() -> Figures:
    """Seconds of synthesis both ways, and how many times as fast the stages are."""
    from benchmarks.start_up import measure

    seconds = {}
    for way, options in (("by stage", ()), ("as a whole", ("--flat",))):
        with tempfile.TemporaryDirectory() as folder:
            given = ("--targets", "ecp5", "--cache", f"{folder}/cache", "--results", f"{folder}/rows.json")
            seconds[way] = measure("synth", "--weights", NETWORK, *given, *options)[0]
    return {
        **{f"synthesis of ResNet-20 {way}: s": round(figure) for way, figure in seconds.items()},
        "synthesis of ResNet-20: times as fast by stage": round(seconds["as a whole"] / seconds["by stage"], 2),
    }


MEASURED: dict[str, Callable[[], Figures]] = {"emit": emit, "synthesis": synthesis}


def main(
    only: Annotated[str | None, typer.Option(help=f"One of {', '.join(MEASURED)}; default both.")] = None,
    results: Annotated[Path, typer.Option(help="JSON file of figures.")] = ROOT / "build" / "figures.json",
) -> None:
    """Measure, print, record."""
    from benchmarks.figures import add_figures, read_figures

    if only is not None and only not in MEASURED:
        raise InputError(f"--only: found '{only}', expected one of {', '.join(MEASURED)}")
    require_writable(results)
    read_figures(results)
    for name in MEASURED if only is None else (only,):
        found = MEASURED[name]()
        for what, figure in found.items():
            print(f"{what} {figure:,}", flush=True)
        add_figures(results, found)


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
