# SPDX-License-Identifier: Apache-2.0
"""Packages that only some commands need, asked for before any work: the extras of pyproject.toml, and the simulation's.

The simulation's come with the package itself; who emits from descriptions alone may have installed it without them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Sequence

from wsfracbnn.model.errors import InputError

SIMULATION = ""
"""In place of an extra's name: what `sim` imports."""

MODULES = {
    "explore": {"distributed": "distributed", "bokeh": "bokeh"},
    "report": {"altair": "altair", "vl_convert": "vl-convert-python"},
    SIMULATION: {
        "cocotb": "cocotb",
        "cocotb_test": "cocotb-test",
        "cocotbext.axi": "cocotbext-axi",
        "pytest": "pytest",
    },
}
"""What an extra's command imports, with the packages that hold it."""


def missing_packages(extra: str) -> list[str]:
    """Packages of an extra that this Python does not have."""

    def is_there(module: str) -> bool:
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:  # of the package that a submodule would be in
            return False

    return [package for module, package in MODULES[extra].items() if not is_there(module)]


def requirement(extra: str) -> str:
    """What pip is asked for, to be typed into a shell."""
    return f"'wsfracbnn[{extra}]'" if extra else "wsfracbnn"


def require_extra(extra: str) -> None:
    """Raise `InputError` with the command that installs what this Python does not have."""
    if packages := missing_packages(extra):
        raise not_installed(packages, extra)


def version_of(package: str, extra: str) -> str:
    """The version of a package, whose modules nobody imports.

    Raises:
        InputError: it is not installed; the sentence has the command that installs it.
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise not_installed([package], extra) from None


def not_installed(packages: Sequence[str], extra: str) -> InputError:
    """What to raise where packages of an extra are missing."""
    return InputError(
        f"{', '.join(packages)}: not installed for this Python; install with: pip install {requirement(extra)}"
    )
