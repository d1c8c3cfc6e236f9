# SPDX-License-Identifier: Apache-2.0
"""The network: its PyTorch definition, its training, and the integer golden model."""
