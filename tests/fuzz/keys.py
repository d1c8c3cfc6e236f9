# SPDX-License-Identifier: Apache-2.0
"""Which key a refusal names: every place of a file is damaged alone, and the sentence has to name that place.

A place gets a value of a type that it can never have: a table where a plain value was, a number where there was a table
or a list. Each place is also taken away, and each table gets a key that it does not know.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]
"""Keys of tables and numbers of list items, from the outside in."""

UNKNOWN_KEY = "not_a_key"

OTHER, MISSING, UNKNOWN = "of another type", "missing", "unknown"


@dataclass(frozen=True)
class Damage:
    """A value with one thing wrong, what that is in words, and where."""

    value: Any
    what: str
    path: str

    def is_named_in(self, sentence: str) -> bool:
        """Whether the sentence quotes the place: its path from some table on, or something inside of it.

        Of what is missing or unknown it may name the table that lacks or has it, and say which it is beside that; of a
        run's settings it says 'its epochs is missing'.
        """
        table, _, last = self.path.rpartition(".")
        if self.what != OTHER and f"its {last} is " in sentence:
            return True
        for named in re.findall(r"\bkeys? '([^']*)'", sentence):
            if _is_end(named, self.path) or named.startswith((f"{self.path}.", f"{self.path}[")):
                return True
            if self.what != OTHER and _is_end(named, table) and re.search(rf"\b{re.escape(last)}\b", sentence):
                return True
        return False


def _is_end(named: str, path: str) -> bool:
    return bool(named) and (path == named or path.endswith(f".{named}"))


def places(value: Any, at: Place = (), path: str = "") -> Iterator[tuple[Place, str, Any]]:
    """Every place inside of tables and lists, as messages write it ('rows[0].name'), with what is there.

    Of a list, and of a table whose keys are numbers, these are the first and the last.
    """
    inside: list[tuple[str | int, Any]]
    if isinstance(value, dict) and value and all(type(key) is int for key in value):
        inside = [(key, value[key]) for key in sorted({min(value), max(value)})]
    elif isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = [(number, value[number]) for number in sorted({0, len(value) - 1}) if value]
    else:
        return
    for key, item in inside:
        inner = (f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}").removeprefix(".")
        yield (*at, key), inner, item
        yield from places(item, (*at, key), inner)


def damages(value: Any) -> Iterator[Damage]:
    """All of them for a file's value."""
    for place, path, found in places(value):
        wrong: Any = 7.5 if isinstance(found, dict | list) else {"odd": 1}
        yield Damage(_with(value, place, wrong), OTHER, path)
        if isinstance(place[-1], str):
            yield Damage(_without(value, place), MISSING, path)
        if isinstance(found, dict):
            yield Damage(_with(value, (*place, UNKNOWN_KEY), 1), UNKNOWN, f"{path}.{UNKNOWN_KEY}")
    if isinstance(value, dict):
        yield Damage(_with(value, (UNKNOWN_KEY,), 1), UNKNOWN, UNKNOWN_KEY)


def _with(value: Any, place: Place, item: Any) -> Any:
    changed = copy.deepcopy(value)
    _container(changed, place)[place[-1]] = item
    return changed


def _without(value: Any, place: Place) -> Any:
    changed = copy.deepcopy(value)
    del _container(changed, place)[place[-1]]
    return changed


def _container(value: Any, place: Place) -> Any:
    for part in place[:-1]:
        value = value[part]
    return value
