# SPDX-License-Identifier: Apache-2.0
"""The numbers of a board's build: clock, dividers, depths; everything that the board's templates print."""

from __future__ import annotations

from dataclasses import dataclass

from wsfracbnn.gen.boards import protocol
from wsfracbnn.gen.boards.catalog import Board
from wsfracbnn.gen.boards.pll import Clock, choose_clock
from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.model.errors import InputError

DEFAULT_BAUD = 1_000_000

LEAST_DIVISOR = 8
"""Cycles of a bit; with fewer, the receiver sees a start bit's edge too late for `BAUD_TOLERANCE`."""

BAUD_TOLERANCE = 0.015
"""By how much a bit may be longer or shorter than asked for; a byte is still read at twice that."""

LEAST_DEPTH = 32
MOST_DEPTH = 4096
"""Of the FIFO before the accelerator, in pixels: an image, between these."""

RESET_US = 20
"""Of a good clock before the reset ends; an iCE40's block RAMs need 3."""


@dataclass(frozen=True)
class BoardBuild:
    """An accelerator on a board. baud: bits a second of the serial line."""

    board: Board
    design: AcceleratorDesign
    clock: Clock
    baud: int

    @classmethod
    def of(
        cls, board: Board, design: AcceleratorDesign, oscillator_hz: float, mhz: float | None, baud: int
    ) -> BoardBuild:
        """Choose clock and dividers. mhz: the clock at most; None: the board's usual one.

        Raises:
            InputError: a clock that the PLL does not make, or a baud rate that cannot be had from it.
        """
        build = cls(board, design, choose_clock(board.pll, oscillator_hz, board.mhz if mhz is None else mhz), baud)
        if build.divisor < LEAST_DIVISOR or build.baud_error > BAUD_TOLERANCE:
            hertz = float(build.clock.frequency)
            nearest = hertz / max(LEAST_DIVISOR, build.divisor)
            raise InputError(
                f"--baud: found {baud}, expected a rate that is a clock of {build.clock.mhz:g} MHz divided by a whole "
                f"number from {LEAST_DIVISOR} on, within {BAUD_TOLERANCE:.1%}; the nearest is {nearest:.0f}"
            )
        return build

    @property
    def module(self) -> str:
        """Name of the board's top, whose ports are the pins."""
        return f"{self.design.name}_board"

    @property
    def clock_module(self) -> str:
        """Name of the module with the PLL."""
        return f"{self.design.name}_clock"

    @property
    def clock_wires(self) -> tuple[str, ...]:
        """Signals inside the clock module, which its cells connect."""
        connected = {value for cell in self.clock.cells for _, value in cell.ports}
        return tuple(wire for wire in ("clk_pll", "feedback") if wire in connected)

    @property
    def divisor(self) -> int:
        """Cycles of a bit of the serial line."""
        return round(self.clock.frequency / self.baud)

    @property
    def baud_error(self) -> float:
        """By how much a bit is longer or shorter than asked for, as a share."""
        return abs(float(self.clock.frequency / self.divisor) / self.baud - 1) if self.divisor else 1.0

    @property
    def timeout(self) -> int:
        """Cycles of silence after which a frame is given up."""
        return int(self.clock.frequency * protocol.TIMEOUT_S)

    @property
    def depth(self) -> int:
        """Pixels that can wait for the accelerator."""
        return min(max(self.design.pixels, LEAST_DEPTH), MOST_DEPTH)

    @property
    def replies(self) -> int:
        """Requests without their reply."""
        return protocol.REPLIES

    @property
    def reset_cycles(self) -> int:
        """Of a good clock before the reset ends."""
        return int(self.clock.frequency * RESET_US) // 1_000_000

    @property
    def info(self) -> protocol.Info:
        """What the board says of itself."""
        return protocol.Info.of(self.design.description)

    @property
    def info_bytes(self) -> int:
        """Length of that."""
        return protocol.INFO_BYTES

    @property
    def info_literal(self) -> str:
        """The same as Verilog reads it, first byte in the low bits."""
        return f"{8 * protocol.INFO_BYTES}'h{self.info.encode()[::-1].hex()}"

    @property
    def source_words(self) -> str:
        """The oscillator."""
        return f"{float(self.clock.source) / 1e6:g} MHz"

    @property
    def clock_words(self) -> str:
        """The clock and where it comes from."""
        if self.clock.dividers is None:
            return f"{self.clock.mhz:g} MHz, the board's oscillator"
        vco = float(self.clock.dividers.vco(self.clock.source)) / 1e6
        return f"{self.clock.mhz:g} MHz, made of {self.source_words} by a PLL whose own oscillator runs at {vco:g} MHz"
