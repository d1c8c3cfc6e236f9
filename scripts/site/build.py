# SPDX-License-Identifier: Apache-2.0
"""Build the documentation's site: `python -m scripts.site.build`, from the root of the repository, or `make docs`.

Pages of docs/ are taken as they are. Added are CONTRIBUTING.md, the commands' reference from the typer application, a
page for each Python package from its docstrings, and the notebook as it ran. What is staged lies under build/ and is
made anew.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "build" / "site-pages"
PYTHON = ROOT / "build" / "site-python"
"""A folder in which the package's flat folders have their import names; docstrings are read from there, unimported."""

MOVED = re.compile(r"(?<=\]\()(?P<up>(?:\.\./)*)(?P<name>CONTRIBUTING\.md|docs/|gates\.ipynb)")
"""A link to what has another place on the site than in the repository."""

DOCUMENTED = ("wsfracbnn.model", "wsfracbnn.gen")


def stage(write_notebook: Callable[[Path], None]) -> None:
    """Lay all pages out. write_notebook: makes the page of the notebook, whose place it is given."""
    for folder in (PAGES, PYTHON):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES, ignore=shutil.ignore_patterns("*.ipynb"))
    shutil.copy(ROOT / "CONTRIBUTING.md", PAGES / "contributing.md")
    for page in PAGES.rglob("*.md"):
        page.write_text(MOVED.sub(_place_on_site, page.read_text()))
    (PAGES / "reference").mkdir()
    write_command_reference(PAGES / "reference" / "commands.md")
    write_python_reference(PAGES / "reference")
    write_notebook(PAGES / "gates.md")


def _place_on_site(link: re.Match[str]) -> str:
    """The beginning of a link's target, as it is on the site."""
    up, name = link["up"], link["name"]
    if name == "gates.ipynb":
        return f"{up}gates.md"
    return "" if name == "docs/" else f"{up.removeprefix('../')}contributing.md"


def write_command_reference(page: Path) -> None:
    """What the application itself says of its commands and options; typer writes it as Markdown."""
    command = ["-m", "typer", "wsfracbnn.cli.app", "utils", "docs", "--name", "wsfracbnn", "--title", "Commands"]
    subprocess.run([sys.executable, *command, "--output", str(page)], check=True, stdout=subprocess.DEVNULL)


def write_python_reference(folder: Path) -> None:
    """A page for each package, which names its modules; mkdocstrings fills them in."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    (PYTHON / "wsfracbnn").mkdir(parents=True)
    for package, source in project["package-dir"].items():
        if package.count(".") == 1:
            (PYTHON / package.replace(".", "/")).symlink_to(ROOT / source)
    for package in project["packages"]:
        if not package.startswith(DOCUMENTED):
            continue
        source = PYTHON / package.replace(".", "/")
        files = [path for path in sorted(source.glob("[!_]*.py")) if not path.read_text().startswith("#!")]
        modules = [package, *(f"{package}.{path.stem}" for path in files)]
        name = package.removeprefix("wsfracbnn.")
        lines = [f"# {package}", *(f"::: {module}" for module in modules)]
        options = "    options:\n      members: []\n      show_root_heading: false\n" if len(modules) > 1 else ""
        lines[1] += f"\n{options}"
        (folder / f"{name}.md").write_text("\n\n".join(lines) + "\n")


def require_complete_navigation(config: Path) -> None:
    """Each staged page has its place, and each place its page."""
    named = set(_leaves(tomllib.loads(config.read_text())["project"]["nav"]))
    staged = {str(path.relative_to(PAGES)) for path in PAGES.rglob("*.md")}
    if named != staged:
        sys.exit(f"{config.name}: nav lacks {sorted(staged - named)}, and has no page for {sorted(named - staged)}")


def _leaves(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [leaf for part in (nav.values() if isinstance(nav, dict) else nav) for leaf in _leaves(part)]


def main() -> None:
    """Stage and build; a warning is an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-notebook", action="store_true", help="show the notebook as it is, without running it")
    arguments = parser.parse_args()
    from scripts.site.notebook_page import write_notebook_page  # needs what only `make docs` installs

    stage(lambda page: write_notebook_page(ROOT / "docs" / "gates.ipynb", page, execute=not arguments.no_notebook))
    config = ROOT / "zensical.toml"
    require_complete_navigation(config)
    zensical = Path(sys.executable).parent / "zensical"
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [str(zensical), "build", "--strict", "--clean", "-f", str(config)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode or "griffe: " in done.stdout:  # what griffe warns of does not count for zensical
        sys.exit(f"{done.stdout}\nthe site: found warnings, expected none")
    print("site: build/site/index.html")


if __name__ == "__main__":
    main()
