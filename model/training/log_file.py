# SPDX-License-Identifier: Apache-2.0
"""The CSV log of a run: a line of figures for each epoch."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.files import write_text
from wsfracbnn.model.reading import read_text

EPOCH = "epoch"
NEEDED = (EPOCH, "loss", "gate_fraction", "test_accuracy")


def read_log(path: Path) -> list[dict[str, str]]:
    """The rows of a log, by the names in its first line. An accuracy that was not measured is empty.

    Raises:
        InputError: no such file, a column is missing, or a cell is no number.
    """
    text = read_text(path, "a training log")
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: not a training log ({error})") from None
    names = table[0] if table else []
    for name in NEEDED:
        if names.count(name) != 1:
            raise InputError(f"{path}: not a training log, expected one column '{name}' in its first line")
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        if len(cells) != len(names):
            raise InputError(f"{path}: line {number}: found {len(cells)} cells, expected {len(names)}")
        row = dict(zip(names, cells, strict=True))
        for name, cell in row.items():
            if cell == "" and name != EPOCH:
                continue
            if not (_is_epoch(cell) if name == EPOCH else _is_number(cell)):
                raise InputError(f"{path}: line {number}: '{name}': found {shown(cell)}, expected a number")
        rows.append(row)
    return rows


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Add an epoch's row; later ones, of a run that was cut between its log and its state, are dropped."""
    rows: list[dict[str, Any]] = []
    if path.exists() and row[EPOCH] > 1:
        rows = [old for old in read_log(path) if int(old[EPOCH]) < row[EPOCH]]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(row), extrasaction="ignore")
    writer.writeheader()
    writer.writerows([*rows, row])
    write_text(path, text.getvalue())


def _is_epoch(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and 1 <= len(cell) <= 9


def _is_number(cell: str) -> bool:
    try:
        return len(cell) < 50 and math.isfinite(float(cell))
    except ValueError:
        return False
