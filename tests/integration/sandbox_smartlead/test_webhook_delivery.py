"""Smartlead's webhooks: how they are registered, what they carry, and what happens when nobody listens."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

CAMPAIGN = 2710101
SECRET = "webhook-secret"
PERIOD = {"fromTime": "2026-08-01T00:00:00Z", "toTime": "2026-12-31T00:00:00Z"}
ENVELOPE = {
    "campaign_status",
    "client_id",
    "campaign_name",
    "campaign_id",
    "secret_key",
    "app_url",
    "ui_master_inbox_link",
    "description",
    "metadata",
    "webhook_url",
    "webhook_id",
    "webhook_name",
    "event_type",
}
HOOK = {"id": None, "name": "ours", "webhook_url": "http://127.0.0.1:9/x", "event_types": ["EMAIL_SENT"]}


@pytest.fixture
def connected(new_double: Callable[..., Any], receiver: Any) -> Any:
    return new_double(receiver_url=receiver.url)


def disabled(double: Any) -> int:
    headers = {"X-Sandbox-Token": "control"}
    return httpx.get(f"{double.url}/_sandbox/status", headers=headers).json()["disabled_webhooks"]


def test_events_come_in_the_shapes_that_were_captured(connected: Any, receiver: Any) -> None:
    connected.add(200, org="icare", LeadId="00Q")
    connected.control("advance", days=10)
    seen = Counter(event["event_type"] for event in receiver.events)
    assert set(seen) == {
        "EMAIL_SENT",
        "EMAIL_OPEN",
        "EMAIL_LINK_CLICK",
        "EMAIL_REPLY",
        "EMAIL_BOUNCE",
        "LEAD_UNSUBSCRIBED",
        "LEAD_CATEGORY_UPDATED",
    }
    assert all(set(event) >= ENVELOPE for event in receiver.events)
    assert {event["secret_key"] for event in receiver.events} == {SECRET}

    sent = receiver.of_type("EMAIL_SENT")[0]
    assert isinstance(sent["sl_email_lead_id"], str)
    assert isinstance(sent["sl_email_lead_map_id"], int)
    assert sent["event_timestamp"] == sent["time_sent"]
    assert sent["event_timestamp"].endswith(".000+00:00")
    assert sent["message_id"].startswith(f"<{sent['stats_id']}@")

    reply = receiver.of_type("EMAIL_REPLY")[0]
    assert reply["from_email"].endswith("@reach-icare.example")
    assert reply["to_email"] == reply["sl_lead_email"] == reply["leadCorrespondence"]["targetLeadEmail"]
    assert "custom_fields" not in json.dumps(reply)

    bounce = receiver.of_type("EMAIL_BOUNCE")[0]
    assert "sl_email_lead_map_id" not in bounce
    assert bounce["is_bounced"] is True
    assert bounce["event_timestamp"] < bounce["bounce_message"]["time"]

    unsubscribed = receiver.of_type("LEAD_UNSUBSCRIBED")[0]
    assert not {"stats_id", "sl_email_lead_id", "sequence_number"} & set(unsubscribed)
    assert unsubscribed["event_timestamp"].endswith(".000Z")
    assert unsubscribed["from_email"] == ""

    category = receiver.of_type("LEAD_CATEGORY_UPDATED")[0]
    assert category["lead_data"]["custom_fields"] == {"org": "icare", "LeadId": "00Q"}
    assert set(category["lead_category"]) == {"old_id", "old_name", "new_id", "new_name"}


def test_every_request_is_signed(connected: Any, receiver: Any) -> None:
    connected.add(5)
    connected.control("advance")
    for headers, raw in receiver.requests:
        expected = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        assert headers["x-smartlead-signature"] == expected
    assert receiver.requests


def test_some_events_come_twice_some_late_and_some_never(connected: Any, receiver: Any) -> None:
    connected.add(230)
    connected.control("advance", days=5)
    got = Counter(event["stats_id"] for event in receiver.of_type("EMAIL_SENT"))
    shown = {row["stats_id"] for row in connected.get(f"/campaigns/{CAMPAIGN}/statistics", limit=1000)["data"]}
    assert max(got.values()) == 2
    assert got.keys() < shown
    times = [event["event_timestamp"] for event in receiver.of_type("EMAIL_OPEN")]
    assert times != sorted(times)


def test_what_is_not_taken_waits_for_the_next_day(connected: Any, receiver: Any) -> None:
    connected.add(20)
    receiver.status = 503
    assert connected.control("advance")["webhooks_delivered"] == 0
    assert len(receiver.requests) == 1  # a server that is down is left alone
    receiver.status = 200
    assert connected.control("advance")["webhooks_delivered"] > 15
    assert len(receiver.of_type("EMAIL_SENT")) >= 18
    assert disabled(connected) == 0


def test_a_hook_is_switched_off_after_five_failures_and_what_then_happens_is_a_gap(
    connected: Any, receiver: Any
) -> None:
    connected.add(60)
    receiver.status = 500
    connected.control("advance", days=5)
    assert disabled(connected) == 1
    attempts = len(receiver.requests)
    receiver.status = 200
    connected.control("advance", days=3)
    assert len(receiver.requests) == attempts == 5

    hook = connected.get(f"/campaigns/{CAMPAIGN}/webhooks")[0]
    body = {name: hook[name] for name in ("id", "name", "webhook_url", "event_types", "categories")}
    assert connected.post(f"/campaigns/{CAMPAIGN}/webhooks", body).json()["id"] == hook["id"]
    connected.control("advance")
    assert disabled(connected) == 0
    days = {event["event_timestamp"][:10] for event in receiver.of_type("EMAIL_SENT")}
    sent = {row["sent_time"][:10] for row in connected.get(f"/campaigns/{CAMPAIGN}/statistics", limit=1000)["data"]}
    assert "2026-09-01" in days  # it was waiting
    assert sent - days  # it happened while the hook was off


def test_a_refused_event_is_final_until_it_is_triggered_again(connected: Any, receiver: Any) -> None:
    connected.add(4)
    receiver.status = 400
    connected.control("advance")
    refused = len(receiver.requests)
    assert 0 < refused <= 5
    summary = connected.get(f"/campaigns/{CAMPAIGN}/webhooks/summary", **PERIOD)
    assert summary["failed"] >= refused
    receiver.status = 200
    hook = connected.get(f"/campaigns/{CAMPAIGN}/webhooks")[0]
    body = {name: hook[name] for name in ("id", "name", "webhook_url", "event_types", "categories")}
    connected.post(f"/campaigns/{CAMPAIGN}/webhooks", body)
    answer = connected.post(f"/campaigns/{CAMPAIGN}/webhooks/retrigger-failed-events", PERIOD).json()
    assert answer["retriggered"] == refused
    assert len(receiver.events) >= refused
    assert connected.get(f"/campaigns/{CAMPAIGN}/webhooks/summary", **PERIOD)["failed"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"categories": []}, '"categories" does not contain 1 required value(s)'),
        ({"event_types": []}, '"event_types" does not contain 1 required value(s)'),
        ({"event_types": ["EMAIL_REPLIED"]}, '"event_types[0]" must be one of'),
        ({"webhook_url": ""}, '"webhook_url" is required'),
        ({"secret": "x"}, '"secret" is not allowed'),
    ],
)
def test_registering_is_validated(double: Any, change: dict[str, Any], message: str) -> None:
    answer = double.post(f"/campaigns/{CAMPAIGN}/webhooks", HOOK | {"categories": ["Interested"]} | change)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_a_webhook_is_added_listed_and_deleted(double: Any) -> None:
    path = f"/campaigns/{CAMPAIGN}/webhooks"
    added = double.post(path, HOOK | {"categories": ["Interested"]}).json()
    assert double.get(path) == [added]
    assert added["email_campaign_id"] == CAMPAIGN
    double.client.request("DELETE", path, json={"id": added["id"]}).raise_for_status()
    assert double.get(path) == []


def test_clay_gets_the_replies_only_and_with_its_header(new_double: Callable[..., Any], receiver: Any) -> None:
    double = new_double(clay_url=receiver.url, clay_webhook_token="clay-token")
    double.add(120)
    double.control("advance", days=6)
    assert {event["event_type"] for event in receiver.events} == {"EMAIL_REPLY"}
    assert {headers["x-clay-webhook-auth"] for headers, _ in receiver.requests} == {"clay-token"}


def test_hooks_are_registered_once_also_after_a_restart(new_double: Callable[..., Any], receiver: Any) -> None:
    new_double(receiver_url=receiver.url)
    again = new_double(receiver_url=receiver.url)
    assert [len(again.get(f"/campaigns/{one['id']}/webhooks")) for one in again.get("/campaigns")] == [1] * 7


def test_the_weather_of_the_webhooks_can_be_planned(connected: Any, receiver: Any) -> None:
    connected.control("weather", twice=1, lost=0, late=0.5)
    connected.add(60)
    connected.control("advance", days=4)
    sent = [event for event in receiver.events if event["event_type"] == "EMAIL_SENT"]
    assert set(Counter(event["stats_id"] for event in sent).values()) == {2}
    order = [event["event_timestamp"] for event in sent]
    assert order != sorted(order)
    assert connected.control("weather", late=3)["message"] == "A share lies between 0 and 1."
