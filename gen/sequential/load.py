# SPDX-License-Identifier: Apache-2.0
"""Weights that are loaded: which memories take them, and the stream for rtl/sequential/weight_loader.v."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wsfracbnn.gen.stages.rom import Rom

BEAT_BITS = 32
BEAT_BYTES = BEAT_BITS // 8


@dataclass(frozen=True)
class LoadTarget:
    """A memory that is loaded. beats: of a word, whose lowest bit is `low` of write_data."""

    number: int
    rom: Rom
    beats: int
    low: int


@dataclass(frozen=True)
class Load:
    """All memories that are loaded, in the order of the stream. shape: number that it begins with."""

    targets: tuple[LoadTarget, ...]
    shape: int

    @property
    def memories(self) -> int:
        """How many there are."""
        return len(self.targets)

    @property
    def ports(self) -> dict[str, LoadTarget]:
        """By the suffix of the memory's name."""
        return {target.rom.suffix: target for target in self.targets}

    @property
    def shape_literal(self) -> str:
        """The shape's number, as the loader's parameter."""
        return _literal(self.shape)

    @property
    def beat_literals(self) -> list[str]:
        """Every beat of the stream, for the testbench."""
        data = self.stream()
        beats = (data[i : i + BEAT_BYTES] for i in range(0, len(data), BEAT_BYTES))
        return [_literal(int.from_bytes(beat, "little")) for beat in beats]

    @property
    def most_beats(self) -> int:
        """Beats of the widest word."""
        return max(target.beats for target in self.targets)

    @property
    def addr_w(self) -> int:
        """Width of an address of the deepest memory."""
        return max(target.rom.addr_w for target in self.targets)

    @property
    def beats(self) -> int:
        """Of a whole stream: the shape, all words, the checksum."""
        return 2 + sum(target.beats * target.rom.depth for target in self.targets)

    @property
    def last_words_literal(self) -> str:
        """Number of each memory's last word, as the loader's parameter."""
        return _table([target.rom.depth - 1 for target in self.targets])

    @property
    def last_beats_literal(self) -> str:
        """Number of the last beat of a word of each."""
        return _table([target.beats - 1 for target in self.targets])

    def stream(self) -> bytes:
        """What is sent, low byte of each beat first."""
        data = bytearray(self.shape.to_bytes(BEAT_BYTES, "little"))
        for target in self.targets:
            for word in target.rom.words[0]:
                data += word.to_bytes(BEAT_BYTES * target.beats, "little")
        return bytes(data) + zlib.crc32(data).to_bytes(BEAT_BYTES, "little")


def _literal(beat: int) -> str:
    return f"{BEAT_BITS}'h{beat:08x}"


def _table(values: Sequence[int]) -> str:
    return "{" + ", ".join(f"{BEAT_BITS}'d{value}" for value in reversed(values)) + "}"


def build_load(memories: Sequence[tuple[str, Rom]], shape: Any) -> Load:
    """memories: (part of the design, memory), in the order of the stream. shape: JSON of what must be the same."""
    beats = [-(-rom.width // BEAT_BITS) for _, rom in memories]
    sizes = [[owner, rom.suffix, rom.depth, rom.width] for owner, rom in memories]
    digest = hashlib.sha256(json.dumps([shape, sizes]).encode()).digest()
    targets = (
        LoadTarget(number, rom, own, BEAT_BITS * (max(beats) - own))
        for number, ((_, rom), own) in enumerate(zip(memories, beats, strict=True))
    )
    return Load(tuple(targets), int.from_bytes(digest[:BEAT_BYTES], "little"))
