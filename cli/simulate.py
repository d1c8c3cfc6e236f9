# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn sim`, which `make sim` runs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.emit import Force, folding_of
from wsfracbnn.cli.figures import CheckFailedError, Figures
from wsfracbnn.cli.inspect import dataset_of
from wsfracbnn.cli.options import (
    REFUSE,
    WEIGHTS_HELP,
    BadPictures,
    DataFolder,
    Fold,
    LutInputs,
    bundled_or_file,
    networks_begun,
)
from wsfracbnn.gen.locations import NETWORK_TESTBENCH
from wsfracbnn.model.errors import InputError, counted

if TYPE_CHECKING:
    from wsfracbnn.gen.design import AcceleratorDesign
    from wsfracbnn.gen.simulation.record import RunRow
    from wsfracbnn.gen.simulation.regression import Runs
    from wsfracbnn.gen.simulation.run import SimulationResult


def sim(
    weights: Annotated[
        Path, typer.Option(help=f"{WEIGHTS_HELP}.", callback=bundled_or_file, autocompletion=networks_begun)
    ] = Path("digits"),
    out: Annotated[Path, typer.Option(help="Build folder; summary.json and report.html go there.")] = Path("build/sim"),
    fold: Fold = "auto",
    lut_inputs: LutInputs = None,
    simulator: Annotated[str, typer.Option(help="icarus, verilator or all.")] = "all",
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images for each simulator; default 8 (Icarus), 100 (Verilator).")
    ] = None,
    data: DataFolder = None,
    tests: Annotated[str | None, typer.Option(help="Only cocotb tests whose name matches this expression.")] = None,
    waves: Annotated[
        bool, typer.Option("--waves", help="Record waveforms (.fst), with views for GTKWave and Surfer.")
    ] = False,
    wave_depth: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --waves: levels of hierarchy to record (2: streams, 3: a stage's blocks); default all.",
            show_default=False,
        ),
    ] = None,
    seed: int = 1,
    bad_pictures: BadPictures = REFUSE,
    results: Annotated[
        Path | None, typer.Option(help="JSON file that gets the figures; results/simulation.json is the project's own.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Markdown file whose section 'simulation' gets the table of --results.")
    ] = None,
    force: Force = False,
) -> Figures:
    """Emit a checkpoint and run test images through the RTL; every layer is compared with the integer model."""
    from wsfracbnn.gen.simulation.selection import BENCH, chosen_simulators, chosen_tests, names_of_tests

    # What can be refused at once is, before PyTorch is loaded.
    simulators = chosen_simulators(simulator)
    if wave_depth is not None and not waves:
        raise InputError("--wave-depth: nothing is recorded without --waves")
    asked = chosen_tests(names_of_tests(NETWORK_TESTBENCH / f"{BENCH}.py"), tests)
    from wsfracbnn.gen.simulation.run import EXACTNESS_TEST

    exactness = EXACTNESS_TEST in asked
    _require_record(results, page, exactness)

    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.emission.folder import emit
    from wsfracbnn.gen.simulation import regression
    from wsfracbnn.gen.simulation.record import run_rows
    from wsfracbnn.gen.simulation.waves import Waves
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.files import working_in
    from wsfracbnn.model.lower import lower_checkpoint
    from wsfracbnn.model.measure import measure

    checkpoint = load_checkpoint(weights)
    dataset = dataset_of(checkpoint, data, bad_pictures)
    description, reference = lower_checkpoint(checkpoint), torch_reference(checkpoint)
    folding = folding_of(description, fold, lut_inputs)
    given = {"--weights": weights, "--fold": fold, "--lut-inputs": lut_inputs, "--data": data, "--seed": seed}
    options = " ".join(f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None)
    counts = regression.image_counts(simulators, images, dataset)
    runs = regression.Runs(
        images=counts,
        commands={
            name: f"wsfracbnn sim {options} --simulator {name} --images {count}" for name, count in counts.items()
        },
        tests=tests,
        waves=Waves(wave_depth or 0) if waves else None,
        seed=seed,
    )
    with working_in(out, "name another folder: --out"):
        folder = out / description.name
        samples, labels = regression.sample_images(dataset, runs.most_images)
        design = emit(description, folding, folder, samples, labels, reference=reference, force=force)
        console.print(report.design_table(design))
        accuracy, _ = measure(description, dataset)
        console.print(f"integer model: top-1 {accuracy:.2f} % on all {len(dataset.test_labels)} test images")
        console.print(f"PyTorch eval forward == integer model, every layer of {len(samples)} images")
        _announce_recording(runs, design)
        measured = _simulate_with_progress(folder, runs)
        _print_results(measured)
        shape = {"--weights": str(weights), "--fold": fold}
        figures = regression.write_summary(out / "summary.json", design, accuracy, measured, shape)
        _draw_occupancy(measured, design, out)
        _write_report(out)
        _print_waves(measured, design)
        failures = regression.failures_of(measured, counts, exactness)
    figures |= {"failures": failures}
    if not _print_verdict(measured, failures, out, None if exactness else tests):
        raise CheckFailedError(figures)
    if results is not None:
        _record(results, page, run_rows(design, fold, measured))
    return figures


def _require_record(results: Path | None, page: Path | None, exactness: bool) -> None:
    """Try what will be recorded, and where, before the work."""
    if results is None:
        if page is not None:
            raise InputError("--page: found without --results, expected the file whose rows it shows")
        return
    if not exactness:
        raise InputError("--results: found with --tests that compare no images, expected those that do")

    from wsfracbnn.cli.markdown import require_section
    from wsfracbnn.gen.simulation.record import read_run_rows
    from wsfracbnn.model.files import require_writable

    require_writable(results)
    read_run_rows(results)
    if page is not None:
        require_section(page, "simulation")


def _record(results: Path, page: Path | None, rows: Sequence[RunRow]) -> None:
    """Add rows to a file of results, and show them all on a page."""
    from wsfracbnn.cli.markdown import replace_section
    from wsfracbnn.gen.simulation.record import add_run_rows, run_table

    held = add_run_rows(results, rows)
    if page is not None:
        replace_section(page, "simulation", run_table(held))


def _announce_recording(runs: Runs, design: AcceleratorDesign) -> None:
    """Say so where recording the waveforms will take minutes."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.simulation.views import PATIENCE_S, expected_seconds

    if runs.waves is None or runs.waves.depth:
        return
    for name, count in runs.images.items():
        seconds = expected_seconds(name, design, count)
        if seconds > PATIENCE_S:
            minutes = f"about {seconds / 60:,.0f} minutes" if seconds >= 120 else "more than a minute"
            console.print(
                f"{name}: recording all levels of {count} images takes {minutes}; --wave-depth 2 records the streams "
                "alone, --images 1 one image",
                markup=False,
                highlight=False,
            )


def _print_waves(results: Sequence[SimulationResult], design: AcceleratorDesign) -> None:
    """Where the waveforms are, and how they are opened."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.simulation.views import write_views

    for result in results:
        if result.waves is None:
            continue
        views = write_views(result.waves, design)
        file, gtkwave, surfer = (shlex.quote(str(path)) for path in (result.waves, views["gtkwave"], views["surfer"]))
        lines = (
            f"{result.simulator}: waveforms in {result.waves}; open them with",
            f"  gtkwave {file} {gtkwave}",
            f"  surfer {file} -c {surfer}",
        )
        console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _simulate_with_progress(folder: Path, runs: Runs) -> list[SimulationResult]:
    """Every simulator, each with a bar of its images."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from wsfracbnn.cli.console import console
    from wsfracbnn.gen.simulation.regression import run_simulators

    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bars:
        tasks = {name: bars.add_task(f"{name} (building)", total=count) for name, count in runs.images.items()}

        def advance(name: str, done: int) -> None:
            bars.update(tasks[name], description=name, completed=done)

        return run_simulators(folder, runs, advance)


def _print_results(results: Sequence[SimulationResult]) -> None:
    from wsfracbnn.cli import report
    from wsfracbnn.cli.console import console

    if all(result.layers for result in results):
        console.print(report.layer_table(results))
    console.print(report.simulator_table(results))
    for result in results:
        if result.busy:
            name, share = max(result.busy.items(), key=lambda item: item[1])
            console.print(
                f"{result.simulator}: {name}'s engine is the busiest, at work {100 * share:.1f} % of the time"
            )


def _draw_occupancy(results: Sequence[SimulationResult], design: AcceleratorDesign, out: Path) -> None:
    """occupancy.svg of the last simulator that measured it."""
    from wsfracbnn.gen.emission.draw import draw_occupancy
    from wsfracbnn.gen.simulation.run import OCCUPANCY_IMAGES

    shown = next((result for result in reversed(results) if result.occupancy), None)
    if shown is not None:
        title = f"{design.name}, simulated in {shown.simulator}"
        draw_occupancy(shown.occupancy, design.occupancy_interval, OCCUPANCY_IMAGES, title, out / "occupancy.svg")


def _write_report(out: Path) -> None:
    """report.html, and a line that says where; no reason why it cannot be written keeps the verdict back."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.report_page import write_beside_simulation

    try:
        said = str(write_beside_simulation(out))
    except InputError as error:
        said = f"not written: {error}"
    console.print(f"report: {said}", markup=False, highlight=False)


def _print_verdict(results: Sequence[SimulationResult], failures: Sequence[str], out: Path, tests: str | None) -> bool:
    """Print the failures or what was shown; True where there are none.

    tests: those that were asked for, if the one that compares images was not among them.
    """
    from wsfracbnn.cli.console import console

    def verdict(text: str, colour: str) -> None:
        console.print(text, style=f"bold {colour}", markup=False, highlight=False)

    for failure in failures:
        console.print(failure, style="red", markup=False, highlight=False)
    if failures:
        verdict(f"{'NOT bit-exact' if tests is None else 'FAILED'}; logs and waveforms are under {out}", "red")
    elif tests is not None:
        verdict(f"passed: the tests that match '{tests}'", "green")
    else:
        images = " and ".join(f"{counted(result.images, 'image')} in {result.simulator}" for result in results)
        verdict(f"bit-exact: {images}, every layer, equal to PyTorch", "green")
    return not failures
