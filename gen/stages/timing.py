# SPDX-License-Identifier: Apache-2.0
"""What all kinds of stages share in time and cost."""

from __future__ import annotations

WINDOW_CYCLES = 2
"""Cycles that rtl/window_buffer.v and rtl/window_walk.v spend on a pixel at least."""

LANE_OVERHEAD = 16
"""What a lane costs beside its XNOR bits (accumulator, list of gated outputs, scale path), in XNOR bits."""
