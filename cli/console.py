# SPDX-License-Identifier: Apache-2.0
"""The console that commands print to."""

from __future__ import annotations

import logging
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from wsfracbnn.model.errors import escaped


class PlainFormatter(logging.Formatter):
    """Log lines as they are shown: the lines of a message stay, what commands a terminal is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        return _shown(super().format(record))


def _shown(text: str) -> str:
    return "\n".join(map(escaped, text.split("\n")))


class _PlainConsole(Console):
    """Shows strings as they are: text from outside is neither markup nor commands to a terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(_shown(text), **(options | {"markup": False, "emoji": False}))


console = _PlainConsole(soft_wrap=True, width=None if sys.stdout.isatty() else 120, markup=False, emoji=False)
