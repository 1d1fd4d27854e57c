"""Clay's webhooks, enrichment, callbacks, pushes and public API."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sandbox.world.clock import WORLD_START
from sandbox.world.nature import disposition

TABLE = "t_icare_3"
SEED = 7
REPLYING = next(
    f"p{number}@firm.example"
    for number in range(500)
    if disposition(SEED, f"p{number}@firm.example").classification == "Positive"
)


def row(number: int, email: str | None = None) -> dict[str, str]:
    return {
        "org": "icare",
        "CampaignMemberId": f"00vIc0aaaaa{number:04d}QAA",
        "LeadId": f"00QIc0aaaaa{number:04d}QAA",
        "email": email or f"person{number}@company{number}.example",
        "first_name": "Ann",
        "last_name": "Lee",
        "company": "Acme",
        "title": "CTO",
    }


def reply(email: str, text: str = "Gern", message_id: str = "<1@firm.example>") -> dict[str, Any]:
    message = {"message_id": message_id, "text": text, "time": "2026-09-01T05:00:00.000+00:00"}
    return {"event_type": "EMAIL_REPLY", "campaign_id": 2710103, "sl_lead_email": email, "reply_message": message}


def test_a_webhook_wants_its_token_a_known_source_and_json(double: Any) -> None:
    assert double.submit(TABLE, row(1)).status_code == 200
    assert double.submit(TABLE, row(2), token="wrong").status_code == 401
    assert double.submit("t_icare_9", row(2)).status_code == 404
    assert double.submit(TABLE, {"text": "x" * 100_001}).status_code == 413
    headers = {"x-clay-webhook-auth": "table-token", "content-type": "application/json"}
    broken = double.client.post(f"/v3/sources/webhook/{TABLE}", content=b'{"a": ,}', headers=headers)
    assert (broken.status_code, broken.json()) == (400, {"message": "Body parse error"})
    assert double.submit(TABLE, [row(3), row(4)]).status_code == 200
    assert double.control("status")["rows"] == 3


def test_a_full_table_answers_as_ever_and_a_used_up_source_refuses(new_double: Callable[..., Any]) -> None:
    double = new_double(tables={"rows_per_table": 2, "submissions_per_source": 4})
    assert [double.submit(TABLE, row(number)).status_code for number in range(5)] == [200, 200, 200, 200, 403]
    assert double.control("status")["rows"] == 2


def test_planned_weather_at_the_webhook(double: Any) -> None:
    for kind in ("answer_lost", "forget", "twice"):
        double.control("faults", kind=kind, path="/webhook/")
    double.control("faults", kind="slow", path="/webhook/", seconds=0.3)
    started = time.monotonic()
    assert [double.submit(TABLE, row(number)).status_code for number in range(4)] == [502, 200, 200, 200]
    assert time.monotonic() - started > 0.3
    members = [cells["CampaignMemberId"]["value"] for cells in rows_of(double)]
    assert sorted(members) == [row(number)["CampaignMemberId"] for number in (0, 2, 2, 3)]
    double.control("faults", kind="status", path="/webhook/", status=503)
    assert [double.submit(TABLE, row(4)).status_code for _ in range(2)] == [503, 200]
    assert len(rows_of(double)) == 5


def rows_of(double: Any) -> list[dict[str, Any]]:
    return [content["cells"] for content in double.query(TABLE).json()["data"]]


def test_enriched_rows_are_called_back_and_pushed_to_smartlead(double: Any, receiver: Any, smartlead: Any) -> None:
    for number in range(60):
        double.submit(TABLE, row(number))
    double.control("advance")
    assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer callback-secret"}
    callbacks = {body["row_id"]: body for body in receiver.bodies}
    assert 45 < len(callbacks) < 60  # the others are late
    assert len(receiver.bodies) > len(callbacks)  # some come twice
    one = next(body for body in callbacks.values() if "industry" in body)
    assert one["kind"] == "enrichment"
    assert (one["table_id"], one["org"]) == (TABLE, "icare")
    assert all(isinstance(one[name], str) for name in ("employee_count", "icp_score", "lead_tier", "enriched_at"))
    assert None not in one.values()
    assert {"step", "provider", "position", "is_match", "credits"} == set(one["attempts"][0])

    (push,) = smartlead.bodies
    assert smartlead.requests[0].url.path == "/api/v1/campaigns/2710103/leads"
    assert len(push["lead_list"]) == len(callbacks)
    assert push["lead_list"][0]["custom_fields"]["org"] == "icare"
    double.control("advance", days=3)
    assert len({body["row_id"] for body in receiver.bodies}) == 60
    assert sum(len(body["lead_list"]) for body in smartlead.bodies) == 60


@pytest.mark.parametrize("status", [500, 401])
def test_a_callback_that_fails_is_sent_again(double: Any, receiver: Any, status: int) -> None:
    for number in range(8):
        double.submit(TABLE, row(number))
    receiver.status = status
    waiting = double.control("advance")["open_callbacks"]
    assert waiting > 5
    receiver.status = 200
    assert double.control("deliver")["open_callbacks"] == 0
    assert len({body["row_id"] for body in receiver.bodies}) == waiting


def test_what_waits_survives_a_restart_and_a_receiver_that_is_not_there(
    new_double: Callable[..., Any], receiver: Any
) -> None:
    double = new_double(receiver_url="http://127.0.0.1:9")
    double.submit(TABLE, row(1))
    assert double.control("advance", days=4)["open_callbacks"] == 1
    again = new_double()
    assert again.control("deliver")["open_callbacks"] == 0
    assert len(receiver.bodies) >= 1


def test_rows_that_smartlead_does_not_take_are_pushed_again(double: Any, smartlead: Any) -> None:
    double.submit(TABLE, row(1))
    smartlead.status = 500
    double.control("advance", days=4)
    assert smartlead.bodies == []
    smartlead.status = 200
    double.control("advance")
    assert [len(body["lead_list"]) for body in smartlead.bodies] == [1]
    double.control("advance")
    assert len(smartlead.bodies) == 1


def test_a_reply_is_classified_with_the_ids_from_the_lead_table(double: Any, receiver: Any, tmp_path: Path) -> None:
    double.submit(TABLE, row(7, REPLYING.upper()))
    double.submit("t_replies", reply(REPLYING))
    double.submit("t_replies", reply(REPLYING))  # Smartlead sends some events twice
    double.control("deliver")
    (body,) = {str(body): body for body in receiver.bodies}.values()
    assert body["kind"] == "reply_classification"
    assert (body["table_id"], body["message_id"]) == ("t_replies", "<1@firm.example>")
    assert (body["org"], body["CampaignMemberId"], body["LeadId"]) == ("icare", *list(row(7).values())[1:3])
    assert body["smartlead_campaign_id"] == "2710103"
    assert body["classification"] in {"Positive", "Neutral", "Negative"}
    double.control("truth", out=str(tmp_path / "truth"))
    given = duckdb.sql(f"select classification from '{tmp_path}/truth/clay_classifications.parquet'").fetchall()
    assert given == [(body["classification"],)]


def test_misread_replies_are_called_back_again_with_the_right_class(double: Any, receiver: Any) -> None:
    for number in range(60):
        double.submit("t_replies", reply(REPLYING, message_id=f"<{number}@firm.example>"))
    double.control("deliver")
    first = {body["message_id"]: body["classification"] for body in receiver.bodies}
    wrong = {message_id for message_id, classification in first.items() if classification != "Positive"}
    assert 0 < len(wrong) < 20
    receiver.bodies.clear()
    double.control("advance", days=2)
    double.control("deliver")
    assert {body["message_id"] for body in receiver.bodies} == wrong
    assert {body["classification"] for body in receiver.bodies} == {"Positive"}


def test_absence_notices_are_not_called_back(double: Any, receiver: Any) -> None:
    double.submit("t_replies", reply(REPLYING, "I'm on annual leave until the 14th."))
    double.control("deliver")
    assert receiver.bodies == []
    cells = double.query("t_replies").json()["data"][0]["cells"]
    assert cells["classification"] == {"status": "empty"}


def test_tables_are_read_in_pages_that_overlap_least_recently_updated_first(double: Any) -> None:
    for number in range(25):
        double.submit(TABLE, row(number))
    double.control("advance")
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = double.query(TABLE, limit=10, **({"cursor": cursor} if cursor else {})).json()
        seen += page["data"]
        cursor, pages = page["cursor"], pages + 1
    assert pages == 3
    assert len({one["id"] for one in seen}) == 25 < len(seen)
    updated = [one["updated_at"] for one in seen]
    assert updated == sorted(updated)
    statuses = {cell["status"] for one in seen for cell in one["cells"].values()}
    assert {"success", "pending"} <= statuses
    done = next(one["cells"] for one in seen if one["cells"]["enriched_at"]["status"] == "success")
    assert done["CampaignMemberId"]["value"].startswith("00v")
    assert done["kind"]["value"] == "enrichment"


def test_the_public_api_wants_its_key_and_a_known_table(double: Any) -> None:
    wrong = double.query(TABLE, key="wrong")
    assert (wrong.status_code, list(wrong.json())) == (401, ["message"])
    assert double.query("t_none").status_code == 404
    headers = {"clay-api-key": "api-key"}
    assert double.client.post("/public/v0/tables/query", json={}, headers=headers).status_code == 400
    assert double.client.get("/public/v0/me", headers=headers).status_code == 200
    double.control("faults", kind="status", path="/tables/query", status=429, headers={"Retry-After": "2"})
    busy = double.query(TABLE)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "2")
    assert double.query(TABLE).status_code == 200


def test_the_date_header_is_the_worlds_and_ticks_with_each_write(double: Any) -> None:
    before = parsedate_to_datetime(double.query(TABLE).headers["date"])
    double.submit(TABLE, row(1))
    after = parsedate_to_datetime(double.query(TABLE).headers["date"])
    assert before - WORLD_START < timedelta(seconds=5)
    assert after - before == timedelta(seconds=1)
    assert double.client.get("/_sandbox/status").status_code == 401


def test_lookups_know_the_same_each_time_and_charge_each_time(double: Any, tmp_path: Path) -> None:
    answers = [double.look_up("person", email=f"P{number}@firm.example") for number in range(12)]
    assert {answer.status_code for answer in answers} == {200, 404}
    assert [double.look_up("person", email=f"p{number}@firm.example").json() for number in range(12)] == [
        answer.json() for answer in answers
    ]
    company = double.look_up("company", domain="other.example").json()
    assert (company["company"]["domain"], company["credits_used"]) == ("other.example", 2)
    assert double.look_up("person", key="wrong", email="p0@firm.example").status_code == 401
    assert [double.look_up("person").status_code, double.look_up("company", domain="p@x").status_code] == [400, 400]
    double.control("truth", out=str(tmp_path / "truth"))
    charged = duckdb.sql(
        "select provider, count(*), sum(credits)::int"
        f" from '{tmp_path}/truth/clay_attempts.parquet' group by provider order by provider"
    )
    assert charged.fetchall() == [("clay_company", 1, 2), ("clay_people", 24, 24)]
