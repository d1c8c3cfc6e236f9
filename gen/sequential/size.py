# SPDX-License-Identifier: Apache-2.0
"""The size of the one engine, and what folding files call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WORD = "sequential"
"""What `--fold` and the key `architecture` of a folding file call it."""

ARCHITECTURE_KEY = "architecture"


@dataclass(frozen=True)
class EngineSize:
    """pe: output channels at once. simd: bits of each plane at once.

    tail_in_luts: whether the last words of the weights, which would leave most of their block RAMs empty, go to LUTs.
    loaded: whether weights and constants come through a port, and not with the bitstream.
    """

    pe: int
    simd: int
    tail_in_luts: bool = False
    loaded: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a folding file has it."""
        tail = {"weights_tail": "luts"} if self.tail_in_luts else {}
        loaded = {"weights": "loaded"} if self.loaded else {}
        return {"pe": self.pe, "simd": self.simd} | tail | loaded


SMALLEST = EngineSize(1, 1)
