# SPDX-License-Identifier: Apache-2.0
"""Training passes fused by hand for CPUs with AVX-512 VNNI or AVX2; optional, and built at the first use.

library.py builds and loads the C++, stages.py makes it one autograd function of a network's input layer and stages.
"""
