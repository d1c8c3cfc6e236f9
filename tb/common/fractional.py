# SPDX-License-Identifier: Apache-2.0
"""What a fractional convolution computes for one window, from its definition. Bit 9 c + t is channel c of tap t."""

from __future__ import annotations


def sum_width(channels: int) -> int:
    """Bits of S, from -9 * channels to 9 * channels."""
    return (9 * channels).bit_length() + 1


def result_width(channels: int) -> int:
    """Bits of A = 2 S_m + S_l."""
    return sum_width(channels) + 2


def taps_at(border: int) -> int:
    """Taps inside the image, one bit each, of a window across the borders {right, left, bottom, top}."""
    rows, columns = (1 - border % 2, 1, 1 - border // 2 % 2), (1 - border // 4 % 2, 1, 1 - border // 8)
    return sum((y & x) << (3 * ky + kx) for ky, y in enumerate(rows) for kx, x in enumerate(columns))


def sum_of(weight: int, plane: int, taps: int, channels: int) -> int:
    """S over the taps inside the image."""
    inside = [b for b in range(9 * channels) if taps >> (b % 9) & 1]
    return sum(1 if (plane ^ weight) >> b & 1 == 0 else -1 for b in inside)


def correction(weight: int, border: int, channels: int) -> int:
    """Bits inside, and twice the weights of -1 that bits outside, which are 0, match."""
    bits = range(9 * channels)
    taps = taps_at(border)
    inside = sum(1 for b in bits if taps >> (b % 9) & 1)
    return inside + 2 * sum(1 for b in bits if not taps >> (b % 9) & 1 and not weight >> b & 1)


def window_of(msb: int, lsb: int, channels: int) -> int:
    """Two planes as an engine takes them: {msb, lsb} pairs, tap by tap."""
    both = 0
    for b in range(9 * channels):
        both |= ((msb >> b & 1) << 1 | lsb >> b & 1) << 2 * (b % 9 * channels + b // 9)
    return both
