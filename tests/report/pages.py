# SPDX-License-Identifier: Apache-2.0
"""Facts that pages are made of in the tests: every kind of figure, measured and estimated."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.explore.results import Clock, Exploration, Result, Skipped
from wsfracbnn.gen.report.facts import DesignFacts, gather
from wsfracbnn.gen.report.sources import Measurements, read_design
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.cached import PartArea, Share
from wsfracbnn.gen.synthesis.record import HardwareRow
from wsfracbnn.model.description import NetworkDescription

ECP5 = FAMILIES["ecp5"]


def everything_known(folder: Path, nothing_measured: Measurements) -> DesignFacts:
    """A design that was simulated, synthesized and routed. folder: with its simulation."""
    facts = read_design(folder, nothing_measured)
    routed = HardwareRow(
        "tiny",
        "small",
        "ecp5-25f",
        speed_grade=6,
        seed=1,
        lut4=700,
        fmax_mhz=123.4,
        sha256=facts.design.digest,
        critical_path="stage_01.a -> stage_02.b",
    )
    breakdown = [
        share
        for n, stage in enumerate(facts.stages)
        for share in (
            Share(stage.name, "window", PartArea(60 + n, 200, 0)),
            Share(stage.name, "<weights>", PartArea(40, n, n)),
        )
    ]
    return gather(
        facts.design,
        ECP5,
        simulation=facts.simulation,
        breakdown=[*breakdown, Share("", "frame guard", PartArea(30, 40, 0))],
        rows=[routed],
        equals_pytorch=True,
    )


def nothing_known(network: NetworkDescription) -> DesignFacts:
    """The same network at another folding, of which there is nothing but the design."""
    return gather(build_design(network, choose_folding(network, "fast")), ECP5, options={"--weights": "tiny.pt"})


def explored() -> Exploration:
    """Designs of every kind: the best, two on the front, a dominated one, a wrong one, one that could not be routed."""

    def clock(seed: int, mhz: float, luts: int) -> Clock:
        return Clock(seed=seed, fmax_mhz=mhz, luts=luts, flip_flops=900, block_rams=7)

    def result(fold: str, cycles: int | None, clocks: tuple[Clock, ...], *, exact: bool, why: str = "") -> Result:
        return Result(
            fold=fold,
            device="ecp5-45f" if fold == "fast" else "ecp5-25f",
            speed_grade=6,
            build=fold,
            estimated_luts=1000,
            estimated_cycles=500,
            cycles_per_image=cycles,
            images=0 if cycles is None else 10,
            mismatches=None if cycles is None else 0 if exact else 4,
            bit_exact=exact,
            clocks=clocks,
            failures=(why,) if why else (),
        )

    return Exploration(
        network="tiny",
        sha256="0" * 64,
        objective="images_per_s",
        at_most={"luts": 5000.0},
        seeds=2,
        aimed_mhz=150.0,
        results=(
            result("auto", 1000, (clock(1, 100.0, 2000), clock(2, 120.0, 2010)), exact=True),
            result("small", 8000, (clock(1, 150.0, 900),), exact=True),
            result("cycles=1200", 1200, (clock(1, 110.0, 2500),), exact=True),
            result("fast", 300, (clock(1, 80.0, 9000),), exact=True),
            result("wrong", 200, (clock(1, 200.0, 100),), exact=False, why="simulation: stage_01: expected 3, got 4"),
            result("large", 250, (), exact=True, why="seed 1: Unable to place cell"),
        ),
        skipped=(
            Skipped(
                fold="device=huge", device="ecp5-25f", estimated_luts=90_000, estimated_cycles=9, why="does not fit"
            ),
        ),
        best=0,
    )
