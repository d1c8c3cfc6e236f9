# SPDX-License-Identifier: Apache-2.0
"""The vendors' PLLs: their limits, the settings of their dividers, their primitives.

The limits are those of the data sheets that each class names. Other programs' were held against them: Project Trellis's
ecppll and LiteX (ECP5), Project IceStorm's icepll (iCE40), apycula's gowin_pll and gowin_pack (Gowin), LiteX (Xilinx).
nextpnr derives a clock's frequency from a PLL's parameters, but checks no limit; gowin_pack refuses what breaks one.
amaranth has no PLLs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from wsfracbnn.gen.boards.pll import MHZ, Cell, Dividers, Limits, Pairs, PllKind, within


def _dividers(kind: PllKind, source: Fraction, most: int) -> Iterator[int]:
    """Divisions of the input that the phase detector takes."""
    return (divider for divider in range(1, most + 1) if within(source / divider, kind.limits.detector))


def _outputs(kind: PllKind, out: Fraction, values: Iterable[int]) -> Iterator[int]:
    """Divisions of the oscillator that give `out` with the oscillator in its range."""
    return (value for value in values if within(out * value, kind.limits.vco))


def _quoted(value: object) -> str:
    return f'"{value}"'


class Ecp5Pll:
    """Lattice ECP5, FPGA-DS-02012, the output fed back; analog settings and phase as Project Trellis's ecppll has them.

    ecppll's limits are the same but for the phase detector, to which it gives 3.125 MHz; the data sheet says 10, and so
    does LiteX. The feedback divider ends at 80 there and here, at 128 in LiteX.
    """

    title = "EHXPLLL (Lattice FPGA-DS-02012)"
    takes_pad = False
    limits = Limits(source=(8, 400), detector=(10, 400), vco=(400, 800), out=(10, 400))

    def settings(self, source: Fraction, wanted: Fraction) -> Iterator[Dividers]:
        for divider in _dividers(self, source, 128):
            feedback = min(80, int(wanted * divider / source))
            for output in _outputs(self, source * feedback / divider, range(1, 129)):
                yield Dividers(divider, Fraction(feedback * output), Fraction(output))

    def cells(self, source: Fraction, dividers: Dividers) -> tuple[Cell, ...]:
        output = int(dividers.output)
        parameters = {
            "PLLRST_ENA": _quoted("DISABLED"),
            "INTFB_WAKE": _quoted("DISABLED"),
            "STDBY_ENABLE": _quoted("DISABLED"),
            "DPHASE_SOURCE": _quoted("DISABLED"),
            **{f"OUTDIVIDER_MUX{letter}": _quoted(f"DIV{letter}") for letter in "ABCD"},
            "CLKI_DIV": str(dividers.divider),
            "CLKOP_ENABLE": _quoted("ENABLED"),
            "CLKOP_DIV": str(output),
            "CLKOP_CPHASE": str(output // 2),
            "CLKOP_FPHASE": "0",
            "FEEDBK_PATH": _quoted("CLKOP"),
            "CLKFB_DIV": str(int(dividers.multiplier) // output),
        }
        low = dict.fromkeys(("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP"), "1'b0")
        high = dict.fromkeys(("PHASEDIR", "PHASESTEP", "PHASELOADREG"), "1'b1")
        ports = {"CLKI": "clk_in", "CLKFB": "clk_out", "CLKOP": "clk_out", "LOCK": "locked", **low, **high}
        attributes = {
            "FREQUENCY_PIN_CLKI": _quoted(f"{float(source / MHZ):g}"),
            "FREQUENCY_PIN_CLKOP": _quoted(f"{float(dividers.out(source) / MHZ):g}"),
            "ICP_CURRENT": _quoted(12),
            "LPF_RESISTOR": _quoted(8),
            "MFG_ENABLE_FILTEROPAMP": _quoted(1),
            "MFG_GMCREF_SEL": _quoted(2),
        }
        return (Cell("EHXPLLL", "pll", _pairs(parameters), _pairs(ports), _pairs(attributes)),)


class Ice40Pll:
    """Lattice iCE40, FPGA-TN-02052, simple feedback, at the pad that the oscillator is connected to.

    Limits and loop filter are icepll's. DIVF goes to 127 with this feedback, as icepll notes; the manual says 63.
    """

    title = "SB_PLL40_PAD (Lattice FPGA-TN-02052)"
    takes_pad = True
    limits = Limits(source=(10, 133), detector=(10, 133), vco=(533, 1066), out=(16, 275))
    filters = (17, 26, 44, 66, 101)
    """Phase detector frequencies in MHz where the loop filter's next range begins, after Project IceStorm's icepll."""

    def settings(self, source: Fraction, wanted: Fraction) -> Iterator[Dividers]:
        fastest = Fraction(self.limits.vco[1]) * MHZ
        for divider in _dividers(self, source, 16):
            for output in (2, 4, 8, 16, 32, 64):
                multiplier = min(128, int(min(wanted * output, fastest) * divider / source))
                yield Dividers(divider, Fraction(multiplier), Fraction(output))

    def cells(self, source: Fraction, dividers: Dividers) -> tuple[Cell, ...]:
        detector = source / dividers.divider / MHZ
        parameters = {
            "FEEDBACK_PATH": _quoted("SIMPLE"),
            "DIVR": f"4'd{dividers.divider - 1}",
            "DIVF": f"7'd{int(dividers.multiplier) - 1}",
            "DIVQ": f"3'd{int(dividers.output).bit_length() - 1}",
            "FILTER_RANGE": f"3'd{1 + sum(detector >= limit for limit in self.filters)}",
        }
        ports = {"PACKAGEPIN": "clk_in", "PLLOUTGLOBAL": "clk_out", "LOCK": "locked"}
        ports |= {"RESETB": "1'b1", "BYPASS": "1'b0"}
        return (Cell("SB_PLL40_PAD", "pll", _pairs(parameters), _pairs(ports)),)


class GowinPll:
    """Gowin GW2A/GW2AR of speed grade C8/I7, DS226 and UG286; limits and dividers are apycula's too."""

    title = "rPLL (Gowin DS226, UG286)"
    takes_pad = False
    limits = Limits(source=(3, 500), detector=(3, 500), vco=(500, 1250), out=(3.90625, 625))

    def settings(self, source: Fraction, wanted: Fraction) -> Iterator[Dividers]:
        for divider in _dividers(self, source, 64):
            feedback = min(64, int(wanted * divider / source))
            for output in _outputs(self, source * feedback / divider, (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)):
                yield Dividers(divider, Fraction(feedback * output), Fraction(output))

    def cells(self, source: Fraction, dividers: Dividers) -> tuple[Cell, ...]:
        output = int(dividers.output)
        parameters = {
            "FCLKIN": _quoted(f"{float(source / MHZ):g}"),
            "IDIV_SEL": str(dividers.divider - 1),
            "FBDIV_SEL": str(int(dividers.multiplier) // output - 1),
            "ODIV_SEL": str(output),
        }
        low = {"RESET": "1'b0", "RESET_P": "1'b0", "CLKFB": "1'b0"}
        low |= dict.fromkeys(("FBDSEL", "IDSEL", "ODSEL"), "6'd0") | dict.fromkeys(("PSDA", "DUTYDA", "FDLY"), "4'd0")
        ports = {"CLKIN": "clk_in", "CLKOUT": "clk_out", "LOCK": "locked", **low}
        return (Cell("rPLL", "pll", _pairs(parameters), _pairs(ports)),)


class Xilinx7Pll:
    """Xilinx 7 series of speed grade -1, DS181 and UG472; whole multipliers, eighths at the output.

    LiteX's S7MMCM has the same limits for this speed grade. An output divider between 1 and 2 has no eighths.
    """

    title = "MMCME2_BASE (Xilinx DS181, UG472)"
    takes_pad = False
    limits = Limits(source=(10, 800), detector=(10, 450), vco=(600, 1200), out=(4.69, 800))

    def settings(self, source: Fraction, wanted: Fraction) -> Iterator[Dividers]:
        for divider in _dividers(self, source, 106):
            for multiplier in range(2, 65):
                eighths = math.ceil(8 * source * multiplier / (divider * wanted))
                if 16 <= eighths <= 8 * 128:
                    yield Dividers(divider, Fraction(multiplier), Fraction(eighths, 8))

    def cells(self, source: Fraction, dividers: Dividers) -> tuple[Cell, ...]:
        parameters = {
            "CLKIN1_PERIOD": f"{float(1_000_000_000 / source):.3f}",
            "DIVCLK_DIVIDE": str(dividers.divider),
            "CLKFBOUT_MULT_F": f"{float(dividers.multiplier):.3f}",
            "CLKOUT0_DIVIDE_F": f"{float(dividers.output):.3f}",
        }
        ports = {"CLKIN1": "clk_in", "CLKFBIN": "feedback", "CLKFBOUT": "feedback", "CLKOUT0": "clk_pll"}
        ports |= {"LOCKED": "locked", "RST": "1'b0", "PWRDWN": "1'b0"}
        buffer = Cell("BUFG", "clock_buffer", (), (("I", "clk_pll"), ("O", "clk_out")))
        return Cell("MMCME2_BASE", "pll", _pairs(parameters), _pairs(ports)), buffer


def _pairs(values: dict[str, str]) -> Pairs:
    return tuple(values.items())
