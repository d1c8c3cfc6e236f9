# SPDX-License-Identifier: Apache-2.0
"""Exploration: foldings x devices x placer seeds, estimated, then synthesized, routed and simulated on a cluster."""
