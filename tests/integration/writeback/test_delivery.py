"""How a push goes about it: least calls, a canary first, brakes between batches, and what becomes of each record."""

import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import QuotaError, RefusedError, StoppedError
from pipelines.salesforce.client import SalesforceClient
from pipelines.store import open_store, reading
from pipelines.store_tables import runs
from pipelines.writeback.brake import stop_order
from pipelines.writeback.connections import readers
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.policy import Outcome

HARD = "external_hard_bounced__c"
MEMBERS = "SELECT Id FROM CampaignMember WHERE ReplyClassification__c = null ORDER BY CampaignId, Id LIMIT "
CLASSIFIED = {
    "org": "icare",
    "object": "CampaignMember",
    "field": "ReplyClassification__c",
    "after_value": "Positive",
    "before_value": None,
}


def planned(settings: Settings) -> Plan:
    """A plan that was kept, so that a push does not count the calls of planning."""
    with readers(settings, None) as org_readers:
        plan = make_plan(settings, read_proposal(settings), org_readers)
    save_plan(settings, plan)
    return plan


def calls(world, seen: int) -> Counter[str]:
    """Reads and updates by Collections since ``seen`` requests."""
    requests = world.icare.control("GET", "requests")["requests"][seen:]
    kinds = {"POST": "read", "PATCH": "update"}
    return Counter(kinds[one["method"]] for one in requests if "composite/sobjects" in one["path"])


def seen(world) -> int:
    return len(world.icare.control("GET", "requests")["requests"])


def after_update(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    """Let something happen after each update, which is given its number."""
    update, number = SalesforceClient.update, Counter()

    def updating(self, object_name, records):
        answers = update(self, object_name, records)
        number["update"] += 1
        act(number["update"])
        return answers

    monkeypatch.setattr(SalesforceClient, "update", updating)


def test_monotone_fields_take_one_read_for_2000_and_one_update_for_200(world, settings, many, pushed) -> None:
    many(350)
    plan, before = planned(settings), seen(world)
    assert pushed(plan, canary_records=0).count(Outcome.APPLIED) == 350
    assert calls(world, before) == {"read": 1, "update": 2}


def test_guarded_fields_are_read_again_with_each_update(world, settings, publish, pushed) -> None:
    publish(*(CLASSIFIED | {"record_id": one["Id"]} for one in world.icare.records(f"{MEMBERS}250")))
    plan, before = planned(settings), seen(world)
    assert pushed(plan, canary_records=0).count(Outcome.APPLIED) == 250
    assert calls(world, before) == {"read": 2, "update": 2}


def test_the_canary_costs_one_update_and_two_reads_of_whole_records(world, settings, many, pushed) -> None:
    many(200)
    plan, before = planned(settings), seen(world)
    pushed(plan)
    assert calls(world, before) == {"read": 3, "update": 2}


def test_a_canary_that_changes_more_than_was_written_stops_the_push(
    world, settings, many, pushed, written, monkeypatch
) -> None:
    leads = many(30)
    world.icare.become("administrator")

    def change_owner(_: int) -> None:
        admin = world.icare.records("SELECT Id FROM User ORDER BY Id DESC LIMIT 1")[0]["Id"]
        world.icare.update(world.icare.record("Lead", leads[2], OwnerId=admin, Company="Other"))

    after_update(monkeypatch, change_owner)
    result = pushed()
    assert isinstance(result.stopped_by, RefusedError)
    assert f"{leads[2]} is not as expected" in result.stopped_by.message
    assert "OwnerId has changed too" in result.stopped_by.message
    assert "Other" not in result.stopped_by.message
    assert (result.count(Outcome.APPLIED), result.count(Outcome.WITHHELD)) == (5, 25)
    assert sum(field == HARD for _, field, _ in written()) == 5


def test_too_many_failures_stop_the_push(world, settings, publish, pushed, written) -> None:
    converted = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 6")
    good = world.icare.records(
        f"SELECT Id FROM Lead WHERE IsConverted = false AND {HARD} = false ORDER BY Id DESC LIMIT 4"
    )
    publish(*({"org": "icare", "record_id": one["Id"]} for one in converted + good))
    result = pushed(failures_at_least=3, canary_records=3)
    assert isinstance(result.stopped_by, RefusedError)
    assert "have failed, more than 20%" in result.stopped_by.message
    assert result.count(Outcome.WITHHELD) > 0
    assert "CANNOT_UPDATE_CONVERTED_LEAD" in next(
        detail for _, outcome, detail in result.outcomes.values() if outcome is Outcome.REJECTED
    )


def test_somebody_stops_a_running_push_between_two_batches(world, settings, many, pushed, written, monkeypatch) -> None:
    many(300)
    order = stop_order(settings)
    after_update(monkeypatch, lambda number: order.give("Ann") if number == 2 else None)
    result = pushed(requests_at_once=1)
    assert isinstance(result.stopped_by, StoppedError)
    assert "stopped by Ann" in result.stopped_by.message
    assert (result.count(Outcome.APPLIED), result.count(Outcome.WITHHELD)) == (205, 95)
    with pytest.raises(StoppedError):
        pushed()
    order.withdraw()
    assert pushed().count(Outcome.APPLIED) == 95
    assert len(set(written())) == len(written()) == 300


def test_a_sigterm_ends_a_push_between_two_batches_and_the_next_needs_no_leave(
    world, many, pushed, written, monkeypatch
) -> None:
    many(30)
    after_update(monkeypatch, lambda number: os.kill(os.getpid(), signal.SIGTERM) if number == 1 else None)
    before = signal.getsignal(signal.SIGTERM)
    result = pushed()
    assert (type(result.stopped_by), result.stopped_by.exit_code) == (StoppedError, 11)
    assert "SIGTERM" in result.stopped_by.message
    assert (result.count(Outcome.APPLIED), result.count(Outcome.WITHHELD)) == (5, 25)
    assert signal.getsignal(signal.SIGTERM) is before
    assert pushed().count(Outcome.APPLIED) == 25
    assert len(set(written())) == len(written()) == 30


def test_the_reserve_of_calls_is_left_to_the_business(world, settings, many, pushed, written) -> None:
    many(300)
    plan = planned(settings)
    used = world.icare.request("GET", "limits").headers["sforce-limit-info"].split("=")[1]
    spent, total = (int(part) for part in used.split("/"))
    settings.salesforce["icare"].quota_reserve = 1 - (spent + 6.5) / total  # after the second update
    result = pushed(plan, requests_at_once=1)
    assert isinstance(result.stopped_by, QuotaError)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.WITHHELD)) == (205, 95)
    settings.salesforce["icare"].quota_reserve = 0.2
    assert pushed().count(Outcome.APPLIED) == 95
    assert len(written()) == 300


def test_deleted_and_merged_records_are_outcomes_that_say_so(world, settings, publish, pushed, leads) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads[:3]))
    plan = planned(settings)
    world.icare.become("administrator")
    assert world.icare.row("DELETE", f"Lead/{leads[0]}").status_code == 204
    world.icare.become("integration")
    result = pushed(plan)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.NOT_FOUND)) == (2, 1)
    gone = next(detail for _, outcome, detail in result.outcomes.values() if outcome is Outcome.NOT_FOUND)
    assert gone == "the record was deleted"


def test_a_merged_lead_names_its_survivor_and_is_not_followed(world, settings, publish, written) -> None:
    soql = "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true AND MasterRecordId != null LIMIT 1"
    (merged,) = world.icare.records(soql, deleted=True)
    publish({"org": "icare", "record_id": merged["Id"]})
    (held,) = planned(settings).held
    assert held.outcome is Outcome.NOT_FOUND
    assert held.why == f"the record was merged into {merged['MasterRecordId']}; the value is not carried over"


def test_pushing_is_stopped_and_allowed_from_the_command_line(settings, outreach) -> None:
    assert "Pushing is stopped" in outreach("push", "--stop").out
    refused = outreach("push")
    assert (refused.code, "Pushing was stopped by" in refused.err) == (11, True)
    assert "Pushing is allowed" in outreach("push", "--resume").out
    assert not stop_order(settings).is_given


def test_the_run_history_keeps_how_a_stopped_push_ended(settings, outreach, many, monkeypatch) -> None:
    many(6)
    after_update(monkeypatch, lambda _: stop_order(settings).give("Ann"))
    assert outreach("push", "--first-run").code == 11
    with reading(open_store(settings)) as connection:
        (run,) = connection.execute(sa.select(runs.c.exit_code, runs.c.summary).where(runs.c.command == "push"))
    assert run.exit_code == 11
    assert "stopped by Ann" in run.summary


def test_a_record_deleted_between_reading_and_writing_is_not_found(
    world, settings, publish, pushed, leads, monkeypatch
) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads[:2]))
    plan = planned(settings)
    update = SalesforceClient.update

    def deleting(self, object_name, records):
        world.icare.become("administrator")
        world.icare.row("DELETE", f"Lead/{leads[0]}")
        world.icare.become("integration")
        return update(self, object_name, records)

    monkeypatch.setattr(SalesforceClient, "update", deleting)
    result = pushed(plan)
    assert (result.count(Outcome.APPLIED), result.count(Outcome.NOT_FOUND)) == (1, 1)
