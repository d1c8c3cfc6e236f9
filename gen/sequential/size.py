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
    """

    pe: int
    simd: int
    tail_in_luts: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a folding file has it."""
        tail = {"weights_tail": "luts"} if self.tail_in_luts else {}
        return {"pe": self.pe, "simd": self.simd} | tail


SMALLEST = EngineSize(1, 1)
