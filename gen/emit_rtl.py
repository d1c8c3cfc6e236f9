#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Usage: python gen/emit_rtl.py --weights ckpt.pt [--out DIR] [--name NAME] [--fold ...] [--lut-inputs 4|6].

The same as `wsfracbnn emit`, for who has the checkout and types the path. A script that starts the command line, and no
part of the package wsfracbnn.gen.
"""

import sys

try:
    import typer

    from wsfracbnn.cli.app import run, set_up_log
    from wsfracbnn.cli.emit import emit
    from wsfracbnn.cli.figures import with_json
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {missing.name} is not installed for this Python; run `make setup`, then .venv/bin/python {sys.argv[0]}"
    )

if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    command.command(help=emit.__doc__)(with_json(emit))
    set_up_log()
    run(command)
