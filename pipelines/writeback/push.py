"""Pushing a plan: lane by lane, batch by batch, each decided once more over what stands in Salesforce now."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config import Push
from pipelines.errors import OutreachError, StoreError
from pipelines.salesforce.bulk_update import BulkUpdates
from pipelines.salesforce.client import UPDATE_LIMIT
from pipelines.writeback.brake import Brake
from pipelines.writeback.bulk import BulkDelivery
from pipelines.writeback.canary import watched
from pipelines.writeback.current import OrgReader
from pipelines.writeback.delivery import Delivery
from pipelines.writeback.journal import Decided, Journal, PushResult
from pipelines.writeback.lanes import Lane, batches, by_record, lanes
from pipelines.writeback.plan import Plan, Rules
from pipelines.writeback.policy import Outcome, Stop


class Pusher:
    """Applies one plan. Killed at any point, the next push settles what it left open.

    Args:
        engine: the operational store.
        rules: the reviewed policy in force.
        readers: each org that may be written to.
        brake: what stops a push between two batches.
        limits: sizes and patience.
        progress: where to show how far it is.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self,
        engine: sa.Engine,
        rules: Rules,
        readers: Mapping[str, OrgReader],
        brake: Brake,
        *,
        limits: Push,
        progress: Progress | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._readers = readers
        self._brake = brake
        self._limits = limits
        self._progress = progress
        self._sleep = sleep

    def push(self, plan: Plan) -> PushResult:
        """Apply a plan's changes, each at most once, and record every intent and outcome.

        What stops the push early is ``stopped_by`` of the result; what was not written because of it is withheld.

        Raises:
            StoreError: the ledger cannot be written; nothing more was sent.
        """
        journal = Journal(self._engine, plan)
        task = self._progress.add_task("Writing to Salesforce", total=len(plan.changes)) if self._progress else None
        try:
            for lane in lanes(plan.changes, self._rules.allowlist):
                reader = self._readers[lane.org]
                delivery = Delivery(reader, self._rules, journal, self._limits, sleep=self._sleep)
                for _ in self._push_lane(lane, reader, delivery, journal):
                    if self._progress and task is not None:
                        self._progress.update(task, completed=len(journal.result.outcomes))
        except StoreError:
            raise
        except OutreachError as error:
            journal.stop(error)
        return journal.close()

    def preview(self, plan: Plan) -> PushResult:
        """Say what would become of a plan's changes by what Salesforce shows now; nothing is written anywhere."""
        journal = Journal(self._engine, plan)
        result = journal.result
        for lane in lanes(plan.changes, self._rules.allowlist):
            for one in Delivery(self._readers[lane.org], self._rules, journal, self._limits).judge(lane.changes):
                stop = one.decision if isinstance(one.decision, Stop) else Stop(Outcome.APPLIED, "would be written")
                result.end(one.change, stop.outcome, stop.why)
        return result

    def _push_lane(self, lane: Lane, reader: OrgReader, delivery: Delivery, journal: Journal) -> Iterator[None]:
        """Write a lane; comes back after each batch."""
        is_canary = self._limits.canary_records > 0
        for batch in self._guarded(lane, delivery) if lane.is_guarded else self._monotone(lane, delivery, journal):
            if batch:
                self._brake.check(journal.result, reader.client.quota)
                with watched(reader, batch if is_canary else [], journal.result):
                    delivery.send(batch, is_guarded=lane.is_guarded)
            is_canary = False
            yield

    def _guarded(self, lane: Lane, delivery: Delivery) -> Iterator[list[Decided]]:
        """Batches that were read and decided right before they are asked for."""
        records = by_record(lane.changes, lambda change: change)
        canary = self._limits.canary_records
        for part in [*batches(records[:canary], UPDATE_LIMIT), *batches(records[canary:], UPDATE_LIMIT)]:
            yield delivery.decide(part)

    def _monotone(self, lane: Lane, delivery: Delivery, journal: Journal) -> Iterator[list[Decided]]:
        """Batches of a lane that was read in one go; above the threshold, what Bulk has left."""
        records = by_record(delivery.decide(lane.changes), lambda one: one.change)
        canary, rest = records[: self._limits.canary_records], records[self._limits.canary_records :]
        yield from batches(canary, UPDATE_LIMIT)
        for attempt in range(self._limits.attempts):
            if not rest or len(rest) < self._limits.bulk_from_records:
                break
            if attempt:
                self._sleep(min(self._limits.longest_wait_seconds, self._limits.first_wait_seconds * 2**attempt))
            self._brake.check(journal.result, self._readers[lane.org].client.quota)
            rest = self._bulk(lane, delivery, journal).send(rest)
        yield from batches(rest, UPDATE_LIMIT)

    def _bulk(self, lane: Lane, delivery: Delivery, journal: Journal) -> BulkDelivery:
        updates = BulkUpdates(
            self._readers[lane.org].client,
            longest_job_seconds=self._limits.longest_job_seconds,
            sleep=self._sleep,
        )
        return BulkDelivery(updates, delivery, journal, should_stop=lambda: self._brake.is_pulled)
