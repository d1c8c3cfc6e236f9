# SPDX-License-Identifier: Apache-2.0
"""The second architecture: one engine computes all layers, one after another (docs/sequential.md)."""
