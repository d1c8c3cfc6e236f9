# SPDX-License-Identifier: Apache-2.0
"""All blocks that are proven, in the order of the tables."""

from __future__ import annotations

from collections.abc import Mapping

from formal.arithmetic import ARITHMETIC
from formal.block import Block
from formal.networks import NETWORKS
from formal.parts import PARTS
from formal.stages import STAGES
from formal.streams import STREAMS

BLOCKS: tuple[Block, ...] = (*STREAMS, *PARTS, *ARITHMETIC, *STAGES, *NETWORKS)

PROVEN_WITHIN: Mapping[str, tuple[str, ...]] = {
    "window_columns": ("window_buffer", "window_walk"),
    "fractional_lane": ("fractional_engine",),
}
"""Blocks of rtl/ without properties of their own, and those whose proofs contain them."""

SIMULATED_ONLY = ("line_engine",)
"""It connects two blocks that are proven; with its nine groups at least it is too large for the solver."""
