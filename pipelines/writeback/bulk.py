"""Sending many records at once by Bulk: only fields that go to true; nobody knows when a job gets to a record."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.errors import DataError, OutreachError
from pipelines.salesforce.bulk_update import MOST_RECORDS_PER_JOB, BulkUpdates
from pipelines.updates import LostAnswerError
from pipelines.writeback.answers import is_transient, outcome_of
from pipelines.writeback.delivery import Delivery
from pipelines.writeback.journal import Decided, Ended, Journal, shows
from pipelines.writeback.policy import Outcome

JOB_DETAIL = "bulk job "  # an intent's detail names its job
SILENT_BUT_THERE = "the job gives no result; reading back shows the value"
Records = list[list[Decided]]


def job_of(detail: str | None) -> str | None:
    """The job that an intent went with, None if it went with an ordinary request."""
    return detail.removeprefix(JOB_DETAIL) if detail and detail.startswith(JOB_DETAIL) else None


class BulkDelivery:
    """Sends the writes of one org by Bulk.

    Args:
        updates: the org's jobs.
        delivery: makes the records, and reads back.
        journal: where intents and outcomes go.
        should_stop: whether a job that runs must be aborted.
    """

    def __init__(
        self, updates: BulkUpdates, delivery: Delivery, journal: Journal, *, should_stop: Callable[[], bool]
    ) -> None:
        self._updates = updates
        self._delivery = delivery
        self._journal = journal
        self._should_stop = should_stop

    def send(self, records: Records) -> Records:
        """Write records, record what became of each, and return those that no job got to, or found locked."""
        left: Records = []
        for start in range(0, len(records), MOST_RECORDS_PER_JOB):
            left += self._send(records[start : start + MOST_RECORDS_PER_JOB])
        return left

    def _send(self, records: Records) -> Records:
        writes = [one for record in records for one in record]
        try:
            job_id = self._updates.create(writes[0].change.object)
        except (LostAnswerError, DataError):
            return records  # nothing was uploaded; an open job that we do not know of is aborted by the next
        self._journal.result.bulk_jobs.append(job_id)
        self._journal.intend(writes, f"{JOB_DETAIL}{job_id}")
        self._updates.upload(job_id, list(self._delivery.payloads(writes).values()))
        try:
            results = self._updates.run(job_id, should_stop=self._should_stop)
            answers = {record_id: answer for record_id, answer in results.items() if not is_transient(answer)}
            silent = [record for record in records if record[0].change.record_id not in answers]
            there = self._there(silent)
        except OutreachError as error:
            detail = f"nobody knows yet what bulk job {job_id} does: {error.message}"
            self._journal.leave_open(Ended(one, Outcome.UNKNOWN, detail) for one in writes)
            raise
        self._journal.end(
            Ended(one, *outcome_of(answers[one.change.record_id])) for one in writes if one.change.record_id in answers
        )
        self._journal.end(Ended(one, Outcome.APPLIED, SILENT_BUT_THERE) for one in there.values())
        left = [[one for one in record if one.change.change_id not in there] for record in silent]
        return [record for record in left if record]

    def _there(self, records: Records) -> dict[str, Decided]:
        """What a job gives no result for and yet stands there, by change id."""
        writes = [one for record in records for one in record]
        now = self._delivery.read_back(writes) if writes else {}
        return {one.change.change_id: one for one in writes if shows(now[one.change.change_id], one.change.after)}
