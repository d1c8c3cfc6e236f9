# SPDX-License-Identifier: Apache-2.0
"""The `wsfracbnn` command: plan, train and use networks; emit, simulate, synthesize and run them in hardware.

Bad input ends with one sentence on standard error and exit code 2; a failed check with exit code 1. Modules that load
PyTorch, numpy or matplotlib are imported by the commands that need them, so that help and version come at once.
"""

from __future__ import annotations

import logging
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


def run(command: typer.Typer) -> None:
    """Run a typer application; an `InputError` becomes one sentence and exit code 2."""
    end_by_exception()
    try:
        command()
    except InputError as error:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(f"error: {error}", markup=False)
        raise SystemExit(2) from None


def main() -> None:
    """Console script `wsfracbnn`."""
    run(app)
