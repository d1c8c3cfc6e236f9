# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn report`: one HTML page about one design, or several side by side."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.emit import folding_of
from wsfracbnn.cli.options import bundled_or_folder, networks_begun
from wsfracbnn.gen.devices import FAMILIES, family_named
from wsfracbnn.model.errors import InputError

if TYPE_CHECKING:
    from wsfracbnn.gen.report.facts import DesignFacts
    from wsfracbnn.gen.report.sources import Measurements

DESIGNS = Path("build/sim")
RESULTS = Path("build/hardware.json")
CACHE = Path("build/synthesis")


def report(
    designs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Output folders of sim or explore, emitted folders, checkpoints, names of bundled networks; default "
            "build/sim.",
            autocompletion=networks_begun,
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("build/report.html"),
    fold: Annotated[
        str | None, typer.Option(help="Folding of the checkpoints, as emit takes it; default auto.", show_default=False)
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(
            help=f"FPGA family of the areas: {', '.join(FAMILIES)}; default what the first design is made for.",
            show_default=False,
        ),
    ] = None,
    results: Annotated[
        list[Path] | None,
        typer.Option(help="JSON file of synth and pnr, or several; default build/hardware.json.", show_default=False),
    ] = None,
    cache: Annotated[Path, typer.Option(help="Folder of synthesis runs, for the area of each stage.")] = CACHE,
) -> None:
    """One self-contained HTML page: pipeline, accuracy, gates, cycles, area, clock, what was verified and how."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.model.extras import require_extra
    from wsfracbnn.model.files import require_writable
    from wsfracbnn.model.names import SUFFIXES

    if out.suffix != ".html":
        raise InputError(f"--out: found '{out}', expected a name that ends with .html")
    require_extra("report")
    require_writable(out)
    named = designs or [DESIGNS]
    chosen = [bundled_or_folder(path) for path in named]
    if fold is not None and not any(path.suffix in SUFFIXES for path in chosen):
        raise InputError("--fold: folds checkpoints, expected one among the designs")
    for path in results or ():
        if not path.exists():
            raise InputError(f"{path}: no such file, expected a file of hardware results")
    measurements = _measurements(family, results or [RESULTS], cache)

    from wsfracbnn.gen.explore.results import BEST, EXPLORATION, read_exploration
    from wsfracbnn.gen.report.page import write_report
    from wsfracbnn.gen.report.sources import read_design

    explored = [path for path in chosen if (path / EXPLORATION).is_file()]
    explorations = [read_exploration(path) for path in explored]
    for path, exploration in zip(explored, explorations, strict=True):
        if exploration.best is None:
            raise InputError(f"{path}: no design of this exploration is routed, bit-exact and within its limits")
    facts: list[DesignFacts] = []
    for path in chosen:
        if path.suffix in SUFFIXES:
            facts.append(_of_checkpoint(path, fold or "auto", measurements))
        else:
            facts.append(read_design(path / BEST if path in explored else path, measurements))
        measurements = replace(measurements, family=facts[0].family)
    given = [*map(str, named), "--out", str(out)]
    given += ["--family", family] if family is not None else []
    given += ["--fold", fold] if fold is not None else []
    given += [word for path in results or () for word in ("--results", str(path))]
    given += ["--cache", str(cache)] if cache != CACHE else []
    write_report(facts, out, f"wsfracbnn report {shlex.join(given)}", explorations)
    console.print(f"written to {out}", markup=False)


def write_beside_simulation(folder: Path) -> Path:
    """Write report.html into the output folder of `wsfracbnn sim`; returns its path.

    Raises:
        InputError: packages for it are missing, or what it is made of cannot be read.
    """
    from wsfracbnn.model.extras import require_extra

    require_extra("report")
    from wsfracbnn.gen.report.page import write_report
    from wsfracbnn.gen.report.sources import read_design

    path = folder / "report.html"
    facts = read_design(folder, _measurements(None, [RESULTS], CACHE))
    write_report([facts], path, f"wsfracbnn report {shlex.quote(str(folder))} --out {shlex.quote(str(path))}")
    return path


def write_for_exploration(folder: Path, results: Path, cache: Path) -> None:
    """Write report.html into the output folder of `wsfracbnn explore`, or say why not."""
    from wsfracbnn.cli.console import console

    try:
        report([folder], out=folder / "report.html", results=[results], cache=cache)
    except InputError as error:
        console.print(f"report: not written: {error}", markup=False, highlight=False)


def _measurements(family: str | None, results: list[Path], cache: Path) -> Measurements:
    from wsfracbnn.gen.report.sources import Measurements
    from wsfracbnn.gen.synthesis.record import HardwareResults

    rows = [row for path in results for row in HardwareResults.read(path).rows]
    return Measurements(rows, cache, None if family is None else family_named(family))


def _of_checkpoint(path: Path, fold: str, measurements: Measurements) -> DesignFacts:
    """A checkpoint's design at a folding, of which nothing was emitted yet."""
    from wsfracbnn.gen.design import build_design
    from wsfracbnn.gen.report.facts import gather
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.lower import lower_checkpoint

    checkpoint = load_checkpoint(path)
    description = lower_checkpoint(checkpoint)
    design = build_design(description, folding_of(description, fold, None))
    return gather(
        design,
        measurements.family_of(design),
        breakdown=measurements.breakdown(design),
        rows=measurements.rows,
        accuracy=checkpoint.test_accuracy,
        accuracy_is=f"on {checkpoint.measured_on}, as the checkpoint says",
        options={"--weights": str(path), "--fold": fold},
    )
