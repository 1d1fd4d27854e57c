"""Filters: parameters of the URL, so that a view can be shared; each value must be one that the data have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from dashboard.marts import Reader, Row
from dashboard.personal import masked
from pipelines.errors import DataError

ALL = "all"


class UnknownFilterError(DataError):
    """The URL asks for a filter or a value that there is not."""


@dataclass(frozen=True)
class Filter:
    """One filter: its name in the URL, its label, and the query of its choices (value, label), in their order.

    Where the choices also have a ``personal_label``, it is for viewers who may see personal data.
    """

    name: str
    label: str
    choices_sql: str


@dataclass(frozen=True)
class Choice:
    """One value of a filter, as the form offers it."""

    value: str
    label: str


class Selection(BaseModel):
    """What the URL selects; each page derives its own with its filters as fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: int = Field(1, ge=1, le=1_000_000)

    @property
    def values(self) -> dict[str, str]:
        """Every filter with its value; ``all``, or nothing, for those that are left open."""
        return self.model_dump(exclude={"page"})

    @property
    def filters(self) -> dict[str, str]:
        """The filters in force, without those that are left open."""
        return {name: value for name, value in self.values.items() if value not in {"", ALL}}


def selection_type(filters: Sequence[Filter]) -> type[Selection]:
    """The model of a page's URL parameters."""
    fields: dict[str, Any] = {one.name: (str, ALL) for one in filters}
    return create_model("PageSelection", __base__=Selection, **fields)


def read_selection(
    filters: Sequence[Filter], query: Sequence[tuple[str, str]], choices: Mapping[str, Sequence[Choice]]
) -> Selection:
    """The selection that a URL's parameters stand for.

    Raises:
        UnknownFilterError: a parameter is unknown, given twice, or has a value that the data do not have.
    """
    given = [(name, value) for name, value in query if value != ""]
    repeated = {name for name, _ in given if [other for other, _ in given].count(name) > 1}
    if repeated:
        raise UnknownFilterError(
            f"The filter '{min(repeated)[:50]}' is in the address twice.", next_step="Keep one of them."
        )
    try:
        selection = selection_type(filters).model_validate(dict(given))
    except ValidationError as error:
        raise UnknownFilterError(_problem(error), next_step=_known(filters)) from None
    for name, value in selection.filters.items():
        if value not in {choice.value for choice in choices[name]}:
            raise UnknownFilterError(
                f"The data have no {name} '{value[:80]}'.", next_step="Clear the filters and choose again."
            )
    return selection


def choices_of(filters: Sequence[Filter], reader: Reader, *, shows_personal_data: bool) -> dict[str, list[Choice]]:
    """What each filter can be set to in the version that is read."""
    return {one.name: _choices(reader.rows(one.choices_sql), shows_personal_data) for one in filters}


def _choices(rows: list[Row], shows_personal_data: bool) -> list[Choice]:
    label = "personal_label" if shows_personal_data and rows and "personal_label" in rows[0] else "label"
    shown = rows if shows_personal_data else masked(rows)
    return [Choice(str(row["value"]), str(row[label])) for row in shown]


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0])[:50]
    if first["type"] == "extra_forbidden":
        return f"This page has no filter '{name}'."
    return f"The value of '{name}' cannot be used: {first['msg']}."


def _known(filters: Sequence[Filter]) -> str:
    return f"Its filters are {', '.join(one.name for one in filters)}." if filters else "It has no filters."
