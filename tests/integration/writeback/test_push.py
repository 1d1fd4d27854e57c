"""Plan and push against the Salesforce double: only what the rules allow arrives, and the ledger knows all of it."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.errors import RefusedError
from pipelines.store import open_store, reading
from pipelines.store_tables import ledger_entries
from pipelines.writeback import ledger
from pipelines.writeback.apply import push_plan
from pipelines.writeback.connections import readers
from pipelines.writeback.consent import approve
from pipelines.writeback.deltas import read_proposal
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Plan
from pipelines.writeback.plan_files import load_plan, save_plan
from pipelines.writeback.planning import make_plan
from pipelines.writeback.policy import Outcome

BAD_PLACE = "http://127.0.0.1:9"


IMPATIENT = Push(first_wait_seconds=0.01, longest_wait_seconds=0.05)


def push(settings: Settings, plan_id: str | None = None, *, limits: Push = IMPATIENT) -> tuple[Plan, PushResult]:
    with readers(settings, None) as org_readers:
        kept = load_plan(settings, plan_id) if plan_id else None
        return push_plan(settings, open_store(settings), org_readers, kept=kept, is_first_run=True, limits=limits)


def plan(settings: Settings) -> Plan:
    with readers(settings, None) as org_readers:
        return make_plan(settings, read_proposal(settings), org_readers)


def outcomes(result: PushResult) -> list[str]:
    return sorted(outcome for _, outcome, _ in result.outcomes.values())


def entries(settings: Settings) -> list[Any]:
    with reading(open_store(settings)) as connection:
        return list(connection.execute(sa.select(ledger_entries).order_by(ledger_entries.c.entry_id)).mappings())


def writes(world) -> list[tuple[str, str, str]]:
    log = world.icare.control("GET", "writes")["writes"]
    return [(write["id"], write["field"], write["new"]) for write in log]


def test_what_is_allowed_arrives_and_a_second_push_changes_nothing(world, settings, publish, leads, member) -> None:
    owners = {one["Id"]: one["OwnerId"] for one in world.icare.records("SELECT Id, OwnerId FROM Lead")}
    classified = {"field": "ReplyClassification__c", "after_value": "Positive", "before_value": None}
    publish(
        {"org": "icare", "record_id": leads[0]},
        {"org": "icare", "object": "CampaignMember", "record_id": member, "field": "Has_Replied__c"},
        {"org": "icare", "object": "CampaignMember", "record_id": member, **classified},
    )
    _, first = push(settings)
    assert outcomes(first) == ["applied"] * 3
    assert first.update_calls == 2
    assert sorted(writes(world)) == sorted(
        [
            (leads[0], "external_hard_bounced__c", "true"),
            (member, "Has_Replied__c", "true"),
            (member, "ReplyClassification__c", "Positive"),
        ]
    )
    made, second = push(settings)
    assert (made.changes, second.update_calls, len(writes(world))) == ([], 0, 3)
    assert {one.outcome for one in made.held} == {Outcome.ALREADY_EQUAL}
    assert {one["Id"]: one["OwnerId"] for one in world.icare.records("SELECT Id, OwnerId FROM Lead")} == owners
    assert [entry["entry_type"] for entry in entries(settings)].count("intent") == 3
    assert ledger.verify(open_store(settings)).entries == 8  # plan, push, 3 intents, 3 outcomes


def test_a_tampered_mart_gets_nothing_out(world, settings, publish, leads, member) -> None:
    lead = {"org": "icare", "record_id": leads[0]}
    of_member = {"org": "icare", "object": "CampaignMember", "record_id": member}
    converted = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")[0]["Id"]
    publish(
        lead | {"field": "Email", "after_value": "x@y.example", "policy": "latest_wins", "value_type": "text"},
        lead | {"field": "OwnerId", "after_value": "005Ic0aaaaaaaaAIAQ", "value_type": "text"},
        lead | {"field": "overall_hard_bounced__c"},
        lead | {"field": "pi__pardot_hard_bounced__c"},
        lead | {"field": "Cold_Lead_Eligible__c"},
        lead | {"field": "company_description__c", "after_value": "Text", "policy": "only_if_blank"},
        lead | {"field": "Industry", "after_value": "Energy", "approval_id": "made-up"},
        lead | {"after_value": "false"},
        {"org": "icare", "record_id": leads[1], "after_value": ""},
        {"org": "icare", "record_id": leads[2], "after_value": "#N/A"},
        {"org": "icare", "record_id": leads[3][:15]},
        {"org": "icare", "record_id": leads[3].upper()},
        {"org": "icare", "record_id": member},
        {"org": "icare", "record_id": "00QIc0EEEEEEEEEMPH"},
        {"org": "nowhere", "record_id": leads[4]},
        {"org": "icare", "object": "Account", "record_id": leads[4]},
        of_member | {"field": "Has_Replied__c", "after_value": "false"},
        of_member | {"field": "Status", "after_value": "Responded"},
    )
    made, result = push(settings)
    assert made.changes == []
    assert len(made.held) == 18
    assert {one.outcome for one in made.held} <= {Outcome.WITHHELD, Outcome.NOT_FOUND}
    assert (result.update_calls, writes(world)) == (0, [])
    publish({"org": "icare", "record_id": converted})
    _, result = push(settings)
    assert outcomes(result) == ["rejected"]
    assert writes(world) == []


def test_two_values_for_one_field_are_both_held(world, settings, publish, member) -> None:
    one = {"org": "icare", "object": "CampaignMember", "record_id": member, "field": "ReplyClassification__c"}
    publish(one | {"after_value": "Positive"}, one | {"after_value": "Negative"})
    made, _ = push(settings)
    assert (made.changes, [held.outcome for held in made.held]) == ([], [Outcome.WITHHELD] * 2)


def test_an_inactive_picklist_value_is_held_when_planning(settings, publish, member) -> None:
    one = {"org": "icare", "object": "CampaignMember", "record_id": member, "field": "ReplyClassification__c"}
    publish(one | {"after_value": "Enthusiastic"})
    assert [held.outcome for held in plan(settings).held] == [Outcome.REJECTED]


def test_the_other_orgs_field_name_is_used(world, settings, publish) -> None:
    soql = "SELECT Id FROM Lead WHERE IsConverted = false AND Ext_Hard_Bounced__c = false LIMIT 1"
    lead = world.core.records(soql)[0]["Id"]
    publish({"org": "core", "record_id": lead})
    assert outcomes(push(settings)[1]) == ["applied"]
    assert writes(world) == [(lead, "Ext_Hard_Bounced__c", "true")]


def test_permission_withdrawn_after_planning_stops_the_write(world, settings, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    made = plan(settings)
    save_plan(settings, made)
    change = {"org": "icare", "object": "Lead", "field": "external_hard_bounced__c", "access": "read"}
    world.icare.control("POST", "permissions", **change)
    assert outcomes(push(settings, made.plan_id)[1]) == ["rejected"]
    assert writes(world) == []


def test_a_value_that_changed_since_the_plan_is_left_alone(world, settings, publish, member) -> None:
    one = {"org": "icare", "object": "CampaignMember", "record_id": member, "field": "ReplyClassification__c"}
    publish(one | {"after_value": "Positive"})
    made = plan(settings)
    save_plan(settings, made)
    world.icare.update(world.icare.record("CampaignMember", member, ReplyClassification__c="Negative"))
    assert outcomes(push(settings, made.plan_id)[1]) == ["changed_since_plan"]


def test_an_edited_plan_is_refused(settings, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    file = save_plan(settings, plan(settings))
    file.chmod(0o600)
    file.write_text(file.read_text().replace(leads[0], leads[1]))
    with pytest.raises(RefusedError, match="was changed after it was made"):
        load_plan(settings, str(file))


def test_an_empty_name_pushes_nothing(world, publish, leads, outreach) -> None:
    """As of a variable that a script has not set."""
    publish({"org": "icare", "record_id": leads[0]})
    assert outreach("plan", "--json").json["changes"]
    refused = outreach("push", "", "--first-run")
    assert (refused.code, "There is no plan ''" in refused.err) == (5, True)
    assert writes(world) == []


def test_an_old_plan_is_refused(world, settings, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    made = plan(settings)
    save_plan(settings, made)
    world.icare.control("POST", "advance", days=2)
    with pytest.raises(RefusedError, match="has expired"):
        push(settings, made.plan_id)


def test_a_plan_under_another_allowlist_is_refused(settings, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    made = replace(plan(settings), allowlist_hash="another")
    save_plan(settings, made)
    with pytest.raises(RefusedError, match="allowlist has changed"):
        push(settings, made.plan_id)


def test_planning_twice_gives_the_same_plan(settings, publish, leads) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads))
    times = {"created_at": "", "expires_at": ""}
    assert replace(plan(settings), **times) == replace(plan(settings), **times)


@pytest.mark.parametrize(
    ("kind", "times", "expected"),
    [("response_lost", 1, "applied"), ("drop_connection", 1, "applied"), ("drop_connection", 5, "unknown")],
)
def test_a_lost_answer_is_settled_by_reading_back(world, settings, publish, leads, kind, times, expected) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    world.icare.control("POST", "faults", kind=kind, path="PATCH .*composite/sobjects", times=times)
    assert outcomes(push(settings)[1]) == [expected]
    push(settings)
    assert writes(world) == [(leads[0], "external_hard_bounced__c", "true")]


@pytest.mark.parametrize(("times", "expected"), [(2, "applied"), (13, "rejected")])
def test_a_locked_row_is_tried_again_alone(world, settings, publish, leads, times, expected) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads[:3]))
    world.icare.control("POST", "faults", kind="lock_row", path="composite/sobjects", times=times)
    _, result = push(settings)
    assert outcomes(result) == ["applied", "applied", expected] if times == 13 else ["applied"] * 3
    assert result.has_failures is (times == 13)
    push(settings)
    assert len(writes(world)) == 3


def test_a_token_that_expires_between_reading_and_writing_is_renewed(world, settings, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    world.icare.control("POST", "faults", kind="expire_token", path="PATCH .*composite/sobjects")
    assert outcomes(push(settings)[1]) == ["applied"]


def test_planned_is_the_sum_of_the_outcomes_and_chunks_are_full(world, settings, publish) -> None:
    soql = "SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false ORDER BY Id LIMIT 210"
    ids = [one["Id"] for one in world.icare.records(soql)]
    publish(*({"org": "icare", "record_id": lead} for lead in ids))
    made = plan(settings)
    save_plan(settings, made)
    approve(settings.model_copy(update={"user": "second"}), open_store(settings), made, reason="a test of large pushes")
    _, result = push(settings, made.plan_id)
    assert sum(result.counts().values()) == len(made.changes) == 210
    assert result.update_calls == 3  # the canary, a full batch, the rest


KILLED_PUSH = """
import os, signal, sys
from pathlib import Path
from pipelines.writeback.apply import push_plan
from pipelines.writeback.connections import readers
from pipelines.config import load_settings
from pipelines.salesforce.client import SalesforceClient
from pipelines.store import open_store

update = SalesforceClient.update
def killed(self, object_name, records):
    if sys.argv[1] == "after":
        update(self, object_name, records)
    os.kill(os.getpid(), signal.SIGKILL)
SalesforceClient.update = killed
settings = load_settings()
with readers(settings, None) as org_readers:
    push_plan(settings, open_store(settings), org_readers, is_first_run=True)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_push_that_is_killed_is_finished_by_the_next(world, settings, publish, leads, moment: str) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads))
    environment = os.environ | {"OUTREACH_DATA_DIR": str(settings.data_dir)}
    for org, connection in settings.salesforce.items():
        prefix = f"OUTREACH_SALESFORCE__{org.upper()}__"
        secret = connection.client_secret
        environment |= {
            f"{prefix}LOGIN_URL": connection.login_url,
            f"{prefix}CLIENT_ID": connection.client_id,
            f"{prefix}CLIENT_SECRET": secret.get_secret_value() if secret else "",
        }
    killed = subprocess.run([sys.executable, "-c", KILLED_PUSH, moment], env=environment, cwd=Path.cwd())
    assert killed.returncode == -signal.SIGKILL
    assert len(ledger.open_intents(open_store(settings))) == len(leads)
    _, result = push(settings)
    assert result.settled == len(leads)
    assert sorted(writes(world)) == sorted((lead, "external_hard_bounced__c", "true") for lead in leads)
    assert ledger.open_intents(open_store(settings)) == []
    intents = sum(entry["entry_type"] == "intent" for entry in entries(settings))
    assert intents == len(leads) * (2 if moment == "before" else 1)
    assert ledger.verify(open_store(settings)).entries == len(entries(settings))


def test_an_unreachable_org_is_named_and_nothing_is_recorded(settings, publish, leads) -> None:
    from pipelines.errors import ServiceError

    publish({"org": "icare", "record_id": leads[0]})
    settings.salesforce["icare"].login_url = BAD_PLACE
    with pytest.raises(ServiceError, match="icare"), ExitStack():
        push(settings)
    assert entries(settings) == []
