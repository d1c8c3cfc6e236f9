# SPDX-License-Identifier: Apache-2.0
"""`make sim`: emit a checkpoint, run real test images through the RTL in both simulators, report, summarize."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from wsfracbnn.gen import report
from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emit import emit
from wsfracbnn.gen.simulate import SIMULATORS, SimulationResult, require_simulator, simulate
from wsfracbnn.gen.solver import choose
from wsfracbnn.gen.vectors import write_vectors
from wsfracbnn.model.checkpoint import Checkpoint
from wsfracbnn.model.data.dataset import Dataset
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.fold import fold_checkpoint
from wsfracbnn.model.measure import measure
from wsfracbnn.model.networks.wsfracbnn import WSFracBNN

OCCUPANCY_IMAGES = 6.0
"""Images' time that the occupancy picture shows: the pipeline filling, then at work."""
DEFAULT_IMAGES = {"icarus": 8, "verilator": 100}


def run_regression(
    console: Console,
    checkpoint: Checkpoint,
    dataset: Dataset,
    out: Path,
    *,
    fold: str,
    simulator: str,
    images: int | None,
    tests: str | None,
    waves: bool,
    seed: int,
    reproduce: str,
) -> bool:
    """Run everything and write `out`/summary.json; True where all is bit-exact.

    Raises:
        InputError: unknown simulator, one that is missing, or a design that does not build.
    """
    if simulator != "all" and simulator not in SIMULATORS:
        raise InputError(f"--simulator: found '{simulator}', expected {', '.join(SIMULATORS)} or all")
    simulators = SIMULATORS if simulator == "all" else (simulator,)
    for name in simulators:
        require_simulator(name)
    description = fold_checkpoint(checkpoint)
    folder = out / description.name
    design = emit(description, choose(description, fold), folder, *checkpoint.sample_arrays())
    console.print(report.design_table(design))
    accuracy, _ = measure(description, dataset)
    console.print(f"integer model: top-1 {accuracy:.2f} % on all {len(dataset.test_labels)} test images")

    counts = {name: min(images or DEFAULT_IMAGES[name], len(dataset.test_images)) for name in simulators}
    chosen = np.linspace(0, len(dataset.test_images) - 1, max(counts.values())).astype(int)
    vectors = out / "vectors.npz"
    write_vectors(vectors, description, dataset.test_images[chosen], dataset.test_labels[chosen])
    torch_logits = _torch_streams_agree(checkpoint, vectors)
    console.print(f"PyTorch eval forward == integer model, every layer of {torch_logits} images")

    results: list[SimulationResult] = []
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        for name in simulators:
            task = bar.add_task(f"{name} (building)", total=counts[name])

            def advance(done: int, task: object = task, name: str = name) -> None:
                bar.update(task, description=name, completed=done)  # type: ignore[arg-type]

            results.append(
                simulate(
                    folder,
                    name,
                    vectors,
                    counts[name],
                    tests=tests,
                    waves=waves,
                    seed=seed,
                    reproduce=f"{reproduce} --simulator {name} --images {counts[name]}",
                    progress=advance,
                )
            )
    if all(result.layers for result in results):
        console.print(report.layer_table(results))
    console.print(report.simulator_table(results))
    _write_summary(out / "summary.json", design, accuracy, results)
    for result in results:
        if result.busy:
            name, share = max(result.busy.items(), key=lambda item: item[1])
            console.print(
                f"{result.simulator}: {name}'s engine is the busiest, at work {100 * share:.1f} % of the time"
            )
    shown = next((result for result in reversed(results) if result.occupancy), None)
    if shown is not None:
        from wsfracbnn.gen.draw import draw_occupancy  # imported here: matplotlib takes a second

        draw_occupancy(shown.occupancy, design.occupancy_interval, OCCUPANCY_IMAGES, out / "occupancy.svg")
    return _verdict(console, results, out, tests)


def _torch_streams_agree(checkpoint: Checkpoint, vectors: Path) -> int:
    """Compare PyTorch's eval forward with the vector file's streams; returns the number of images."""
    network = checkpoint.network()
    assert isinstance(network, WSFracBNN)  # fold_checkpoint has refused anything else
    with np.load(vectors) as golden:
        images = golden["images"]
        streams = network.trace(torch.from_numpy(images).permute(0, 3, 1, 2))
        for name, stream in streams.items():
            expected = golden["logits"] if name == "logits" else golden[f"stream_{name}"]
            found = stream.numpy() if name == "logits" else stream.permute(0, 2, 3, 1).numpy()
            if not np.array_equal(found, expected):
                at = tuple(int(i) for i in np.argwhere(found != expected)[0])
                raise AssertionError(f"{name} at {at}: PyTorch {found[at]}, integer model {expected[at]}")
    return len(images)


def _write_summary(path: Path, design: AcceleratorDesign, accuracy: float, results: list[SimulationResult]) -> None:
    summary = {
        "network": design.name,
        "folding": design.folding,
        "accuracy": round(accuracy, 4),
        "layers": len(design.stages),
        "simulators": {result.simulator: result.to_json() for result in results},
    }
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(json.dumps(summary, indent=2) + "\n")
    temporary.replace(path)


def _verdict(console: Console, results: list[SimulationResult], out: Path, tests: str | None) -> bool:
    failures = [f"{result.simulator}: {failure}" for result in results for failure in result.failures]
    failures += [f"{r.simulator}: {r.mismatches} mismatches" for r in results if r.mismatches and not r.failures]
    if not tests:
        failures += [f"{r.simulator}: no image was compared" for r in results if not r.images and not r.failures]
    for failure in failures:
        console.print(failure, style="red", markup=False, highlight=False)
    if failures:
        console.print(f"NOT bit-exact; logs and waveforms are under {out}", style="bold red", highlight=False)
        return False
    if not all(result.images for result in results):
        console.print(f"passed: the tests that match '{tests}'", style="bold green", highlight=False)
        return True
    images = " and ".join(f"{result.images} images in {result.simulator}" for result in results)
    console.print(f"bit-exact: {images}, every layer, equal to PyTorch", style="bold green", highlight=False)
    return True
