# SPDX-License-Identifier: Apache-2.0
"""The `wsfracbnn` command: plan, train and use networks; emit, simulate, synthesize and run them in hardware.

Bad input ends with one sentence on standard error and exit code 2; a failed check with exit code 1. Modules that load
PyTorch, numpy or matplotlib are imported by the commands that need them, so that help and version come at once.
"""

from __future__ import annotations

import errno
import gc
import logging
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import typer

from wsfracbnn.cli import hardware, inspect, report_page
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
from wsfracbnn.model.errors import InputError
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
    """Train a BatchNorm-free fractional binary network, emit it as Verilog, prove the two equal."""
    set_up_log()


app.command()(with_json(cost))
app.command()(with_json(train))
app.command()(with_json(accuracy))
app.command(name="eval")(with_json(inspect.evaluate))
app.command()(with_json(predict))
app.command()(with_json(emit))
app.command()(with_json(sim))
app.command()(with_json(inspect.count))
app.command()(inspect.card)
app.command()(draw)
app.command()(with_json(hardware.synth))
app.command()(with_json(hardware.pnr))
app.command()(with_json(explore))
app.command()(report_page.report)
app.command()(with_json(board))
app.command(name="run")(with_json(run_board))


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
    except typer.Abort:
        raise SystemExit(1) from None
    except Exception as error:
        from rich.console import Console

        refusal = error if isinstance(error, InputError) else _refusal(error)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # whatever asked for it first
            refusal = InputError(f"{error.filename}: {error.strerror}, expected a file's name that can be")
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
    if type(error).__name__.startswith("NoArgsIsHelp"):
        error.show()  # type: ignore[attr-defined]
        raise SystemExit(2)
    return InputError(" ".join(error.format_message().split()))


def main() -> None:
    """Console script `wsfracbnn`."""
    gc.set_threshold(100_000)  # imports and designs make as many objects, none of which is garbage
    run(app)
