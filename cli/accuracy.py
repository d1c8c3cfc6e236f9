# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn accuracy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.options import Compiled, DataFolder, Graphs
from wsfracbnn.model.errors import InputError


def accuracy(
    plan: Annotated[Path, typer.Option(help="TOML plan of runs; configs/accuracy.toml is the full comparison.")],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoints; a second call goes on there.")] = Path(
        "build/accuracy"
    ),
    data: DataFolder = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs side by side.")] = 1,
    compiled: Compiled = None,
    graphs: Graphs = None,
    results: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("results/accuracy.json"),
    earlier: Annotated[
        Path | None, typer.Option(help="Results of an earlier plan, whose rows stay where this plan has none.")
    ] = None,
    readme: Annotated[Path | None, typer.Option(help="Markdown file whose section 'accuracy' gets the table.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Folder for the curves, a picture per dataset.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Folder that gets each dataset's best WSFracBNN, one bit a weight, and its card."),
    ] = None,
    collect_only: Annotated[bool, typer.Option("--collect-only", help="Train nothing; use what there is.")] = False,
) -> None:
    """Train WSFracBNN, FracBNN and the ablations by a plan, and make the accuracy table from what they reach."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.markdown import replace_section
    from wsfracbnn.model import experiments
    from wsfracbnn.model.binarize import binarize
    from wsfracbnn.model.card import model_card
    from wsfracbnn.model.checkpoint import save_checkpoint
    from wsfracbnn.model.curves import draw_curves

    runs = experiments.read_plan(plan, out)
    failed = []
    if not collect_only:
        arguments = [] if data is None else ["--data", str(data)]
        if compiled is not None:
            arguments.append("--compile" if compiled else "--no-compile")
        if graphs is not None:
            arguments.append("--cuda-graphs" if graphs else "--no-cuda-graphs")
        failed = experiments.carry_out(runs, jobs, arguments, console.print)
    found = experiments.collect(runs, plan.name)
    if earlier is not None:
        found = experiments.merge(found, experiments.read_results(earlier))
    if not found:
        raise InputError(f"{out}: no checkpoint of {plan} there yet, and no --earlier results")
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(found, indent=2) + "\n")
    text = experiments.table(found)
    console.print(text, markup=False)
    if readme is not None:
        replace_section(readme, "accuracy", f"{text}\n\n{experiments.margins(found)}".rstrip())
    if curves is not None:
        for dataset in dict.fromkeys(run.role.split(".")[0] for run in runs):
            logs = {
                r.out.stem.split(".", 1)[1]: r.log for r in runs if r.role.split(".")[0] == dataset and r.log.is_file()
            }
            if logs:
                draw_curves(logs, curves / f"curves-{dataset}.svg")
    if bundle is not None:
        for name, best in experiments.best_networks(runs).items():
            published = binarize(best)
            save_checkpoint(published, bundle / f"{name}.pt")
            (bundle / f"{name}.md").write_text(model_card(published, f"{name}.pt"))
    if failed:
        raise typer.Exit(1)
