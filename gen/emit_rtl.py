#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""python gen/emit_rtl.py --weights ckpt.pt [--out DIR] [--name NAME] [--fold auto|small|fast|FILE]

The same as `wsfracbnn emit`.
"""

import sys

try:
    import typer

    from wsfracbnn.gen import cli
except ModuleNotFoundError as missing:
    sys.exit(
        f"error: {missing.name} is not installed for this Python; run `make setup`, then .venv/bin/python {sys.argv[0]}"
    )

if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command(help=cli.emit.__doc__)(cli.emit)
    cli.run(command)
