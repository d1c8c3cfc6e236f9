# SPDX-License-Identifier: Apache-2.0
"""What the command-line modules share: the console and options that several commands have."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)

Fold = Annotated[
    str,
    typer.Option(
        help="Parallelism: auto, small, fast, cycles=N an image, rate=IMAGES@MHZ, luts=N@FAMILY, device=NAME, or a "
        "folding file (JSON)."
    ),
]
