# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.mutate`: put mistakes into the RTL, one at a time, and look whether the tests find them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.markdown import replace_section, require_section
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.model.files import require_writable, write_text

from .campaign import Results, Row, all_mutants, carry_out, changed_since, in_order, page_of, remembered, written


def main(
    count: Annotated[int, typer.Option(min=1, help="Mutants; those that do not compile are not counted.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of their choice.")] = 1,
    only: Annotated[list[str] | None, typer.Option(metavar="BLOCK", help="Of this block; may be repeated.")] = None,
    changed_first: Annotated[
        str | None, typer.Option(metavar="REF", help="Begin with blocks that changed since this commit.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    prove: Annotated[
        bool, typer.Option("--prove", help="Try to prove that what nothing kills is equivalent (a minute each).")
    ] = False,
    results: Annotated[Path | None, typer.Option(help="JSON file that the rows are written to.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown file with a section 'mutants'.")] = None,
) -> Figures:
    """Judge mutants, print the survivors; what was simulated is kept in build/mutants, so that a run can go on."""
    if results is not None:
        require_writable(results)
    if page is not None:
        require_section(page, "mutants")
    order = in_order(all_mutants(only or ()), seed, changed_since(changed_first) if changed_first else ())
    with bar_of("mutants", min(count, len(order))) as show:

        def tell(rows: list[Row]) -> None:
            show(len(rows))
            if not rows[-1].verdict.killed and not rows[-1].because:
                print_survivor(rows[-1])

        rows, refused = carry_out(order, count, jobs, tell, remembered(), proving=prove)
    found = Results(tuple(rows), refused, seed)
    figures = found.figures
    console.print(
        f"{figures['killed']} of {figures['total']} mutants killed, {figures['equivalent']} equivalent, "
        f"{figures['survived']} survived; {figures['refused']} more do not compile",
        highlight=False,
    )
    if results is not None:
        write_text(results, written(figures))
    if page is not None:
        replace_section(page, "mutants", page_of(figures))
    if figures["survived"]:
        raise CheckFailedError(figures)
    return figures


def print_survivor(row: Row) -> None:
    """A line for a mutant that nothing found."""
    mutant = row.mutant
    text = f"{row.path}:{mutant.line}: {mutant.old}  ->  {mutant.new}  ({mutant.name})"
    console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
