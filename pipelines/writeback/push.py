"""Pushing a plan, lane by lane: each change is decided once more over what stands in Salesforce now."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.config.running import Push
from pipelines.errors import OutreachError, StoreError
from pipelines.writeback.brake import Brake
from pipelines.writeback.clock import Clock
from pipelines.writeback.delivery import Delivery
from pipelines.writeback.destination import Destination
from pipelines.writeback.journal import Journal, PushResult
from pipelines.writeback.lane_push import LanePush
from pipelines.writeback.lanes import Lane, lanes
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
        clock: what time it is in Salesforce.
        progress: where to show how far it is.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self,
        engine: sa.Engine,
        rules: Rules,
        readers: Mapping[str, Destination],
        brake: Brake,
        *,
        limits: Push,
        clock: Clock,
        progress: Progress | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._readers = readers
        self._brake = brake
        self._limits = limits
        self._clock = clock
        self._progress = progress
        self._sleep = sleep

    def push(self, plan: Plan) -> PushResult:
        """Apply a plan's changes, each at most once, and record every intent and outcome.

        What stops the push early is ``stopped_by`` of the result; what was not written because of it is withheld.

        Raises:
            StoreError: the ledger cannot be written; nothing more was sent.
        """
        journal = Journal(self._engine, plan, self._clock)
        task = self._progress.add_task("Writing to Salesforce", total=len(plan.changes)) if self._progress else None
        try:
            with _without_collector():
                for lane in lanes(plan.changes, self._rules.allowlist):
                    for _ in self._lane_push(lane, journal).run():
                        if self._progress and task is not None:
                            self._progress.update(task, completed=len(journal.result.outcomes))
        except StoreError:
            raise
        except OutreachError as error:
            journal.stop(error)
        return journal.close()

    def _lane_push(self, lane: Lane, journal: Journal) -> LanePush:
        reader = self._readers[lane.org]
        return LanePush(lane, reader, self._rules, journal, self._brake, limits=self._limits, sleep=self._sleep)

    def preview(self, plan: Plan) -> PushResult:
        """Say what would become of a plan's changes by what Salesforce shows now; nothing is written anywhere."""
        journal = Journal(self._engine, plan, self._clock)
        result = journal.result
        for lane in lanes(plan.changes, self._rules.allowlist):
            for one in Delivery(self._readers[lane.org], self._rules, journal, self._limits).judge(lane.changes):
                stop = one.decision if isinstance(one.decision, Stop) else Stop(Outcome.APPLIED, "would be written")
                result.end(one.change, stop.outcome, stop.why)
        return result


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let garbage lie: what a push makes stays to its end, but for some kilobytes a request, and looking is a tenth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
