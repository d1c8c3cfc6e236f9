# SPDX-License-Identifier: Apache-2.0
"""What is wanted of a design: the figure that is made best, and limits on any of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wsfracbnn.model.errors import InputError, shown

FIGURES = {"images_per_s": True, "luts": False, "fmax_mhz": True, "images_per_s_per_lut": True}
"""Figures of a design, and whether more is better."""


@dataclass(frozen=True)
class Objective:
    """The figure that is made best among designs that keep the limits, each a figure with its bound."""

    figure: str
    at_least: tuple[tuple[str, float], ...] = ()
    at_most: tuple[tuple[str, float], ...] = ()

    def score(self, figures: Mapping[str, float]) -> float:
        """More is better."""
        value = figures[self.figure]
        return value if FIGURES[self.figure] else -value

    def broken(self, figures: Mapping[str, float]) -> list[str]:
        """The limits that a design does not keep, in words."""
        below = [f"{name} < {bound:g}" for name, bound in self.at_least if figures[name] < bound]
        above = [f"{name} > {bound:g}" for name, bound in self.at_most if figures[name] > bound]
        return below + above

    @property
    def words(self) -> str:
        """As a sentence's part."""
        aim = f"{'most' if FIGURES[self.figure] else 'fewest'} {self.figure}"
        bounds = [f"{name} at least {bound:g}" for name, bound in self.at_least]
        bounds += [f"{name} at most {bound:g}" for name, bound in self.at_most]
        return ", ".join([aim, *bounds])


def parse_objective(figure: str, at_least: Sequence[str], at_most: Sequence[str]) -> Objective:
    """What --objective, --at-least and --at-most ask for.

    Raises:
        InputError: an unknown figure, or a limit that is no FIGURE=NUMBER.
    """
    if figure not in FIGURES:
        raise InputError(f"--objective: found {shown(figure)}, expected one of {', '.join(FIGURES)}")
    return Objective(figure, _limits("--at-least", at_least), _limits("--at-most", at_most))


def _limits(option: str, texts: Sequence[str]) -> tuple[tuple[str, float], ...]:
    found = []
    for text in texts:
        name, _, number = text.partition("=")
        try:
            bound = float(number)
        except ValueError:
            bound = math.nan
        if name not in FIGURES or not math.isfinite(bound):
            raise InputError(
                f"{option}: found {shown(text)}, expected FIGURE=NUMBER, a figure being one of {', '.join(FIGURES)}"
            )
        found.append((name, bound))
    return tuple(found)
