# SPDX-License-Identifier: Apache-2.0
"""Which corners of the numeric contract networks meet, and how often: `python -m tests.random_networks.met`.

Counted from the integer model's streams of the networks that the regression simulates, so that each count is of values
that the Verilog computed too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model import golden
from wsfracbnn.model.contract import signed_range
from wsfracbnn.model.description import ConvLayer, NetworkDescription

from .corners import CORNERS
from .example import Example
from .search import search

SEED = 1

Wide = NDArray[np.int64]

ROUNDED = ("below half", "half", "above half", "nothing left")
CORNER_NAMES = (
    *(f"X {relation} T{number}" for number in (1, 2, 3) for relation in ("=", "one below")),
    *("S_m = G, gate shut", "S_m > G, gate open", "S_m one step above G"),
    *(f"{layer}: product {sign}, {rest}" for layer in ("input", "conv") for sign in ("+", "-") for rest in ROUNDED),
    *("V < 0", "V = 0", "V > 0", "V * N rounded down", "V * N exact"),
    *(f"sum {place}" for place in ("at the top", "above the top", "at the bottom", "below the bottom", "inside")),
    *("equal largest logits", "without stalls", "with stalls on both ends, bad frames and resets"),
)
"""All that are counted; one that is never met is a gap."""


def corners_met(examples: Iterable[Example]) -> Counter[str]:
    """How often each of CORNER_NAMES is met."""
    met: Counter[str] = Counter(dict.fromkeys(CORNER_NAMES, 0))
    for example in examples:
        _of_network(example.description, example.images, met)
        met["without stalls" if example.tests == "bit_exact" else CORNER_NAMES[-1]] += 1
    return met


def _of_network(network: NetworkDescription, images: NDArray[np.uint8], met: Counter[str]) -> None:
    trace = golden.run(network, images)
    first = trace.layers["input"]
    assert first.s_m is not None
    _rounding("input", first.s_m.astype(np.int64) * network.input.scale, network.input.scale_shift, met)
    x = first.output.astype(np.int64)
    for name, layer in network.named_layers():
        if isinstance(layer, ConvLayer):
            _of_layer(layer, x, trace.layers[name], network.residual_bits, met)
            x = trace.layers[name].output.astype(np.int64)
    largest = trace.logits.max(axis=1, keepdims=True)
    met["equal largest logits"] += int(((trace.logits == largest).sum(axis=1) > 1).sum())


def _of_layer(layer: ConvLayer, x: Wide, trace: golden.LayerTrace, bits: int, met: Counter[str]) -> None:
    for number in range(3):
        met[f"X = T{number + 1}"] += int((x == layer.thresholds[:, number]).sum())
        met[f"X one below T{number + 1}"] += int((x == layer.thresholds[:, number] - 1).sum())
    assert trace.s_m is not None
    assert trace.gate is not None
    assert trace.accumulator is not None
    above = trace.s_m.astype(np.int64) - layer.gate
    met["S_m = G, gate shut"] += int(((above == 0) & ~trace.gate).sum())
    met["S_m > G, gate open"] += int(((above > 0) & trace.gate).sum())
    met["S_m one step above G"] += int(((above > 0) & (above <= 2)).sum())  # of one parity in each border
    products = trace.accumulator.astype(np.int64) * layer.scale
    _rounding("conv", products, layer.scale_shift, met)
    half = 1 << layer.scale_shift >> 1
    v = ((products + half) >> layer.scale_shift) + layer.bias_in
    met["V < 0"] += int((v < 0).sum())
    met["V = 0"] += int((v == 0).sum())
    met["V > 0"] += int((v > 0).sum())
    negative = np.minimum(v, 0) * layer.slope
    left = (negative & ((1 << layer.slope_shift) - 1))[v < 0]
    met["V * N rounded down"] += int((left != 0).sum())
    met["V * N exact"] += int((left == 0).sum())
    if layer.stride == 1:  # the shortcut is X itself
        low, high = signed_range(bits)
        sums = np.maximum(v, 0) + (negative >> layer.slope_shift) + layer.bias_out + x
        met["sum at the top"] += int((sums == high).sum())
        met["sum above the top"] += int((sums > high).sum())
        met["sum at the bottom"] += int((sums == low).sum())
        met["sum below the bottom"] += int((sums < low).sum())
        met["sum inside"] += int(((sums > low) & (sums < high)).sum())


def _rounding(kind: str, products: Wide, shift: int, met: Counter[str]) -> None:
    """What of each product the shift leaves out: less than half, half, more, nothing."""
    left, half = products & ((1 << shift) - 1), 1 << shift >> 1
    for sign, chosen in (("+", products > 0), ("-", products < 0)):
        rest = left[chosen]
        met[f"{kind}: product {sign}, nothing left"] += int((rest == 0).sum())
        met[f"{kind}: product {sign}, below half"] += int(((rest > 0) & (rest < half)).sum())
        met[f"{kind}: product {sign}, half"] += int(((rest == half) & (half > 0)).sum())
        met[f"{kind}: product {sign}, above half"] += int((rest > half).sum()) if half else 0


def regression() -> list[Example]:
    """The networks that `make test` simulates."""
    found: list[Example] = []
    for number in range(len(CORNERS)):
        search(SEED, number, found.append)
    return found


if __name__ == "__main__":
    print(json.dumps(corners_met(regression()), indent=2))
