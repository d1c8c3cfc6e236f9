# SPDX-License-Identifier: Apache-2.0
"""Synthesis with Yosys, place and route with nextpnr, and the record of what they measured.

The tools are the YoWASP builds from PyPI (`pip install wsfracbnn[synth]`), so that anyone gets the same netlist.
"""
