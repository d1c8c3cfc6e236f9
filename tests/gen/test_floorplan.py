# SPDX-License-Identifier: Apache-2.0
"""Block RAM sites: as many as each device has, and the stages' memories side by side in the order of the pipeline."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from wsfracbnn.gen.devices import DEVICES, routable_devices
from wsfracbnn.gen.synthesis.cached import Netlist
from wsfracbnn.gen.synthesis.floorplan import block_ram_sites, pin_block_rams
from wsfracbnn.model.errors import InputError


def _netlist(names: list[str]) -> Netlist:
    kinds = dict.fromkeys(names, "DP16KD") | {"lut": "LUT4"}
    cells = {name: {"type": kind, "connections": {}} for name, kind in kinds.items()}
    return Netlist({"modules": {"top": {"cells": cells}}}, "top", kinds)


@pytest.mark.parametrize("device", list(routable_devices()))
def test_a_device_has_each_of_its_sites_once(device: str) -> None:
    sites = block_ram_sites(device)
    assert len(sites) == len(set(sites)) == DEVICES[device].block_rams
    places = [re.fullmatch(r"X(\d+)/Y(\d+)/EBR([0-3])", site) for site in sites]
    at = [(int(m[1]), int(m[2])) for m in places if m]
    assert len(at) == len(sites)
    # A snake: the next site is never further than the way to the next strip, from the lower row of two at most.
    assert max(abs(x - u) + abs(y - v) for (x, y), (u, v) in itertools.pairwise(at)) <= 36


def test_memories_follow_the_pipeline() -> None:
    names = [f"{stage}.memory.{n}" for stage in ("stage_02", "odd", "stage_01") for n in range(3)]
    pinned = json.loads(pin_block_rams(_netlist(names), "ecp5-25f", ("stage_01", "stage_02")))
    cells = pinned["modules"]["top"]["cells"]
    sites = block_ram_sites("ecp5-25f")
    order = sorted(names, key=lambda name: sites.index(cells[name]["attributes"]["BEL"]))
    assert [name.split(".")[0] for name in order] == ["stage_01"] * 3 + ["stage_02"] * 3 + ["odd"] * 3
    assert len({cells[name]["attributes"]["BEL"] for name in names}) == 9
    assert "attributes" not in cells["lut"]


def test_too_many_block_rams_are_refused() -> None:
    with pytest.raises(InputError, match="device: top takes 57 block RAMs, ecp5-25f has 56"):
        pin_block_rams(_netlist([f"stage_01.memory.{n}" for n in range(57)]), "ecp5-25f", ("stage_01",))
