# SPDX-License-Identifier: Apache-2.0
"""An accelerator as a part of a system on chip: AXI4-Stream for a DMA, AXI4-Lite registers, IP-XACT, a driver."""
