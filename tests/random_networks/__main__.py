# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.random_networks`: emit, lint and simulate random networks; exit code 1 where one is not exact."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import torch
import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.files import require_writable, write_text

from .example import FOLDER, require_exact_in
from .search import Failure, search

KEPT = ROOT / "build" / "random_networks"
ROUNDS = 4


def main(
    count: Annotated[int, typer.Option(min=1, help="Networks.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of all of them.")] = 1,
    first: Annotated[int, typer.Option(min=0, help="Number to begin at: to go on, or to do one again.")] = 0,
    keep: Annotated[Path, typer.Option(help="Folder for the networks that fail.", show_default=False)] = KEPT,
    results: Annotated[Path | None, typer.Option(help="JSON file that the figures are written to.")] = None,
) -> Figures:
    """Emit, lint and simulate networks drawn at random; of one that fails, keep the smallest that fails as well."""
    if results is not None:
        require_writable(results)
    torch.set_num_threads(1)
    console.print(f"seed {seed}, networks {first} to {first + count - 1}", highlight=False)
    failures = []
    with bar_of("networks", count) as show:
        for done, number in enumerate(range(first, first + count)):
            show(done)
            failure = search(seed, number, rounds=ROUNDS)
            if failure is not None:
                failures.append(number)
                tell(failure, seed, keep / f"seed{seed}-{number}")
        show(count)
    figures = {"total": count, "exact": count - len(failures), "seed": seed, "first": first, "failed": failures}
    console.print(f"{figures['exact']} of {count} networks are exact, without a warning", highlight=False)
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    if failures:
        raise CheckFailedError(figures)
    return figures


def tell(failure: Failure, seed: int, folder: Path) -> None:
    """Keep the smallest failing network as `folder`/net and say what it is, how it fails, and what does it again."""
    example = failure.example
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        require_exact_in(example, folder)
    except Exception as error:
        console.print(f"{type(error).__name__}: {error}", markup=False, highlight=False)
    net = folder / FOLDER
    if not (net / "net.json").is_file():  # it cannot be emitted
        net.mkdir(exist_ok=True)
        example.description.save(net)
        write_text(net / "fold.json", example.folding.text())
    write_text(folder / "failure.txt", failure.message + "\n")
    for line in (
        f"network {failure.number}: {failure.message}",
        f"smallest that fails: {example.summary}",
        f"  wsfracbnn sim --weights {net} --fold {net}/fold.json --simulator {example.simulator}",
        f"  python -m tests.random_networks --seed {seed} --first {failure.number} --count 1",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
