"""Tables: what a page shows, said once - as a query, its columns, and how each is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dashboard.filters import Filter
from dashboard.marts import Row

MISSING = "–"
Link = Callable[[Row], tuple[str, dict[str, str]]]  # the path and the filters that change
Format = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """One column of a table on a page. Downloads have all columns of the query, under their own names.

    ``detail`` is a second, smaller line made of the whole row, such as a rate's denominator and interval.
    """

    key: str
    label: str
    format: Format = str
    is_number: bool = False
    is_status: bool = False
    is_prose: bool = False  # long enough to be wrapped
    bar_of: str | None = None  # draws the value as a share of this column
    detail: Callable[[Row], str] | None = None
    link: Link | None = None


@dataclass(frozen=True)
class Table:
    """A table: its address on the page, its query with named parameters, and what it says when it is empty."""

    name: str
    title: str
    sql: str
    columns: tuple[Column, ...]
    note: str = ""
    empty: str = "Nothing to show."
    chart: Callable[[list[Row]], str | None] | None = None
    preview_rows: int = 10
    on_page: bool = True
    filters: tuple[Filter, ...] = ()  # those that only this table knows, besides the page's
    key: str | None = None  # what names a row: a large table finds and counts its keys, then reads the rows it shows


@dataclass(frozen=True)
class Figure:
    """One of the few figures at the top of a page."""

    label: str
    value: str
    detail: str = ""


def text(key: str, label: str, **more: Any) -> Column:
    """A column of words."""
    return Column(key, label, words, **more)


def status(key: str, label: str) -> Column:
    """A column of states, each with a sign of its own beside its colour."""
    return Column(key, label, words, is_status=True)


def count(key: str, label: str, **more: Any) -> Column:
    """A column of whole numbers."""
    return Column(key, label, number, is_number=True, **more)


def decimal(key: str, label: str, **more: Any) -> Column:
    """A column of numbers with one decimal."""
    return Column(key, label, one_decimal, is_number=True, **more)


def when(key: str, label: str) -> Column:
    """A column of times or days."""
    return Column(key, label, moment)


def rate(key: str, label: str, part: str, whole: str) -> Column:
    """A column of rates, with numerator, denominator and - where the mart has it - the 95 % interval."""

    def detail(row: Row) -> str:
        counts = f"{number(row[part])} of {number(row[whole])}"
        low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
        return counts if low is None or high is None else f"{counts} · {interval(low, high)}"

    return Column(key, label, percent, is_number=True, detail=detail)


def words(value: Any) -> str:
    """A text as it is; yes or no; an em dash where there is nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return MISSING if value is None or value == "" else str(value)


def number(value: float | None) -> str:
    """A whole number with separators."""
    return MISSING if value is None else f"{value:,.0f}"


def one_decimal(value: float | None) -> str:
    """A number with one decimal."""
    return MISSING if value is None else f"{value:,.1f}"


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal."""
    return MISSING if value is None else f"{value * 100:.1f} %"


def interval(low: float, high: float) -> str:
    """A 95 % interval of a share."""
    return f"{low * 100:.1f}–{high * 100:.1f} %"


def moment(value: date | datetime | None) -> str:
    """A time (UTC) to the minute, or a day."""
    if value is None:
        return MISSING
    return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else f"{value:%Y-%m-%d}"
