# SPDX-License-Identifier: Apache-2.0
"""`--json`, which every command has that prints figures: one object on standard output, all else on standard error.

Such a command returns its figures as plain JSON values; `with_json` adds the option and prints them.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

import typer

Figures: TypeAlias = Mapping[str, Any]
"""Plain JSON values by their names."""

Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object of the figures; all other text goes to standard error.")
]


class CheckFailedError(typer.Exit):
    """Exit code 1: a check failed, whose figures are printed all the same."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(1)
        self.figures = figures


def with_json(command: Callable[..., Figures]) -> Callable[..., None]:
    """The command with the option `--json`."""
    signature = inspect.signature(command, eval_str=True)
    option = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    parameters = [*signature.parameters.values(), option]

    @functools.wraps(command)
    def wrapped(*, as_json: bool = False, **arguments: Any) -> None:
        if not as_json:
            command(**arguments)
            return
        try:
            with contextlib.redirect_stdout(sys.stderr):
                figures = command(**arguments)
        except CheckFailedError as failed:
            _print(failed.figures)
            raise
        _print(figures)

    wrapped.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _print(figures: Figures) -> None:
    typer.echo(json.dumps(figures, indent=2, allow_nan=False))
