# SPDX-License-Identifier: Apache-2.0
"""What pyproject.toml cannot say: a wheel without tests, the same bytes each time, links that hold outside a clone."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent

# The times of files in a wheel. Any constant gives the same bytes each time; this one is 2026-01-01.
os.environ.setdefault("SOURCE_DATE_EPOCH", "1767225600")


class BuildWithoutTests(build_py):
    """Modules of the packages, less those that only pytest reads."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        found: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [entry for entry in found if not re.match(r"test_|conftest$", entry[1])]


def readme() -> str:
    """README.md with its links into the tree as links into the repository."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    source = project["urls"]["Source"]
    text = (HERE / "README.md").read_text()
    text = re.sub(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)", rf"![\1]({source}/raw/main/\2)", text)
    return re.sub(r"(?<!!)\[([^]]*)\]\((?!https?:|#)([^)]+)\)", rf"[\1]({source}/blob/main/\2)", text)


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    cmdclass={"build_py": BuildWithoutTests},
)
