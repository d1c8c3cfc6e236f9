# SPDX-License-Identifier: Apache-2.0
"""From an accelerator to a board: project, bitstream, the serial protocol and its two ends."""
