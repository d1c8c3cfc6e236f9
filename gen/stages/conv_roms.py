# SPDX-License-Identifier: Apache-2.0
"""A convolution stage's thresholds, of its activations and of its gates, as constant memories."""

from __future__ import annotations

from wsfracbnn.gen.stages.rom import Rom, rom_per_beat
from wsfracbnn.model.description import ConvLayer


def threshold_rom(layer: ConvLayer, lanes: int, bits: int) -> Rom:
    """T1, T2 and T3 of the channels of a beat."""
    return rom_per_beat(
        "thresholds",
        "Activation thresholds: q = [X >= T1] + [X >= T2] + [X >= T3]",
        f"lane = {{T3, T2, T1}}, {bits} bits each",
        lanes,
        layer.in_channels,
        3 * bits,
        lambda c: [(int(t), bits) for t in layer.thresholds[c]],
        lambda c: ", ".join(f"T{i} = {t}" for i, t in enumerate(layer.thresholds[c], start=1)),
        held=True,
    )


def gate_rom(layer: ConvLayer, lanes: int, sum_w: int) -> Rom:
    """G of the channels of a group."""
    return rom_per_beat(
        "gates",
        "Gate thresholds: g = [S_m > G]",
        f"lane = G [{sum_w}]",
        lanes,
        layer.out_channels,
        sum_w,
        lambda c: [(int(layer.gate[c]), sum_w)],
        lambda c: f"G = {layer.gate[c]}",
    )
