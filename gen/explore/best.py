# SPDX-License-Identifier: Apache-2.0
"""The best design's folder: emitted as it was simulated, with the summary of its simulation beside it."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import emit_design
from wsfracbnn.gen.emission.vectors import Reference
from wsfracbnn.gen.explore.jobs import Stimulus
from wsfracbnn.gen.explore.probe import SIMULATOR
from wsfracbnn.gen.explore.results import BEST
from wsfracbnn.gen.report.simulated import SUMMARY, SimulatorRun
from wsfracbnn.gen.simulation.regression import write_summary
from wsfracbnn.gen.simulation.run import SimulationResult


def emit_best(
    out: Path,
    design: AcceleratorDesign,
    run: SimulatorRun,
    stimulus: Stimulus,
    reference: Reference | None,
    *,
    accuracy: float,
    options: dict[str, str],
    force: bool,
) -> Path:
    """Emit a design under `out`, in the layout of `wsfracbnn sim`; returns the emitted folder.

    Args:
        run: its simulation. reference: what the golden vectors must equal.
        accuracy: top-1 of the integer model on the whole test set, percent.
        options: '--weights' and '--fold' of commands that make more of it.
        force: whether to replace emitted files that were changed since.
    Raises:
        InputError: the folder cannot be written, or holds what only `force` replaces.
    """
    folder = out / BEST / design.name
    emit_design(design, folder, stimulus.images, stimulus.labels, reference=reference, force=force)
    result = SimulationResult(
        simulator=SIMULATOR,
        images=run.images,
        correct=run.correct,
        mismatches=run.mismatches,
        cycles_per_image=run.cycles_per_image,
        latency_cycles=run.latency_cycles,
        seconds=run.seconds,
        layers=tuple(layer.model_dump() for layer in run.layers),
        failures=run.failures,
        busy=run.busy,
        occupancy={name: list(counts) for name, counts in run.occupancy.items()},
        tests=run.tests,
        command=run.command,
    )
    write_summary(out / BEST / SUMMARY, design, accuracy, [result], options)
    return folder
