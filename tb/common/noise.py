# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: what stands on a stream while nothing is offered, and on all of them during a reset."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.monitor import PAYLOAD


class Noise:
    """Random payload on buses whose tvalid is low: a block that reads it there goes wrong.

    cocotbext-axi's source leaves the last beat's data and clears tlast, so that such a block would pass.
    """

    def __init__(self, clk: Any, sources: Sequence[Any], sinks: Sequence[Any], seed: int) -> None:
        self.generator = random.Random(seed)
        self.sources = [(bus.tvalid, [getattr(bus, name) for name in PAYLOAD if hasattr(bus, name)]) for bus in sources]
        self.ready = [bus.tready for bus in sinks if hasattr(bus, "tready")]
        self.clk = clk
        if sources:
            cocotb.start_soon(self._run())

    async def _run(self) -> None:
        edge = FallingEdge(self.clk)
        while True:
            await edge
            for tvalid, payload in self.sources:
                if tvalid.value != 1:
                    self._scramble(payload)

    def _scramble(self, payload: Sequence[Any]) -> None:
        for signal in payload:
            signal.value = self.generator.getrandbits(len(signal))

    def during_reset(self) -> None:
        """Beats are offered and taken: a neighbour's registers still hold them in the first cycle of a reset."""
        for tvalid, payload in self.sources:
            tvalid.value = self.generator.getrandbits(1)
            self._scramble(payload)
        for ready in self.ready:
            ready.value = self.generator.getrandbits(1)

    def after_reset(self) -> None:
        """Nothing is offered or taken until source and sink go on."""
        for tvalid, _ in self.sources:
            tvalid.value = 0
        for ready in self.ready:
            ready.value = 0
