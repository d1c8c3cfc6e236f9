# SPDX-License-Identifier: Apache-2.0
"""The dividers of a PLL: an oscillator's frequency to the clock of a design.

Of the settings that a PLL's data sheet allows, the one of the highest frequency is taken that is not above the one
wanted, since a routed design can run slower and not faster. Among equal frequencies the smallest division of the input
wins: a high phase detector frequency means little jitter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from wsfracbnn.model.errors import InputError

MHZ = 1_000_000

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """An instance of a vendor's primitive: its attributes, parameters and ports as Verilog writes their values.

    Ports connect to `clk_in`, `clk_out`, `locked`, and to `clk_pll` and `feedback`, which are the PLL's own.
    """

    primitive: str
    name: str
    parameters: Pairs = ()
    ports: Pairs = ()
    attributes: Pairs = ()


@dataclass(frozen=True)
class Dividers:
    """f_out = f_in * multiplier / (divider * output); f_vco = f_in * multiplier / divider. All that a PLL is set by."""

    divider: int
    multiplier: Fraction
    output: Fraction

    def vco(self, source: Fraction) -> Fraction:
        """Frequency of the oscillator inside, Hz."""
        return source * self.multiplier / self.divider

    def out(self, source: Fraction) -> Fraction:
        """Frequency of the output, Hz."""
        return self.vco(source) / self.output


@dataclass(frozen=True)
class Limits:
    """Ranges of a data sheet in MHz, both ends allowed: input, phase detector, oscillator, output."""

    source: tuple[float, float]
    detector: tuple[float, float]
    vco: tuple[float, float]
    out: tuple[float, float]


def within(value: Fraction, limits: tuple[float, float]) -> bool:
    """Whether a frequency in Hz lies in a range of MHz."""
    return Fraction(limits[0]) * MHZ <= value <= Fraction(limits[1]) * MHZ


class PllKind(Protocol):
    """A vendor's PLL."""

    @property
    def title(self) -> str:
        """Primitive and data sheet."""

    @property
    def takes_pad(self) -> bool:
        """Whether the primitive has the oscillator's pad in it, so that no buffer may stand before."""

    @property
    def limits(self) -> Limits:
        """What the data sheet allows."""

    def settings(self, source: Fraction, wanted: Fraction) -> Iterator[Dividers]:
        """For all dividers but one, the value of that one which comes nearest to `wanted` from below.

        Those that break `limits` are among them.
        """

    def cells(self, source: Fraction, dividers: Dividers) -> tuple[Cell, ...]:
        """The instances of a setting."""


@dataclass(frozen=True)
class Clock:
    """What a design runs on: the oscillator itself, or a PLL behind it. Frequencies in Hz."""

    source: Fraction
    frequency: Fraction
    dividers: Dividers | None = None
    cells: tuple[Cell, ...] = ()

    @property
    def mhz(self) -> float:
        """Frequency in MHz."""
        return float(self.frequency / MHZ)


def is_allowed(kind: PllKind, source: Fraction, dividers: Dividers) -> bool:
    """Whether a setting keeps to the data sheet."""
    limits = kind.limits
    return (
        within(source, limits.source)
        and within(source / dividers.divider, limits.detector)
        and within(dividers.vco(source), limits.vco)
        and within(dividers.out(source), limits.out)
    )


def choose_clock(kind: PllKind, source_hz: float, wanted_mhz: float) -> Clock:
    """The fastest clock that is not above the one wanted; without a PLL where the oscillator's is that clock.

    Args:
        source_hz: of the board's oscillator.
    Raises:
        InputError: the PLL makes nothing so slow.
    """
    source, wanted = Fraction(source_hz), Fraction(wanted_mhz) * MHZ
    if source == wanted:
        return Clock(source, source)
    best: Dividers | None = None
    for dividers in kind.settings(source, wanted):
        if not is_allowed(kind, source, dividers) or dividers.out(source) > wanted:
            continue
        if best is None or _rank(source, dividers) > _rank(source, best):
            best = dividers
    if best is None:
        low, high = kind.limits.out
        raise InputError(
            f"--mhz: found {wanted_mhz:g}, expected {float(source / MHZ):g}, the board's oscillator, or what its PLL "
            f"makes of that, {low:g} to {high:g}"
        )
    return Clock(source, best.out(source), best, kind.cells(source, best))


def _rank(source: Fraction, dividers: Dividers) -> tuple[Fraction, int, Fraction]:
    return dividers.out(source), -dividers.divider, dividers.vco(source)
