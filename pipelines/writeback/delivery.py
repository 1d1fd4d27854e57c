"""Sending one batch: up to 200 records in one request, tried again record by record until each has its outcome."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from pipelines.config.running import Push
from pipelines.errors import DataError, OutreachError
from pipelines.updates import BusyError, LostAnswerError
from pipelines.writeback.answers import is_transient, outcome_of
from pipelines.writeback.destination import Destination, Payload
from pipelines.writeback.journal import Decided, Ended, Journal, shows
from pipelines.writeback.plan import Change, Rules
from pipelines.writeback.policy import Current, Outcome, Stop, Write, decide
from pipelines.writeback.side_by_side import Turns

LOST_BUT_THERE = "the answer was lost; reading back shows the value"
LOST_TWICE = "the answer was lost, and reading back failed"
LOST_AND_NOT_THERE = "the answer was lost; reading back does not show the value"


class _Again(NamedTuple):
    """A change that is worth another attempt, and how it ends if there is none."""

    ended: Ended
    error: OutreachError | None = None  # where the whole request failed


class Delivery:
    """Decides and sends the changes of one org.

    Args:
        reader: the org.
        rules: the reviewed policy in force.
        journal: where intents and outcomes go.
        limits: how patient to be, and how many requests may be under way.
        is_guarded: whether what is sent again must be read and decided again right before.
        check: called before a batch is read, and again before it is sent; what it raises ends the batch there.
        sleep: how to wait; replaced in tests.
    """

    def __init__(
        self,
        reader: Destination,
        rules: Rules,
        journal: Journal,
        limits: Push,
        *,
        is_guarded: bool = True,
        check: Callable[[], None] = lambda: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reader = reader
        self._rules = rules
        self._journal = journal
        self._limits = limits
        self._is_guarded = is_guarded
        self._sleep = sleep
        self._turns = Turns(limits.requests_at_once, check)
        self._lost: set[str] = set()  # changes that were sent and not answered, and may still be applied late

    def decide(self, changes: Sequence[Change]) -> list[Decided]:
        """Read what stands there now, decide by the rules, record what is not written, and return what is (R1, R4)."""
        with self._turns.take():
            current = self._read(changes)
        decided = [self._decide_one(change, current) for change in changes]
        self._journal.end(
            Ended(one, one.decision.outcome, one.decision.why) for one in decided if isinstance(one.decision, Stop)
        )
        return [one for one in decided if isinstance(one.decision, Write)]

    def judge(self, changes: Sequence[Change]) -> list[Decided]:
        """Read what stands there now and decide by the rules; nothing is recorded."""
        current = self._read(changes)
        return [self._decide_one(change, current) for change in changes]

    def send(self, writes: Sequence[Decided]) -> None:
        """Update up to 200 records and record what became of each.

        Raises:
            OutreachError: Salesforce takes no requests for now, or refused them all; every write has its outcome. Or
                it is not the batch's turn any more; then nothing was sent, and no write has one.
        """
        if not writes:
            return
        self._journal.intend(writes)
        with ExitStack() as turn:
            turn.enter_context(self._turns.take(is_in_a_hurry=self._is_guarded))
            self._send(writes, turn)

    def _send(self, writes: Sequence[Decided], turn: ExitStack) -> None:
        again = self._attempt(writes, turn)
        for attempt in range(self._limits.attempts - 1):
            if not again:
                return
            self._sleep(self._wait_seconds(attempt, again))
            again = self._attempt_again(again)
        self._journal.end(one.ended for one in again)
        if error := next((one.error for one in again if one.error), None):
            raise error

    def payloads(self, writes: Sequence[Decided]) -> dict[str, Payload]:
        """One record of an update for each record that is written, by its id."""
        by_id: dict[str, list[Write]] = {}
        for one in writes:
            if isinstance(one.decision, Write):
                by_id.setdefault(one.change.record_id, []).append(one.decision)
        return {
            record_id: self._reader.payload(self._rules.allowlist, decisions[0].rule.object, record_id, decisions)
            for record_id, decisions in by_id.items()
        }

    def read_back(self, writes: Sequence[Decided]) -> dict[str, Current]:
        """What stands there now, by change id."""
        now = self._read([one.change for one in writes])
        return {one.change.change_id: now[one.change.record_id, one.change.field] for one in writes}

    def _read(self, changes: Sequence[Change]) -> dict[tuple[str, str], Current]:
        if not changes:
            return {}
        ids = list(dict.fromkeys(change.record_id for change in changes))
        return self._reader.values(changes[0].object, ids, sorted({change.field for change in changes}))

    def _decide_one(self, change: Change, all_current: Mapping[tuple[str, str], Current]) -> Decided:
        current = all_current[change.record_id, change.field]
        rule = self._rules.allowlist.rule(change.object, change.field)
        approval = self._rules.approval(rule, change.org, change.campaign_id)
        decision = decide(
            rule, base=change.before, current=current, wanted=change.after, is_approved=approval is not None
        )
        if isinstance(decision, Write):
            decision = self._reader.obstacle(decision.rule, change.after) or decision
        return Decided(change, current, decision)

    def _decide_again(self, again: Sequence[_Again]) -> list[Decided]:
        """Guarded fields are read and decided anew before each attempt; what a lost request has done is applied."""
        try:
            decided = self.judge([one.ended.decided.change for one in again])
        except OutreachError:
            self._journal.end(one.ended for one in again)
            raise
        stops = []
        for one, before in zip(decided, again, strict=True):
            if isinstance(one.decision, Stop):
                was_lost = one.change.change_id in self._lost and one.decision.outcome is Outcome.ALREADY_EQUAL
                outcome = (Outcome.APPLIED, LOST_BUT_THERE) if was_lost else (one.decision.outcome, one.decision.why)
                stops.append(Ended(before.ended.decided if was_lost else one, *outcome))
        self._journal.end(stops)
        return [one for one in decided if isinstance(one.decision, Write)]

    def _attempt_again(self, again: Sequence[_Again]) -> list[_Again]:
        pending = self._decide_again(again) if self._is_guarded else [one.ended.decided for one in again]
        return self._attempt(pending)

    def _attempt(self, writes: Sequence[Decided], turn: ExitStack | None = None) -> list[_Again]:
        """Send once; record what has ended and return what is worth another attempt.

        If all went well, the turn ends before that is recorded; the brake sees a failure before another turn begins.
        """
        if not writes:
            return []
        payloads = self.payloads(writes)
        self._journal.count_update_call()
        try:
            answers = self._reader.update(writes[0].change.object, payloads)
        except LostAnswerError as error:
            return self._after_lost(writes, error)
        except BusyError as error:
            return [_Again(self._failed(one, error.message), error) for one in writes]
        except DataError as error:
            return self._after_refusal(writes, error)
        except OutreachError as error:
            self._journal.end(self._failed(one, error.message) for one in writes)
            raise
        by_id = dict(zip(payloads, answers, strict=True))
        ended, again = list[Ended](), list[_Again]()
        for one in writes:
            answer = by_id[one.change.record_id]
            outcome, detail = outcome_of(answer)
            if is_transient(answer):
                again.append(_Again(self._failed(one, detail)))
            else:
                ended.append(Ended(one, outcome, detail))
        if turn and all(answer.success for answer in answers):
            turn.close()
        self._journal.end(ended)
        return again

    def _after_lost(self, writes: Sequence[Decided], error: LostAnswerError) -> list[_Again]:
        try:
            now = self.read_back(writes)
        except OutreachError:
            self._journal.end(Ended(one, Outcome.UNKNOWN, LOST_TWICE) for one in writes)
            raise
        there = [one for one in writes if shows(now[one.change.change_id], one.change.after)]
        self._journal.end(Ended(one, Outcome.APPLIED, LOST_BUT_THERE) for one in there)
        self._lost.update(one.change.change_id for one in writes if one not in there)
        return [_Again(self._failed(one, None), error) for one in writes if one not in there]

    def _failed(self, one: Decided, why: str | None) -> Ended:
        """How a change ends that no request has brought: rejected, unless an earlier one may still be applied."""
        if one.change.change_id in self._lost:
            return Ended(one, Outcome.UNKNOWN, LOST_AND_NOT_THERE)
        return Ended(one, Outcome.REJECTED, why)

    def _after_refusal(self, writes: Sequence[Decided], error: DataError) -> list[_Again]:
        """A request was refused as a whole: find out whether the fields may still be written, or which record it is."""
        self._reader.forget()
        obstacles = [(one, self._obstacle(one)) for one in writes]
        self._journal.end(Ended(one, stop.outcome, stop.why) for one, stop in obstacles if stop)
        rest = [_Again(self._failed(one, error.message)) for one, stop in obstacles if not stop]
        ids = sorted({one.ended.decided.change.record_id for one in rest})
        if len(rest) < len(writes):
            return self._attempt_again(rest)
        if len(ids) == 1:
            self._journal.end(one.ended for one in rest)
            return []
        first = set(ids[: len(ids) // 2])
        again: list[_Again] = []
        for is_first in (True, False):
            half = [one for one in rest if (one.ended.decided.change.record_id in first) is is_first]
            try:
                again += self._attempt_again(half)
            except OutreachError:
                self._journal.end(one.ended for one in again)
                raise
        return again

    def _obstacle(self, one: Decided) -> Stop | None:
        return self._reader.obstacle(one.decision.rule, one.change.after) if isinstance(one.decision, Write) else None

    def _wait_seconds(self, attempt: int, again: Sequence[_Again]) -> float:
        wanted = [one.error.wait_seconds for one in again if isinstance(one.error, BusyError)]
        longest = self._limits.longest_wait_seconds
        backoff = min(longest, self._limits.first_wait_seconds * 2.0**attempt) * random.uniform(0.5, 1)
        return max([backoff, *(min(seconds, longest) for seconds in wanted if seconds is not None)])
