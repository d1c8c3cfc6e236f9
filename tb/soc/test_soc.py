# SPDX-License-Identifier: Apache-2.0
"""The AXI wrapper of an emitted folder, at every width of its streams, against the golden vectors beside it."""

from __future__ import annotations

import itertools
from pathlib import Path

from wsfracbnn.gen.emission.folder import emit, emitted_sources
from wsfracbnn.gen.simulation.job import CocotbJob
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.soc.wrapper import STREAM_BITS, AxiWidths
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description

HERE = Path(__file__).parent

GRID = [
    {"IN": 64, "OUT": 64, "COLOURS": 3},
    {"IN": 8, "OUT": 32, "COLOURS": 1},
    {"IN": 32, "OUT": 8, "COLOURS": 1},
    {"IN": 8, "OUT": 64, "COLOURS": 3},
    {"IN": 32, "OUT": 32, "COLOURS": 3},
    {"IN": 32, "OUT": 64, "COLOURS": 1},
    {"IN": 64, "OUT": 32, "COLOURS": 5},
    {"IN": 8, "OUT": 8, "COLOURS": 3},
    {"IN": 64, "OUT": 8, "COLOURS": 3},
]
SLOW_FROM = 3
"""The points before have each width at either end."""
QUICK_IN_BOTH = True


def test_the_grid_holds_every_pair_of_widths() -> None:
    assert {(point["IN"], point["OUT"]) for point in GRID} == set(itertools.product(STREAM_BITS, STREAM_BITS))


def test_soc(block: tuple[str, dict[str, int]], tmp_path: Path) -> None:
    """4 classes and with the class 5 words, or 3 and 4: a last beat that is half full, or full.

    The network is a tame one: of a wild one all images have the same logits. It is folded for speed, because the bus
    and the streams around it take a simulator most of its time. That of three colours checks its constant memories.
    """
    simulator, point = block
    config = NetworkConfig(4, 4, point["COLOURS"], 4, (2, 4), (1, 1), 4 if point["COLOURS"] == 3 else 3)
    description = random_description(config, seed=3, name="tiny", wild=False)
    folder = tmp_path / "tiny"
    folding = preset(description, "fast")
    emit(
        description,
        folding.with_rom_parity() if point["COLOURS"] == 3 else folding,
        folder,
        axi=AxiWidths.of(point["IN"], point["OUT"]),
    )
    job = CocotbJob(
        simulator=simulator,
        sources=tuple(emitted_sources(folder)),
        toplevel="tiny_axi",
        module="bench_soc",
        search=HERE,
        build=tmp_path / "build",
        variables={"WSFRACBNN_SOC": str(folder)},
    )
    (tmp_path / "build").mkdir()
    code = job.start().wait()
    failures = job.failures()
    assert not failures, "\n".join(failures)
    assert code == 0, job.log_tail()
