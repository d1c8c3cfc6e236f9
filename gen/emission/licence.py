# SPDX-License-Identifier: Apache-2.0
"""The licence of what is emitted, which goes with every emitted folder (Apache-2.0, section 4a)."""

from __future__ import annotations

from importlib.metadata import distribution

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError

LICENCE = "LICENSE"
"""File of the licence's text, here and in an emitted folder."""


def licence_text() -> str:
    """The text, from a clone or from what pip installed.

    Raises:
        InputError: neither has it.
    """
    if (ROOT / LICENCE).is_file():
        return (ROOT / LICENCE).read_text()
    text = distribution("wsfracbnn").read_text(f"licenses/{LICENCE}")
    if text is None:
        raise InputError(f"{LICENCE}: not found beside the package, expected an installation that is whole")
    return text
