# SPDX-License-Identifier: Apache-2.0
"""Parameters of every block of rtl/soc/: the ends of what can be built, and values that cannot be.

tests/gen/test_parameters.py reads them.
"""

from __future__ import annotations

from ..gen.rtl_tools import Parameters

BUILT: dict[str, list[Parameters]] = {
    "axi_lite_port": [{"ADDR_W": 3}, {"ADDR_W": 6}, {"ADDR_W": 32}],
    "frame_gate": [{}],
    "frame_statistics": [{"WIDTH": 1}, {"WIDTH": 32}],
    "pixel_unpacker": [
        {"IN_BYTES": 1, "COLOURS": 1, "PIXELS": 1},
        {"IN_BYTES": 1, "COLOURS": 64, "PIXELS": 65536},
        {"IN_BYTES": 8, "COLOURS": 1, "PIXELS": 2},
        {"IN_BYTES": 8, "COLOURS": 3, "PIXELS": 1024},
        {"IN_BYTES": 8, "COLOURS": 64, "PIXELS": 1},
    ],
    "reset_stretcher": [{"CYCLES": 2}, {"CYCLES": 16}],
    "reset_synchronizer": [{}],
    "result_packer": [
        {"OUT_BYTES": 1, "CLASS_W": 1},
        {"OUT_BYTES": 1, "CLASS_W": 16},
        {"OUT_BYTES": 4, "CLASS_W": 1},
        {"OUT_BYTES": 8, "CLASS_W": 16},
    ],
}
"""For each block the least and the greatest values that a wrapper can ask for, and what lies at a corner between."""

REFUSED: dict[str, list[tuple[Parameters, str]]] = {
    "axi_lite_port": [({"ADDR_W": 2}, "ADDR_W_must_be_at_least_3")],
    "frame_statistics": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "pixel_unpacker": [
        ({"IN_BYTES": 0}, "IN_BYTES_must_be_at_least_1"),
        ({"COLOURS": 0}, "COLOURS_must_be_at_least_1"),
        ({"PIXELS": 0}, "PIXELS_must_be_at_least_1"),
    ],
    "reset_stretcher": [({"CYCLES": 1}, "CYCLES_must_be_at_least_2")],
    "result_packer": [
        ({"OUT_BYTES": 0}, "OUT_BYTES_must_be_1_or_4_or_8"),
        ({"OUT_BYTES": 2}, "OUT_BYTES_must_be_1_or_4_or_8"),
        ({"CLASS_W": 0}, "CLASS_W_must_be_1_to_16"),
        ({"CLASS_W": 17}, "CLASS_W_must_be_1_to_16"),
    ],
}
"""Parameters that cannot be built, and the beginning of the module that is missing then."""

WITHOUT_SIZE = {"frame_gate", "reset_synchronizer"}
