# SPDX-License-Identifier: Apache-2.0
"""A deep memory cut by words into parts that fill block RAMs.

2,196 words of 128 bits are 35 block RAMs of 4,096 x 4 bits, or 20 of 512 x 36; cut into 2,048 and 148 words they are
15 of 2,048 x 9 and 4 of 512 x 36, with one multiplexer of two.
"""

from __future__ import annotations

import functools

from wsfracbnn.gen.devices import Shapes


def cut(words: int, width: int, shapes: Shapes) -> list[int]:
    """Words of each part, the largest first: as few block RAMs as there can be, then as few parts.

    All parts but the last are as deep as a block RAM of some shape. shapes: (words, width) that one can have.
    """
    deepest_first = tuple(sorted(shapes, reverse=True))

    @functools.cache
    def best(left: int, first: int) -> tuple[int, int, tuple[int, ...]]:
        """(block RAMs, parts, words of each) for `left` words in shapes from number `first` on."""
        found: list[tuple[int, int, tuple[int, ...]]] = []
        for number in range(first, len(deepest_first)):
            depth, share = deepest_first[number]
            rams = -(-width // share)
            if left <= depth:
                found.append((rams, 1, (left,)))
            else:
                others = best(left - depth, number)
                found.append((rams + others[0], 1 + others[1], (depth, *others[2])))
        return min(found)

    return list(best(words, 0)[2])
