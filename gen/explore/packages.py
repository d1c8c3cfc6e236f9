# SPDX-License-Identifier: Apache-2.0
"""What an exploration needs beside the project's own packages; asked before any of it is loaded."""

from __future__ import annotations

import importlib.util

from wsfracbnn.model.errors import InputError

_PACKAGES = {"distributed": "distributed", "bokeh": "bokeh"}
"""Modules with the packages that hold them; bokeh draws the dashboard."""


def require_packages() -> None:
    """Raise `InputError` with the command that installs what this Python does not have."""
    missing = [package for module, package in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise InputError(
            f"{', '.join(missing)}: not installed for this Python; install with: pip install 'wsfracbnn[explore]'"
        )
