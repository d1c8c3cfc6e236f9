# SPDX-License-Identifier: Apache-2.0
"""What each block of an accelerator is for: the names under which a breakdown of its area adds up."""

from __future__ import annotations

AROUND = "between stages"
"""What is in no block: wiring of the top module, and logic that synthesis drew out of blocks."""

STAGE = "between blocks"
"""What a stage holds beside its blocks, most of it registers at the outputs of memories."""

OF_BLOCK = {
    "match_count": "XNOR and popcount",
    "match_rows": "XNOR and popcount",
    "count_six": "XNOR and popcount",
    "xnor_lane": "XNOR and popcount",
    "lut6": "XNOR and popcount",
    "operand_select": "chunk selection",
    "window_buffer": "window",
    "window_walk": "window",
    "window_columns": "window",
    "window_stream": "window",
    "operand_memory": "window",
    "window_position": "window",
    "fractional_lane": "lists and gates",
    "fractional_engine": "held window, pairing",
    "fractional_core": "held window, pairing",
    "line_engine": "held window, pairing",
    "unrolled_engine": "lists and gates",
    "pass_sequencer": "sequencer",
    "quantizer": "quantizer",
    "affine": "scale and RPReLU",
    "affine_multiply": "scale and RPReLU",
    "scale_rprelu": "scale and RPReLU",
    "residual_add": "residual sum",
    "average_pool": "pooled shortcut",
    "repeat_pixel": "pooled shortcut",
    "pixel_level": "tables",
    "table_engine": "tables",
    "sum_pool": "head",
    "linear": "head",
    "argmax": "head",
    "frame_guard": "frame guard",
    "frame_filter": "frame guard",
    "reset_register": "resets",
}
"""The function of blocks of `rtl/`, wherever they stand. A block that is not here is a function of its own name."""

OF_HELPER = {
    "stream_fifo": "FIFOs",
    "stream_register": "streams",
    "stream_fork": "streams",
    "stream_upsize": "streams",
    "stream_downsize": "streams",
    "credit_counter": "streams",
    "delay_line": "streams",
    "beat_counter": "streams",
    "chunk_select": "chunk selection",
    "adder_tree": "adders",
    "shift_add": "constant products",
    "saturate": "residual sum",
    "crc32_byte": "checksums",
}
"""The function of blocks that count with the block they are in, and only in none of `OF_BLOCK` for themselves."""

OF_ROM = {
    "weights": "weights",
    "corrections": "corrections",
    "gates": "lists and gates",
    "thresholds": "quantizer",
    "scales": "scale and RPReLU",
    "slopes": "scale and RPReLU",
    "factors": "scale and RPReLU",
    "tables": "tables",
    "biases": "head",
}
"""The function of constant memories by the end of their modules' names."""

ROM_INSTANCE = "_rom"
"""End of the name of a constant memory's instance."""


def function_of(block: str, instance: str, around: str) -> str:
    """What a block is for.

    block: its module's name without the network's. instance: its own in the block that it is in. around: the function
    of that, `STAGE` in a stage's module, `AROUND` in the top module.
    """
    if instance.endswith(ROM_INSTANCE):
        suffix = instance.removesuffix(ROM_INSTANCE)
        return OF_ROM.get(suffix, suffix)
    if block in OF_HELPER:
        return OF_HELPER[block] if around in (STAGE, AROUND) else around
    return OF_BLOCK.get(block, block)
