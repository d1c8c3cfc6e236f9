# SPDX-License-Identifier: Apache-2.0
"""A sample of the soak, that it finds faults, and that it goes on where it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .run import LEAST, MOST, Record, Soaked, WrongError, example_of, frames_for, prepare, simulate, soak, with_edges

SEED = 1

FAULTS = {
    # A bad frame is not counted.
    "count": ("dropped_frames <= dropped_frames + 1'b1", "dropped_frames <= dropped_frames"),
    # A frame that is too long is taken for a good one.
    "long": ("wire too_long  = moved && pass && !s_axis_tlast && last", "wire too_long  = 1'b0"),
    # The number of the pixel survives a reset.
    "reset": ("        count        <= {COUNT_W{1'b0}};\n        last         <= PIXELS == 1;\n", ""),
    # tlast is looked at without valid.
    "tlast": ("wire too_short = moved && pass", "wire too_short = accept && pass"),
}
"""Made in the emitted Verilog by hand."""


@pytest.mark.simulator
@pytest.mark.parametrize("number, frames", [(0, 40), (7, 60)])
def test_frames_of_all_kinds_leave_no_wrong_result(tmp_path: Path, number: int, frames: int) -> None:
    example = example_of(SEED, number)
    assert example is not None
    soaked = soak(example, SEED, number, tmp_path, frames)
    assert soaked.good > 0
    assert soaked.bad > 0
    assert soaked.good + soaked.bad == soaked.frames >= min(frames, LEAST)


@pytest.mark.simulator
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_verilog_is_found(tmp_path: Path, fault: str) -> None:
    number = 7  # few cycles, more than one pixel
    example = example_of(SEED, number)
    assert example is not None
    design = prepare(example, tmp_path)
    right, wrong = FAULTS[fault]
    hits = 0
    for path in (tmp_path / "net/rtl").rglob("*.v"):
        text = path.read_text()
        hits += right in text
        path.write_text(text.replace(right, wrong))
    assert hits == 1
    with pytest.raises(WrongError):
        simulate(design, SEED, number, tmp_path, MOST)


def test_images_reach_both_ends_of_a_pixels_range() -> None:
    images = with_edges(np.full((2, 3, 3, 1), 7, dtype=np.uint8))
    assert [(int(image.min()), int(image.max())) for image in images] == [(7, 7), (7, 7), (0, 0), (255, 255), (0, 255)]


def test_small_networks_have_more_frames() -> None:
    assert frames_for(1) == MOST
    assert frames_for(10**9) == LEAST


def test_what_is_done_is_kept_for_the_same_sources_alone(tmp_path: Path) -> None:
    path = tmp_path / "done.json"
    Record(path, "a").add(Soaked(number=3, frames=7, good=4, bad=3, cut=2, resets=1, cycles=900))
    again = Record(path, "a")
    assert (again.total("frames"), again.done[0].number) == (7, 3)
    assert Record(path, "b").done == []
