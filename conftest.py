# SPDX-License-Identifier: Apache-2.0
"""`--slow`: the tests that are larger forms of what others check too, a minute or two each."""

from __future__ import annotations

import pytest

from wsfracbnn.gen.simulation import job


def pytest_addoption(parser: pytest.Parser) -> None:
    """Without it such tests are left out, and pytest says how many."""
    parser.addoption("--slow", action="store_true", help="run the tests that are marked slow too")


def pytest_configure(config: pytest.Config) -> None:
    """Tests compile more than they simulate."""
    job.short_runs = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked slow, unless it is asked for."""
    slow = [] if config.getoption("--slow") else [item for item in items if "slow" in item.keywords]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if "slow" not in item.keywords]
