"""What may come in over a webhook: kept whatever it is, once the sender is known, and never asked for again."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

LIMIT = 8_000_000
BROKEN = b'{"kind":"enrichment","icp_score": ,"table_id":"t"}'


def test_invalid_json_of_a_known_sender_is_kept_and_acknowledged(inbox: Any) -> None:
    with_secret = b'{"event_type": "EMAIL_REPLY", "secret_key": "smart-secret", "stats_id": }'
    assert inbox.raw("/smartlead/webhook", with_secret).status_code == 200
    assert inbox.raw("/smartlead/webhook", BROKEN, **inbox.signature(BROKEN)).status_code == 200
    assert inbox.raw("/clay/callback", BROKEN, **inbox.clay_headers).status_code == 200
    kept = [row["body"].encode() for row in inbox.rows()]
    assert kept == [with_secret.replace(b"smart-secret", b"[removed]"), BROKEN, BROKEN]
    assert all(row["parse_error"].startswith("not valid JSON") for row in inbox.rows())


@pytest.mark.parametrize("body", [b"{", b'{"secret_key": "wrong", }', b'{"secret_key": , "x": "smart-secret"}'])
def test_invalid_json_of_a_stranger_is_turned_away_for_good(inbox: Any, body: bytes) -> None:
    assert inbox.raw("/smartlead/webhook", body).status_code == 400
    assert inbox.raw("/clay/callback", body).status_code == 401
    assert inbox.rows() == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_another_content_type_is_refused(inbox: Any, content_type: str) -> None:
    headers = {"Content-Type": content_type} | inbox.clay_headers
    assert inbox.post("/clay/callback", content=b"{}", headers=headers).status_code == 415
    assert inbox.rows() == []


def test_an_oversized_body_is_refused_whether_announced_or_not(inbox: Any) -> None:
    large = b'{"note": "' + b"x" * LIMIT + b'"}'
    assert inbox.raw("/clay/callback", large, **inbox.clay_headers).status_code == 413
    chunks = iter([large[: LIMIT - 1], large[LIMIT - 1 :]])  # no content-length
    assert inbox.raw("/clay/callback", chunks, **inbox.clay_headers).status_code == 413
    assert inbox.rows() == []


@pytest.mark.parametrize("name", ["EMAIL_SURPRISE", None, ["EMAIL_REPLY"], "EMAIL\x00REPLY", "x" * 5_000])
def test_an_unknown_event_type_is_kept_and_marked(inbox: Any, name: object) -> None:
    assert inbox.reply(event_type=name).status_code == 200
    (row,) = inbox.rows()
    assert row["parse_error"].startswith("unknown event type")
    assert "\x00" not in row["parse_error"]
    assert len(row["parse_error"]) < 300


@pytest.mark.parametrize(
    "changes",
    [
        {"campaign_id": 999},
        {"campaign_id": "no number"},
        {"event_timestamp": "2999-01-01T00:00:00Z"},
        {"event_timestamp": "2026-09-02T08:00:00"},
        {"event_timestamp": "yesterday"},
        {"sl_lead_email": "Ann+Offers@LEAD.example"},
    ],
)
def test_what_only_the_models_can_judge_is_kept_as_it_came(inbox: Any, changes: dict[str, Any]) -> None:
    assert inbox.reply(**changes).json()["problem"] is None
    assert changes.items() <= inbox.payload().items()


def test_a_reply_of_two_megabytes_of_html_is_kept_whole(inbox: Any) -> None:
    html = "<p>" + "ä<br>" * 400_000 + "</p>"
    assert inbox.reply(reply_message={"message_id": "<r1>", "html": html}, reply_body=html).status_code == 200
    assert inbox.payload()["reply_body"] == html


def test_emoji_and_nul_come_back_as_they_were_sent(inbox: Any) -> None:
    text = "Yes 👍🏽 \x00 👩‍💻 \u202e"
    assert inbox.reply(preview_text=text).status_code == 200
    assert inbox.payload()["preview_text"] == text


def test_raw_nul_and_bytes_that_are_no_text_are_kept_visibly(inbox: Any) -> None:
    raw = b'{"secret_key": "smart-secret", "a": "\x00\xff"}'
    assert inbox.raw("/smartlead/webhook", raw).status_code == 200
    (row,) = inbox.rows()
    assert row["body"] == r'{"secret_key": "[removed]", "a": "\x00\xff"}'
    assert row["parse_error"]


def test_the_same_event_a_thousand_times_is_one(inbox: Any) -> None:
    with ThreadPoolExecutor(20) as senders:
        answers = list(senders.map(lambda _: inbox.reply().json()["status"], range(1_000)))
    assert answers.count("stored") == 1
    assert answers.count("duplicate") == 999
    assert len(inbox.rows()) == 1


def test_one_event_that_the_database_refuses_does_not_take_others_with_it(
    inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.inbox.clay.SOURCE", "unknown to the store's check")
    with ThreadPoolExecutor(12) as senders:
        bad = [senders.submit(inbox.enrichment, row_id=f"r{number}") for number in range(6)]
        good = [senders.submit(inbox.reply, stats_id=f"s{number}") for number in range(6)]
        assert {one.result().status_code for one in bad} == {503}
        assert {one.result().status_code for one in good} == {200}
    assert {json.loads(row["body"])["stats_id"] for row in inbox.rows()} == {f"s{number}" for number in range(6)}
