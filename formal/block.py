# SPDX-License-Identifier: Apache-2.0
"""What a block's proof consists of: sizes, method, depth, and the faults that it must find.

The properties themselves are in BLOCK.sv beside this file: a module BLOCK_properties that instantiates the block as it
is, assumes what its neighbours keep to, and asserts what it must do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

INDUCTION = "k-induction"
"""Depth k: no assertion fails in the first k cycles, and none fails after k cycles in which none has. Holds forever."""

BOUNDED = "bounded"
"""Depth k: no assertion fails in the first k cycles, the first of which has a reset."""

CELLWISE = "cell by cell"
"""Depth k: of the cells of an adder tree, of k inputs at most, each adds up its inputs, whatever these are, and so all
together add up the tree's (formal/adder_tree.py). Holds forever."""


@dataclass(frozen=True)
class Fault:
    """A deliberate mistake in a block, that its proof must find.

    Attributes:
        name: what is wrong, in a few words.
        old, new: text of the source, which occurs once, and what takes its place.
        refuted: the property that must fail, as its label is after flattening.
        source: file under rtl/; "" is the block's own.
        sizes: parameters of the properties' module, where the proof's first ones do not show it.
        depth: cycles within which it must show; the proof's own where that is cell by cell.
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
        emitted: file names and texts of the Verilog for some sizes, where the generator emits what is proven; None:
            blocks of rtl/.
        free: signals that may have any value in any cycle, by the ends of their names: what is shown holds whatever
            drives them.
    """

    name: str
    depth: int
    faults: tuple[Fault, ...]
    sizes: tuple[Mapping[str, int], ...] = ({},)
    method: str = INDUCTION
    quick: bool = False
    emitted: Callable[[Mapping[str, int]], dict[str, str]] | None = None
    free: tuple[str, ...] = ()
