"""Smartlead's request validation, in its words: what is missing, unknown or out of range is answered with 400."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.smartlead.times import stored_time


class JoiError(Exception):
    """A request that Smartlead's validation refuses."""


def only(content: Mapping[str, Any], allowed: Collection[str], where: str = "") -> None:
    """Refuse keys that are not allowed."""
    for name in content:
        if name not in allowed:
            raise JoiError(f'"{where}{name}" is not allowed')


def required(content: Mapping[str, Any], name: str, where: str = "") -> Any:
    """A value that must be there."""
    if content.get(name) in {None, ""} if not isinstance(content.get(name), list | dict) else False:
        raise JoiError(f'"{where}{name}" is required')
    return content[name]


def whole_number(parameters: Mapping[str, str], name: str, default: int, most: int | None = None) -> int:
    """A number in a query, zero or more."""
    try:
        number = int(parameters.get(name, default))
    except ValueError:
        raise JoiError(f'"{name}" must be a number') from None
    if number < 0:
        raise JoiError(f'"{name}" must be greater than or equal to 0')
    if most is not None and number > most:
        raise JoiError(f'"{name}" must be less than or equal to {most}')
    return number


def moment(parameters: Mapping[str, str], name: str) -> str | None:
    """A time in a query, as the state holds it; None when it is not given."""
    if name not in parameters:
        return None
    try:
        return stored_time(parameters[name])
    except ValueError:
        raise JoiError(f'"{name}" must be a valid date') from None
