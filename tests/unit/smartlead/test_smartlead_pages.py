"""Lists read page by page: every envelope, lists that move meanwhile, and how many calls it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.config.services import Smartlead
from pipelines.errors import DataError, ServiceError
from pipelines.smartlead.client import SmartleadClient
from pipelines.smartlead.paging import STEPS_BACK, Page, read_pages

NOON = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
ENVELOPES: list[Any] = [
    lambda rows, total, _: {"total_stats": str(total), "data": rows},
    lambda rows, total, _: {"total": total, "email_statistics": rows},
    lambda rows, total, _: {"data": {"total_stats": total, "email_statistics": rows}},
    lambda rows, total, offset: {"hasMore": offset + len(rows) < total, "data": rows},
    lambda rows, *_: rows,
]


def ids(serve: Callable[[ASGIApp], str], records: int, envelope: Any) -> list[str]:
    everything = [{"stats_id": f"s{number}"} for number in range(records)]

    async def answer(request: Request) -> JSONResponse:
        offset, limit = (int(request.query_params[name]) for name in ("offset", "limit"))
        return JSONResponse(envelope(everything[offset : offset + limit], records, offset))

    settings = Smartlead(base_url=serve(Starlette(routes=[Route("/x", answer)])), api_key="k")
    with SmartleadClient(settings, sleep=lambda _: None) as client:
        pages = client.pages("x", limit=2, key=lambda item: item["stats_id"], names=("data", "email_statistics"))
        return [item["stats_id"] for page in pages for item in page.records]


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_reads_every_page_of_every_known_envelope(serve: Callable[[ASGIApp], str], envelope: Any) -> None:
    assert ids(serve, 5, envelope) == [f"s{number}" for number in range(5)]


@pytest.mark.parametrize("answer", [{"rows": "x"}, {}, "text", None, {"data": "text"}, {"data": [], "total": "many"}])
def test_an_unknown_envelope_names_the_endpoint(serve: Callable[[ASGIApp], str], answer: Any) -> None:
    with pytest.raises(DataError, match="GET x has an unknown shape"):
        ids(serve, 1, lambda *_: answer)


class MovingList:
    """A list of numbers that is changed, by plan, after each page was read."""

    def __init__(self, length: int, limit: int, changes: list[list[tuple[str, int]]], says: str) -> None:
        self.records = list(range(length))
        self.untouched = set(self.records)
        self.limit = limit
        self.calls = 0
        self._changes = iter(changes)
        self._new = count(1_000_000)
        self._says = says

    def read(self, offset: int) -> Page:
        self.calls += 1
        rows, total = self.records[offset : offset + self.limit], len(self.records)
        for kind, place in next(self._changes, []):
            self._change(kind, place % (len(self.records) + 1))
        has_more = offset + len(rows) < total if self._says == "has_more" else None
        return Page(rows, NOON, total=total if self._says == "total" else None, has_more=has_more)

    def _change(self, kind: str, place: int) -> None:
        if kind == "replace" and self.records:  # the total stays the same
            self.untouched.discard(self.records.pop(place % len(self.records)))
            self.records.append(next(self._new))
        if kind == "insert":
            self.records.insert(place, next(self._new))
        if kind == "delete" and self.records:
            self.untouched.discard(self.records.pop(place % len(self.records)))

    def all_pages(self) -> list[int]:
        return [one for page in read_pages(self.read, self.limit, lambda one: one, "x") for one in page.records]


CHANGE = st.tuples(st.sampled_from(["insert", "delete", "replace"]), st.integers(0, 40))


@given(
    length=st.integers(0, 30),
    limit=st.integers(2, 6),
    changes=st.lists(st.lists(CHANGE, max_size=8), max_size=6),
    says=st.sampled_from(["total", "has_more", "nothing"]),
)
def test_whatever_moves_while_it_is_read_nothing_that_was_there_is_lost(
    length: int, limit: int, changes: list[list[tuple[str, int]]], says: str
) -> None:
    moving = MovingList(length, limit, changes, says)
    assert moving.untouched <= set(moving.all_pages())


def test_nothing_comes_twice_when_records_are_added_in_front() -> None:
    moving = MovingList(9, 3, [[("insert", 0)]] * 3, "total")
    met = moving.all_pages()
    assert len(met) == len(set(met))
    assert moving.untouched <= set(met)


def test_a_record_that_is_replaced_does_not_hide_the_next_one() -> None:
    """The total stays the same, and as many records are met as announced: only the overlap shows the gap."""
    moving = MovingList(6, 3, [[("replace", 0)]], "total")
    assert {1, 2, 3, 4, 5} <= set(moving.all_pages())


@pytest.mark.parametrize("page", [Page([1, 2], NOON, has_more=True), Page([1, 2], NOON)])
def test_a_service_that_gives_the_same_page_for_ever_is_left(page: Page) -> None:
    with pytest.raises(ServiceError, match="again and again"):
        list(read_pages(lambda _: page, 2, lambda one: one, "Smartlead's GET x"))


def test_a_list_that_never_joins_again_is_left() -> None:
    numbers = count()
    calls: list[int] = []

    def read(offset: int) -> Page:
        calls.append(offset)
        return Page([next(numbers), next(numbers)], NOON)

    with pytest.raises(ServiceError, match="faster than it can be read"):
        list(read_pages(read, 2, lambda one: one, "x"))
    assert len(calls) <= 3 * STEPS_BACK


@pytest.mark.parametrize("says", ["total", "has_more", "nothing"])
def test_the_calls_are_within_five_percent_of_the_least(says: str) -> None:
    sizes = [0, 1, 37, 99, 250, 480, 1_200, 5_030, 12_345, 25_000]
    least = sum(max(1, math.ceil(size / 100)) for size in sizes)
    lists = [MovingList(size, 100, [], says) for size in sizes]
    for size, one in zip(sizes, lists, strict=True):
        assert one.all_pages() == list(range(size))
    assert least <= sum(one.calls for one in lists) <= 1.05 * least
