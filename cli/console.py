# SPDX-License-Identifier: Apache-2.0
"""The console that commands print to."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 120)
