# SPDX-License-Identifier: Apache-2.0
"""Floorplan: which block RAM sites of an ECP5 the stages' memories get, before nextpnr places the rest around them.

An ECP5's block RAMs stand in a few rows across the die. nextpnr moves them to legal sites one by one, so that those of
a stage end up far apart and pull its logic after them. Here the sites are one snake, down through the left half of the
rows and up through the right, and the stages take them in the order of the pipeline, each its own piece: wires of
ResNet-20 on an ECP5-85F became a fifth shorter. Both ends are at the upper edge, where nextpnr puts pads that have no
place of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from wsfracbnn.gen.devices import FAMILIES, routable_devices
from wsfracbnn.gen.synthesis.cached import Netlist
from wsfracbnn.model.errors import InputError

GROUP = (0, 2, 4, 6)
"""Columns of the four block RAMs of a group, from the group's first."""

FIRST, PITCH, GAP = 4, 9, 2
"""Column of the first group, columns between groups, and how much wider the middle of the die makes one such gap."""


def block_ram_sites(device: str) -> list[str]:
    """Names of all sites, as nextpnr's BEL attribute takes them, along the snake."""
    rows = routable_devices()[device].block_ram_rows
    starts = [FIRST + PITCH * group + (GAP if group >= rows.left else 0) for group in range(rows.left + rows.right)]
    columns = [(start + offset, index) for start in starts for index, offset in enumerate(GROUP)]
    left, right = columns[: len(GROUP) * rows.left], columns[len(GROUP) * rows.left :]
    *upper, lowest = rows.strips
    # The lowest strip is walked from left to right, in one go; hence which way the others go.
    downwards = list(zip(reversed(upper), cycle((left[::-1], left))))[::-1]
    upwards = list(zip(reversed(upper), cycle((right[::-1], right))))
    return [
        f"X{column}/Y{row}/EBR{index}"
        for strip, along in [*downwards, (lowest, columns), *upwards]
        for column, index in along
        for row in strip
    ]


def pin_block_rams(netlist: Netlist, device: str, instances: Sequence[str]) -> str:
    """Give every block RAM of a netlist its site; returns the netlist's JSON.

    Args:
        netlist: of the flattened top module; it is changed.
        device: one that nextpnr can route.
        instances: those of the top module in the order of the pipeline. What is in none of them comes last. Sites that
            are left over lie evenly between.
    Raises:
        InputError: more block RAMs than the device has.
    """
    cells = netlist.contents["modules"][netlist.top]["cells"]
    found = [name for name, kind in netlist.cells.items() if kind in FAMILIES["ecp5"].block_rams]
    place = {instance: number for number, instance in enumerate(instances)}
    found.sort(key=lambda name: (place.get(name.split(".")[0], len(place)), name))
    sites = block_ram_sites(device)
    if len(found) > len(sites):
        raise InputError(f"device: {netlist.top} takes {len(found)} block RAMs, {device} has {len(sites)}")
    for number, name in enumerate(found):
        cells[name].setdefault("attributes", {})["BEL"] = sites[number * len(sites) // len(found)]
    return netlist.text
