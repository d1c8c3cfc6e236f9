# SPDX-License-Identifier: Apache-2.0
"""Facts that pages are made of in the tests: every kind of figure, measured and estimated."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.report.facts import DesignFacts, gather
from wsfracbnn.gen.report.sources import Measurements, read_design
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.synthesis.cached import PartArea
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
    measured = {stage.name: PartArea(100 + n, 200 + n, n) for n, stage in enumerate(facts.stages)}
    return gather(
        facts.design,
        ECP5,
        simulation=facts.simulation,
        measured=measured | {"": PartArea(30, 40, 0)},
        rows=[routed],
        equals_pytorch=True,
    )


def nothing_known(network: NetworkDescription) -> DesignFacts:
    """The same network at another folding, of which there is nothing but the design."""
    return gather(build_design(network, preset(network, "fast")), ECP5, options={"--weights": "tiny.pt"})
