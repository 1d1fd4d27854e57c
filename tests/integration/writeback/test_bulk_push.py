"""Bulk, for fields that only ever go to true: jobs that end well, badly, half way, or not at all."""

import pytest

from pipelines.errors import ServiceError, StoppedError
from pipelines.salesforce.bulk_update import BulkUpdates
from pipelines.writeback.brake import stop_order
from pipelines.writeback.policy import Outcome

BULK = {"bulk_from_records": 50}
COUNT = 120


def fault(world, **plan) -> None:
    world.icare.control("POST", "faults", **plan)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads are repeated at once."""
    monkeypatch.setattr("pipelines.http.patience._backoff", lambda _: 0.01)


def applied_once(result, written, leads) -> None:
    """Every lead was written, each once."""
    assert result.count(Outcome.APPLIED) == len(leads)
    assert sorted(written()) == sorted((lead, "external_hard_bounced__c", "true") for lead in leads)


def test_above_the_threshold_a_job_carries_all_but_the_canary(world, many, pushed, written, recorded) -> None:
    leads = many(COUNT)
    owners = world.icare.records("SELECT Id, OwnerId FROM Lead")
    result = pushed(**BULK)
    applied_once(result, written, leads)
    assert (result.update_calls, len(result.bulk_jobs)) == (1, 1)
    with_job = [entry for entry in recorded() if entry["detail"] == f"bulk job {result.bulk_jobs[0]}"]
    assert len(with_job) == COUNT - 5
    assert {entry["entry_type"] for entry in with_job} == {"intent"}
    assert world.icare.records("SELECT Id, OwnerId FROM Lead") == owners


def test_guarded_fields_never_go_by_bulk(world, publish, pushed) -> None:
    members = world.icare.records("SELECT Id FROM CampaignMember WHERE ReplyClassification__c = null LIMIT 60")
    one = {"org": "icare", "object": "CampaignMember", "field": "ReplyClassification__c", "after_value": "Positive"}
    publish(*(one | {"record_id": member["Id"], "before_value": None} for member in members))
    result = pushed(**BULK)
    assert (result.count(Outcome.APPLIED), result.bulk_jobs) == (60, [])


def test_failed_rows_are_matched_by_id_and_the_others_are_applied(world, publish, pushed, written) -> None:
    soql = "SELECT Id FROM Lead WHERE external_hard_bounced__c = false AND IsConverted = "
    good = [one["Id"] for one in world.icare.records(f"{soql}false ORDER BY Id LIMIT 60")]
    converted = [one["Id"] for one in world.icare.records(f"{soql}true ORDER BY Id LIMIT 4")]
    publish(*({"org": "icare", "record_id": lead} for lead in good + converted))
    result = pushed(**BULK, canary_records=0)
    assert sorted(record for record, _, _ in written()) == good
    rejected = {change.record_id: detail for change, one, detail in result.outcomes.values() if one == "rejected"}
    assert set(rejected) == set(converted)
    assert set(rejected.values()) == {"CANNOT_UPDATE_CONVERTED_LEAD: cannot reference converted lead"}


@pytest.mark.parametrize("kind", ["fail_job", "abort_job"])
def test_what_a_job_did_not_come_to_is_sent_again(world, many, pushed, written, kind) -> None:
    leads = many(COUNT)
    fault(world, kind=kind, path="jobs/ingest", polls=1)
    result = pushed(**BULK)
    applied_once(result, written, leads)
    assert len(result.bulk_jobs) == 2  # 115 in the first, which does half of them; the rest is still enough for a job


def test_a_stuck_job_is_aborted_and_what_it_did_counts(world, many, pushed, written) -> None:
    leads = many(COUNT)
    fault(world, kind="slow_job", path="jobs/ingest", polls=10_000)
    applied_once(pushed(**BULK, longest_job_seconds=2.0), written, leads)


def test_locked_rows_of_a_job_are_sent_again(world, many, pushed, written) -> None:
    leads = many(COUNT)
    fault(world, kind="lock_row", path="jobs/ingest", times=7)
    result = pushed(**BULK)
    applied_once(result, written, leads)
    assert (len(result.bulk_jobs), result.update_calls) == (1, 2)


@pytest.mark.parametrize(
    "request_path", ["POST .*jobs/ingest", "PUT .*batches", "PATCH .*jobs/ingest", "GET .*jobs/ingest/", "Results"]
)
@pytest.mark.parametrize("kind", ["response_lost", "drop_connection", "status", "expire_token"])
def test_any_answer_about_a_job_may_be_lost(world, many, pushed, written, impatient, request_path, kind) -> None:
    leads = many(60)
    fault(world, kind=kind, path=request_path)
    applied_once(pushed(**BULK), written, leads)


def test_a_push_that_is_stopped_aborts_its_job(world, settings, many, pushed, written, monkeypatch) -> None:
    leads = many(COUNT)
    fault(world, kind="slow_job", path="jobs/ingest", polls=10_000)
    order, upload = stop_order(settings), BulkUpdates.upload

    def uploading(self, job_id, records):
        upload(self, job_id, records)
        order.give("Ann")

    monkeypatch.setattr(BulkUpdates, "upload", uploading)
    result = pushed(**BULK)
    jobs = world.icare.request("GET", "jobs/ingest").json()["records"]
    assert [job["state"] for job in jobs] == ["Aborted"]
    assert result.stopped_by is None or isinstance(result.stopped_by, StoppedError)
    order.withdraw()
    monkeypatch.undo()
    pushed()
    assert len(set(written())) == len(written()) == len(leads)


def test_a_job_that_nobody_can_ask_about_is_settled_by_the_next_push(
    world, settings, many, pushed, written, recorded, impatient
) -> None:
    leads = many(COUNT)
    fault(world, kind="status", path="GET .*jobs/ingest/", times=1_000)
    result = pushed(still_open=COUNT - 5, **BULK)
    assert isinstance(result.stopped_by, ServiceError)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.UNKNOWN)) == (5, COUNT - 5)
    world.icare.control("DELETE", "faults")
    assert pushed().settled == COUNT - 5
    assert sorted(written()) == sorted((lead, "external_hard_bounced__c", "true") for lead in leads)
    assert sum(entry["outcome"] == "applied" for entry in recorded()) == COUNT
