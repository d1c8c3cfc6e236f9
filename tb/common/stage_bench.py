# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: feed a stage its golden input stream and compare what comes out, pixel by pixel."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np

from wsfracbnn.tb.common.bench import Bench, pack, same, unpack


async def check_stage(dut: Any, stalled: bool) -> None:
    """All images through the stage; a mismatch names image, pixel, channel, expected, got."""
    with np.load(os.environ["VECTORS"]) as file:
        golden = {key: file[key] for key in file.files}
    in_lanes, out_lanes = int(golden["in_lanes"]), int(golden["out_lanes"])
    bits, out_bits = int(golden["bits"]), int(golden["out_bits"])
    bench = Bench(dut)
    if stalled:
        bench.stall()
    await bench.reset()
    bench.send([pack([int(v) for v in beat], bits) for beat in golden["x"].reshape(-1, in_lanes)])
    expected = golden["y"]
    got: list[int] = []
    while len(got) < expected.size:
        try:
            frame = await bench.frame()
        except cocotb.triggers.SimTimeoutError:
            same("values", expected.size, f"{len(got)}, then nothing: the stream hangs")
        for beat in frame.tdata:
            lanes = unpack(int(beat), out_bits, out_lanes)
            for lane, value in enumerate(lanes):
                at = tuple(int(i) for i in np.unravel_index(len(got) + lane, expected.shape))
                where = ("image", "class") if expected.ndim == 2 else ("image", "row", "column", "channel")
                same(", ".join(f"{n} {i}" for n, i in zip(where, at, strict=True)), int(expected[at]), value)
            got += lanes
    await bench.quiet()
