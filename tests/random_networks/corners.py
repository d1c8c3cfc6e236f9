# SPDX-License-Identifier: Apache-2.0
"""What the first networks of any seed are to have: between them both ends of every range, and every kind of constant.

Names are those of the draws in networks.py, foldings.py and example.py; what a corner does not name is random.
"""

from __future__ import annotations

from .picks import Corner

MOST = 1 << 30
"""The upper end of whatever range."""

CORNERS: tuple[Corner, ...] = (
    {"rows": 1, "columns": 1, "stages": 1, "colours": 1, "levels": 1, "channels": 1, "classes": 2},
    {"side": 16, "rows": 16, "columns": 16, "stages": 1, "architecture": "pipeline"},
    {"side": 16, "rows": 16, "columns": 16, "stages": 5, "channels": 1, "images": 1},
    {"side": 16, "rows": 1, "columns": 16, "stages": 1, "thresholds": "tie"},
    {"side": 16, "rows": 16, "columns": 1, "stages": 1, "gate": "tie"},
    {"classes": 300, "most_classes": 300, "head_weights": "same", "bias": "tie"},
    {"colours": MOST, "levels": 1, "channels": 2, "rows": 1, "columns": 2, "stages": 1},
    {"levels": 128, "image": "steps", "stages": 1},
    {"channels": MOST, "levels": 2, "colours": 1, "rows": 2, "columns": 2, "stages": 1},
    {"bits": 8, "fraction": 0, "architecture": "sequential", "levels": 2, "colours": 1},
    {"bits": 24, "fraction": MOST, "stages": 1},
    {"gate": "open", "architecture": "pipeline", "gate_fraction": "all"},
    {"gate": "shut", "architecture": "pipeline"},
    {"scale": "zero"},
    {"scale": "halves", "scale_shift": 3},
    {"scale": "largest", "scale_shift": 0, "slope": "least"},
    {"scale": "least", "scale_shift": 15},
    {"slope": "zero", "bias_in": "below"},
    {"slope": "largest", "bias_in": "tie"},
    {"bias_out": "top"},
    {"bias_out": "bottom", "slope": "minus"},
    {"bias_out": "highest", "architecture": "unrolled", "lut_inputs": 6},
    {"bias_out": "lowest", "architecture": "unrolled", "lut_inputs": 4},
    {"architecture": "sequential", "levels": 4, "colours": 1, "engine_weights": "loaded", "tests": "all"},
    {"architecture": "partly_unrolled", "tests": "all", "blocks": 2},
)
