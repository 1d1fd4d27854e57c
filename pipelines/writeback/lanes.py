"""The order of writing: one lane for each org, object and kind of field, records in an order that avoids lock waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from pipelines.writeback.allowlist import Allowlist
from pipelines.writeback.plan import Change

T = TypeVar("T")
LOCKS_CAMPAIGN = {"CampaignMember"}  # Salesforce locks the parent of what is updated


@dataclass(frozen=True)
class Lane:
    """Changes of one org and object, by record.

    ``is_guarded``: a field of theirs depends on what stands there now, so it is read again right before it is written;
    else all of them only ever go to true, and no moment is the wrong one.
    """

    org: str
    object: str
    is_guarded: bool
    records: list[list[Change]]

    @property
    def changes(self) -> list[Change]:
        """All of them, in the order of writing."""
        return [change for record in self.records for change in record]


def lanes(changes: Iterable[Change], allowlist: Allowlist) -> list[Lane]:
    """The lanes of a plan. A record is in one lane only, so that it takes one update; if one field is guarded, all are.

    Members of one campaign stand together, then records by id: two requests seldom wait for the same parent.
    """
    monotone = {key for key, rule in allowlist.rules.items() if rule.is_monotone}
    found: dict[tuple[str, str, bool], list[list[Change]]] = {}
    for record in by_record(changes, lambda change: change):
        is_guarded = any((change.object, change.field) not in monotone for change in record)
        found.setdefault((record[0].org, record[0].object, is_guarded), []).append(record)
    return [Lane(*key, sorted(found[key], key=_place)) for key in sorted(found)]


def _place(record: list[Change]) -> tuple[str, str]:
    return min([change.campaign_id or "" for change in record]), record[0].record_id


def by_record(items: Iterable[T], change_of: Callable[[T], Change]) -> list[list[T]]:
    """The items of each record, in the order of their first ones."""
    records: dict[tuple[str, str, str], list[T]] = {}
    for item in items:
        change = change_of(item)
        records.setdefault((change.org, change.object, change.record_id), []).append(item)
    return list(records.values())


def batches(records: Iterable[list[T]], size: int) -> Iterator[list[T]]:
    """The items of so many records at a time."""
    rest = iter(records)
    while some := list(islice(rest, size)):
        yield [item for record in some for item in record]


def parents(changes: Iterable[Change]) -> frozenset[str]:
    """The parent records that Salesforce locks when it updates these; members of no known campaign share one."""
    return frozenset(change.campaign_id or "unknown" for change in changes if change.object in LOCKS_CAMPAIGN)
