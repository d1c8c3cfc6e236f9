# SPDX-License-Identifier: Apache-2.0
"""Proof that a tree of adders counts the ones among its terms, at widths that no solver manages.

A circuit of hundreds of inputs cannot be tried with all their values, but each cell of the tree can. The count is a sum
of wires, each times a power of two; it is followed backwards from the output. In every step the wires of the last level
are replaced by what they are made of: wires that share inputs are a *cell*, and for all values of the cell's inputs
their weighted sum must be a weighted sum of these inputs (of a full adder: sum + 2 carry = x + y + z). A register moves
its wire to the cycle before. Each step leaves an equal sum. At the end that is the sum of the terms, which the file of
properties states, each of them once.

All is modulo 2^W, W bits being the count's. There are fewer than 2^W terms: the count is their number.

Cells end at the wires `levels[l].in` of the tree, whatever these names promise: with others a step fails, and no false
count passes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

COUNTED = "counted"
"""The count is the sum of the terms."""

IN_ITS_TIME = "in_its_time"
"""Every term passes STAGES registers."""

PROPERTIES: tuple[str, ...] = (COUNTED, IN_ITS_TIME)

LEVEL = re.compile(r"(?:^|\.)levels\[(\d+)\]\.in$")

ZERO, ONE = "0", "1"

Bit = int | str
"""A wire of one bit, as Yosys numbers them, or a constant."""

At = tuple[Bit, int]
"""A wire, and how many cycles before the count."""


class NotShownError(Exception):
    """A step fails. label: of the property that does not hold then."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(f"{label}: {reason}")
        self.label = label


@dataclass
class Netlist:
    """A flat module, by bits.

    Attributes:
        inputs: bits that come from outside.
        gates: of a bit the operation that makes it, and its operands.
        registers: of a register's output its input.
        adders: of the first bit of an adder all its bits, and both operands.
        levels: of a wire of the tree the level that makes it.
    """

    inputs: set[Bit] = field(default_factory=set)
    gates: dict[Bit, tuple[str, tuple[Bit, ...]]] = field(default_factory=dict)
    registers: dict[Bit, Bit] = field(default_factory=dict)
    adders: dict[Bit, tuple[list[Bit], list[Bit], list[Bit]]] = field(default_factory=dict)
    levels: dict[Bit, int] = field(default_factory=dict)


def read_netlist(module: Mapping[str, Any]) -> Netlist:
    """The bits of a module as Yosys' `write_json` writes it, of word-level cells.

    A cell that is not known here makes no bit, so that nothing is shown of what depends on it.
    """
    netlist = Netlist()
    clock = module["ports"]["clk"]["bits"]
    for port in module["ports"].values():
        if port["direction"] == "input" and port["bits"] != clock:
            netlist.inputs |= set(port["bits"])
    for cell in module["cells"].values():
        _read_cell(netlist, cell["type"], cell["connections"], cell["parameters"], clock)
    for name, wire in module["netnames"].items():
        if (found := LEVEL.search(name)) is not None:
            for bit in wire["bits"]:
                netlist.levels[bit] = min(int(found[1]), netlist.levels.get(bit, int(found[1])))
    return netlist


def _read_cell(
    netlist: Netlist, kind: str, ends: Mapping[str, list[Bit]], parameters: Mapping[str, str], clock: list[Bit]
) -> None:
    if kind == "$dff":
        if ends["CLK"] == clock and int(parameters["CLK_POLARITY"], 2) == 1:
            netlist.registers |= dict(zip(ends["Q"], ends["D"], strict=True))
        return
    if any(int(parameters.get(f"{end}_SIGNED", "0"), 2) for end in "AB"):
        return
    out = ends.get("Y", [])
    if kind == "$add":
        a, b = (ends[end] + [ZERO] * (len(out) - len(ends[end])) for end in "AB")
        netlist.adders[out[0]] = (out, a[: len(out)], b[: len(out)])
    elif kind == "$not" and len(ends["A"]) == len(out):
        netlist.gates |= {y: (kind, (x,)) for y, x in zip(out, ends["A"], strict=True)}
    elif kind in OPERATIONS and len(ends["A"]) == len(ends["B"]) == len(out):
        netlist.gates |= {y: (kind, pair) for y, *pair in zip(out, ends["A"], ends["B"], strict=True)}  # type: ignore[misc]
    elif kind == "$shiftx" and len(out) == 1 and len(ends["A"]) == 1 << len(ends["B"]):
        netlist.gates[out[0]] = (kind, (*ends["B"], *ends["A"]))


OPERATIONS: Mapping[str, Callable[[int, int], int]] = {
    "$and": int.__and__,
    "$logic_and": int.__and__,  # of single bits
    "$or": int.__or__,
    "$xor": int.__xor__,
}


class Cones:
    """What makes a wire, back to wires of the tree and to inputs, and its values for all of theirs."""

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist
        self._ends: dict[Bit, frozenset[Bit]] = {}

    def operands(self, bit: Bit) -> tuple[Bit, ...]:
        """Of the gate that makes a bit."""
        if bit not in self._netlist.gates:
            raise NotShownError(COUNTED, f"wire {bit} is made by no gate that is known here")
        return self._netlist.gates[bit][1]

    def ends(self, bit: Bit) -> frozenset[Bit]:
        """Wires of the tree and inputs that a bit is made of; it may be one of them itself."""
        if bit in (ZERO, ONE):
            return frozenset()
        if bit in self._netlist.levels or bit in self._netlist.inputs:
            return frozenset({bit})
        return self.made_of(bit)

    def made_of(self, bit: Bit) -> frozenset[Bit]:
        """The same for a wire of the tree that no register makes: what it is made of."""
        if bit not in self._ends:
            self._ends[bit] = frozenset().union(*(self.ends(operand) for operand in self.operands(bit)))
        return self._ends[bit]

    def table(self, bit: Bit, columns: Mapping[Bit, int]) -> int:
        """Values of a bit, one for each value of its ends, whose own values `columns` has, and of constants."""
        if bit in columns:
            return columns[bit]
        operands = self.operands(bit)
        kind, _ = self._netlist.gates[bit]
        values = [self.table(operand, columns) for operand in operands]
        if kind == "$not":
            return values[0] ^ columns[ONE]
        if kind == "$shiftx":
            return _selected(values, columns[ONE])
        return OPERATIONS[kind](*values)


def _selected(values: Sequence[int], every: int) -> int:
    """One of the last values, by its number, whose bits come first."""
    bits = next(n for n in range(len(values)) if n + (1 << n) == len(values))
    found = 0
    for number, value in enumerate(values[bits:]):
        for place in range(bits):
            value &= values[place] if number >> place & 1 else values[place] ^ every
        found |= value
    return found


@dataclass
class Cell:
    """Wires that share inputs, directly or through others.

    Attributes:
        factors: of what makes the wires.
        inputs: wires of the tree and inputs, with their cycle.
    """

    factors: Counter[Bit] = field(default_factory=Counter)
    inputs: set[At] = field(default_factory=set)


class Row:
    """A count that is followed back to its terms.

    Attributes:
        total: the sum that equals the count, factors of wires.
    """

    def __init__(self, netlist: Netlist, count: Sequence[Bit], terms: Sequence[Bit], stages: int, limit: int) -> None:
        """limit: inputs of a cell at most."""
        self._netlist = netlist
        self._cones = Cones(netlist)
        self._modulus = 1 << len(count)
        self._stages = stages
        self._limit = limit
        self._terms: dict[Bit, set[Bit]] = defaultdict(set)  # those that an input has a part in
        for term in terms:
            for bit in self._cones.made_of(term):
                self._terms[bit].add(term)
        self._left = set(terms)
        self.total = self._of_adder(count)

    def _of_adder(self, count: Sequence[Bit]) -> Counter[At]:
        """The count is a register behind an adder: the sum of both operands' bits."""
        made = [self._netlist.registers.get(bit) for bit in count]
        out, *operands = self._netlist.adders.get(made[0] or ZERO, ([], [], []))
        if made != out:
            raise NotShownError(COUNTED, "the count is no register behind an adder")
        total: Counter[At] = Counter()
        for operand in operands:
            for place, bit in enumerate(operand):
                if bit != ZERO:
                    total[bit, 1] += 1 << place
        return total

    def follow(self) -> None:
        """Replace all wires by what they are made of, the last level's first, until none is left."""
        while self.total:
            level = max(self._netlist.levels.get(bit, -1) for bit, _ in self.total)
            if level < 0:
                raise NotShownError(COUNTED, "what is added up does not come from the tree")
            taken = [wire for wire in self.total if self._netlist.levels.get(wire[0]) == level]
            for cell in self._cells({wire: self.total.pop(wire) for wire in taken}):
                self._replace(cell)
        if self._left:
            raise NotShownError(COUNTED, "a term is left out")

    def _cells(self, wires: Mapping[At, int]) -> list[Cell]:
        cell_of: dict[At, Cell] = {}
        for (bit, time), factor in wires.items():
            made = self._netlist.registers.get(bit, bit)
            ends = self._cones.made_of(bit) if made == bit else self._cones.ends(made)
            inputs = {(end, time + (made != bit)) for end in ends}
            cell = Cell(Counter({made: factor}), inputs)
            for other in {id(cell_of[wire]): cell_of[wire] for wire in inputs if wire in cell_of}.values():
                cell.factors.update(other.factors)
                cell.inputs |= other.inputs
            cell_of |= dict.fromkeys(cell.inputs, cell)
            if not inputs:
                raise NotShownError(COUNTED, "a constant is added up")
        return list({id(cell): cell for cell in cell_of.values()}.values())

    def _replace(self, cell: Cell) -> None:
        """A cell's wires by its inputs, or by terms where those come from outside."""
        inputs = sorted(cell.inputs, key=str)
        if len(inputs) > self._limit:
            raise NotShownError(COUNTED, f"a cell has {len(inputs)} inputs, expected {self._limit} at most")
        if len({bit for bit, _ in inputs}) != len(inputs):
            raise NotShownError(IN_ITS_TIME, "a cell has the same input in two cycles")
        numbers = range(1 << len(inputs))
        columns = {bit: sum(1 << n for n in numbers if n >> place & 1) for place, (bit, _) in enumerate(inputs)}
        columns |= {ZERO: 0, ONE: (1 << len(numbers)) - 1}
        outputs = [(self._cones.table(bit, columns), factor) for bit, factor in cell.factors.items()]
        values = [self._sum_of(outputs, n) for n in numbers]
        added: list[tuple[int, int]] = []  # values and factors of what takes their place
        if all(bit in self._netlist.inputs for bit, _ in inputs):
            if any(time != self._stages for _, time in inputs):
                raise NotShownError(IN_ITS_TIME, f"an input does not pass {self._stages} registers")
            for term in self._terms_of({bit for bit, _ in inputs}):
                added.append((self._cones.table(term, columns), 1))
        else:
            for place, wire in enumerate(inputs):
                factor = values[1 << place]
                added.append((columns[wire[0]], factor))
                self.total[wire] += factor
        if values != [self._sum_of(added, n) for n in numbers]:
            raise NotShownError(COUNTED, "a cell's outputs are not the sum of its inputs")

    def _sum_of(self, tables: Iterable[tuple[int, int]], number: int) -> int:
        return sum(factor for table, factor in tables if table >> number & 1) % self._modulus

    def _terms_of(self, inputs: set[Bit]) -> set[Bit]:
        """Terms of these inputs alone. Each is taken once."""
        found = {term for bit in inputs for term in self._terms[bit] if self._cones.made_of(term) <= inputs}
        found &= self._left
        self._left -= found
        return found


def failed_of(module: Mapping[str, Any], stages: int, limit: int) -> tuple[str, ...]:
    """The property that does not hold of a module with the ports clk, count and terms; nothing where both do.

    Args:
        module: flat, in Yosys' JSON. Of rows side by side each has its part of the terms and of the count.
        stages: registers on the way.
        limit: inputs of a cell at most.
    """
    netlist = read_netlist(module)
    count, terms = module["ports"]["count"]["bits"], module["ports"]["terms"]["bits"]
    rows = next(
        n for n in range(1, len(terms) + 1) if len(terms) % n == 0 and n * (len(terms) // n).bit_length() == len(count)
    )
    bits, width = len(count) // rows, len(terms) // rows
    try:
        for row in range(rows):
            Row(netlist, count[row * bits :][:bits], terms[row * width :][:width], stages, limit).follow()
    except NotShownError as reason:
        return (reason.label,)
    return ()
