# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn accuracy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.figures import CheckFailedError, Figures
from wsfracbnn.cli.options import Compiled, DataFolder, Graphs, bundled_plan, plans_begun
from wsfracbnn.model.errors import InputError


def accuracy(
    plan: Annotated[
        Path,
        typer.Option(
            help="TOML plan of runs, or the name of a bundled one; accuracy is the full comparison.",
            callback=bundled_plan,
            autocompletion=plans_begun,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the checkpoints; a second call goes on there.")] = Path(
        "build/accuracy"
    ),
    data: DataFolder = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Runs side by side; default one a processor, of one thread each.")
    ] = None,
    compiled: Compiled = None,
    graphs: Graphs = None,
    results: Annotated[
        Path,
        typer.Option(
            help="JSON file of rows, which gets those of this plan's runs; results/accuracy.json is the project's own."
        ),
    ] = Path("build/accuracy.json"),
    page: Annotated[Path | None, typer.Option(help="Markdown file whose section 'accuracy' gets the table.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Folder for the curves, a picture per dataset.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Folder that gets each dataset's best WSFracBNN, one bit a weight, and its card."),
    ] = None,
    collect_only: Annotated[bool, typer.Option("--collect-only", help="Train nothing; use what there is.")] = False,
) -> Figures:
    """Train WSFracBNN, FracBNN and the ablations by a plan, and make the accuracy table from what they reach."""
    from wsfracbnn.cli.console import console
    from wsfracbnn.cli.markdown import replace_section, require_section
    from wsfracbnn.model.binarize import binarize
    from wsfracbnn.model.card import model_card
    from wsfracbnn.model.checkpoint import save_checkpoint
    from wsfracbnn.model.files import require_folder, require_writable, updating, write_text
    from wsfracbnn.model.processors import processors
    from wsfracbnn.model.training.curves import draw_curves
    from wsfracbnn.model.training.outcomes import best_networks, collect
    from wsfracbnn.model.training.outcomes import curves as curves_of
    from wsfracbnn.model.training.plan import read_plan
    from wsfracbnn.model.training.results import AccuracyResults, read_results
    from wsfracbnn.model.training.side_by_side import carry_out

    require_writable(results)
    earlier = read_results(results) if results.exists() else AccuracyResults()
    require_folder(*(folder for folder in (out, curves, bundle) if folder is not None))
    if page is not None:
        require_section(page, "accuracy")
    runs = read_plan(plan, out)
    failed = []
    if collect_only:
        for option, value in {"--data": data, "--jobs": jobs, "--compile": compiled, "--cuda-graphs": graphs}.items():
            if value is not None:
                raise InputError(f"{option}: is for training, expected no such option beside --collect-only")
    else:
        arguments = []
        if compiled is not None:
            arguments.append("--compile" if compiled else "--no-compile")
        if graphs is not None:
            arguments.append("--cuda-graphs" if graphs else "--no-cuda-graphs")
        failed = carry_out(runs, jobs or processors(), arguments, console.print, data)
    collected = collect(runs, plan.name)
    if not collected.rows and not earlier.rows:
        raise InputError(f"{out}: no checkpoint of {plan} there yet, and no rows in {results}")
    with updating(results):
        earlier = read_results(results) if results.exists() else AccuracyResults()
        found = earlier.updated(collected)
        write_text(results, found.to_json())
    console.print(found.table(), markup=False)
    if page is not None:
        replace_section(page, "accuracy", found.text())
    if curves is not None:
        for dataset, trained in curves_of(runs).items():
            draw_curves(trained, f"{dataset}: runs of {plan.stem}", curves / f"curves-{dataset}.svg")
    if bundle is not None:
        for name, best in best_networks(runs).items():
            published = binarize(best)
            save_checkpoint(published, bundle / f"{name}.pt")
            write_text(bundle / f"{name}.md", model_card(published, f"{name}.pt"))
    figures: Figures = json.loads(found.to_json()) | {"failed": [run.out.stem for run in failed]}
    if failed:
        raise CheckFailedError(figures)
    return figures
