"""What a push leaves behind: an intent before each request, one outcome for each planned change."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from pipelines.errors import OutreachError
from pipelines.writeback import ledger
from pipelines.writeback.chain import Entry
from pipelines.writeback.clock import Clock
from pipelines.writeback.plan import Change, Plan
from pipelines.writeback.policy import Current, FieldValue, Missing, Outcome, Present, Stop, Write


@dataclass
class PushResult:
    """What became of a plan's changes: one outcome each, and how many update calls it took."""

    run_id: str
    outcomes: dict[str, tuple[Change, Outcome, str | None]] = field(default_factory=dict)
    update_calls: int = 0
    bulk_jobs: list[str] = field(default_factory=list)
    settled: int = 0
    stopped_by: OutreachError | None = None
    _tally: Counter[Outcome] = field(default_factory=Counter)

    def end(self, change: Change, outcome: Outcome, detail: str | None) -> None:
        """Note the outcome of a change.

        Raises:
            ValueError: it has one already.
        """
        if change.change_id in self.outcomes:
            raise ValueError(f"{change.change_id} has an outcome already")
        self.outcomes[change.change_id] = (change, outcome, detail)
        self._tally[outcome] += 1

    def counts(self) -> dict[tuple[str, str, Outcome], int]:
        """Number of changes by object, field and outcome; their sum is the number of planned changes."""
        return Counter((change.object, change.field, outcome) for change, outcome, _ in self.outcomes.values())

    def count(self, *wanted: Outcome) -> int:
        """How many changes ended in one of these outcomes."""
        return sum(self._tally[outcome] for outcome in wanted)

    @property
    def has_failures(self) -> bool:
        """Whether Salesforce rejected a change, or nobody knows what became of it."""
        return self.count(Outcome.REJECTED, Outcome.UNKNOWN) > 0


class Decided(NamedTuple):
    """A planned change, what stands there now, and what to do."""

    change: Change
    current: Current
    decision: Write | Stop


class Ended(NamedTuple):
    """A change and its outcome."""

    decided: Decided
    outcome: Outcome
    detail: str | None = None


class Journal:
    """Keeps ledger and result of one push in step. What it is told is durable when the call returns.

    Batches that are sent side by side tell it one after the other: the ledger is one chain.
    """

    def __init__(self, engine: sa.Engine, plan: Plan, clock: Clock) -> None:
        self._engine = engine
        self._plan = plan
        self._clock = clock
        self._turn = threading.Lock()
        self._counting = threading.Lock()  # another one: a request must not wait until the ledger has written
        self.result = PushResult(run_id=uuid.uuid4().hex)

    def intend(self, writes: Iterable[Decided], detail: str | None = None) -> None:
        """Record that these are about to be sent; ``detail`` names the bulk job that will carry them."""
        now = self._clock()
        entries = [self._entry("intent", one, None, detail, now) for one in writes]
        with self._turn:
            ledger.append(self._engine, entries)

    def count_update_call(self) -> None:
        """Count a request that is about to be sent."""
        with self._counting:
            self.result.update_calls += 1

    def end(self, ended: Iterable[Ended]) -> None:
        """Record outcomes.

        Raises:
            ValueError: a change has its outcome already, or is not in the plan.
        """
        ended, now = list(ended), self._clock()
        entries = [self._entry("outcome", *one, now) for one in ended]
        with self._turn:
            ledger.append(self._engine, entries)
            for one, outcome, detail in ended:
                self.result.end(one.change, outcome, detail)

    def leave_open(self, ended: Iterable[Ended]) -> None:
        """Say how these ended for this push, and leave their intents open: the next push waits for their job's end."""
        for one, outcome, detail in ended:
            self.result.end(one.change, outcome, detail)

    def stop(self, error: OutreachError) -> None:
        """Record that nothing was written of what has no outcome yet, because the push was stopped."""
        self.result.stopped_by = error
        rest = [change for change in self._plan.changes if change.change_id not in self.result.outcomes]
        stop = Stop(Outcome.WITHHELD, f"the push was stopped: {error.message}")
        self.end(Ended(Decided(change, Missing(), stop), stop.outcome, stop.why) for change in rest)

    def close(self) -> PushResult:
        """The result, when every planned change has its outcome.

        Raises:
            ValueError: one has none.
        """
        if set(self.result.outcomes) != {change.change_id for change in self._plan.changes}:
            raise ValueError("planned changes and outcomes differ")
        return self.result

    def _entry(self, entry_type: str, one: Decided, outcome: Outcome | None, detail: str | None, at: datetime) -> Entry:
        change = one.change
        return Entry(
            run_id=self.result.run_id,
            plan_id=self._plan.plan_id,
            entry_type=entry_type,
            change_id=change.change_id,
            org=change.org,
            object=change.object,
            record_id=change.record_id,
            field=change.field,
            policy=change.policy,
            before_value=as_text(change.before),
            after_value=change.after,
            current_value=as_text(one.current.value) if isinstance(one.current, Present) else None,
            outcome=outcome,
            detail=detail,
            reason=change.reason,
            evidence=change.evidence,
            approval_id=change.approval_id,
            build_id=self._plan.build_id,
            recorded_at=at,
        )


def as_text(value: FieldValue) -> str | None:
    """A field's value as the plan and the ledger write it."""
    if value is None or isinstance(value, str):
        return value
    return "true" if value else "false"


def shows(current: Current, after: str | None) -> bool:
    """Whether a value that was to be written stands there."""
    return isinstance(current, Present) and as_text(current.value) == after
