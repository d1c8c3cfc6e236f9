# SPDX-License-Identifier: Apache-2.0
"""A notebook as a page in Markdown, with what its cells print and draw."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

TIMEOUT_S = 600


def run_notebook(path: Path) -> Any:
    """The notebook (version 4) with its outputs, as run in an empty folder; a cell that fails raises."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": folder}}).execute()
    return notebook


def write_notebook_page(path: Path, page: Path, execute: bool) -> None:
    """Write `page`, and its pictures beside it. What cells write to standard error (progress, warnings) is left out."""
    notebook = run_notebook(path) if execute else nbformat.read(path, as_version=4)
    parts, pictures = [], 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        text = ""
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                pictures += 1
                picture = page.with_name(f"{page.stem}-{pictures}.png")
                picture.write_bytes(base64.b64decode(data["image/png"]))
                parts.append(f"![Drawn by the cell above]({picture.name})")
            elif output.get("name") != "stderr":  # what is printed comes in pieces
                text += output.get("text") or data.get("text/plain", "")
        if text:
            parts.append(f"```text\n{text.rstrip()}\n```")
    page.write_text("\n\n".join(parts) + "\n")
