# SPDX-License-Identifier: Apache-2.0
"""The console that commands print to."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from wsfracbnn.model.errors import escaped


class _PlainConsole(Console):
    """Shows strings as they are: text from outside is neither markup nor commands to a terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        lines = (escaped(line) for line in text.split("\n"))
        return super().render_str("\n".join(lines), **(options | {"markup": False, "emoji": False}))


console = _PlainConsole(soft_wrap=True, width=None if sys.stdout.isatty() else 120, markup=False, emoji=False)
