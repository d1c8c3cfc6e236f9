# SPDX-License-Identifier: Apache-2.0
"""Proofs of stages as the generator emits them: what several blocks do together."""

from __future__ import annotations

from formal.block import BOUNDED, Block, Fault
from formal.network import conv_stage_sources

NETWORKS = (
    Block(
        "skip_fifo",
        2,
        (
            Fault(
                "an entry less than the least depth",
                "    .DEPTH(3)\n) skip_fifo (",
                "    .DEPTH(2)\n) skip_fifo (",
                "window_is_complete",
                source="random_stage_01",
                depth=20,
            ),
            Fault(
                "an entry less where pixels have two beats",
                "    .DEPTH(7)\n) skip_fifo (",
                "    .DEPTH(6)\n) skip_fifo (",
                "window_is_complete",
                source="random_stage_01",
                sizes={"HEIGHT": 3, "WIDTH": 3, "CHANNELS": 2, "UNROLLED": 0, "DEPTH": 7},
                depth=32,
            ),
        ),
        (
            {"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 0, "DEPTH": 3},
            {"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 0, "DEPTH": 32},
            {"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 1, "DEPTH": 3},
            {"HEIGHT": 3, "WIDTH": 3, "CHANNELS": 2, "UNROLLED": 0, "DEPTH": 7},
            {"HEIGHT": 1, "WIDTH": 6, "CHANNELS": 1, "UNROLLED": 0, "DEPTH": 3},
            {"HEIGHT": 6, "WIDTH": 1, "CHANNELS": 3, "UNROLLED": 0, "DEPTH": 3},
            {"HEIGHT": 4, "WIDTH": 6, "CHANNELS": 10, "UNROLLED": 0, "DEPTH": 77},
        ),
        emitted=conv_stage_sources,
    ),
    Block(
        "conv_progress",
        130,
        (
            Fault(
                "an entry less than the least depth",
                "    .DEPTH(3)\n) skip_fifo (",
                "    .DEPTH(2)\n) skip_fifo (",
                "in_time",
                source="random_stage_01",
                depth=100,
            ),
            Fault(
                "the same of an unrolled stage",
                "    .DEPTH(3)\n) skip_fifo (",
                "    .DEPTH(2)\n) skip_fifo (",
                "in_time",
                source="random_stage_01",
                sizes={"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 1, "DEPTH": 3, "CYCLES": 40, "STARTS": 8},
                depth=80,
            ),
        ),
        (
            {"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 0, "DEPTH": 3, "CYCLES": 50, "STARTS": 1},
            {"HEIGHT": 2, "WIDTH": 4, "CHANNELS": 1, "UNROLLED": 1, "DEPTH": 3, "CYCLES": 40, "STARTS": 8},
        ),
        method=BOUNDED,
        emitted=conv_stage_sources,
        free=("fractional.open", "dut.registered_tdata"),
    ),
)
