# SPDX-License-Identifier: Apache-2.0
"""The testbench's reader of probe files: packed lanes, negative numbers, unknown bits."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.tb.network.golden import UNKNOWN, pixel_lines, read_probe


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


@pytest.mark.parametrize("height, width, colours", [(1, 1, 1), (1, 3, 7), (2, 2, 8), (3, 1, 33), (2, 2, 256)])
def test_pixels_are_written_with_the_first_colour_lowest_and_a_bit_for_the_last(
    height: int, width: int, colours: int
) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, height, width, colours), np.uint8)
    images[0, 0, 0] = 0
    expected = []
    for image in images.reshape(2, -1, colours):
        words = [int.from_bytes(pixel.tobytes(), "little") for pixel in image]
        expected += [*words[:-1], words[-1] | 1 << 8 * colours]
    assert [int(line, 16) for line in pixel_lines(images).splitlines()] == expected
