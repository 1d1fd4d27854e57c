"""Pushing a plan: re-read, decide again, record the intent, update, record the outcome."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

import sqlalchemy as sa
from rich.progress import Progress

from pipelines.salesforce.client import UPDATE_LIMIT, LostAnswerError, RowResult
from pipelines.writeback import ledger
from pipelines.writeback.current import OrgReader
from pipelines.writeback.ledger import Entry
from pipelines.writeback.payload import record_payload
from pipelines.writeback.plan import Change, Plan, Rules
from pipelines.writeback.policy import Current, FieldValue, Outcome, Present, Stop, Write, decide


@dataclass
class PushResult:
    """What became of a plan's changes: one outcome each, and how many update calls it took."""

    run_id: str
    outcomes: dict[str, tuple[Change, Outcome, str | None]] = field(default_factory=dict)
    update_calls: int = 0
    settled: int = 0

    def counts(self) -> dict[tuple[str, str, Outcome], int]:
        """Number of changes by object, field and outcome; their sum is the number of planned changes."""
        return Counter((change.object, change.field, outcome) for change, outcome, _ in self.outcomes.values())

    @property
    def has_failures(self) -> bool:
        """Whether Salesforce rejected a change, or nobody knows what became of it."""
        return any(outcome in {Outcome.REJECTED, Outcome.UNKNOWN} for _, outcome, _ in self.outcomes.values())


@dataclass(frozen=True)
class _Decided:
    change: Change
    current: Current
    decision: Write | Stop


class Pusher:
    """Applies one plan. Killed at any point, the next push settles what it left open."""

    def __init__(
        self, engine: sa.Engine, rules: Rules, readers: Mapping[str, OrgReader], *, progress: Progress | None = None
    ) -> None:
        self._engine = engine
        self._rules = rules
        self._readers = readers
        self._progress = progress

    def push(self, plan: Plan) -> PushResult:
        """Apply a plan's changes, each at most once, and record every intent and outcome.

        Raises:
            ServiceError: Salesforce refused a whole request or cannot be reached; what was done until then stands in
                the ledger, and running the command again continues.
        """
        result = PushResult(run_id=uuid.uuid4().hex)
        task = self._progress.add_task("Writing to Salesforce", total=len(plan.changes)) if self._progress else None
        for chunk in _chunks(plan.changes):
            self._push_chunk(plan, chunk, result)
            if self._progress and task is not None:
                self._progress.update(task, advance=len(chunk))
        return result

    def _push_chunk(self, plan: Plan, chunk: list[Change], result: PushResult) -> None:
        reader = self._readers[chunk[0].org]
        decided = self._decide(reader, chunk)
        stopped = [(one, one.decision) for one in decided if isinstance(one.decision, Stop)]
        self._record(plan, result, [(one, stop.outcome, stop.why) for one, stop in stopped])
        writes = [one for one in decided if isinstance(one.decision, Write)]
        if writes:
            self._append(plan, result, "intent", [(one, None, None) for one in writes])
            self._record(plan, result, self._update(reader, writes, result))

    def _decide(self, reader: OrgReader, chunk: list[Change]) -> list[_Decided]:
        """The rules once more, over values read right before the update (R1, R4)."""
        object_name = chunk[0].object
        ids = list(dict.fromkeys(change.record_id for change in chunk))
        current = reader.values(object_name, ids, sorted({change.field for change in chunk}))
        return [self._decide_one(reader, change, current[change.record_id, change.field]) for change in chunk]

    def _decide_one(self, reader: OrgReader, change: Change, current: Current) -> _Decided:
        rule = self._rules.allowlist.rule(change.object, change.field)
        approval = self._rules.approval(rule, change.org, change.campaign_id)
        decision = decide(
            rule, base=change.before, current=current, wanted=change.after, is_approved=approval is not None
        )
        if rule and isinstance(decision, Write):
            decision = reader.obstacle(rule, change.after) or decision
        return _Decided(change, current, decision)

    def _update(
        self, reader: OrgReader, writes: list[_Decided], result: PushResult
    ) -> Iterable[tuple[_Decided, Outcome, str | None]]:
        object_name = writes[0].change.object
        by_record: dict[str, list[_Decided]] = {}
        for one in writes:
            by_record.setdefault(one.change.record_id, []).append(one)
        payloads = [
            record_payload(
                self._rules.allowlist,
                reader.names,
                object_name,
                record_id,
                [one.decision for one in group if isinstance(one.decision, Write)],
            )
            for record_id, group in by_record.items()
        ]
        result.update_calls += 1
        try:
            answers = reader.client.update(object_name, payloads)
        except LostAnswerError:
            return list(_read_back(reader, writes))
        return [
            (one, *_outcome(answer)) for group, answer in zip(by_record.values(), answers, strict=True) for one in group
        ]

    def _record(self, plan: Plan, result: PushResult, outcomes: Iterable[tuple[_Decided, Outcome, str | None]]) -> None:
        outcomes = list(outcomes)
        self._append(plan, result, "outcome", outcomes)
        for one, outcome, detail in outcomes:
            result.outcomes[one.change.change_id] = (one.change, outcome, detail)

    def _append(
        self,
        plan: Plan,
        result: PushResult,
        entry_type: str,
        lines: Iterable[tuple[_Decided, Outcome | None, str | None]],
    ) -> None:
        ledger.append(
            self._engine,
            [_entry(plan, result.run_id, entry_type, one, outcome, detail) for one, outcome, detail in lines],
        )


def settle_open_intents(engine: sa.Engine, readers: Mapping[str, OrgReader]) -> int:
    """Read back what an interrupted push left open, record what is found, and return how many intents there were.

    An intent whose value does not stand in Salesforce is closed as unknown; the plan that follows repeats it.
    """
    intents = [row for row in ledger.open_intents(engine) if row["org"] in readers]
    for (org, object_name), group in groupby(intents, key=lambda row: (row["org"], row["object"])):
        rows = list(group)
        ids = list(dict.fromkeys(row["record_id"] for row in rows))
        current = readers[org].values(object_name, ids, sorted({row["field"] for row in rows}))
        ledger.append(engine, [_settlement(row, current[row["record_id"], row["field"]]) for row in rows])
    return len(intents)


def _settlement(intent: sa.RowMapping, current: Current) -> Entry:
    content = {name: intent[name] for name in Entry.__dataclass_fields__}
    is_applied = isinstance(current, Present) and as_text(current.value) == intent["after_value"]
    return Entry(
        **content
        | {
            "entry_type": "outcome",
            "outcome": Outcome.APPLIED if is_applied else Outcome.UNKNOWN,
            "detail": "settled by reading back: " + ("the value is there" if is_applied else "the value is not there"),
            "current_value": as_text(current.value) if isinstance(current, Present) else None,
            "recorded_at": datetime.now(UTC),
        }
    )


def _read_back(reader: OrgReader, writes: list[_Decided]) -> Iterator[tuple[_Decided, Outcome, str | None]]:
    ids = list(dict.fromkeys(one.change.record_id for one in writes))
    current = reader.values(writes[0].change.object, ids, sorted({one.change.field for one in writes}))
    for one in writes:
        now = current[one.change.record_id, one.change.field]
        if isinstance(now, Present) and as_text(now.value) == one.change.after:
            yield one, Outcome.APPLIED, "the answer was lost; reading back shows the value"
        else:
            yield one, Outcome.UNKNOWN, "the answer was lost; reading back does not show the value"


def _outcome(answer: RowResult) -> tuple[Outcome, str | None]:
    if answer.success:
        return Outcome.APPLIED, None
    return Outcome.REJECTED, f"{answer.error_code}: {answer.message}"


def _entry(
    plan: Plan, run_id: str, entry_type: str, one: _Decided, outcome: Outcome | None, detail: str | None
) -> Entry:
    change = one.change
    return Entry(
        run_id=run_id,
        plan_id=plan.plan_id,
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
        build_id=plan.build_id,
        recorded_at=datetime.now(UTC),
    )


def _chunks(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Changes of one org and object, at most 200 records at once, members of one campaign together (fewer locks)."""

    def order(change: Change) -> tuple[str, str, str, str]:
        return change.org, change.object, change.campaign_id or "", change.record_id

    for _, group in groupby(sorted(changes, key=order), key=lambda change: (change.org, change.object)):
        chunk: list[Change] = []
        records: set[str] = set()
        for change in group:
            if change.record_id not in records and len(records) == UPDATE_LIMIT:
                yield chunk
                chunk, records = [], set()
            chunk.append(change)
            records.add(change.record_id)
        yield chunk


def as_text(value: FieldValue) -> str | None:
    """A field's value as the plan and the ledger write it."""
    if value is None or isinstance(value, str):
        return value
    return "true" if value else "false"
