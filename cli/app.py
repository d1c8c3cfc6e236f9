# SPDX-License-Identifier: Apache-2.0
"""The `wsfracbnn` command: plan, train and use networks; emit, simulate, synthesize and run them in hardware.

Bad input ends with one sentence on standard error and exit code 2; a failed check with exit code 1. Modules that load
PyTorch, numpy or matplotlib are imported by the commands that need them, so that help and version come at once.
"""

from __future__ import annotations

import errno
import gc
import inspect
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Annotated, Any

import typer

from wsfracbnn.cli import hardware, report_page
from wsfracbnn.cli import inspect as checkpoints
from wsfracbnn.cli.accuracy import accuracy
from wsfracbnn.cli.board import board
from wsfracbnn.cli.cost import cost
from wsfracbnn.cli.emit import draw, emit
from wsfracbnn.cli.explore import explore
from wsfracbnn.cli.figures import with_json
from wsfracbnn.cli.predict import predict
from wsfracbnn.cli.run import run as run_board
from wsfracbnn.cli.simulate import sim
from wsfracbnn.cli.train import train
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.signals import end_by_exception

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help without rich's frames is there in half the time
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wsfracbnn {metadata.version('wsfracbnn')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train a BatchNorm-free fractional binary network, emit it as Verilog, check that the two are equal."""
    set_up_log()


def _add(command: Callable[..., Any], *, name: str | None = None) -> None:
    """Add a command; the list of commands has the first line of its docstring whole."""
    summary = (inspect.getdoc(command) or "").partition("\n")[0]
    app.command(name=name, short_help=summary)(command)


_add(with_json(cost))
_add(with_json(train))
_add(with_json(accuracy))
_add(with_json(checkpoints.evaluate), name="eval")
_add(with_json(predict))
_add(with_json(emit))
_add(with_json(sim))
_add(with_json(checkpoints.count))
_add(checkpoints.card)
_add(draw)
_add(with_json(hardware.synth))
_add(with_json(hardware.pnr))
_add(with_json(explore))
_add(report_page.report)
_add(with_json(board))
_add(with_json(run_board), name="run")


def set_up_log() -> None:
    """This project's log goes to the console; of other packages' only what they warn of."""
    from rich.logging import RichHandler

    from wsfracbnn.cli.console import PlainFormatter

    handler = RichHandler(show_time=False, show_path=False)
    handler.setFormatter(PlainFormatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("wsfracbnn").setLevel(logging.INFO)


def run(command: typer.Typer, arguments: Sequence[str] | None = None) -> None:
    """Run a typer application; an `InputError`, or a wrong option, becomes one sentence and exit code 2.

    arguments: default those of the command line. Ends with SystemExit where the exit code is not 0.
    """
    end_by_exception()
    try:
        code = command(args=arguments, standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        raise SystemExit(1) from None
    except Exception as error:
        from rich.console import Console

        refusal = error if isinstance(error, InputError) else _refusal(error)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # whatever asked for it first
            refusal = InputError(f"{error.filename}: {error.strerror}, expected a file's name that can be")
        if isinstance(error, OSError) and error.filename is None and error.errno == errno.ENOSPC:
            refusal = InputError(f"standard output: cannot be written ({error.strerror})")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest as it ends
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            refusal = InputError("PyTorch is not installed, expected it for checkpoints; an emitted folder needs none")
        if refusal is None:
            raise
        Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(f"error: {refusal}", markup=False)
        raise SystemExit(2) from None
    if isinstance(code, int) and code:
        raise SystemExit(code)


def _refusal(error: Exception) -> InputError | None:
    """What typer says of options, as one sentence of ours; None for what is no such error.

    Its exceptions have had several homes, and in all of them the method `format_message`.
    """
    if not hasattr(error, "format_message"):
        return None
    from pydantic import ValidationError

    from wsfracbnn.model.reading import found_and_expected

    if type(error).__name__.startswith("NoArgsIsHelp"):
        error.show()  # type: ignore[attr-defined]
        raise SystemExit(2)
    if isinstance(error.__cause__, ValidationError):
        (option, *_), (detail, *_) = error.param.opts, error.__cause__.errors()  # type: ignore[attr-defined]
        choices = re.search(r"is not one of (.*?)\.?$", detail["msg"])
        if choices:
            return InputError(f"{option}: found {shown(detail['input'])}, expected one of {choices[1]}")
        return InputError(f"{option}: {found_and_expected(detail)}")
    return InputError(" ".join(error.format_message().split()))


def main() -> None:
    """Console script `wsfracbnn`."""
    gc.set_threshold(100_000)  # imports and designs make as many objects, none of which is garbage
    run(app)
