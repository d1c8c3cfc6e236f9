# SPDX-License-Identifier: Apache-2.0
"""How large a design is, and the folding that fits a target."""
