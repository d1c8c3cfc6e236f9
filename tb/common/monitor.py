# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: the rules of AXI4-Stream, held against every stream of a block in every cycle."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from wsfracbnn.tb.common.report import same

_VALID = re.compile(r"([sm]\d*_\w+)_tvalid")
PAYLOAD = ("tdata", "tkeep", "tlast", "tuser")
"""Signals that belong to a beat."""


@dataclass
class Stream:
    """One stream; counts are since the last reset.

    Attributes:
        waiting: payload of a beat that was offered and not taken in the cycle before, None: there was none.
        beats, first, last: beats taken, and the cycles of the first and the last.
    """

    name: str
    tvalid: Any
    tready: Any | None
    payload: tuple[Any, ...]
    waiting: list[str] | None = None
    beats: int = 0
    first: int = 0
    last: int = 0

    def forget(self) -> None:
        """A reset."""
        self.waiting, self.beats = None, 0


def streams_of(dut: Any) -> list[Stream]:
    """Streams among the ports of a block: s..._tvalid comes in, m..._tvalid goes out."""
    names = [match[1] for signal in dut if (match := _VALID.fullmatch(signal._name))]
    found = []
    for name in sorted(set(names)):
        signals = {s: getattr(dut, f"{name}_{s}", None) for s in ("tvalid", "tready", *PAYLOAD)}
        payload = tuple(signals[s] for s in PAYLOAD if signals[s] is not None)
        found.append(Stream(name, signals["tvalid"], signals["tready"], payload))
    return found


class Monitor:
    """Fails a test where a beat is withdrawn or changes while it waits, or where valid or ready is unknown.

    It looks from the first reset on. A reset takes back what is offered.

    clock, reset: signals, default `clk` and `rst`; reset_level: the reset's value that resets.
    """

    def __init__(
        self, dut: Any, looks: bool = True, clock: Any = None, reset: Any = None, reset_level: int = 1
    ) -> None:
        self.streams = streams_of(dut) if looks else []
        self.cycle = 0
        if self.streams:  # a block without streams need not have a reset
            cocotb.start_soon(
                self._run(dut.clk if clock is None else clock, dut.rst if reset is None else reset, reset_level)
            )

    async def _run(self, clock: Any, reset: Any, reset_level: int) -> None:
        edge, was_reset = RisingEdge(clock), False
        while True:
            await edge
            self.cycle += 1
            if reset.value == reset_level:
                was_reset = True
                for stream in self.streams:
                    stream.forget()
            elif was_reset:
                for stream in self.streams:
                    self._look(stream)

    def _look(self, stream: Stream) -> None:
        valid = str(stream.tvalid.value)
        ready = "1" if stream.tready is None else str(stream.tready.value)
        if valid not in ("0", "1") or ready not in ("0", "1"):
            same(f"{stream.name} in cycle {self.cycle}: valid, ready", "known", f"{valid}, {ready}")
        if stream.waiting is not None:
            same(f"{stream.name}_tvalid in cycle {self.cycle}, of a beat that waits", "1", valid)
            now = [str(signal.value) for signal in stream.payload]
            same(f"{stream.name} in cycle {self.cycle}, a beat that waits", stream.waiting, now)
        if valid == "0":
            return
        if ready == "0":
            if stream.waiting is None:
                stream.waiting = [str(signal.value) for signal in stream.payload]
            return
        stream.waiting = None
        stream.first = self.cycle if stream.beats == 0 else stream.first
        stream.beats, stream.last = stream.beats + 1, self.cycle

    def cycles(self) -> int:
        """Since the reset, from the first beat that an input took to the last that left, both counted."""
        began = [stream.first for stream in self.streams if stream.beats and stream.name.startswith("s")]
        ended = [stream.last for stream in self.streams if stream.beats and stream.name.startswith("m")]
        return max(ended) - min(began) + 1
