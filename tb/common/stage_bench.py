# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: feed a stage its golden input stream and compare what comes out, pixel by pixel."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from cocotb.triggers import SimTimeoutError

from wsfracbnn.tb.common.bench import Bench, Traffic, pack, same, unpack


async def check_stage(dut: Any, traffic: Traffic) -> None:
    """All images through the stage; a mismatch names image, pixel, channel, expected, got."""
    with np.load(os.environ["VECTORS"]) as file:
        golden = {key: file[key] for key in file.files}
    in_lanes, out_lanes = int(golden["in_lanes"]), int(golden["out_lanes"])
    bits, out_bits = int(golden["bits"]), int(golden["out_bits"])
    bench = Bench(dut)
    expected = golden["y"]

    async def drive() -> None:
        bench.send([pack([int(v) for v in beat], bits) for beat in golden["x"].reshape(-1, in_lanes)])
        got = 0
        while got < expected.size:
            try:
                frame = await bench.frame()
            except SimTimeoutError:
                same("values", expected.size, f"{got}, then nothing: the stream hangs")
            for beat in frame.tdata:
                lanes = unpack(int(beat), out_bits, out_lanes)
                for lane, value in enumerate(lanes):
                    at = tuple(int(i) for i in np.unravel_index(got + lane, expected.shape))
                    where = ("image", "class") if expected.ndim == 2 else ("image", "row", "column", "channel")
                    same(", ".join(f"{n} {i}" for n, i in zip(where, at, strict=True)), int(expected[at]), value)
                got += len(lanes)
        await bench.quiet()

    await bench.run(traffic, drive)
