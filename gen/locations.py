# SPDX-License-Identifier: Apache-2.0
"""Where the package's data folders lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
RTL = ROOT / "rtl"
CHECKPOINTS = ROOT / "checkpoints"
CONFIGS = ROOT / "configs"
NETWORK_TESTBENCH = ROOT / "tb" / "network"
BOARD_RTL = RTL / "board"
SOC_RTL = RTL / "soc"
SEQUENTIAL_RTL = RTL / "sequential"
