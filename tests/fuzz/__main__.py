# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.fuzz`: damaged files, files made to do harm, wrong keys, command lines; exit code 1 for a fault."""

from __future__ import annotations

import faulthandler
import json
import logging
import resource
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import torch
import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, write_text

from .commands import command_lines, options_of_commands, single_options
from .guard import GROWTH_MB, SECONDS
from .keys import damages
from .run import Tally, damaged_files, harmful_files, named_keys
from .targets import targets

ADDRESS_SPACE = 12 * 2**30
"""Bytes: what asks for more is refused it, and torch alone maps several."""


HANG_S = 3 * 3600
"""Of the whole run."""


def main(
    count: Annotated[int, typer.Option(min=0, help="Files damaged at random.")] = 4000,
    first: Annotated[int, typer.Option(min=0, help="Number of the first of them: to go on, or to do one again.")] = 0,
    lines: Annotated[int, typer.Option(min=0, help="Command lines drawn at random.")] = 800,
    each: Annotated[int, typer.Option(min=0, max=50, help="Absurd values that each option gets alone.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of all of them.")] = 1,
    kind: Annotated[str | None, typer.Option(help="Only this kind of file, or command.")] = None,
    results: Annotated[Path | None, typer.Option(help="JSON file that the figures are written to.")] = None,
) -> Figures:
    """Attack, tell each fault with what does it again, record."""
    if results is not None:
        require_writable(results)
    torch.set_num_threads(1)
    # A hang in compiled code, which no signal's handler interrupts, ends the process with its stack.
    faulthandler.dump_traceback_later(HANG_S, exit=True)
    logging.disable(logging.WARNING)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    parts = {name: Tally() for name in ("damaged files", "files made to do harm", "wrong keys", "command lines")}
    with tempfile.TemporaryDirectory() as folder:
        kinds = targets(Path(folder))
        commands = list(options_of_commands())
        if kind is not None and kind not in kinds and kind not in commands:
            raise InputError(f"--kind: found '{kind}', expected one of {', '.join([*kinds, *commands])}")
        chosen = {name: target for name, target in kinds.items() if kind in (None, name)}
        whole = count != 1  # one case is done again, and nothing beside it
        if chosen:
            with bar_of("damaged files", count) as tell:
                damaged_files(chosen, range(first, first + count), seed, parts["damaged files"], tell)
        if chosen and whole:
            with bar_of("files made to do harm", 200) as tell:
                harmful_files(kinds, chosen, parts["files made to do harm"], tell)
            wrong = sum(len(list(damages(target.value))) for target in chosen.values() if target.write is not None)
            with bar_of("wrong keys", wrong) as tell:
                named_keys(chosen, parts["wrong keys"], tell)
    if whole and (kind is None or kind in commands):
        with bar_of("command lines", lines + each * 130) as tell:
            command_lines(lines, seed, kind, parts["command lines"], tell)
            single_options(seed, each, kind, parts["command lines"], tell)
    faulthandler.cancel_dump_traceback_later()
    figures = _figures(parts, seed, first)
    for name, tally in parts.items():
        said = Counter(result for (_, result), number in tally.results.items() for _ in range(number))
        console.print(f"{name}: {tally.cases}; {', '.join(f'{n} {word}' for word, n in sorted(said.items()))}")
        for fault in tally.faults:
            console.print(fault, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{figures['cases']} cases, {figures['failures']} faults; a case took at most {figures['seconds']} s and "
        f"{figures['megabytes']} MB more memory",
        highlight=False,
    )
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    if figures["failures"]:
        raise CheckFailedError(figures)
    return figures


def _figures(parts: dict[str, Tally], seed: int, first: int) -> Figures:
    """The record: cases and faults in all and of each kind, the bounds, and how near a case came to them."""
    return {
        "cases": sum(tally.cases for tally in parts.values()),
        "failures": sum(len(tally.faults) for tally in parts.values()),
        "seed": seed,
        "first": first,
        "seconds": round(max(tally.seconds for tally in parts.values()), 1),
        "seconds_bound": SECONDS,
        "megabytes": round(max(tally.grown_mb for tally in parts.values())),
        "megabytes_bound": GROWTH_MB,
        "parts": {
            name: {"cases": tally.cases, "failures": len(tally.faults), "kinds": _kinds(tally)}
            for name, tally in parts.items()
        },
    }


def _kinds(tally: Tally) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (kind, result), number in sorted(tally.results.items()):
        found.setdefault(kind, {})[result] = number
    return found


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
