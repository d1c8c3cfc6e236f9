# SPDX-License-Identifier: Apache-2.0
"""Constant memories: how the description's integers are packed into the words that the RTL reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wsfracbnn.gen.devices import ONE_PORT, TWO_PORTS
from wsfracbnn.gen.stages.block_ram import block_rams

BLOCK_RAM_WORDS = 64
"""Memories of so many words go to block RAM. A word's bit takes depth / 16 LUT4 else, and a multiplexer."""

BLOCK_RAM_BITS = 4096
"""And so do memories of so many bits, a quarter of what an ECP5's or a 7 series' block RAM holds."""

DEEP_WORDS = 1024
"""Words of a part: from one vector, Icarus fills ResNet-20's 6,400 head weights far more slowly than in such parts."""

LONGEST_CONSTANT = 65536
"""Bits of a constant that tools have to take: the least that IEEE 1364-2005, 3.2.1, lets them limit a vector to."""

COMMENTED_LANES = 4
"""Words of at most so many channels carry their constants as a comment."""


def clog2(n: int) -> int:
    """Verilog's $clog2."""
    return (n - 1).bit_length() if n > 1 else 0


def index_width(n: int) -> int:
    """Width of an index below n, at least one bit."""
    return max(1, clog2(n))


def pack(fields: Sequence[tuple[int, int]]) -> int:
    """(value, width) pairs to one word, the first in the low bits; values are taken modulo 2^width."""
    word = offset = 0
    for value, width in fields:
        word |= (value & ((1 << width) - 1)) << offset
        offset += width
    return word


@dataclass(frozen=True)
class RomFill:
    """How a lane's words come into a memory, as Verilog expressions in the index i: word number and lowest bit."""

    lane: int
    word: str
    bit: str


@dataclass(frozen=True)
class RomSection:
    """A constant of the emitted text: `words` of a lane's words from the address `first` on.

    suffix: of its name. blocks: initial blocks that write its words.
    """

    suffix: str
    first: int
    words: int
    blocks: int

    @property
    def before(self) -> str:
        """What the address of a block's word begins with, as a Verilog expression."""
        return f"{self.first} + " if self.first else ""


@dataclass(frozen=True)
class RomPort:
    """A lane's way out of a memory, as Verilog expressions.

    register: end of its registers' names. address: the lane's share of the port `addr`. index: which word to read.
    low: lowest bit of the port `data` that it drives.
    """

    register: str
    address: str
    index: str
    low: int


@dataclass(frozen=True)
class RomMemory:
    """One memory of a ROM: `words` words of `width` bits. shared: two lanes share a block RAM, each with a port."""

    name: str
    width: int
    words: int
    fills: tuple[RomFill, ...]
    ports: tuple[RomPort, ...]

    @property
    def shared(self) -> bool:
        return len(self.ports) > 1


@dataclass(frozen=True)
class Rom:
    """A constant memory; lane l has its own address and contents.

    `words[lane][address]` are `width` bits wide. The emitted text has `per_line` words a line; comments[line] says what
    they belong to. latency: cycles from address to data, 1 or 2. in_luts: whether LUTs hold it however deep it is.
    loaded: whether its words come through a port: a memory that is written, with latency 2.
    """

    suffix: str
    purpose: str
    layout: str
    width: int
    words: tuple[tuple[int, ...], ...]
    comments: tuple[str, ...]
    per_line: int = 1
    latency: int = 1
    in_luts: bool = False
    loaded: bool = False

    @property
    def lanes(self) -> int:
        return len(self.words)

    @property
    def depth(self) -> int:
        return len(self.words[0])

    @property
    def addr_w(self) -> int:
        return index_width(self.depth)

    @property
    def in_block_ram(self) -> bool:
        """Whether the words go to block RAM; else to LUTs, or where synthesis finds best."""
        return not self.in_luts and (self.depth >= BLOCK_RAM_WORDS or self.depth * self.width >= BLOCK_RAM_BITS)

    @property
    def has_read(self) -> bool:
        """Whether a port `read` holds the output."""
        return self.latency == 1

    def lane_title(self, lane: int) -> str:
        """How the comment above a lane's words begins."""
        return f"Lane {lane}, last" if self.lanes > 1 else "Last"

    @property
    def late_words(self) -> bool:
        """Whether the second of two registers stands behind the words as well.

        Block RAM brings one itself, and its words come late.
        """
        return self.latency == 2 and self.in_block_ram

    @property
    def holds_address(self) -> bool:
        """Whether the first of two registers holds the address: before words in LUTs there are fewer bits to hold."""
        return self.latency == 2 and not self.in_block_ram

    @property
    def slices(self) -> list[tuple[int, int]]:
        """(lowest bit, width) of the memories that each lane's words are cut into.

        One but for deep block RAM, of which each slice is one. Cut into groups of words, as synthesis would, it needs a
        multiplexer behind outputs that are late as it is.
        """
        fitting = next((width for words, width in TWO_PORTS if words >= self.depth), 1)
        width = fitting if self.in_block_ram and self.depth > TWO_PORTS[0][0] else self.width
        return [(low, min(width, self.width - low)) for low in range(0, self.width, width)]

    @property
    def units(self) -> list[tuple[int, ...]]:
        """Lanes that share a memory.

        Pairs where the two ports of a block RAM serve two lanes that would leave most of one empty each (an ECP5 has
        208 of them, and the input stage alone would take 27), else each its own.
        """
        pair = block_rams(2 << self.addr_w, self.width, TWO_PORTS)
        apart = 2 * block_rams(self.depth, self.width, ONE_PORT)
        step = 2 if self.in_block_ram and len(self.slices) == 1 and pair < apart else 1
        return [tuple(range(lane, min(lane + step, self.lanes))) for lane in range(0, self.lanes, step)]

    @property
    def at_once(self) -> bool:
        """Whether one initial block writes all words, from one constant."""
        return self.depth < DEEP_WORDS and self.depth * self.width <= LONGEST_CONSTANT

    @property
    def words_at_once(self) -> int:
        """Words that an initial block of the emitted text writes: all, or few of deep memories."""
        if self.at_once:
            return self.depth
        powers = (1 << n for n in range((DEEP_WORDS // 16).bit_length()))
        return max(n for n in powers if self.depth % n == 0 and (n == 1 or self._together(n) <= LONGEST_CONSTANT))

    def _together(self, words: int) -> int:
        """Bits of the shortest constant of whole lines and whole blocks of `words`."""
        return math.lcm(words, self.per_line) * self.width

    @property
    def sections(self) -> list[RomSection]:
        """The constants that hold a lane's words, as few as can be."""
        step = self.words_at_once if self.at_once else math.lcm(self.words_at_once, self.per_line)
        size = step * max(1, LONGEST_CONSTANT // (step * self.width))
        firsts = range(0, self.depth, size)
        return [
            RomSection(f"_part_{number}" if len(firsts) > 1 else "", first, words, words // self.words_at_once)
            for number, first in enumerate(firsts)
            for words in (min(size, self.depth - first),)
        ]

    @property
    def memories(self) -> list[RomMemory]:
        """The memories as they are printed: one for each unit of lanes and slice of bits."""
        return [
            self._memory(unit, number, low, width)
            for unit in self.units
            for number, (low, width) in enumerate(self.slices)
        ]

    def _memory(self, unit: tuple[int, ...], slice_number: int, low: int, width: int) -> RomMemory:
        """Lanes that share a memory lie one bank behind the other, each bank as many words as an address has."""
        name = "_and_".join(map(str, unit)) + (f"_{slice_number}" if len(self.slices) > 1 else "")
        bank = 1 << self.addr_w
        fills, ports = [], []
        for place, lane in enumerate(unit):
            word = f"{place * bank} + i" if place else "i"
            fills.append(RomFill(lane, word, f"i*{self.width}" + (f"+{low}" if low else "")))
            register = name if len(unit) == 1 else str(lane)
            address = f"addr[{lane * self.addr_w} +: {self.addr_w}]"
            held = f"address_{register}" if self.holds_address else address
            index = held if len(unit) == 1 else f"{{1'b{place}, {held}}}"
            ports.append(RomPort(register, address, index, lane * self.width + low))
        return RomMemory(name, width, (len(unit) - 1) * bank + self.depth, tuple(fills), tuple(ports))

    @property
    def bits(self) -> int:
        """Of all lanes."""
        return self.lanes * self.depth * self.width

    def literals(self, lane: int, section: RomSection) -> list[tuple[str, str]]:
        """Verilog literals of `per_line` words with their comments, last address first, as concatenations are."""
        width = self.width * self.per_line
        lines = []
        first, end = section.first // self.per_line, (section.first + section.words) // self.per_line
        for number, comment in enumerate(self.comments[first:end], start=first):
            words = self.words[lane][number * self.per_line : (number + 1) * self.per_line]
            value = pack([(word, self.width) for word in words])
            lines.append((f"{width}'h{value:0{(width + 3) // 4}x}", comment))
        return lines[::-1]


def rom_per_beat(
    suffix: str,
    purpose: str,
    layout: str,
    lanes: int,
    fields: Sequence[Sequence[tuple[int, int]]],
    meanings: Sequence[str],
) -> Rom:
    """A ROM with one word per beat: the fields of `lanes` successive channels side by side.

    fields[c] and meanings[c] are channel c's constants as (value, width) pairs and in words.
    """
    beats = len(fields) // lanes
    width = sum(w for _, w in fields[0]) * lanes
    words = tuple(pack([f for lane in range(lanes) for f in fields[beat * lanes + lane]]) for beat in range(beats))
    comments = []
    for beat in range(beats):
        first, last = beat * lanes, (beat + 1) * lanes - 1
        where = f"channel {first}" if lanes == 1 else f"channels {last} .. {first}"
        values = "; ".join(reversed(meanings[first : last + 1]))
        comments.append(f"{where}: {values}" if lanes <= COMMENTED_LANES else where)
    return Rom(suffix, purpose, layout, width, (words,), tuple(comments))
