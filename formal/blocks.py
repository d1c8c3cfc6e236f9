# SPDX-License-Identifier: Apache-2.0
"""All blocks that are proven, in the order of the tables."""

from __future__ import annotations

from formal.arithmetic import ARITHMETIC
from formal.block import Block
from formal.networks import NETWORKS
from formal.parts import PARTS
from formal.stages import STAGES
from formal.streams import STREAMS

BLOCKS: tuple[Block, ...] = (*STREAMS, *PARTS, *ARITHMETIC, *STAGES, *NETWORKS)
