"""The receiver over real HTTP: what it stores, whom it believes, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.types import ASGIApp

from pipelines.config import Settings
from pipelines.config.running import Receiver
from pipelines.errors import ConfigurationError
from pipelines.inbox.receiver import receiver_app
from pipelines.store import open_store


def test_stores_a_webhook_without_its_secret(inbox: Any) -> None:
    answer = inbox.reply()
    assert (answer.status_code, answer.json()["status"]) == (200, "stored")
    (row,) = inbox.rows()
    assert (row["source"], row["channel"], row["event_type"]) == ("smartlead", "webhook", "EMAIL_REPLY")
    assert inbox.smartlead_secret not in row["body"]


def test_a_redelivery_is_acknowledged_and_not_stored_again(inbox: Any) -> None:
    answers = [inbox.reply() for _ in range(3)]
    assert [answer.json()["status"] for answer in answers] == ["stored", "duplicate", "duplicate"]
    assert [inbox.enrichment().status_code for _ in range(2)] == [200, 200]
    assert len(inbox.rows()) == 2


@pytest.mark.parametrize("key", [None, "", "wrong", 7])
def test_a_webhook_without_the_right_secret_is_turned_away(inbox: Any, key: object) -> None:
    assert inbox.reply(secret_key=key).status_code == 401
    assert inbox.rows() == []


@pytest.mark.parametrize("header", [None, "", "Bearer wrong", "clay-secret", "Basic x", "Bearer clay-sécret"])
def test_a_callback_without_the_right_token_is_turned_away(inbox: Any, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    assert inbox.post("/clay/callback", {"kind": "enrichment"}, headers=headers).status_code == 401
    assert inbox.rows() == []


def test_a_signature_decides_alone_when_it_is_sent(inbox: Any) -> None:
    raw = json.dumps({"event_type": "EMAIL_REPLY", "secret_key": "other"}).encode()
    assert inbox.raw("/smartlead/webhook", raw, **inbox.signature(raw)).status_code == 200
    right_key = json.dumps({"event_type": "EMAIL_SENT", "secret_key": inbox.smartlead_secret}).encode()
    assert inbox.raw("/smartlead/webhook", right_key, **inbox.signature(right_key, "wrong")).status_code == 401
    assert len(inbox.rows()) == 1


def test_a_store_that_cannot_write_is_answered_so_that_the_sender_tries_again(inbox: Any) -> None:
    assert httpx.get(inbox.url + "/ready").status_code == 200
    sa.event.listen(inbox.engine, "begin", _store_is_gone)
    answer = inbox.enrichment()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert httpx.get(inbox.url + "/ready").status_code == 503
    assert httpx.get(inbox.url + "/health").status_code == 200
    sa.event.remove(inbox.engine, "begin", _store_is_gone)
    assert inbox.enrichment().json()["status"] == "stored"


def _store_is_gone(_: sa.Connection) -> None:
    raise sa.exc.TimeoutError("no connection is free")


def test_too_many_requests_are_asked_to_come_back(start_receiver: Callable[..., Any]) -> None:
    inbox = start_receiver(requests_per_second=3)
    answers = [inbox.reply(stats_id=f"s{number}") for number in range(12)]
    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert {answer.headers["retry-after"] for answer in busy} == {"5"}
    assert len(inbox.rows()) == len(answers) - len(busy)
    assert inbox.enrichment().status_code == 200  # the other source has its own


def test_the_metrics_count_what_happened_and_name_nobody(inbox: Any) -> None:
    inbox.reply(sl_lead_email="ann@lead.example")
    inbox.reply(sl_lead_email="ann@lead.example")
    inbox.reply(event_type="EMAIL_SURPRISE")
    inbox.reply(secret_key="wrong")
    answer = httpx.get(inbox.url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = answer.text.splitlines()
    for outcome in ("stored", "duplicate", "marked"):
        assert f'outreach_receiver_events_total{{outcome="{outcome}",source="smartlead"}} 1.0' in lines
    assert 'outreach_receiver_requests_total{source="smartlead",status="200"} 3.0' in lines
    assert 'outreach_receiver_requests_total{source="smartlead",status="401"} 1.0' in lines
    assert 'outreach_receiver_request_seconds_count{source="smartlead"} 4.0' in lines
    assert "outreach_receiver_held_bytes 0.0" in lines
    assert not [word for word in ("ann@", "SURPRISE", "secret") if word in answer.text]


def test_the_openapi_document_names_every_path_and_method(start_receiver: Any, serve: Callable[[ASGIApp], str]) -> None:
    engine = open_store(Settings(store_url="sqlite://"))
    app = receiver_app(engine, Receiver(smartlead_secret="a", clay_secret="b"))
    document = httpx.get(serve(app) + "/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    documented = {path: {method.upper() for method in methods} for path, methods in document["paths"].items()}
    assert documented == {route.path: route.methods - {"HEAD"} for route in app.routes}


@pytest.mark.parametrize("secrets", [{"smartlead_secret": ""}, {"clay_secret": ""}])
def test_empty_secrets_are_refused(secrets: dict[str, str]) -> None:
    engine = open_store(Settings(store_url="sqlite://"))
    with pytest.raises(ConfigurationError, match="empty"):
        receiver_app(engine, Receiver(**({"smartlead_secret": "x", "clay_secret": "x"} | secrets)))
