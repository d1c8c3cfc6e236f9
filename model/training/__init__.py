# SPDX-License-Identifier: Apache-2.0
"""Training: settings, the trainer, runs and plans of runs, and what they reach."""
