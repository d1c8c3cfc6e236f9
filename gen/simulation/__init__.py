# SPDX-License-Identifier: Apache-2.0
"""Simulators and cocotb: one builder of a job, and the runs of an emitted folder."""
