"""Writing one lane: its canary alone, then batches side by side; above a threshold, by Bulk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from pipelines.config.running import Push
from pipelines.salesforce.client import RETRIEVE_LIMIT
from pipelines.writeback.brake import Brake
from pipelines.writeback.bulk import BulkDelivery
from pipelines.writeback.canary import watched
from pipelines.writeback.delivery import Delivery
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import Decided, Journal
from pipelines.writeback.lanes import Lane, batches, by_record, parents
from pipelines.writeback.plan import Change, Rules
from pipelines.writeback.policy import Outcome
from pipelines.writeback.side_by_side import Task, ahead, side_by_side

BATCHES_AHEAD = 3  # that are prepared, or written to the ledger, while as many requests as may be are under way


class LanePush:
    """Writes one lane of a plan.

    Args:
        lane: what to write.
        reader: the lane's org.
        rules: the reviewed policy in force.
        journal: where intents and outcomes go.
        brake: what stops it between two batches.
        limits: sizes and patience.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self,
        lane: Lane,
        reader: Destination,
        rules: Rules,
        journal: Journal,
        brake: Brake,
        *,
        limits: Push,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lane = lane
        self._reader = reader
        self._journal = journal
        self._brake = brake
        self._limits = limits
        self._sleep = sleep
        self._delivery = Delivery(
            reader, rules, journal, limits, is_guarded=lane.is_guarded, check=self._check, sleep=sleep
        )

    def run(self) -> Iterator[None]:
        """Write the lane; comes back after each batch, and at the end: nothing is sent of what is equal already.

        Raises:
            StoreError: the ledger cannot be written.
            OutreachError: what stopped it; every request that was sent has its outcome, or is left open for Bulk.
        """
        yield from self._guarded() if self._lane.is_guarded else self._monotone()
        yield

    def _guarded(self) -> Iterator[None]:
        """Each batch is read and decided right before its update."""
        records = self._lane.records
        first, size = self._limits.canary_records, self._most_records
        parts = [*batches(records[:first], size), *batches(records[first:], size)]
        is_watched = first == 0
        while parts and not is_watched:
            self._check()
            is_watched = self._send_watched(self._delivery.decide(parts.pop(0)))
            yield
        yield from self._side_by_side([Task(parents(part), partial(self._decide_and_send, part)) for part in parts])

    def _monotone(self) -> Iterator[None]:
        """The lane is read in as few calls as possible, while what was read goes out; by Bulk all of it, if it is long.

        A canary goes out alone: while one is watched, others are only read.
        """
        first = min(self._limits.canary_records, self._most_records)
        is_watched = first == 0
        parts = batches(self._lane.records, RETRIEVE_LIMIT)
        with ahead(self._delivery.decide, parts, at_once=self._limits.requests_at_once) as decided:
            records = (record for part in decided for record in by_record(part, lambda one: one.change))
            while not is_watched and (canary := list(islice(records, first))):
                self._check()
                is_watched = self._send_watched([one for record in canary for one in record])
                yield
            rest = batches(self._by_bulk(records), self._most_records)
            yield from self._side_by_side(
                Task(parents(one.change for one in batch), partial(self._send, batch)) for batch in rest
            )

    def _by_bulk(self, records: Iterable[list[Decided]]) -> Iterable[list[Decided]]:
        """Send records by Bulk as long as there are enough of them, and return those that it has left."""
        bulk = self._bulk()
        if bulk is None or len(self._lane.records) < self._limits.bulk_from_records:
            return records
        records = list(records)
        for attempt in range(self._limits.attempts):
            if len(records) < self._limits.bulk_from_records:
                break
            if attempt:
                self._sleep(min(self._limits.longest_wait_seconds, self._limits.first_wait_seconds * 2**attempt))
            self._check()
            records = bulk.send(records)
        return records

    def _bulk(self) -> BulkDelivery | None:
        updates = self._reader.bulk_updates(longest_job_seconds=self._limits.longest_job_seconds, sleep=self._sleep)
        if updates is None:
            return None
        return BulkDelivery(updates, self._delivery, self._journal, should_stop=lambda: self._brake.is_pulled)

    @property
    def _most_records(self) -> int:
        return min(self._limits.records_per_update, self._reader.most_records)

    def _side_by_side(self, tasks: Iterable[Task]) -> Iterator[None]:
        """A guarded batch more than there are requests: with further ones, each would wait longer after its reading."""
        more = 1 if self._lane.is_guarded else BATCHES_AHEAD
        return side_by_side(tasks, at_once=self._limits.requests_at_once + more, check=self._check)

    def _check(self) -> None:
        self._brake.check(self._journal.result, self._reader)

    def _decide_and_send(self, changes: Sequence[Change]) -> None:
        self._send(self._delivery.decide(changes))

    def _send(self, writes: Sequence[Decided]) -> None:
        self._delivery.send(writes)

    def _send_watched(self, writes: Sequence[Decided]) -> bool:
        """Send a canary; False if it was left alone or rejected as a whole, so that nothing can be learnt of it."""
        with watched(self._reader, writes, self._journal.result):
            self._send(writes)
        return any(self._journal.result.outcomes[one.change.change_id][1] is Outcome.APPLIED for one in writes)
