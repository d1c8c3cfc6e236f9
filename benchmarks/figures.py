# SPDX-License-Identifier: Apache-2.0
"""Figures by name, results/figures.json: what benchmarks measure that is no design's area or clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from wsfracbnn.model.files import updating, write_text
from wsfracbnn.model.reading import Schema, checked, read_json


class _File(Schema):
    figures: dict[str, Annotated[float, Field(allow_inf_nan=False)]]


def read_figures(path: Path) -> dict[str, float]:
    """What the file holds; nothing where there is none yet.

    Raises:
        InputError: not such a file.
    """
    return dict(checked(_File, read_json(path, "a file of figures")).figures) if path.exists() else {}


def add_figures(path: Path, found: Mapping[str, float]) -> None:
    """Add figures, in the place of earlier ones of the same names.

    Raises:
        InputError: not such a file, or it cannot be written.
    """
    with updating(path):
        figures = {**read_figures(path), **found}
        write_text(path, json.dumps({"figures": dict(sorted(figures.items()))}, indent=2) + "\n")
