"""Smartlead's REST API in the shapes that were captured live."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from sandbox.world.clock import WORLD_START

CAMPAIGN = 2710101


def test_campaigns_are_a_bare_list_newest_first(double: Any) -> None:
    campaigns = double.get("/campaigns/", include_tags="true")
    assert [one["id"] for one in campaigns] == sorted((one["id"] for one in campaigns), reverse=True)
    assert len(campaigns) == 7
    one = double.get(f"/campaigns/{CAMPAIGN}")
    assert one == next(each for each in campaigns if each["id"] == CAMPAIGN)
    assert one["created_at"].endswith(".000Z")
    assert isinstance(one["track_settings"], list)
    steps = double.get(f"/campaigns/{CAMPAIGN}/sequences")
    assert [step["seq_number"] for step in steps] == [1, 2, 3]
    assert {step["seq_delay_details"]["delayInDays"] for step in steps} == {0, 3, 4}


def test_leads_come_in_pages_with_strings_where_live_has_strings(double: Any) -> None:
    double.add(130, CampaignMemberId="00v", org="icare")
    first = double.get(f"/campaigns/{CAMPAIGN}/leads", offset=0, limit=100)
    second = double.get(f"/campaigns/{CAMPAIGN}/leads", offset=100, limit=100)
    assert (first["total_leads"], first["offset"], first["limit"]) == ("130", 0, 100)
    assert (len(first["data"]), len(second["data"])) == (100, 30)
    row = first["data"][0]
    assert isinstance(row["campaign_lead_map_id"], str)
    assert int(row["campaign_lead_map_id"]) > 2**31
    assert isinstance(row["lead"]["id"], int)
    assert row["lead"]["id"] > 2**31
    assert row["lead"]["custom_fields"] == {"CampaignMemberId": "00v", "org": "icare"}
    assert (row["status"], row["lead_category_id"]) == ("STARTED", None)
    ids = {each["campaign_lead_map_id"] for each in first["data"] + second["data"]}
    assert len(ids) == 130


def test_statistics_messages_and_analytics(double: Any) -> None:
    double.add(150)
    double.control("advance", days=9)
    page = double.get(f"/campaigns/{CAMPAIGN}/statistics", limit=1000)
    assert page["total_stats"] == str(len(page["data"]))
    row = page["data"][0]
    assert {
        "stats_id",
        "lead_email",
        "lead_category",
        "sequence_number",
        "sent_time",
        "reply_time",
        "is_bounced",
    } <= set(row)
    assert row["sent_time"] == max(each["sent_time"] for each in page["data"])
    bounced = double.get(f"/campaigns/{CAMPAIGN}/statistics", limit=1000, email_status="bounced")["data"]
    assert {each["stats_id"] for each in bounced} == {each["stats_id"] for each in page["data"] if each["is_bounced"]}
    newest = double.get(f"/campaigns/{CAMPAIGN}/statistics", limit=1000, sent_time_start_date="2026-09-04")["data"]
    assert newest == [each for each in page["data"] if each["sent_time"] >= "2026-09-04"]

    replied = next(each for each in page["data"] if each["reply_time"])
    lead = double.get("/leads/", email=replied["lead_email"].upper())
    history = double.get(f"/campaigns/{CAMPAIGN}/leads/{lead['id']}/message-history")
    sent, reply = (next(one for one in history["history"] if one["type"] == kind) for kind in ("SENT", "REPLY"))
    assert sent["message_id"].startswith(f"<{sent['stats_id']}@")  # our Message-ID carries the stats_id
    assert sent["email_seq_number"] == "1"
    assert (reply["to"], history["to"]) == (history["from"], replied["lead_email"])
    assert lead["lead_campaign_data"][0]["last_reply_at"] == max(
        one["time"] for one in history["history"] if one["type"] == "REPLY"
    )
    counts = double.get(f"/campaigns/{CAMPAIGN}/analytics")
    assert counts["sent_count"] == page["total_stats"]
    assert counts["campaign_lead_stats"]["total"] == 150
    assert int(counts["bounce_count"]) == len(bounced)


def test_leads_statistics_is_a_cursor_with_a_lower_bound_only(double: Any) -> None:
    double.add(150)
    double.control("advance", days=4)
    path = f"/campaigns/{CAMPAIGN}/leads-statistics"
    first = double.get(path, limit=100)
    assert (first["hasMore"], len(first["data"])) == (True, 100)
    assert double.get(path, limit=100, offset=100)["hasMore"] is False
    since = "2026-09-03T06:00:00.000Z"
    changed = double.get(path, event_time_gt=since)["data"]
    assert 0 < len(changed) < 150
    assert all(max(message["time"] for message in lead["history"]) > since for lead in changed)
    refused = double.client.get(path, params={"event_time_lt": since})
    assert (refused.status_code, refused.json()) == (400, {"message": '"event_time_lt" is not allowed'})


def test_categories_and_mailboxes_with_their_passwords(double: Any) -> None:
    categories = {one["id"]: one for one in double.get("/leads/fetch-categories")}
    assert categories[2]["name"] == "Meeting Request"
    assert categories[6]["sentiment_type"] is None
    accounts = double.get("/email-accounts/", offset=0, limit=100, fetch_campaigns="true")
    assert len(accounts) == 12
    assert all(one["password"] and one["imap_password"] for one in accounts)
    assert {one["warmup_details"]["warmup_reputation"] for one in accounts} == {"98%"}
    assert sorted({one["message_per_day"] for one in accounts}) == [22, 45]
    assert double.get("/email-accounts/", offset=12, limit=100) == []


def test_an_unknown_address_is_an_empty_object_and_an_unknown_campaign_is_not_found(double: Any) -> None:
    assert double.get("/leads/", email="nobody@nowhere.example") == {}
    answer = double.client.get("/campaigns/1/leads")
    assert (answer.status_code, answer.json()) == (404, {"error": "Campaign not found - Invalid campaign_id."})
    wrong_verb = double.client.patch(f"/campaigns/{CAMPAIGN}/status", json={"status": "START"})
    assert (wrong_verb.status_code, "Cannot PATCH" in wrong_verb.text) == (404, True)
    assert wrong_verb.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"lead_list": [], "return_lead_ids": True}, '"return_lead_ids" is not allowed'),
        ({"leads": []}, '"lead_list" is required'),
        ({"lead_list": [{"email": "a@b.example", "title": "CTO"}]}, '"lead_list[0].title" is not allowed'),
        ({"lead_list": [{"first_name": "Ann"}]}, '"lead_list[0].email" is required'),
        ({"lead_list": [], "settings": {"x": 1}}, '"settings.x" is not allowed'),
        (
            {"lead_list": [{"email": f"a{n}@b.example"} for n in range(401)]},
            '"lead_list" must contain less than or equal to 400 items',
        ),
    ],
)
def test_adding_leads_is_validated(double: Any, body: Any, message: str) -> None:
    answer = double.post(f"/campaigns/{CAMPAIGN}/leads", body)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


def test_adding_leads_answers_counts_and_overwrites_a_known_persons_fields_everywhere(double: Any) -> None:
    leads = [{"email": email} for email in ("a@b.example", "A@b.example ", "no address", "c@d.example")]
    answer = double.post(f"/campaigns/{CAMPAIGN}/leads", {"lead_list": leads}).json()
    counts = {name: answer[name] for name in ("upload_count", "duplicate_count", "invalid_email_count", "total_leads")}
    assert counts == {"upload_count": 2, "duplicate_count": 1, "invalid_email_count": 1, "total_leads": 2}
    assert answer["already_added_to_campaign"] == 0

    again = [{"email": "a@b.example", "custom_fields": {"LeadId": "new"}}]
    answer = double.post("/campaigns/2710103/leads", {"lead_list": again, "settings": {"return_lead_ids": True}}).json()
    assert answer["upload_count"] == 1
    ids = answer["emailToLeadIdMap"]["newlyAddedLeads"]
    roster = double.get(f"/campaigns/{CAMPAIGN}/leads")["data"]
    assert [row["lead"]["custom_fields"] for row in roster if row["lead"]["id"] == ids["a@b.example"]] == [
        {"LeadId": "new"}
    ]
    repeated = double.post("/campaigns/2710103/leads", {"lead_list": again}).json()
    assert (repeated["upload_count"], repeated["already_added_to_campaign"]) == (0, 1)


def test_a_campaign_is_paused_and_started(double: Any) -> None:
    answer = double.post(f"/campaigns/{CAMPAIGN}/status", {"status": "PAUSED"})
    assert (answer.status_code, answer.text) == (200, "success")  # plain text, as the real service
    assert double.get(f"/campaigns/{CAMPAIGN}")["status"] == "PAUSED"
    double.post(f"/campaigns/{CAMPAIGN}/status", {"status": "START"})
    assert double.get(f"/campaigns/{CAMPAIGN}")["status"] == "ACTIVE"
    assert double.post(f"/campaigns/{CAMPAIGN}/status", {"status": "ACTIVE"}).status_code == 400


def test_keys_are_wanted_in_the_url_and_an_unnamed_program_is_turned_away(double: Any) -> None:
    url = f"{double.url}/api/v1/campaigns/"
    assert httpx.get(url).json() == {"message": "API key is required."}
    wrong = httpx.get(url, params={"api_key": "wrong"})
    assert (wrong.status_code, wrong.json()) == (401, {"message": "Invalid API Key"})
    unnamed = httpx.get(url, params={"api_key": "key"}, headers={"user-agent": ""})
    assert (unnamed.status_code, "Cloudflare" in unnamed.text) == (403, True)


def test_the_rate_limit_counts_two_seconds_and_says_only_sometimes_how_long_to_wait(
    new_double: Callable[..., Any],
) -> None:
    double = new_double(rate_limit={"per_minute": 60, "per_two_seconds": 3})
    answers = [double.client.get("/campaigns/") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[0].headers["x-ratelimit-limit"] == "60"
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers[:3]] == ["59", "58", "57"]
    assert sorted("retry-after" in answer.headers for answer in answers[3:]) == [False, True]
    assert answers[3].json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"


def test_the_date_header_is_the_worlds(double: Any) -> None:
    before = parsedate_to_datetime(double.client.get("/campaigns/").headers["date"])
    double.control("advance", days=2)
    after = parsedate_to_datetime(double.client.get("/campaigns/").headers["date"])
    assert before - WORLD_START < timedelta(seconds=5)
    assert after - before == timedelta(days=2)


def test_planned_faults_hit_and_are_used_up(double: Any) -> None:
    path = f"/campaigns/{CAMPAIGN}/leads"
    double.control("faults", kind="status", path="/leads$", status=503, headers={"Retry-After": "1"})
    busy = double.client.get(path)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    double.control("faults", kind="drop_connection", path="/leads$")
    with pytest.raises(httpx.RemoteProtocolError):
        double.client.get(path)
    double.control("faults", kind="malformed_page", path="/leads$")
    with pytest.raises(ValueError, match="Expecting"):
        double.client.get(path).json()
    double.control("faults", kind="html_page", path="/leads$", status=403)
    assert "Cloudflare" in double.client.get(path).text
    assert double.get(path)["total_leads"] == "0"
    headers = {"X-Sandbox-Token": "control"}
    unknown = httpx.post(f"{double.url}/_sandbox/faults", json={"kind": "x", "path": "y"}, headers=headers)
    assert unknown.status_code == 400


def test_control_wants_its_token_and_known_actions(double: Any) -> None:
    assert httpx.get(f"{double.url}/_sandbox/status").status_code == 401
    headers = {"X-Sandbox-Token": "control"}
    assert httpx.get(f"{double.url}/_sandbox/status", headers=headers).json()["campaigns"] == 7
    assert httpx.post(f"{double.url}/_sandbox/explode", headers=headers).status_code == 404


def test_the_hour_is_limited_too(new_double: Callable[..., Any]) -> None:
    double = new_double(rate_limit={"per_minute": 60, "per_two_seconds": 60, "per_hour": 3})
    answers = [double.client.get("/campaigns") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["error"]["retry_after"] > 3_500


def test_an_answer_can_be_slow_by_plan(double: Any) -> None:
    double.control("faults", kind="slow", path="/campaigns$", seconds=0.4)
    durations = []
    for _ in range(2):
        started_at = time.monotonic()
        double.get("/campaigns")
        durations.append(time.monotonic() - started_at)
    assert durations[0] >= 0.4 > durations[1]


def test_a_list_can_shift_between_its_pages_by_plan(double: Any) -> None:
    double.add(4)
    double.control("faults", kind="shift", path="/leads$")
    first = double.get(f"/campaigns/{CAMPAIGN}/leads", limit=2)
    second = double.get(f"/campaigns/{CAMPAIGN}/leads", limit=2, offset=2)
    assert (first["total_leads"], second["total_leads"]) == ("4", "3")
    assert [one["lead"]["email"] for one in second["data"]] == ["person0@company0.example"]
