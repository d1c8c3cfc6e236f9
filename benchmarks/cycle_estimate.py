# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of an image beside simulated ones, for the presets and for random foldings of the digits network.

    .venv/bin/python benchmarks/cycle_estimate.py [--foldings N] [--images N] [--seed N] [--results FILE]

Simulates the digits of the checkpoint in Icarus Verilog, which needs no compilation; prints a line for each folding and
fails where an estimate is more than TOLERANCE off. Half a minute a folding. --results adds the presets' cycles and the
worst estimate to a file of figures.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.gen.simulation.run import EXACTNESS_TEST, simulate
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.presets import PRESETS, preset, stage_choices, stage_cycles
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable
from wsfracbnn.model.lower import lower_checkpoint

TOLERANCE = 0.03

SLOWEST = 3000
"""Cycles of a stage of a random folding at most: slower ones would take the simulator's time and show no more."""


def random_folding(description: NetworkDescription, generator: random.Random) -> Folding:
    """Any fold of each stage that is not slower than SLOWEST."""
    folds = {}
    for name, layer in description.named_layers():
        folds[name] = generator.choice([f for f in stage_choices(layer) if stage_cycles(layer, f) <= SLOWEST])
    return Folding(folds)


def simulated_cycles(description: NetworkDescription, folding: Folding, images: int) -> int:
    """Cycles from one image to the next, as the testbench measures them; every value is compared, too.

    Raises:
        InputError: the simulation failed.
    """
    samples = load_checkpoint(CHECKPOINTS / "digits.pt").samples
    assert samples is not None
    pictures = samples["images"].numpy()
    repeated = pictures[[n % len(pictures) for n in range(images)]]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "net"
        emit(description, folding, folder, repeated)
        result = simulate(folder, "icarus", folder / "vectors.npz", images, tests=EXACTNESS_TEST)
    if result.failures or result.cycles_per_image is None:
        raise InputError(f"simulation: {'; '.join(result.failures) or 'no rate measured'}")
    return result.cycles_per_image


def main(
    foldings: Annotated[int, typer.Option(help="Random foldings beside the presets.")] = 20,
    images: Annotated[int, typer.Option(help="Images that are simulated.")] = 12,
    seed: Annotated[int, typer.Option(help="Of the random foldings.")] = 1,
    results: Annotated[Path | None, typer.Option(help="JSON file of figures; results/figures.json.")] = None,
) -> None:
    """Print estimate and simulation."""
    from benchmarks.figures import add_figures, read_figures

    if results is not None:
        require_writable(results)
        read_figures(results)
    description = lower_checkpoint(load_checkpoint(CHECKPOINTS / "digits.pt"))
    generator = random.Random(seed)
    asked = {f"random {number}": random_folding(description, generator) for number in range(1, foldings + 1)}
    asked |= {name: preset(description, name) for name in sorted(PRESETS)}
    worst, figures = 0.0, {}
    for name, folding in asked.items():
        design = build_design(description, folding)
        expected, simulated = cycles_per_image(design), simulated_cycles(description, folding, images)
        off = expected / simulated - 1
        worst = max(worst, abs(off))
        if name in PRESETS:
            figures[f"digits, {name}: cycles an image"] = float(simulated)
        print(
            f"{name:10} work {design.cycles:6,}  estimate {expected:6,}  simulated {simulated:6,}  {off:+.1%}",
            flush=True,
        )
    if results is not None:
        figures |= {"estimated cycles: foldings": len(asked), "estimated cycles: worst, %": round(100 * worst, 2)}
        add_figures(results, figures)
    print(f"worst {worst:.1%}, at most {TOLERANCE:.0%} wanted")
    if worst > TOLERANCE:
        raise InputError(f"an estimate is {worst:.1%} off, expected at most {TOLERANCE:.0%}")


if __name__ == "__main__":
    # As a script this file's folder is on the path, and not the one that `benchmarks` is in.
    sys.path.insert(0, str(ROOT))
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(main)
    run(command)
