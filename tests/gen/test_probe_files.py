# SPDX-License-Identifier: Apache-2.0
"""The testbench's reader of probe files: packed lanes, negative numbers, unknown bits."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from wsfracbnn.tb.network.golden import UNKNOWN, read_probe


@pytest.mark.parametrize("lanes, bits", [(1, 16), (2, 16), (3, 12), (5, 10), (1, 9)])
def test_probe_files_are_read_back(tmp_path: Path, lanes: int, bits: int) -> None:
    generator = random.Random(1)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    beats = [[generator.choice((low, high, generator.randint(low, high))) for _ in range(lanes)] for _ in range(100)]
    size = -(-lanes * bits // 32)
    data = b""
    for beat in beats:
        word = sum((value % (1 << bits)) << (lane * bits) for lane, value in enumerate(beat))
        data += b"".join((word >> 32 * i & 0xFFFFFFFF).to_bytes(4, "little") + bytes(4) for i in range(size))
    last_bit = (1 << ((lanes * bits - 1) % 32)).to_bytes(4, "little")
    data += bytes(8 * (size - 1)) + last_bit + last_bit  # x in the highest lane
    file = tmp_path / "probe.bin"
    file.write_bytes(data)
    values = read_probe(file, lanes, bits).tolist()
    assert values == [value for beat in beats for value in beat] + [0] * (lanes - 1) + [UNKNOWN]
    file.write_bytes(b"")
    assert read_probe(file, lanes, bits).size == 0
