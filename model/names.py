# SPDX-License-Identifier: Apache-2.0
"""Names that a user gives: of networks, which become part of the Verilog, and of checkpoint files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from wsfracbnn.model.errors import InputError, shown

SUFFIXES = (".pt", ".safetensors")
"""Of checkpoint files, by format."""

EXPECTED = "up to 64 lower-case letters, digits and underscores, a letter first"


def _named(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ValueError(EXPECTED)
    return name


ModuleName = Annotated[str, AfterValidator(_named)]
"""What can begin a Verilog module's name."""


def require_name(name: str, what: str) -> None:
    """Raise `InputError` where `name` cannot begin a Verilog module's name; `what` says where it came from."""
    try:
        _named(name)
    except ValueError as error:
        raise InputError(f"{what}: found {shown(name)}, expected {error}") from None


def require_suffix(path: Path, what: str) -> None:
    """Raise `InputError` where a checkpoint's name ends otherwise than its two formats do; `what` says whose."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{what}: found '{path}', expected a name that ends with {' or '.join(SUFFIXES)}")
