# SPDX-License-Identifier: Apache-2.0
"""An exploration's outcomes as rows of a file of hardware results, as `wsfracbnn synth` and `pnr` record them."""

from __future__ import annotations

from collections.abc import Mapping

from wsfracbnn.gen.explore.jobs import Keys
from wsfracbnn.gen.explore.outcomes import Outcome, Routed, Synthesized
from wsfracbnn.gen.explore.space import FAMILY, Candidate
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.gen.synthesis.nextpnr import Placement
from wsfracbnn.gen.synthesis.record import HardwareResults, placement_row, synthesis_row
from wsfracbnn.gen.synthesis.summary import Simulated
from wsfracbnn.gen.synthesis.yosys import area_of


def hardware_results(designs: Mapping[Candidate, Keys], outcomes: Mapping[str, Outcome]) -> HardwareResults:
    """A row for each synthesis and for each routed seed. designs: with the keys of their jobs."""
    found = HardwareResults()
    for candidate, keys in designs.items():
        synthesized, run = outcomes[keys.synthesis], outcomes[keys.simulation]
        if isinstance(synthesized, Synthesized):
            area = area_of(synthesized.cells, FAMILY, synthesized.seconds)
            estimated = round(candidate.area.luts)
            found = found.with_row(synthesis_row(area, candidate.design, FAMILY, candidate.fold, estimated))
        measured = None
        if isinstance(run, SimulatorRun) and run.passed and run.cycles_per_image is not None:
            measured = Simulated(run.cycles_per_image, max(run.busy.values(), default=None))
        for settings, key in keys.routes.items():
            routed = outcomes[key]
            if isinstance(routed, Routed):
                placement = Placement(
                    settings,
                    routed.fmax_mhz,
                    routed.luts,
                    routed.flip_flops,
                    routed.block_rams,
                    routed.dsps,
                    tuple(routed.critical_path),
                    routed.seconds,
                )
                found = found.with_row(placement_row(placement, candidate.design, candidate.fold, measured, True))
    return found
