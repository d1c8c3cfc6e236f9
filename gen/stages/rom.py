# SPDX-License-Identifier: Apache-2.0
"""Constant memories: how the description's integers are packed into the words that the RTL reads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from wsfracbnn.gen.devices import ONE_PORT, TWO_PORTS
from wsfracbnn.gen.stages.block_ram import block_rams

BLOCK_RAM_WORDS = 64
"""Memories of so many words go to block RAM. A word's bit takes depth / 16 LUT4 else, and a multiplexer."""

BLOCK_RAM_BITS = 4096
"""And so do memories of so many bits, a quarter of what an ECP5's or a 7 series' block RAM holds."""

SHALLOW_WORDS = 32
"""But not those of so few: two LUT4 hold a bit, and most of the block RAM would be empty."""

DEEP_WORDS = 1024
"""Memories of so many words are written in parts, each from a constant of its own."""

PART_WORDS = 64
"""Of a part: tools copy a constant for each word that they take from it. Yosys and Icarus read ResNet-20's 6,400 head
weights many times faster from parts of this size than from constants as long as may be."""

LONGEST_CONSTANT = 65536
"""Bits of a constant that tools have to take: the least that IEEE 1364-2005, 3.2.1, lets them limit a vector to."""

PARITY_LINE = 256
"""Parities of words a line of the emitted text."""

LONGEST_LOOP = 4096
"""Words that one loop fills, a multiple of PARITY_LINE: Quartus takes loops of 5,000 turns at most."""

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


def lanes_of(what: str, lanes: int) -> str:
    """Which of `what` a group's lane holds, for a memory's header."""
    return f"group g is {what} g" if lanes == 1 else f"lane l of group g is {what} g * {lanes} + l"


def numbered(what: str, of_each: int, within: str) -> str:
    """The number of a thing, of which each group has so many, for a memory's header."""
    return what if of_each == 1 else f"{what} * {of_each} + {within}"


LaneWords = tuple[tuple[int, ...], ...]
"""The words of each lane."""


class Words(Sequence[tuple[int, ...]]):
    """The words of `lanes` lanes of `depth` words each, packed when one is asked for.

    Sizes are all that a folding is chosen by, of hundreds.
    """

    def __init__(self, lanes: int, depth: int, pack_them: Callable[[], LaneWords]) -> None:
        self.lanes, self.depth = lanes, depth
        self._pack: Callable[[], LaneWords] | None = pack_them
        self._packed: LaneWords = ()

    @classmethod
    def of(cls, words: LaneWords) -> Words:
        """Those."""
        return cls(len(words), len(words[0]), lambda: words)

    @property
    def packed(self) -> LaneWords:
        """As plain tuples."""
        if self._pack is not None:
            self._packed, self._pack = self._pack(), None
            assert (len(self._packed), len(self._packed[0])) == (self.lanes, self.depth)
        return self._packed

    def __len__(self) -> int:
        return self.lanes

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return iter(self.packed)

    @overload
    def __getitem__(self, lane: int) -> tuple[int, ...]: ...
    @overload
    def __getitem__(self, lane: slice) -> LaneWords: ...
    def __getitem__(self, lane: int | slice) -> tuple[int, ...] | LaneWords:
        return self.packed[lane]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Words) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)


@dataclass(frozen=True)
class RomFill:
    """How a lane's words come into a memory, as Verilog expressions in the index i: word number and lowest bit."""

    lane: int
    word: str
    bit: str


@dataclass(frozen=True)
class RomSection:
    """A constant of the emitted text: `words` of a lane's words from the address `first` on. suffix: of its name."""

    suffix: str
    first: int
    words: int

    @property
    def end(self) -> int:
        """The address behind its last word."""
        return self.first + self.words

    @property
    def before(self) -> str:
        """What the address of a word begins with, as a Verilog expression."""
        return f"{self.first} + " if self.first else ""


@dataclass(frozen=True)
class RomPort:
    """A lane's way out of a memory, as Verilog expressions.

    register: end of its registers' names. address: the lane's share of the port `addr`. index: which word to read.
    data: the share of the port `data` that it drives.
    """

    register: str
    address: str
    index: str
    data: str


@dataclass(frozen=True)
class RomMemory:
    """One memory of a ROM: `words` words of `width` bits. shared: two lanes share a block RAM, each with a port.

    all_words: those of every address, some of which have no contents.
    """

    name: str
    width: int
    words: int
    all_words: int
    fills: tuple[RomFill, ...]
    ports: tuple[RomPort, ...]

    @property
    def shared(self) -> bool:
        return len(self.ports) > 1


@dataclass(frozen=True)
class Rom:
    """A constant memory; lane l has its own address and contents.

    `words[lane][address]` are `width` bits wide. The emitted text has `per_line` words a line; comments()[line] says
    what they belong to. latency: cycles from address to data, 1 or 2. held: with latency 1, whether a port `read` says
    which cycles count, between which the output stays. in_luts: whether LUTs hold it however deep it is.
    in_block: whether block RAM does, however shallow it is. loaded: whether its words come through a port: a memory
    that is written, with latency 2.
    """

    suffix: str
    purpose: str
    layout: str
    width: int
    words: Words
    comments: Callable[[], Sequence[str]]
    per_line: int = 1
    latency: int = 1
    in_luts: bool = False
    in_block: bool = False
    loaded: bool = False
    held: bool = False

    @property
    def lanes(self) -> int:
        return self.words.lanes

    @property
    def depth(self) -> int:
        return self.words.depth

    @property
    def addr_w(self) -> int:
        return index_width(self.depth)

    @property
    def in_block_ram(self) -> bool:
        """Whether the words go to block RAM; else to LUTs, or where synthesis finds best."""
        large = self.depth > SHALLOW_WORDS and self.depth * self.width >= BLOCK_RAM_BITS
        return self.in_block or (not self.in_luts and (self.depth >= BLOCK_RAM_WORDS or large))

    @property
    def error(self) -> str:
        """The signal in its stage that says of a word whose parity is wrong."""
        return f"{self.suffix}_error"

    @property
    def is_late(self) -> bool:
        """Whether data take a second cycle."""
        return self.latency == 2

    @functools.cached_property
    def _comments(self) -> Sequence[str]:
        return self.comments()

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

    @functools.cached_property
    def unit_lanes(self) -> int:
        """Lanes that share a memory, 1 or 2.

        Pairs where the two ports of a block RAM serve two lanes that would leave most of one empty each (an ECP5 has
        208 of them, and the input stage alone would take 27), else each its own.
        """
        pair = block_rams(2 << self.addr_w, self.width, TWO_PORTS)
        apart = 2 * block_rams(self.depth, self.width, ONE_PORT)
        return 2 if self.in_block_ram and len(self.slices) == 1 and pair < apart else 1

    @property
    def units(self) -> list[tuple[int, ...]]:
        """The lanes of each memory."""
        step = self.unit_lanes
        return [tuple(range(lane, min(lane + step, self.lanes))) for lane in range(0, self.lanes, step)]

    @property
    def at_once(self) -> bool:
        """Whether all words are in one constant."""
        return self.depth < DEEP_WORDS and self.depth * self.width <= LONGEST_CONSTANT

    @property
    def sections(self) -> list[RomSection]:
        """The constants that hold a lane's words: one, or many short ones. Each has whole lines."""
        words = self.depth if self.at_once else min(PART_WORDS, LONGEST_CONSTANT // self.width)
        step = max(words // self.per_line, 1) * self.per_line
        return _sections(0, self.depth, step)

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
            address = "addr" if self.lanes == 1 else f"addr[{lane * self.addr_w} +: {self.addr_w}]"
            held = f"address_{register}" if self.holds_address else address
            index = held if len(unit) == 1 else f"{{1'b{place}, {held}}}"
            whole = self.lanes == 1 and width == self.width
            data = "data" if whole else f"data[{lane * self.width + low} +: {width}]"
            ports.append(RomPort(register, address, index, data))
        words, every = (len(unit) - 1) * bank + self.depth, len(unit) * bank
        return RomMemory(name, width, words, every, tuple(fills), tuple(ports))

    @property
    def bits(self) -> int:
        """Of all lanes."""
        return self.lanes * self.depth * self.width

    @property
    def addresses(self) -> int:
        """Words that an address can name; `depth` of them have contents."""
        return 1 << self.addr_w

    @property
    def checks_late(self) -> bool:
        """Whether a word passes a register before its parity is checked: block RAM with no register behind it."""
        return not self.is_late and self.in_block_ram

    @property
    def parity_sections(self) -> list[RomSection]:
        """The constants that hold the parity of each address's word."""
        return _sections(0, self.addresses, LONGEST_LOOP)

    @property
    def gaps(self) -> list[RomSection]:
        """Addresses that have no word, as many at once as a loop fills."""
        return _sections(self.depth, self.addresses, LONGEST_LOOP)

    def parity_literals(self, lane: int, section: RomSection) -> list[str]:
        """Verilog literals of the parity of each address's word, 1 where it has an odd number of ones; last first."""
        parities = [word.bit_count() & 1 for word in self.words[lane]] + [0] * (self.addresses - self.depth)
        lines = []
        for first in range(section.first, section.end, PARITY_LINE):
            line = parities[first : min(first + PARITY_LINE, section.end)]
            value = pack([(parity, 1) for parity in line])
            lines.append(f"{len(line)}'h{value:0{(len(line) + 3) // 4}x}")
        return lines[::-1]

    def literals(self, lane: int, section: RomSection) -> list[tuple[str, str]]:
        """Verilog literals of `per_line` words with their comments, last address first, as concatenations are."""
        width = self.width * self.per_line
        lines = []
        first, end = section.first // self.per_line, section.end // self.per_line
        contents = self.words[lane]
        for number, comment in enumerate(self._comments[first:end], start=first):
            words = contents[number * self.per_line : (number + 1) * self.per_line]
            value = pack([(word, self.width) for word in words])
            lines.append((f"{width}'h{value:0{(width + 3) // 4}x}", comment))
        return lines[::-1]


def _sections(first: int, end: int, step: int) -> list[RomSection]:
    """The addresses from `first` to before `end`, `step` at once; one section alone needs no number."""
    firsts = range(first, end, step)
    return [
        RomSection(f"_part_{number}" if len(firsts) > 1 else "", begin, min(step, end - begin))
        for number, begin in enumerate(firsts)
    ]


def rom_per_beat(
    suffix: str,
    purpose: str,
    layout: str,
    lanes: int,
    channels: int,
    width: int,
    fields: Callable[[int], Sequence[tuple[int, int]]],
    meaning: Callable[[int], str],
    *,
    held: bool = False,
) -> Rom:
    """A ROM with one word per beat: the fields of `lanes` successive channels side by side; held: see `Rom`.

    fields(c) and meaning(c) are channel c's constants, `width` bits in all, as (value, width) pairs and in words.
    """
    beats = channels // lanes

    def words() -> LaneWords:
        return (
            tuple(pack([f for lane in range(lanes) for f in fields(beat * lanes + lane)]) for beat in range(beats)),
        )

    def comments() -> list[str]:
        lines = []
        for first in range(0, channels, lanes):
            last = first + lanes - 1
            where = f"channel {first}" if lanes == 1 else f"channels {last} .. {first}"
            values = "; ".join(meaning(channel) for channel in range(last, first - 1, -1))
            lines.append(f"{where}: {values}" if lanes <= COMMENTED_LANES else where)
        return lines

    return Rom(suffix, purpose, layout, width * lanes, Words(1, beats, words), comments, held=held)
