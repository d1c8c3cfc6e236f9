# SPDX-License-Identifier: Apache-2.0
"""docs/gates.ipynb runs from top to bottom, and shows what its words say."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from wsfracbnn.gen.locations import ROOT

NOTEBOOK = ROOT / "docs" / "gates.ipynb"


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_outputs_are_not_in_the_repository() -> None:
    """They depend on the machine; the site has them as they came out when it was built."""
    cells = code_cells(json.loads(NOTEBOOK.read_text()))
    assert 5 <= len(cells) <= 12
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


@pytest.mark.timeout(900)
def test_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient", reason="nbclient is missing: pip install 'wsfracbnn[docs]'")
    from scripts.site.notebook_page import run_notebook

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    outputs = [output for cell in code_cells(run_notebook(NOTEBOOK)) for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    tried = {int(by): float(share) for by, share in re.findall(r"G +([+-]\d+): +(\d+)% of gates", text)}
    assert tried[-200] == 100
    assert tried[200] == 0
    assert 30 <= tried[0] <= 50  # training steers to 40 %
    top1 = {int(by): float(value) for by, value in re.findall(r"G +([+-]\d+): .*top-1 ([0-9.]+)%", text)}
    assert top1[0] > max(top1[200], 50)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
