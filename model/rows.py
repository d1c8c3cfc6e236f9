# SPDX-License-Identifier: Apache-2.0
"""Rows of results files: read as typed values, one put in the place of an earlier one of the same, shown as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import checked_values


class Keyed(Protocol):
    """A row. key: what a later measurement of the same takes the place of."""

    @property
    def key(self) -> object: ...


Row = TypeVar("Row")
KeyedRow = TypeVar("KeyedRow", bound=Keyed)


def read_rows(cls: type[Row], key: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """The rows of a file's list as values of a dataclass.

    Raises:
        InputError: a row that is none; the sentence names it by the list's key and its place.
    """
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(cls(**checked_values(cls, row)))
        except InputError as error:
            raise InputError(f"{key}[{number}]: {error}") from None
    return tuple(found)


def placed(rows: tuple[KeyedRow, ...], row: KeyedRow) -> tuple[KeyedRow, ...]:
    """With a row, in the place of an earlier one of the same key, else behind the others."""
    if row.key not in [other.key for other in rows]:
        return (*rows, row)
    return tuple(row if other.key == row.key else other for other in rows)


def markdown_table(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ("---",) * len(columns), *lines))
