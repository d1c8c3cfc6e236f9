# SPDX-License-Identifier: Apache-2.0
"""The testbench's reader of probe files: packed lanes, negative numbers, unknown digits."""

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
    digits = -(-lanes * bits // 4)
    words = [sum((value % (1 << bits)) << (lane * bits) for lane, value in enumerate(beat)) for beat in beats]
    file = tmp_path / "probe.hex"
    file.write_text("".join(f"{word:0{digits}x}\n" for word in words) + "x" * digits + "\n")
    values = read_probe(file, lanes, bits).tolist()
    assert values == [value for beat in beats for value in beat] + [UNKNOWN] * lanes
    file.write_text("")
    assert read_probe(file, lanes, bits).size == 0
