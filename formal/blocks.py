# SPDX-License-Identifier: Apache-2.0
"""What is proven of each block: sizes, method, depth, and the faults that must be found.

The properties themselves are in BLOCK.sv beside this file: a module BLOCK_properties that instantiates the block as it
is, assumes what its neighbours keep to, and asserts what it must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

INDUCTION = "k-induction"
"""Depth k: no assertion fails in the first k cycles, and none fails after k cycles in which none has. Holds forever."""

BOUNDED = "bounded"
"""Depth k: no assertion fails in the first k cycles, the first of which has a reset."""


@dataclass(frozen=True)
class Fault:
    """A deliberate mistake in a block, that its proof must find.

    Attributes:
        name: what is wrong, in a few words.
        old, new: text of the source, which occurs once, and what takes its place.
        refuted: the property that must fail, as its label is after flattening.
        source: file under rtl/; "" is the block's own.
        sizes: parameters of the properties' module, where the proof's first ones do not show it.
        depth: cycles within which it must show.
    """

    name: str
    old: str
    new: str
    refuted: str
    source: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    depth: int = 12


@dataclass(frozen=True)
class Block:
    """A file of properties, and how they are shown.

    Attributes:
        name: of the block and of the file.
        depth: of all proofs.
        sizes: parameters of the properties' module, one mapping for each proof.
        quick: part of `make test`: its first sizes and its first fault.
    """

    name: str
    depth: int
    faults: tuple[Fault, ...]
    sizes: tuple[Mapping[str, int], ...] = ({},)
    method: str = INDUCTION
    quick: bool = False


BLOCKS = (
    Block(
        "stream_register",
        1,
        (
            Fault(
                "ready does not fall for a word in the spare register",
                "spare_free <= out_free || (spare_free && !s_axis_tvalid);",
                "spare_free <= 1'b1;",
                "takes_two",
            ),
            Fault(
                "the spare word is passed over",
                "out_data  <= spare_free ? s_axis_tdata : spare_data;",
                "out_data  <= s_axis_tdata;",
                "words.in_order",
            ),
            Fault("reset leaves a beat", "        out_valid  <= 1'b0;\n", "", "words.none_made_up"),
        ),
        quick=True,
    ),
    Block(
        "stream_fork",
        1,
        (
            Fault(
                "an output is offered the same beat again",
                "s_axis_tvalid && !taken_1;",
                "s_axis_tvalid;",
                "offered_once",
            ),
            Fault("one output's ready is enough", "done_0 && done_1;", "done_0 || done_1;", "taken_by_both"),
            Fault("reset forgets one bit only", "        taken_1 <= 1'b0;\n", "", "offered_once"),
        ),
        quick=True,
    ),
    Block(
        "stream_fifo",
        2,
        (
            Fault(
                "takes a word too many",
                "full   <= store && stored == LAST_ADDR[COUNT_W-1:0];",
                "full   <= 1'b0;",
                "never_read_while_written",
            ),
            Fault(
                "reads an empty memory",
                "wire load      = read_free && some;",
                "wire load      = read_free;",
                "never_read_while_written",
            ),
            Fault("reset leaves a word", "        read_valid <= 1'b0;\n", "", "words.none_made_up"),
            Fault(
                "the last register takes a word only when it is asked for one",
                "assign read_taken    = !out_valid || m_axis_tready;",
                "assign read_taken    = m_axis_tready;",
                "words.in_time",
                sizes={"DEPTH": 4, "BLOCK": 1},
            ),
        ),
        (
            {"DEPTH": 4, "BLOCK": 0},
            {"DEPTH": 2, "BLOCK": 0},
            {"DEPTH": 3, "BLOCK": 0},
            {"DEPTH": 5, "BLOCK": 0},
            {"DEPTH": 4, "BLOCK": 1},
            {"DEPTH": 5, "BLOCK": 1},
            {"DEPTH": 6, "BLOCK": 1},
        ),
        quick=True,
    ),
    Block(
        "frame_guard",
        1,
        (
            Fault(
                "the last pixel waits for the status stream's ready",
                "assign m_axis_tvalid   = offer && !pixel_taken;",
                "assign m_axis_tvalid   = offer && (!last || m_status_tready);",
                "pixel_offered_once",
            ),
            Fault(
                "a status bit is offered again",
                "offer && last && !status_taken;",
                "offer && last;",
                "status_offered_once",
            ),
            Fault(
                "a short frame is not filled up",
                "if (too_short) begin\n                state <= FILL;",
                "if (too_short) begin\n                state <= PASS;",
                "input_taken",
            ),
            Fault("reset in a half-taken beat", "        pixel_taken  <= 1'b0;\n", "", "pixel_offered_once"),
        ),
        ({"PIXELS": 3}, {"PIXELS": 1}, {"PIXELS": 2}, {"PIXELS": 4}),
        quick=True,
    ),
)
