# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML page about one design or several side by side. Facts, then charts, then the page."""
