# SPDX-License-Identifier: Apache-2.0
"""The border: every file from outside is read here. Size, then syntax, then types, then ranges; then it is used.

`read_text`, `read_json` and `read_toml` bound a file and parse it. `checked` holds a parsed value against a schema: a
pydantic model, or what `schema_of` makes of a dataclass, whose annotations are then the only place that says what a
field may be. Each failure is one `InputError` that names the file or key, what was found and what was expected.
"""

from __future__ import annotations

import functools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from wsfracbnn.model.errors import InputError, shortened, shown

TEXT_LIMIT = 16 * 2**20
"""Bytes of a text file."""

DEPTH_LIMIT = 20
"""How deep lists and tables may be nested in each other."""

Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if type(value) is list else value


Several = Annotated[tuple[Item, ...], BeforeValidator(_as_tuple)]
"""A tuple that a file has as a list, and as nothing else that could be gone through."""


class Schema(BaseModel):
    """Base of the schemas: nothing is converted but integers to floats, nothing is unknown, every number is finite."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


def one_of(*choices: str | int) -> AfterValidator:
    """Annotation: the value is one of these."""

    def check(value: Any) -> Any:
        if value not in choices:
            raise ValueError(" or ".join(map(str, choices)))
        return value

    return AfterValidator(check)


def printable(text: str) -> str:
    """For an `AfterValidator` annotation: text without control characters."""
    if not text.isprintable():
        raise ValueError("printable characters")
    return text


def read_bytes(path: Path, what: str, limit: int) -> bytes:
    """A whole regular file of at most `limit` bytes. what: it, in words, for the message.

    Raises:
        InputError: there is none, it is too large or cannot be read.
    """
    require_file(path, what, limit)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected {what}") from None
    if len(content) > limit:
        raise InputError(f"{path}: more than {limit:,} bytes, expected {what}")
    return content


def require_file(path: Path, what: str, limit: int) -> None:
    """Raise `InputError` where `path` is no regular file of at most `limit` bytes."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: found a folder, expected {what}")
        if not path.exists():
            raise InputError(f"{path}: no such file, expected {what}")
        if not path.is_file():
            raise InputError(f"{path}: found a device or pipe, expected {what}")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # a name with a null byte is a ValueError
        raise InputError(f"{path}: cannot be read ({_reason(error)}), expected {what}") from None
    if size > limit:
        raise InputError(f"{path}: found {size:,} bytes, expected {what} of at most {limit:,}")


def read_text(path: Path, what: str, limit: int = TEXT_LIMIT) -> str:
    """A UTF-8 file; a byte order mark at its start is left out.

    Raises:
        InputError: see `read_bytes`; or it is not UTF-8.
    """
    try:
        return read_bytes(path, what, limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not {what} (not UTF-8 at byte {error.start})") from None


def read_json(path: Path, what: str, limit: int = TEXT_LIMIT) -> Any:
    """A JSON file's value.

    Raises:
        InputError: see `read_text` and `parse_json`.
    """
    text = read_text(path, what, limit)
    try:
        return parse_json(text)
    except InputError as error:
        raise InputError(f"{path}: not {what} ({error})") from None


def parse_json(text: str) -> Any:
    """The value of JSON text.

    Raises:
        InputError: it is none, a key occurs twice in an object, a number is not finite, or it is nested too deep.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(_reason(error)) from None
    _require_depth(value)
    return value


def read_toml(path: Path, what: str, limit: int = 2**20) -> dict[str, Any]:
    """A TOML file's table.

    Raises:
        InputError: see `read_text` and `parse_toml`.
    """
    text = read_text(path, what, limit)
    try:
        return parse_toml(text)
    except InputError as error:
        raise InputError(f"{path}: not {what} ({error})") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The table of TOML text.

    Raises:
        InputError: it is none, or nested too deep.
    """
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(_reason(error)) from None
    _require_depth(value)
    return value


@functools.cache
def schema_of(cls: Any) -> type[BaseModel]:
    """The schema of a dataclass: its fields with their annotations and defaults."""
    hints = get_type_hints(cls, include_extras=True)
    members = {f.name: (hints[f.name], ... if f.default is MISSING else f.default) for f in fields(cls) if f.init}
    model: type[BaseModel] = create_model(cls.__name__, __base__=Schema, **members)  # type: ignore[call-overload]
    return model


def _schema(cls: Any) -> type[BaseModel]:
    return schema_of(cls)


def checked(schema: type[Model], raw: object, noun: str = "key", within: str = "") -> Model:
    """`raw` as an instance of the schema. noun: what the message calls a key; within: the key that `raw` is under.

    Raises:
        InputError: for the first thing that is wrong, a key that is unknown before one that is missing.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
        raise InputError(_sentence(first, noun, within, schema)) from None


def checked_values(cls: type[Any], raw: object, noun: str = "key") -> dict[str, Any]:
    """The values that `raw` gives to fields of a dataclass, checked by its `schema_of`.

    Raises:
        InputError: see `checked`.
    """
    found = checked(_schema(cls), raw, noun)
    return {name: getattr(found, name) for name in found.model_fields_set}


def check_fields(instance: Any, noun: str) -> None:
    """Hold a dataclass's own values against its annotations, for its `__post_init__`.

    Raises:
        InputError: see `checked`.
    """
    checked(_schema(type(instance)), {f.name: getattr(instance, f.name) for f in fields(instance)}, noun)


_EXPECTED = {
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a string",
    "string_unicode": "a string of Unicode characters",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table of keys",
    "model_type": "a table of keys",
    "invalid_key": "a key that is a string",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_long": "at most {max_length} of them",
    "too_short": "at least {min_length} of them",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "value_error": "{error}",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_parsing": "a number",
    "bool_parsing": "true or false",
}
"""What was expected, by pydantic's type of error."""


def _sentence(error: ErrorDetails, noun: str, within: str, schema: type[BaseModel]) -> str:
    parts = (within, *error["loc"]) if within else error["loc"]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
    key = f"{noun} '{place}'"
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "extra_forbidden":
        known = f", expected one of {', '.join(sorted(schema.model_fields))}" if len(error["loc"]) == 1 else ""
        return f"{noun} '{shortened(place, 100)}' is unknown{known}"
    found = found_and_expected(error)
    return f"{key}: {found}" if parts else found


def found_and_expected(error: ErrorDetails) -> str:
    """What one of pydantic's errors says, in our words."""
    words = _EXPECTED.get(error["type"])
    expected = error["msg"] if words is None else words.format(**error.get("ctx", {}))
    return f"found {shown(error['input'])}, expected {expected}"


def _object(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {shown(twice)} occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"found {name}, expected finite numbers")


def _require_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_LIMIT + 1):
        inner: list[Any] = []
        for item in level:
            inner += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        if not inner:
            return
        level = inner
    raise InputError(f"nested more than {DEPTH_LIMIT} deep")


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested more than {DEPTH_LIMIT} deep"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return shortened(str(error), 200)
