# SPDX-License-Identifier: Apache-2.0
"""Checkpoint -> network description -> Verilog."""
