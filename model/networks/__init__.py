# SPDX-License-Identifier: Apache-2.0
"""The networks: WSFracBNN, its baseline FracBNN and the full-precision teacher, with the layers they are made of."""
