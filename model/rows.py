# SPDX-License-Identifier: Apache-2.0
"""Rows of results files: read as typed values, one put in the place of an earlier one of the same, shown as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import updating, write_text
from wsfracbnn.model.reading import Schema, checked, checked_values, read_json


class Keyed(Protocol):
    """A row, which is a dataclass. key: what a later measurement of the same takes the place of."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> object: ...


Row = TypeVar("Row")
KeyedRow = TypeVar("KeyedRow", bound=Keyed)


class _File(Schema):
    rows: list[dict[str, Any]]


def rows_in(path: Path, cls: type[Row], what: str) -> tuple[Row, ...]:
    """The rows of a file that holds nothing else; none where there is no file yet. what: it is, with an article.

    Raises:
        InputError: not such a file.
    """
    if not path.exists():
        return ()
    contents = read_json(path, what)
    try:
        return read_rows(cls, "rows", checked(_File, contents).rows)
    except InputError as error:
        raise InputError(f"{path}: not {what} ({error})") from None


def add_rows(path: Path, rows: Sequence[KeyedRow], what: str) -> tuple[KeyedRow, ...]:
    """Add to such a file, each in the place of an earlier row of the same; returns what it holds then.

    Raises:
        InputError: it is no such file, or cannot be written.
    """
    with updating(path):
        held = rows_in(path, type(rows[0]), what)
        for row in rows:
            held = placed(held, row)
        write_text(path, json.dumps({"rows": [asdict(row) for row in held]}, indent=2) + "\n")
    return held


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
