"""Literals of SOQL as values of a field's type, and words such as LAST_MONTH as days."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sandbox.salesforce.errors import SalesforceError, invalid_field, malformed_query
from sandbox.salesforce.soql_tree import Value
from sandbox.world.field import Field
from sandbox.world.ids import is_well_formed, to_18

T = TypeVar("T")

IDS = {"id", "reference"}
KINDS = {  # of literals that a field's type takes
    "boolean": {"word"},
    "date": {"date"},
    "datetime": {"datetime"},
    "double": {"number"},
}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
PERIOD = re.compile(r"(this|last|next)_(week|month|quarter|year)")
NUMBERED = re.compile(r"(last|next)_n_(days|weeks|months|years):(\d+)")


def typed(value: Value, field: Field) -> Any:
    """A literal as a value of the field's type.

    Raises:
        SalesforceError: it is none.
    """
    kind = "double" if field.is_number else field.type
    if value.kind not in KINDS.get(kind, {"string"}):
        quotes = "should not be" if kind in KINDS else "should be"
        wanted = {"datetime": "dateTime"}.get(kind, kind if kind in KINDS else "string")
        raise invalid_field(
            f"value of filter criterion for field '{field.api_name}' must be of type {wanted} and {quotes} enclosed"
            " in quotes"
        )
    match kind:
        case "double":
            return Decimal(value.text)
        case "boolean":
            return _boolean(value.text.lower(), field)
        case "date":
            return _parsed(date.fromisoformat, value.text)
        case "datetime":
            return _parsed(datetime.fromisoformat, value.text.upper()).astimezone(UTC).replace(tzinfo=None)
        case "id" | "reference":
            if not is_well_formed(value.text):
                raise SalesforceError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.text}")
            return to_18(value.text[:15])
        case _:
            return value.text


def days(text: str, today: date) -> tuple[date, date]:
    """The first day that a word in lower case stands for, and the day after the last."""
    text = text.replace("_90_days", "_n_days:90")
    if match := NUMBERED.fullmatch(text):
        return _numbered(match[1], match[2], int(match[3]), today)
    if match := PERIOD.fullmatch(text):
        return _period(match[2], {"last": -1, "this": 0, "next": 1}[match[1]], today)
    ago = {"yesterday": 1, "today": 0, "tomorrow": -1}
    first = today - timedelta(days=ago[text] if text in ago else int(text.removeprefix("n_days_ago:")))
    return first, first + timedelta(days=1)


def _numbered(direction: str, unit: str, count: int, today: date) -> tuple[date, date]:
    """So many units before the present one, or after it; the last days include today."""
    if unit == "days":
        tomorrow = today + timedelta(days=1)
        if direction == "last":
            return today - timedelta(days=count), tomorrow
        return tomorrow, tomorrow + timedelta(days=count)
    unit = unit.removesuffix("s")
    if direction == "last":
        return _period(unit, -count, today)[0], _period(unit, 0, today)[0]
    return _period(unit, 1, today)[0], _period(unit, count, today)[1]


def _period(unit: str, offset: int, today: date) -> tuple[date, date]:
    """A calendar period, so many after the present one; a week begins on Sunday."""
    if unit == "week":
        first = today - timedelta(days=today.isoweekday() % 7) + timedelta(weeks=offset)
        return first, first + timedelta(weeks=1)
    length = MONTHS[unit]
    number = (today.year * 12 + today.month - 1) // length + offset
    first, after = (date(month // 12, month % 12 + 1, 1) for month in (number * length, (number + 1) * length))
    return first, after


def _boolean(text: str, field: Field) -> bool:
    if text not in {"true", "false"}:
        raise invalid_field(f"filter criteria for field '{field.api_name}' must be of type boolean")
    return text == "true"


def _parsed(parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise malformed_query(f"invalid date or time: {text}") from None
