# SPDX-License-Identifier: Apache-2.0
"""Which designs are worth having: the Pareto front over any figures, and fronts below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Scores = tuple[float, ...]
"""Figures of an item, of which more is better."""


def dominates(one: Scores, other: Scores) -> bool:
    """Whether `one` is as good in every figure and better in one."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and one != other


def front(items: Sequence[Item], scores: Callable[[Item], Scores]) -> list[Item]:
    """Items that no other dominates, in their order; of equal ones all."""
    found = [scores(item) for item in items]
    return [item for item, own in zip(items, found, strict=True) if not any(dominates(other, own) for other in found)]


def ranked(items: Sequence[Item], scores: Callable[[Item], Scores], first: Callable[[Item], float]) -> list[Item]:
    """All items: the front, then the front of the rest, and so on; within each by `first`, of which more is better."""
    rest, found = list(items), []
    while rest:
        layer = front(rest, scores)
        found += sorted(layer, key=first, reverse=True)
        kept = set(map(id, layer))
        rest = [item for item in rest if id(item) not in kept]
    return found
