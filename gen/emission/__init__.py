# SPDX-License-Identifier: Apache-2.0
"""From a design to text: Verilog, the folder around it, its vectors, its picture."""
