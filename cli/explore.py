# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn explore`: many foldings, devices and seeds, to the best design."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wsfracbnn.cli.emit import Force
from wsfracbnn.cli.figures import CheckFailedError, Figures
from wsfracbnn.cli.inspect import dataset_of
from wsfracbnn.cli.options import REFUSE, BadPictures, DataFolder, Weights
from wsfracbnn.gen.devices import SPEED_GRADES, routable_devices
from wsfracbnn.gen.explore.objective import FIGURES, parse_objective
from wsfracbnn.gen.synthesis.nextpnr import PLACERS, ROUTERS, PlaceAndRoute
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.extras import require_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wsfracbnn.gen.explore.jobs import Stimulus
    from wsfracbnn.gen.explore.results import Exploration
    from wsfracbnn.model.checkpoint import Checkpoint
    from wsfracbnn.model.data.dataset import Dataset
    from wsfracbnn.model.description import NetworkDescription

_FIGURES = ", ".join(FIGURES)

Limit = list[str] | None


def explore(
    weights: Weights,
    fold: Annotated[
        str,
        typer.Option(
            help="Foldings, with commas between: what emit takes, fit (the fastest that is estimated to fit each "
            "device), or cycles=A..B (all that the solver finds)."
        ),
    ] = "auto",
    devices: Annotated[
        str, typer.Option(help=f"Some of {', '.join(routable_devices())}, with commas between.")
    ] = "ecp5-85f",
    speed: Annotated[
        str, typer.Option(help=f"Speed grades, some of {', '.join(map(str, SPEED_GRADES))}, with commas between.")
    ] = str(SPEED_GRADES[0]),
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Of the placer: 1 to this.")] = 5,
    objective: Annotated[str, typer.Option(help=f"Figure that is made best: {_FIGURES}.")] = "images_per_s",
    at_least: Annotated[
        Limit, typer.Option(metavar="FIGURE=N", help="Limit of the best design; may be repeated.", show_default=False)
    ] = None,
    at_most: Annotated[
        Limit, typer.Option(metavar="FIGURE=N", help="Limit of the best design; may be repeated.", show_default=False)
    ] = None,
    keep: Annotated[
        int, typer.Option(min=1, help="Foldings of each device that are synthesized, the most promising ones.")
    ] = 8,
    mhz: Annotated[float, typer.Option(help="Clock to aim at.")] = 150.0,
    placer: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(PLACERS)}.")] = PLACERS[0],
    router: Annotated[str, typer.Option(help=f"nextpnr's: {' or '.join(ROUTERS)}.")] = ROUTERS[0],
    images: Annotated[
        int | None, typer.Option(min=1, help="Test images that are simulated under Verilator; default 100.")
    ] = None,
    data: DataFolder = None,
    bad_pictures: BadPictures = REFUSE,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Of a Dask scheduler, tcp://HOST:PORT; default a cluster of this machine.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Steps at once on this machine; default its cores.", show_default=False)
    ] = None,
    patience: Annotated[float, typer.Option(min=1, help="Seconds to wait for a scheduler with a worker.")] = 120.0,
    out: Annotated[Path, typer.Option(help="Folder of all results, of the report and of the best design.")] = Path(
        "build/explore"
    ),
    cache: Annotated[Path, typer.Option(help="Folder of tool runs on this machine, by hash.")] = Path(
        "build/synthesis"
    ),
    results: Annotated[Path, typer.Option(help="JSON file that gets a row for each synthesis and each seed.")] = Path(
        "build/hardware.json"
    ),
    force: Force = False,
) -> Figures:
    """Foldings x devices x seeds: estimated, synthesized, routed, simulated; the front and the best design."""
    require_extra("explore")
    wanted = parse_objective(objective, at_least or (), at_most or ())
    if jobs is not None and scheduler is not None:
        raise InputError(f"--jobs: found {jobs}, but the workers are those of --scheduler {scheduler}")
    if scheduler is not None and not re.fullmatch(r"\w+://[^/\s]+:\d+", scheduler):
        raise InputError(f"--scheduler: found {shown(scheduler)}, expected tcp://HOST:PORT")

    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.exploration import print_exploration, print_verdict, say, step_bars
    from wsfracbnn.cli.report_page import write_for_exploration
    from wsfracbnn.gen.explore.best import emit_best
    from wsfracbnn.gen.explore.cluster import Cluster
    from wsfracbnn.gen.explore.jobs import JobList
    from wsfracbnn.gen.explore.records import hardware_results
    from wsfracbnn.gen.explore.results import collected, write_exploration
    from wsfracbnn.gen.explore.runner import carry_out
    from wsfracbnn.gen.explore.space import candidates, parse_devices, parse_speeds, worth_it
    from wsfracbnn.gen.explore.store import Store
    from wsfracbnn.gen.report.simulated import SimulatorRun
    from wsfracbnn.gen.synthesis.record import HardwareResults, add_results
    from wsfracbnn.model.checkpoint import load_checkpoint
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.files import require_folder, require_writable, working_in
    from wsfracbnn.model.lower import lower_checkpoint

    given = {"--weights": weights, "--data": data}
    chosen_devices, speeds = parse_devices(devices), parse_speeds(speed)
    asked = [
        PlaceAndRoute(device.name, mhz, grade, seed, placer, router)
        for device in chosen_devices
        for grade in speeds
        for seed in range(1, seeds + 1)
    ]
    require_folder(out, cache)
    require_writable(results)
    HardwareResults.read(results)
    checkpoint = load_checkpoint(weights)
    description = lower_checkpoint(checkpoint)
    with console.status("estimating"):
        found = candidates(description, fold, chosen_devices)
        kept = worth_it(found, wanted, keep)
    say(f"estimated: {len(found)} designs, of which {len(kept)} are worth a synthesis")
    if not kept:
        raise InputError(
            f"--devices: none of the {len(found)} designs is estimated to fit, expected a larger device or a smaller "
            "--fold"
        )
    with working_in(out, "name another folder: --out"):
        accuracy, stimulus = _stimulus(
            checkpoint, description, images, dataset_of(checkpoint, data, bad_pictures), given
        )
        workers = jobs or os.cpu_count() or 1
        with Cluster(scheduler, workers, None if scheduler else cache, patience_s=patience) as cluster:
            say(f"dashboard: {cluster.dashboard}")
            listed = JobList(description, stimulus, cluster.tools)
            designs = {
                candidate: listed.add(candidate, [one for one in asked if one.device == candidate.device.name])
                for candidate in kept
            }
            with step_bars(len(found), listed.jobs.values()) as tell:
                outcomes = carry_out(list(listed.jobs.values()), cluster, Store(out / "results"), tell, say)
        exploration = collected(description, wanted, found, designs, outcomes, asked)
        write_exploration(out, exploration)
        add_results(results, hardware_results(designs, outcomes))
        print_exploration(exploration)
        folder = None
        if exploration.best is not None:
            best = exploration.results[exploration.best]
            candidate = next(one for one in kept if (one.fold, one.device.name) == (best.fold, best.device))
            run = outcomes[designs[candidate].simulation]
            assert isinstance(run, SimulatorRun)  # of a design that is bit-exact
            folder = emit_best(
                out,
                candidate.design,
                run,
                stimulus,
                torch_reference(checkpoint),
                accuracy=accuracy,
                options={"--weights": str(weights), "--fold": candidate.fold},
                force=force,
            )
            say(f"best design ({wanted.words}): {folder}")
            write_for_exploration(out, results, cache)
    if not print_verdict(exploration):
        raise CheckFailedError(_figures(exploration, folder))
    return _figures(exploration, folder)


def _stimulus(
    checkpoint: Checkpoint,
    description: NetworkDescription,
    images: int | None,
    dataset: Dataset,
    given: Mapping[str, object],
) -> tuple[float, Stimulus]:
    """Top-1 of the integer model, and what is simulated, on which it was compared with PyTorch.

    Raises:
        InputError: fewer images than asked for, or the network cannot be emitted exactly.
    """
    from wsfracbnn.cli.progress import bar_of
    from wsfracbnn.gen.emission.vectors import require_equal
    from wsfracbnn.gen.explore.jobs import Stimulus
    from wsfracbnn.gen.explore.probe import SIMULATOR
    from wsfracbnn.gen.simulation.regression import image_counts, sample_images
    from wsfracbnn.model import golden
    from wsfracbnn.model.exactness import torch_reference
    from wsfracbnn.model.measure import measure

    count = image_counts([SIMULATOR], images, dataset)[SIMULATOR]
    samples, labels = sample_images(dataset, count)
    trace = golden.run(description, samples)
    streams = {name: layer.output for name, layer in trace.layers.items()}
    require_equal(torch_reference(checkpoint)(samples), {**streams, "logits": trace.logits})
    with bar_of("images through the integer model", len(dataset.test_labels)) as progress:
        accuracy, _ = measure(description, dataset, progress)
    options = " ".join(f"{name} {shlex.quote(str(value))}" for name, value in given.items() if value is not None)
    return accuracy, Stimulus(samples, labels, options)


def _figures(exploration: Exploration, folder: Path | None) -> Figures:
    """What `--json` gives: exploration.json, places of the front among its results, the best design's folder."""
    places = [exploration.results.index(result) for result in exploration.front]
    return exploration.model_dump(mode="json") | {"front": places, "folder": None if folder is None else str(folder)}
