# SPDX-License-Identifier: Apache-2.0
"""The command line: the only place that knows commands, flags and a console."""
