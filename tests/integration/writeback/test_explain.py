"""A field's story, from the event that came in to what Salesforce shows now."""

import json
from pathlib import Path

import duckdb
import pytest
import yaml

BOUNCED = "external_hard_bounced__c"
TABLES = [
    "fct_bounce_events",
    "fct_reply_events",
    "fct_classification_history",
    "fct_lead_enrichment",
    "fct_writeback_blocked",
    "fct_writeback_reconciliation",
    "dim_campaign_members",
    "fct_lead_bounces",
    "fct_hubspot_deltas",
]


def contract(table: str) -> str:
    """The columns of a mart and their types, as its contract says."""
    [file] = Path("models/marts").rglob(f"{table}.yml")
    [model] = yaml.safe_load(file.read_text())["models"]
    return ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])


@pytest.fixture
def marts(settings, publish):
    """A function that publishes deltas, and beside them the tables of events with the given rows."""

    def publish_marts(*deltas: dict, **rows: list[dict]) -> None:
        publish(*deltas)
        file = json.loads((settings.published_dir / "current.json").read_text())["file"]
        with duckdb.connect(str(settings.published_dir / file)) as connection:
            connection.execute("alter table marts.fct_writeback_deltas add column evidence_at timestamp")
            connection.execute("drop table marts.fct_writeback_blocked")
            for table in TABLES:
                connection.execute(f"create table marts.{table} ({contract(table)})")
                for row in rows.get(table, []):
                    places = ", ".join("?" * len(row))
                    connection.execute(
                        f"insert into marts.{table} ({', '.join(row)}) values ({places})", [*row.values()]
                    )

    return publish_marts


@pytest.fixture
def written(outreach, marts, leads) -> str:
    """A lead whose bounce was planned by ada, approved by grace and pushed by ada."""
    bounce = {"bounce_id": "b1", "bounce_class": "hard", "rule_id": "no_such_user", "bounced_at": "2026-08-31 10:00:00"}
    of_lead = {"org": "icare", "lead_id": leads[0]}
    marts({"org": "icare", "record_id": leads[0]}, fct_bounce_events=[of_lead | bounce])
    plan_id = outreach("plan", "--json").json["plan_id"]
    outreach("approve", plan_id, "--reason", "read the notice", user="grace")
    assert outreach("push", plan_id).code == 0
    return leads[0]


def test_the_story_goes_from_the_event_to_salesforce_and_back(outreach, written, world) -> None:
    story = outreach("explain", written, BOUNCED, "--json").json
    steps = [(step["step"], step["actor"]) for step in story["steps"]]
    assert steps == [
        ("event", None),
        ("plan", "ada"),
        ("approval", "grace"),
        ("push", "ada"),
        ("intent", None),
        ("outcome", None),
        ("proposed", None),
        ("now", None),
    ]
    texts = {step["step"]: step["text"] for step in story["steps"]}
    assert texts["event"] == "bounce b1: hard by rule no_such_user"
    assert texts["approval"].endswith("read the notice")
    assert texts["push"].endswith("approved by grace")
    assert texts["intent"].startswith("false → true")
    assert "smartlead mail 1" in texts["intent"]
    assert texts["outcome"].startswith("applied")
    assert texts["now"] == "Salesforce shows true"
    world.icare.update(world.icare.record("Lead", written, **{BOUNCED: False}))
    assert outreach("explain", written, BOUNCED, "--json").json["steps"][-1]["text"] == "Salesforce shows false"


def test_the_15_character_id_and_the_table_tell_the_same(outreach, written) -> None:
    shown = outreach("explain", written[:15], BOUNCED, "--offline").out
    assert written in shown
    assert "read the notice, by grace" in " ".join(shown.replace("│", " ").split())
    assert "Salesforce shows" not in shown


def test_a_lead_is_explained_with_its_members_and_what_is_held_back(outreach, marts, leads, member) -> None:
    of_lead = {"org": "icare", "lead_id": leads[1]}
    of_member = {"org": "icare", "campaign_member_id": member}
    verdicts = {"is_bounce_notice": False, "is_automatic": False, "is_human_response": False}
    automatic = verdicts | {"reply_id": "r1", "replied_at": "2026-08-30 09:00:00", "is_automatic": True}
    human = verdicts | {"reply_id": "r2", "replied_at": "2026-08-31 09:00:00", "is_human_response": True}
    positive = {"classification_to": "Positive", "source": "clay", "evidence": "row 7"}
    marts(
        dim_campaign_members=[of_lead | of_member],
        fct_reply_events=[of_member | automatic, of_member | human],
        fct_classification_history=[of_member | positive],
        fct_lead_enrichment=[of_lead | {"table_id": "t", "row_id": "r", "enriched_at": "2026-08-29 09:00:00"}],
        fct_writeback_blocked=[
            {"org": "icare", "record_id": leads[1], "field": "Industry", "blocked_reason": "pending legal"},
        ],
    )
    steps = outreach("explain", leads[1], "--offline", "--json").json["steps"]
    assert [(step["record_id"], step["field"], step["step"]) for step in steps] == [
        (leads[1], "Industry", "event"),
        (leads[1], "Industry", "held back"),
        (leads[1], "company_description__c", "event"),
        (member, "Has_Replied__c", "event"),
        (member, "Has_Replied__c", "event"),
        (member, "ReplyClassification__c", "event"),
    ]
    assert [step["text"] for step in steps if step["field"] == "Has_Replied__c"] == [
        "reply r1: written by a machine",
        "reply r2: written by a person",
    ]
    assert "pending legal" in steps[1]["text"]


def test_what_is_no_lead_or_no_listed_field_is_refused(outreach, marts, leads) -> None:
    marts(fct_lead_bounces=[{"org": "icare", "lead_id": leads[0]}])
    assert outreach("explain", "001Ic0aaaaaaaaAIAQ", "--offline").code == 5
    unknown = outreach("explain", leads[0], "Email", "--offline")
    assert unknown.code == 5
    assert BOUNCED in unknown.err.replace("\n", "")
    assert "Nothing has happened" in outreach("explain", leads[0], "--offline").out
    nobody = outreach("explain", leads[1], "--offline")
    assert (nobody.code, leads[1] in nobody.err) == (5, True)


def test_a_contact_is_explained_by_its_address_which_does_not_show(outreach, marts) -> None:
    of_contact = {"org": "hubspot", "record_id": "ada@one.example", "field": "firstname", "after_value": "Ada"}
    marts(fct_hubspot_deltas=[of_contact | {"reason": "the ICP score is 85", "evidence": "clay table t row r"}])
    shown = outreach("explain", "Ada@One.example", "--offline").out
    assert "the ICP score is 85" in shown
    assert ("@" in shown, "Ada" in shown) == (False, False)
    nobody = outreach("explain", "bob@two.example", "--offline")
    assert (nobody.code, "@" in nobody.err) == (5, False)
