# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.soft_errors`: how often a flipped bit changes the class, and whether the next image is right."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT
from wsfracbnn.model.files import require_writable, working_in, write_text

from .run import Row, flip_bits, table_of

COLUMNS = {
    "kind": "bits of",
    "bits": "bits",
    "flips": "flips",
    "reported": "reported",
    "unseen": "result right",
    "logits": "logits wrong",
    "changed": "class wrong",
    "missing": "no result",
    "next": "next image right",
    "reset": "right after reset",
    "stays": "wrong after reset",
}


def main(
    weights: Annotated[Path, typer.Option(help="Checkpoint with sample images.", show_default=False)] = CHECKPOINTS
    / "digits.pt",
    fold: Annotated[str, typer.Option(help="As of `wsfracbnn emit`.")] = "auto",
    flips: Annotated[int, typer.Option(min=1, help="Single bits, by turns of each kind.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Of places, images, moments.")] = 1,
    rom_parity: Annotated[
        bool, typer.Option("--rom-parity", help="Of an accelerator that checks its constant memories.")
    ] = False,
    results: Annotated[Path | None, typer.Option(help="JSON file that the figures are written to.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'soft_errors'.")] = None,
) -> Figures:
    """Flip bits of an emitted network in simulation. What was done is kept; the same command goes on."""
    if results is not None:
        require_writable(results)
    if page is not None:
        require_section(page, "soft_errors")
    torch.set_num_threads(1)
    console.print(f"seed {seed}", highlight=False)
    key = hashlib.sha256(f"{weights.resolve()} {fold} {seed} {rom_parity}".encode()).hexdigest()[:10]
    folder = ROOT / "build" / "soft_errors" / key
    with working_in(folder), bar_of("flips", flips) as show:
        rows = flip_bits(weights, fold, flips, seed, folder, show, rom_parity=rom_parity)
    table = table_of(rows)
    shown = Table(title=f"single bits of {weights.stem}, {fold}")
    for name, title in COLUMNS.items():
        shown.add_column(title, justify="left" if name == "kind" else "right")
    for row in table:
        shown.add_row(*(cell_of(row, name) for name in COLUMNS))
    console.print(shown)
    figures = {"network": weights.stem, "fold": fold, "rom_parity": rom_parity, "seed": seed, "flips": len(rows)}
    figures["table"] = table
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    if page is not None:
        replace_section(page, "soft_errors", page_of(figures))
    return figures


def page_of(figures: Figures) -> str:
    """A table of the figures, with what they are of."""
    lines = [
        f"{figures['flips']} flips in network `{figures['network']}`, `--fold {figures['fold']}`, "
        f"{'with' if figures['rom_parity'] else 'without'} parity, seed {figures['seed']}:",
        "",
        f"| {' | '.join(COLUMNS.values())} |",
        "|" + " --- |" * len(COLUMNS),
    ]
    lines += [f"| {' | '.join(cell_of(row, name) for name in COLUMNS)} |" for row in figures["table"]]
    return "\n".join(lines)


def cell_of(row: Row, name: str) -> str:
    """As it is shown."""
    return str(row[name]) if name == "kind" else f"{row[name]:,}"


if __name__ == "__main__":
    command_line = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command_line.command()(with_json(main))
    run(command_line)
