# SPDX-License-Identifier: Apache-2.0
"""Dividers of the boards' PLLs: within the data sheets' limits, never too fast, and the best there is."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from apycula import gowin_pack

from wsfracbnn.gen.boards.pll import MHZ, Cell, Clock, Dividers, Limits, PllKind, choose_clock
from wsfracbnn.gen.boards.pll_kinds import Ecp5Pll, GowinPll, Ice40Pll, Xilinx7Pll
from wsfracbnn.gen.boards.tang_nano_20k import DIE
from wsfracbnn.model.errors import InputError

KINDS: tuple[PllKind, ...] = (Ecp5Pll(), Ice40Pll(), GowinPll(), Xilinx7Pll())
OSCILLATORS = (12, 25, 27, 48, 100)


def number(cell: Cell, name: str) -> Fraction:
    """A parameter's value; 4'd3 and "27" are numbers too."""
    return Fraction(dict(cell.parameters)[name].strip('"').split("'d")[-1])


def by_the_manual(cell: Cell, source: Fraction) -> dict[str, Fraction]:
    """Frequencies in MHz that a cell's parameters mean, by the formulas of its manual."""
    if cell.primitive == "EHXPLLL":
        detector = source / number(cell, "CLKI_DIV")
        out = detector * number(cell, "CLKFB_DIV")
        return {"detector": detector, "vco": out * number(cell, "CLKOP_DIV"), "out": out}
    if cell.primitive == "SB_PLL40_PAD":
        detector = source / (number(cell, "DIVR") + 1)
        vco = detector * (number(cell, "DIVF") + 1)
        return {"detector": detector, "vco": vco, "out": vco / 2 ** int(number(cell, "DIVQ"))}
    if cell.primitive == "rPLL":
        detector = source / (number(cell, "IDIV_SEL") + 1)
        out = detector * (number(cell, "FBDIV_SEL") + 1)
        return {"detector": detector, "vco": out * number(cell, "ODIV_SEL"), "out": out}
    detector = source / number(cell, "DIVCLK_DIVIDE")
    vco = detector * number(cell, "CLKFBOUT_MULT_F")
    return {"detector": detector, "vco": vco, "out": vco / number(cell, "CLKOUT0_DIVIDE_F")}


LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "EHXPLLL": {"detector": (10, 400), "vco": (400, 800), "out": (10, 400)},
    "SB_PLL40_PAD": {"detector": (10, 133), "vco": (533, 1066), "out": (16, 275)},
    "rPLL": {"detector": (3, 500), "vco": (500, 1250), "out": (3.90625, 625)},
    "MMCME2_BASE": {"detector": (10, 450), "vco": (600, 1200), "out": (4.69, 800)},
}
"""MHz, from the data sheets: FPGA-DS-02012, FPGA-TN-02052 and FPGA-DS-02008, DS226, DS181 at speed grade -1."""

OTHERS: dict[str, dict[str, tuple[float, float]]] = {
    "EHXPLLL": {  # prjtrellis/libtrellis/tools/ecppll.cpp
        "source": (8, 400),
        "detector": (3.125, 400),
        "vco": (400, 800),
        "out": (10, 400),
        "CLKI_DIV": (1, 128),
        "CLKFB_DIV": (1, 80),
        "CLKOP_DIV": (1, 128),
    },
    "SB_PLL40_PAD": {  # icestorm/icepll/icepll.cc
        "source": (10, 133),
        "detector": (10, 133),
        "vco": (533, 1066),
        "out": (16, 275),
        "DIVR": (0, 15),
        "DIVF": (0, 127),
        "DIVQ": (1, 6),
        "FILTER_RANGE": (1, 6),
    },
    "MMCME2_BASE": {  # litex/soc/cores/clock/xilinx_s7.py, S7MMCM
        "source": (10, 800),
        "vco": (600, 1200),
        "DIVCLK_DIVIDE": (1, 106),
        "CLKFBOUT_MULT_F": (2, 64),
        "CLKOUT0_DIVIDE_F": (1, 128.125),
    },
}
"""MHz and dividers that other programs allow."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("oscillator", OSCILLATORS)
def test_every_clock_keeps_to_the_data_sheet_and_is_not_too_fast(kind: PllKind, oscillator: int) -> None:
    generator = random.Random(oscillator)
    low, _ = kind.limits.out
    for wanted in [generator.uniform(2 * low, 250) for _ in range(12)] + [50, 75, 80, 99.5, 133]:
        clock = choose_clock(kind, oscillator * MHZ, wanted)
        if not clock.cells:
            assert wanted == oscillator
            continue
        found = by_the_manual(clock.cells[0], Fraction(oscillator))
        assert found["out"] * MHZ == clock.frequency
        assert 0.5 * wanted < found["out"] <= wanted
        for what, (least, most) in LIMITS[clock.cells[0].primitive].items():
            assert least <= found[what] <= most, (what, clock)


@pytest.mark.parametrize("kind", [Ice40Pll(), GowinPll()], ids=["ice40", "gowin"])
def test_no_other_setting_comes_nearer(kind: PllKind) -> None:
    """Against every combination of dividers, in floating point."""
    generator = random.Random(5)
    gowin = isinstance(kind, GowinPll)
    for _ in range(20):
        source, wanted = generator.choice((12, 27, 48)), generator.uniform(17, 200)
        best = 0.0
        for divider in range(1, 65 if gowin else 17):
            for multiplier in range(1, 65 if gowin else 129):
                for output in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128) if gowin else (2, 4, 8, 16, 32, 64):
                    vco = source * multiplier / divider * (output if gowin else 1)
                    out = vco / output
                    limits = LIMITS["rPLL" if gowin else "SB_PLL40_PAD"]
                    values = {"detector": source / divider, "vco": vco, "out": out}
                    if out <= wanted and all(low <= values[what] <= high for what, (low, high) in limits.items()):
                        best = max(best, out)
        assert choose_clock(kind, source * MHZ, wanted).mhz == pytest.approx(best)


def test_gowin_s_limits_are_apycula_s() -> None:
    """gowin_pack, which refuses what lies outside: input and detector, output, oscillator, in MHz."""
    source, most_out, least_out, most_vco, least_vco = gowin_pack._permitted_freqs[DIE]
    limits = GowinPll.limits
    assert limits == Limits((3, source), (3, source), (least_vco, most_vco), (least_out, most_out))


@pytest.mark.parametrize("kind", [Ecp5Pll(), Ice40Pll(), Xilinx7Pll()], ids=lambda kind: type(kind).__name__)
def test_no_setting_lies_outside_what_other_programs_allow(kind: PllKind) -> None:
    """ecppll's, icepll's and LiteX's limits and dividers."""
    generator = random.Random(8)
    for _ in range(60):
        source, wanted = generator.choice((12, 25, 27, 48, 100)), generator.uniform(20, 250)
        clock = choose_clock(kind, source * MHZ, wanted)
        if clock.cells:
            found = by_the_manual(clock.cells[0], Fraction(source)) | {"source": Fraction(source)}
            for what, (least, most) in OTHERS[clock.cells[0].primitive].items():
                value = found[what] if what in found else number(clock.cells[0], what)
                assert least <= value <= most, (what, clock)


def test_an_oscillator_at_its_upper_end_makes_what_is_next_below() -> None:
    """4 x 134.4 MHz is too slow for an iCE40's oscillator and 8 x 134.4 MHz too fast; 8 x 132 MHz it makes."""
    assert choose_clock(Ice40Pll(), 12e6, 134.4).mhz == 132


def test_settings_are_those_of_the_vendors_own_tools() -> None:
    """What icepll -i 12 -o 30 and gowin_pll -i 27 -o 54 say, and ecppll's numbers for 48 to 80 MHz."""

    def parameters(clock: Clock) -> dict[str, str]:
        return dict(clock.cells[0].parameters)

    ice40 = parameters(choose_clock(Ice40Pll(), 12e6, 30))
    expected = {"DIVR": "4'd0", "DIVF": "7'd79", "DIVQ": "3'd5", "FILTER_RANGE": "3'd1"}
    assert {name: ice40[name] for name in expected} == expected
    gowin = parameters(choose_clock(GowinPll(), 27e6, 54))
    assert (gowin["FCLKIN"], gowin["IDIV_SEL"], gowin["FBDIV_SEL"]) == ('"27"', "0", "1")
    ecp5 = parameters(choose_clock(Ecp5Pll(), 48e6, 80))
    assert (ecp5["CLKI_DIV"], ecp5["CLKFB_DIV"]) == ("3", "5")


def test_the_oscillators_own_frequency_takes_no_pll() -> None:
    assert choose_clock(Ice40Pll(), 12e6, 12) == Clock(Fraction(12_000_000), Fraction(12_000_000))


@pytest.mark.parametrize("wanted", [0.5, 1, 9.9])
def test_what_no_pll_makes_is_refused(wanted: float) -> None:
    with pytest.raises(InputError, match=r"--mhz: found .*, expected 25, the board's oscillator"):
        choose_clock(Ecp5Pll(), 25e6, wanted)


def test_frequencies_follow_from_the_dividers() -> None:
    dividers = Dividers(3, Fraction(50), Fraction(10))
    assert dividers.vco(Fraction(48)) == 800
    assert dividers.out(Fraction(48)) == 80
