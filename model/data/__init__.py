# SPDX-License-Identifier: Apache-2.0
"""Datasets as plain uint8 arrays; each source is a class in a file of its own."""
