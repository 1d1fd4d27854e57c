"""Taking a plan back: what its policy allows, and what is set once only with a reason and a named approver (R3)."""

import pytest

from pipelines.store import open_store
from pipelines.writeback import ledger, trail

BOUNCED = "external_hard_bounced__c"
CLASSIFIED = "ReplyClassification__c"


def value(world, object_name: str, record_id: str, field: str) -> object:
    return world.icare.records(f"SELECT {field} FROM {object_name} WHERE Id = '{record_id}'")[0][field]


@pytest.fixture
def of_member(member) -> dict:
    return {"org": "icare", "object": "CampaignMember", "record_id": member, "field": CLASSIFIED}


@pytest.fixture
def bounce(outreach, publish, leads) -> str:
    """The plan of two bounce flags that were pushed."""
    publish(*({"org": "icare", "record_id": lead} for lead in leads[:2]))
    plan_id = outreach("plan", "--json").json["plan_id"]
    assert outreach("push", plan_id, "--first-run").code == 0
    return plan_id


def test_a_classification_gets_its_earlier_value_back(outreach, publish, of_member, member, world) -> None:
    world.icare.update(world.icare.record("CampaignMember", member, **{CLASSIFIED: "Neutral"}))
    publish(of_member | {"after_value": "Positive"})
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("push", plan_id, "--first-run")
    made = outreach("revert", plan_id, "--reason", "the wrong thread", "--json").json
    [change] = made["changes"]
    assert (change["before"], change["after"], change["policy"]) == ("Positive", "Neutral", "latest_wins")
    assert change["reason"] == f"revert of plan {plan_id[:12]}: the wrong thread"
    assert (made["reverts"], made["objections"]) == (plan_id, [])
    assert value(world, "CampaignMember", member, CLASSIFIED) == "Positive"
    assert outreach("push", made["plan_id"]).code == 0
    assert value(world, "CampaignMember", member, CLASSIFIED) == "Neutral"


def test_a_plan_that_was_pushed_twice_is_taken_back_once(outreach, publish, of_member, member, world) -> None:
    def by_hand() -> None:
        world.icare.update(world.icare.record("CampaignMember", member, **{CLASSIFIED: "Neutral"}))

    by_hand()
    publish(of_member | {"after_value": "Positive"})
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("push", plan_id, "--first-run")
    by_hand()
    assert outreach("push", plan_id).code == 0
    made = outreach("revert", plan_id, "--reason", "the wrong thread", "--json").json
    assert (len(made["changes"]), outreach("push", made["plan_id"]).code) == (1, 0)
    assert value(world, "CampaignMember", member, CLASSIFIED) == "Neutral"


def test_the_same_evidence_does_not_bring_a_reverted_value_again_and_new_evidence_does(
    outreach, publish, of_member, member, world
) -> None:
    world.icare.update(world.icare.record("CampaignMember", member, **{CLASSIFIED: "Neutral"}))
    publish(of_member | {"after_value": "Positive"})
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("push", plan_id, "--first-run")
    outreach("push", outreach("revert", plan_id, "--reason", "the wrong thread", "--json").json["plan_id"])
    again = outreach("plan", "--json").json
    assert again["changes"] == []
    assert "the wrong thread; the same evidence" in again["held"][0]["why"]
    publish(of_member | {"after_value": "Positive", "evidence": "another reply"})
    assert len(outreach("plan", "--json").json["changes"]) == 1


def test_what_was_blank_is_not_cleared_and_what_others_changed_is_left_alone(
    outreach, publish, of_member, member, world
) -> None:
    other = world.icare.records(f"SELECT Id FROM CampaignMember WHERE {CLASSIFIED} = null AND Id != '{member}' LIMIT 1")
    [other_id] = [one["Id"] for one in other]
    world.icare.update(world.icare.record("CampaignMember", other_id, **{CLASSIFIED: "Neutral"}))
    publish(of_member | {"after_value": "Positive"}, of_member | {"record_id": other_id, "after_value": "Positive"})
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("push", plan_id, "--first-run")
    world.icare.update(world.icare.record("CampaignMember", other_id, **{CLASSIFIED: "Negative"}))
    made = outreach("revert", plan_id, "--reason", "x", "--json").json
    assert made["changes"] == []
    assert {one["record_id"]: one["outcome"] for one in made["held"]} == {
        member: "withheld",
        other_id: "changed_since_plan",
    }


def test_what_is_set_once_stays_without_a_named_approver(outreach, bounce) -> None:
    made = outreach("revert", bounce, "--reason", "a wrong rule", "--json").json
    assert made["changes"] == []
    assert {one["outcome"] for one in made["held"]} == {"set_once"}
    assert "--approver" in made["held"][0]["why"]


def test_an_override_takes_a_reason_and_the_approver_it_names_and_leaves_its_trail(
    outreach, bounce, leads, world, settings
) -> None:
    made = outreach("revert", bounce, "--reason", "a wrong rule", "--approver", "dora", "--json").json
    plan_id = made["plan_id"]
    assert {(one["policy"], one["after"]) for one in made["changes"]} == {("override", "false")}
    assert [one["kind"] for one in made["objections"]] == ["override"]
    assert outreach("push", plan_id, "--first-run").code == 12
    assert outreach("approve", plan_id, "--reason", "fine", user="grace").code == 9
    assert outreach("push", plan_id).code == 12
    assert outreach("approve", plan_id, "--reason", "read both notices", user="Dora").code == 0
    assert value(world, "Lead", leads[0], BOUNCED) is True
    assert outreach("push", plan_id).code == 0
    assert [value(world, "Lead", lead, BOUNCED) for lead in leads[:2]] == [False, False]
    engine = open_store(settings)
    [approval] = trail.acts(engine, "approval", plan_id)
    assert (approval["actor"], approval["reason"]) == ("Dora", "read both notices")
    writes = trail.applied(engine, plan_id)
    assert {(row["policy"], row["before_value"], row["after_value"]) for row in writes} == {
        ("override", "true", "false")
    }
    assert all("a wrong rule" in row["reason"] for row in writes)
    assert ledger.verify(engine).entries > 0
    assert outreach("push").code == 0
    assert value(world, "Lead", leads[0], BOUNCED) is False


def test_an_override_can_itself_be_taken_back(outreach, bounce, leads, world) -> None:
    override = outreach("revert", bounce, "--reason", "a wrong rule", "--approver", "dora", "--json").json["plan_id"]
    outreach("approve", override, "--reason", "fine", user="dora")
    outreach("push", override)
    back = outreach("revert", override, "--reason", "the rule was right", "--json").json
    assert {(one["policy"], one["after"]) for one in back["changes"]} == {("true_only", "true")}
    assert outreach("push", back["plan_id"]).code == 0
    assert value(world, "Lead", leads[0], BOUNCED) is True


def test_a_plan_that_wrote_nothing_cannot_be_reverted_and_a_reason_is_needed(outreach, publish, leads) -> None:
    publish({"org": "icare", "record_id": leads[0]})
    plan_id = outreach("plan", "--json").json["plan_id"]
    nothing = outreach("revert", plan_id, "--reason", "x")
    assert nothing.code == 5
    assert "no applied write" in nothing.err
    assert outreach("revert", plan_id, "--reason", " ").code == 2
