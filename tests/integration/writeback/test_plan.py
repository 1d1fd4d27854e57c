"""A plan is what was looked at, or it is no plan; and a guard's question is answered by a second person."""

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import RefusedError
from pipelines.store import open_store
from pipelines.writeback import trail
from pipelines.writeback.plan_files import load_plan

BOUNCED = "external_hard_bounced__c"


def writes(world) -> list[tuple[str, str]]:
    return [(write["id"], write["field"]) for write in world.icare.control("GET", "writes")["writes"]]


@pytest.fixture
def one_bounce(publish, leads) -> str:
    publish({"org": "icare", "record_id": leads[0]})
    return leads[0]


@pytest.fixture
def made(outreach, one_bounce) -> dict:
    """A new plan by ada, as the command shows it."""
    ended = outreach("plan", "--json")
    assert ended.code == 0
    return ended.json


def test_the_plan_says_what_why_by_whom_and_until_when(made, one_bounce, settings) -> None:
    [change] = made["changes"]
    assert change == {
        "change_id": f"icare|Lead|{one_bounce}|{BOUNCED}",
        "org": "icare",
        "object": "Lead",
        "record_id": one_bounce,
        "field": BOUNCED,
        "before": False,
        "after": "true",
        "policy": change["policy"],
        "reason": "a mail bounced hard",
        "evidence": "smartlead mail 1",
        "campaign_id": None,
        "approval_id": None,
    }
    assert (made["build_id"], made["planned_by"]) == ("test", "ada")
    assert made["record_counts"]["icare Lead"] > 300
    assert [one["kind"] for one in made["objections"]] == ["first_run"]
    assert load_plan(settings, made["plan_id"]).plan_id == made["plan_id"]
    assert Path(made["file"]).stat().st_mode & 0o777 == 0o400


def test_a_plan_that_was_edited_and_hashed_again_is_refused(made, settings, leads) -> None:
    file = Path(made["file"])
    plan = load_plan(settings, made["plan_id"])
    forged = replace(plan, changes=[replace(plan.changes[0], record_id=leads[1])])
    content = json.loads(file.read_text()) | {"plan_id": forged.plan_id}
    content["changes"][0]["record_id"] = leads[1]
    file.chmod(0o600)
    file.write_text(json.dumps(content))
    with pytest.raises(RefusedError, match="was changed after it was made"):
        load_plan(settings, str(file))


@pytest.mark.parametrize("edit", ["after", "before", "approval_id", "evidence", "policy", "reason"])
def test_any_edit_of_a_change_is_refused(made, outreach, world, edit) -> None:
    file = Path(made["file"])
    content = json.loads(file.read_text())
    content["changes"][0][edit] = "something else"
    file.chmod(0o600)
    file.write_text(json.dumps(content))
    ended = outreach("push", made["plan_id"], "--first-run")
    assert (ended.code, writes(world)) == (9, [])
    assert "changed after it was made" in ended.err


def test_a_plan_expires_when_the_configuration_says_so(outreach, one_bounce, world) -> None:
    plan = outreach("plan", "--json", OUTREACH_PLAN_HOURS="0.0001").json
    ended = outreach("push", plan["plan_id"], "--first-run")
    assert (ended.code, writes(world)) == (9, [])
    assert "has expired" in ended.err
    assert "outreach plan" in ended.err


def test_a_cadence_plans_and_pushes_its_own_fields_only(outreach, publish, leads, member, world) -> None:
    of_member = {"org": "icare", "object": "CampaignMember", "record_id": member}
    publish({"org": "icare", "record_id": leads[0]}, of_member | {"field": "Has_Replied__c"})
    assert [one["field"] for one in outreach("plan", "--json", "--cadence", "bounces").json["changes"]] == [BOUNCED]
    assert outreach("push", "--cadence", "replies", "--first-run").code == 0
    assert writes(world) == [(member, "Has_Replied__c")]
    assert outreach("push", "--cadence", "enrichment").code == 0
    assert outreach("push", "--cadence", "weekly").code == 3
    assert len(writes(world)) == 1


def test_the_diff_counts_by_field_and_lists_all_on_demand(outreach, publish, leads) -> None:
    publish(*({"org": "icare", "record_id": lead} for lead in leads))
    some = outreach("plan").out
    assert [lead in some for lead in leads] == [True, True, True, False, False]
    assert "… and 2 more" in some
    [plan_id] = {line.split()[1].rstrip(":") for line in some.splitlines() if line.startswith("Plan ")}
    everything = outreach("plan", plan_id, "--all").out
    assert all(lead in everything for lead in leads)


def test_the_csv_holds_every_row_and_no_formula(outreach, publish, leads, tmp_path) -> None:
    evil = "=HYPERLINK(1)"
    publish(
        {"org": "icare", "record_id": leads[0], "evidence": evil},
        {"org": "icare", "record_id": leads[1], "after_value": "no"},
    )
    outreach("plan", "--csv", str(tmp_path / "plan.csv"))
    with (tmp_path / "plan.csv").open(newline="") as lines:
        change, held = csv.DictReader(lines)
    assert (change["record_id"], change["evidence"], change["after"]) == (leads[0], "'" + evil, "true")
    assert (held["record_id"], held["after"]) == (leads[1], "")
    assert held["why"]


def test_the_first_write_of_a_field_needs_the_flag_and_the_next_does_not(outreach, publish, leads, world) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    refused = outreach("push")
    assert (refused.code, writes(world)) == (12, [])
    assert "was never written before" in refused.err
    assert "--first-run" in refused.err
    assert outreach("push", "--first-run").code == 0
    publish({"org": "icare", "record_id": leads[1]})
    assert outreach("push").code == 0
    assert len(writes(world)) == 2


def test_four_eyes_are_those_of_two_people(outreach, made, settings, world) -> None:
    plan_id = made["plan_id"]
    assert outreach("push", plan_id).code == 12
    own = outreach("approve", plan_id, "--reason", "looks fine", user="Ada")
    assert own.code == 9
    assert "cannot approve the plan" in own.err
    assert outreach("approve", plan_id, "--reason", " ", user="grace").code == 9
    assert outreach("push", plan_id).code == 12
    assert outreach("approve", plan_id, "--reason", "checked five notices", user="grace").code == 0
    assert outreach("push", plan_id).code == 0
    assert len(writes(world)) == 1
    [approval] = trail.acts(open_store(settings), "approval", plan_id)
    assert (approval["actor"], approval["reason"]) == ("grace", "checked five notices")
    assert "was never written before" in approval["evidence"]


def test_an_approval_is_for_one_plan_only(outreach, made, world) -> None:
    outreach("approve", made["plan_id"], "--reason", "fine", user="grace")
    another = outreach("plan", "--json", OUTREACH_PLAN_HOURS="23").json
    assert another["plan_id"] != made["plan_id"]
    assert outreach("push", another["plan_id"]).code == 12


def test_a_mass_change_waits_for_a_second_person(outreach, publish, world) -> None:
    soql = f"SELECT Id FROM Lead WHERE IsConverted = false AND {BOUNCED} = false ORDER BY Id LIMIT 101"
    publish(*({"org": "icare", "record_id": one["Id"]} for one in world.icare.records(soql)))
    refused = outreach("push", "--cadence", "bounces", "--first-run")
    assert (refused.code, writes(world)) == (12, [])
    assert "101 of" in refused.err
    assert "--first-run" not in refused.err


def test_a_dry_run_reads_and_shows_what_would_happen(outreach, publish, leads, world) -> None:
    publish({"org": "icare", "record_id": leads[0]}, {"org": "icare", "record_id": leads[1]})
    plan_id = outreach("plan", "--json").json["plan_id"]
    world.icare.update(world.icare.record("Lead", leads[1], **{BOUNCED: True}))
    done = len(writes(world))
    shown = outreach("push", plan_id, "--dry-run", "--json").json
    assert {one["outcome"]: one["count"] for one in shown["outcomes"]} == {"applied": 1, "already_equal": 1}
    assert "was never written before" in shown["objections"][0]
    assert (shown["update_calls"], len(writes(world))) == (0, done)


def test_a_plan_is_found_by_the_beginning_of_its_id_and_by_no_other_name(outreach, made) -> None:
    assert outreach("plan", made["plan_id"][:6]).code == 0
    missing = outreach("push", hashlib.sha256(b"x").hexdigest())
    assert missing.code == 5
    assert "There is no plan" in missing.err
    assert outreach("push", made["plan_id"], "--cadence", "bounces").code == 2
