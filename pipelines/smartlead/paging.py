"""Reading a list page by page while Smartlead goes on changing it, without losing or doubling a record.

Pages are asked for by offset, so a record that goes away moves the later ones to the page before. Each page therefore
begins with the last record of the page before: where it does not, records were skipped, and reading goes back until the
pages join again. Records that were added meanwhile are met by the next load. The overlap costs one call in a hundred,
and one for a list whose length is a multiple of the page's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pipelines.errors import ServiceError

PASSES = 3  # over a list of which fewer records were met than were announced
STEPS_BACK = 20  # in one pass


@dataclass(frozen=True)
class Page:
    """A page of records, when it was read by Smartlead's clock, and what it says about the whole."""

    records: list[Any]
    read_at: datetime
    total: int | None = None
    has_more: bool | None = None

    def goes_on(self, offset: int, limit: int) -> bool:
        """Whether there is something after this page, which began at an offset."""
        if self.has_more is not None:
            return self.has_more
        if self.total is not None:
            return offset + len(self.records) < self.total
        return len(self.records) >= limit


ReadPage = Callable[[int], Page]
Key = Callable[[Any], Hashable]


def read_pages(read: ReadPage, limit: int, key: Key, where: str) -> Iterator[Page]:
    """All pages of a list; ``read`` reads the page at an offset. No record comes twice in one pass.

    Raises:
        ServiceError: the list changes faster than it can be read, or its pages do not move on.
    """
    met: set[Hashable] = set()
    for _ in range(PASSES):
        announced: list[int] = []
        for page in _one_pass(read, limit, key, where):
            met.update(map(key, page.records))
            announced += [] if page.total is None else [page.total]
            yield page
        if len(met) >= min(announced, default=0):
            return


def _one_pass(read: ReadPage, limit: int, key: Key, where: str) -> Iterator[Page]:
    met: set[Hashable] = set()
    offset = steps_back = without_news = 0
    while True:
        page = read(offset)
        keys = [key(record) for record in page.records]
        if offset and (not keys or keys[0] not in met):
            steps_back += 1
            offset = max(0, offset - limit)
            if steps_back > STEPS_BACK:
                raise _restless(where)
            continue
        new = [record for record, one in zip(page.records, keys, strict=True) if one is None or one not in met]
        met.update(keys)
        yield replace(page, records=new)
        if not page.records or not page.goes_on(offset, limit):
            return
        without_news = 0 if new else without_news + 1
        if without_news > STEPS_BACK:
            raise _restless(where)
        offset += max(1, len(page.records) - 1)


def _restless(where: str) -> ServiceError:
    return ServiceError(
        f"{where} changes faster than it can be read, or gives the same page again and again.",
        next_step="Run the command again later; nothing of this load was kept.",
    )
