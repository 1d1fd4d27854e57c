"""The receiver over real HTTP: what it stores, what it turns away, and that it survives a kill."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.types import ASGIApp

from pipelines.config import Receiver, Settings
from pipelines.errors import ConfigurationError
from pipelines.inbox.receiver import receiver_app
from pipelines.store import inbox_events, open_store, reading

SMARTLEAD_SECRET = "smart-secret"
CLAY_SECRET = "clay-secret"
CLAY_HEADERS = {"Authorization": f"Bearer {CLAY_SECRET}"}
WEBHOOK = {
    "event_type": "EMAIL_REPLY",
    "campaign_id": 2710101,
    "stats_id": "s1",
    "event_timestamp": "2026-09-02T08:00:00+00:00",
    "secret_key": SMARTLEAD_SECRET,
}
CALLBACK = {"kind": "enrichment", "table_id": "t_icare_1", "row_id": "r1", "enriched_at": "2026-09-02T08:00:00Z"}


class Inbox:
    def __init__(self, url: str, engine: sa.Engine) -> None:
        self.url = url
        self.engine = engine

    def post(self, path: str, payload: Any = None, **request: Any) -> httpx.Response:
        if payload is not None:
            request["json"] = payload
        return httpx.post(self.url + path, **request)

    def rows(self) -> list[sa.RowMapping]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(inbox_events).order_by("event_id")).mappings())


@pytest.fixture
def inbox(store_url: str, serve: Callable[[ASGIApp], str]) -> Iterator[Inbox]:
    engine = open_store(Settings(store_url=store_url))
    yield Inbox(serve(receiver_app(engine, secrets())), engine)
    engine.dispose()


def secrets() -> Receiver:
    return Receiver(smartlead_secret=SMARTLEAD_SECRET, clay_secret=CLAY_SECRET)


def signed(raw: bytes, secret: str = SMARTLEAD_SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return {"X-Smartlead-Signature": f"sha256={signature}", "Content-Type": "application/json"}


def test_stores_a_webhook_without_its_secret(inbox: Inbox) -> None:
    answer = inbox.post("/smartlead/webhook", WEBHOOK)
    assert (answer.status_code, answer.json()["status"]) == (200, "stored")
    (row,) = inbox.rows()
    assert (row["source"], row["channel"], row["event_type"]) == ("smartlead", "webhook", "EMAIL_REPLY")
    assert SMARTLEAD_SECRET not in row["body"]


def test_a_redelivery_is_acknowledged_and_not_stored_again(inbox: Inbox) -> None:
    answers = [inbox.post("/smartlead/webhook", WEBHOOK) for _ in range(3)]
    assert [answer.json()["status"] for answer in answers] == ["stored", "duplicate", "duplicate"]
    assert [inbox.post("/clay/callback", CALLBACK, headers=CLAY_HEADERS).status_code for _ in range(2)] == [200, 200]
    assert len(inbox.rows()) == 2


@pytest.mark.parametrize("key", [None, "", "wrong", 7])
def test_a_webhook_without_the_right_secret_is_turned_away(inbox: Inbox, key: object) -> None:
    assert inbox.post("/smartlead/webhook", WEBHOOK | {"secret_key": key}).status_code == 401
    assert inbox.rows() == []


@pytest.mark.parametrize("header", [None, "", "Bearer wrong", CLAY_SECRET, "Basic x", "Bearer clay-sécret"])
def test_a_callback_without_the_right_token_is_turned_away(inbox: Inbox, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    assert inbox.post("/clay/callback", CALLBACK, headers=headers).status_code == 401
    assert inbox.rows() == []


def test_a_signature_decides_alone_when_it_is_sent(inbox: Inbox) -> None:
    raw = json.dumps(WEBHOOK | {"secret_key": "other"}).encode()
    assert inbox.post("/smartlead/webhook", content=raw, headers=signed(raw)).status_code == 200
    right_key_wrong_signature = json.dumps(WEBHOOK | {"stats_id": "s2"}).encode()
    headers = signed(right_key_wrong_signature, "wrong")
    assert inbox.post("/smartlead/webhook", content=right_key_wrong_signature, headers=headers).status_code == 401
    assert len(inbox.rows()) == 1


def test_unreadable_bodies_are_kept_when_the_sender_is_known(inbox: Inbox) -> None:
    broken = b'{"kind":"enrichment","icp_score": ,"table_id":"t"}'
    headers = CLAY_HEADERS | {"Content-Type": "application/json"}
    assert inbox.post("/clay/callback", content=broken, headers=headers).status_code == 200
    assert inbox.post("/smartlead/webhook", content=broken, headers=signed(broken)).status_code == 200
    assert [(row["body"], bool(row["parse_error"])) for row in inbox.rows()] == [(broken.decode(), True)] * 2


def test_unreadable_bodies_of_strangers_are_turned_away(inbox: Inbox) -> None:
    headers = {"Content-Type": "application/json"}
    assert inbox.post("/smartlead/webhook", content=b"{", headers=headers).status_code == 400
    assert inbox.post("/clay/callback", content=b"{", headers=headers).status_code == 401
    assert inbox.rows() == []


def test_unknown_event_types_are_stored_and_marked(inbox: Inbox) -> None:
    answer = inbox.post("/smartlead/webhook", WEBHOOK | {"event_type": "EMAIL_SURPRISE"})
    assert answer.status_code == 200
    (row,) = inbox.rows()
    assert (row["event_type"], row["parse_error"]) == ("EMAIL_SURPRISE", "unknown event type EMAIL_SURPRISE")


def test_only_json_of_at_most_one_megabyte_is_read(inbox: Inbox) -> None:
    headers = CLAY_HEADERS | {"Content-Type": "text/plain"}
    assert inbox.post("/clay/callback", content=b"{}", headers=headers).status_code == 415
    large = json.dumps(CALLBACK | {"note": "x" * 1_000_000}).encode()
    headers["Content-Type"] = "application/json; charset=utf-8"
    assert inbox.post("/clay/callback", content=large, headers=headers).status_code == 413
    chunks = iter([large[:600_000], large[600_000:]])  # no content-length
    assert inbox.post("/clay/callback", content=chunks, headers=headers).status_code == 413
    assert inbox.rows() == []
    just_fits = json.dumps(CALLBACK | {"note": "x" * 900_000}).encode()
    assert inbox.post("/clay/callback", content=just_fits, headers=headers).status_code == 200


def test_a_store_that_cannot_write_is_answered_so_that_the_sender_tries_again(
    tmp_path: Path, serve: Callable[[ASGIApp], str]
) -> None:
    engine = open_store(Settings(data_dir=tmp_path))
    inbox = Inbox(serve(receiver_app(engine, secrets())), engine)
    assert httpx.get(inbox.url + "/health").status_code == 200
    sa.event.listen(engine, "begin", _disk_full)
    assert inbox.post("/clay/callback", CALLBACK, headers=CLAY_HEADERS).status_code == 503
    assert httpx.get(inbox.url + "/health").status_code == 503


def _disk_full(connection: sa.Connection) -> None:
    connection.exec_driver_sql("pragma max_page_count = 1")
    connection.exec_driver_sql("create table big as select zeroblob(9000000)")


def test_empty_secrets_are_refused(tmp_path: Path) -> None:
    engine = open_store(Settings(store_url=f"sqlite:///{tmp_path / 'store.sqlite'}"))
    with pytest.raises(ConfigurationError, match="empty"):
        receiver_app(engine, Receiver(smartlead_secret="", clay_secret="x"))


class Process:
    """`outreach receive` as a process of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        environment = os.environ | {
            "OUTREACH_DATA_DIR": str(directory),
            "OUTREACH_RECEIVER__SMARTLEAD_SECRET": SMARTLEAD_SECRET,
            "OUTREACH_RECEIVER__CLAY_SECRET": CLAY_SECRET,
            "OUTREACH_SECRETS_FILE": str(directory / "none.toml"),
            "COLUMNS": "200",
        }
        code = "import pipelines.cli.build, pipelines.cli.receive; from pipelines.cli import main; main()"
        command = [sys.executable, "-c", code, "receive", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def url(self) -> str:
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, self.process.stderr.read()
        return found.group()

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*arguments: str) -> Process:
        started.append(Process(tmp_path, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.process.kill()
        process.process.wait()


def test_what_was_acknowledged_survives_a_kill_at_that_moment(start: Callable[..., Process], tmp_path: Path) -> None:
    receiver = start("--port", "0")
    with httpx.Client(base_url=_ready(receiver.url())) as client:
        for row_id in ("r0", "r1", "r2"):
            assert client.post("/clay/callback", json=CALLBACK | {"row_id": row_id}, headers=CLAY_HEADERS).is_success
        receiver.end(signal.SIGKILL)
    engine = open_store(Settings(data_dir=tmp_path))
    with reading(engine) as connection:
        bodies = [json.loads(body) for body in connection.scalars(sa.select(inbox_events.c.body))]
    assert [body["row_id"] for body in bodies] == ["r0", "r1", "r2"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_orderly(start: Callable[..., Process], how: signal.Signals) -> None:
    receiver = start("--port", "0")
    assert httpx.get(_ready(receiver.url()) + "/health").json() == {"status": "ok"}
    assert receiver.end(how) == 0
    assert "Traceback" not in receiver.process.stderr.read()


def test_refuses_an_address_that_others_can_reach(start: Callable[..., Process]) -> None:
    receiver = start("--host", "0.0.0.0")  # noqa: S104
    assert receiver.process.wait(20) == 3
    assert "--allow-remote" in receiver.process.stderr.read()


def test_a_port_in_use_is_a_clear_error(start: Callable[..., Process]) -> None:
    port = start("--port", "0").url().rsplit(":", 1)[1]
    second = start("--port", port)
    assert second.process.wait(20) == 3
    assert f"port {port}" in second.process.stderr.read()


def _ready(url: str) -> str:
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(transport=transport) as client:
        client.get(url + "/health")
    return url
