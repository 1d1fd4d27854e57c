"""Two receivers, a loader and a pusher on one PostgreSQL, at once, each of them killed: nothing lost, nothing twice."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.store import open_store, reading
from pipelines.store_tables import inbox_events
from pipelines.writeback import ledger

HERE = Path(__file__).parent
RECEIVER = [sys.executable, "-c", "import pipelines.cli.receive; from pipelines.cli import main; main()", "receive"]
LOADER = [sys.executable, HERE / "loading_process.py"]
PUSHER = [sys.executable, HERE / "killable_push.py"]
CALLBACK = {"kind": "enrichment", "table_id": "t_icare_1", "enriched_at": "2026-09-02T08:00:00Z"}
SENDERS, LEADS = 4, 5
ONE_AT_A_TIME = {"canary_records": 1, "records_per_update": 1}

Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start_process(settings: Settings, postgres_url: str) -> Iterator[Start]:
    """A function that starts a process on the PostgreSQL store."""
    settings.store_url = postgres_url
    environment = os.environ | {
        "OUTREACH_DATA_DIR": str(settings.data_dir),
        "OUTREACH_STORE_URL": postgres_url,
        "OUTREACH_SECRETS_FILE": str(settings.data_dir / "none.toml"),
        "OUTREACH_RECEIVER__SMARTLEAD_SECRET": "smart-secret",
        "OUTREACH_RECEIVER__CLAY_SECRET": "clay-secret",
        "COLUMNS": "200",
    }
    for org, connection in settings.salesforce.items():
        prefix = f"OUTREACH_SALESFORCE__{org.upper()}__"
        environment |= {f"{prefix}{name.upper()}": value for name, value in signing_in(org, connection.login_url)}
    with ExitStack() as stack:

        def run(command: list[Any], *arguments: str) -> subprocess.Popen:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            process = stack.enter_context(subprocess.Popen([*command, *arguments], env=environment, text=True, **pipes))
            stack.callback(process.kill)
            return process

        yield run


def signing_in(org: str, url: str) -> list[tuple[str, str]]:
    return [("login_url", url), ("client_id", f"app-{org}"), ("client_secret", f"secret-{org}")]


def url_of(receiver: subprocess.Popen) -> str:
    found = re.search(r"http://\S+", receiver.stdout.readline())
    assert found
    return found.group()


def port_of(url: str) -> str:
    return url.rsplit(":", 1)[1].rstrip("/.")


def send(name: str, urls: list[str], is_enough: threading.Event) -> list[str]:
    """Events one after the other, each offered to the receivers in turn until one of them has stored it."""
    rows: list[str] = []
    receivers = cycle(urls)
    with httpx.Client(headers={"Authorization": "Bearer clay-secret"}, timeout=30) as client:
        while not is_enough.wait(0.05):
            rows.append(f"{name}-{len(rows)}")
            while not is_stored(client, next(receivers), rows[-1]):
                pass
    return rows


def is_stored(client: httpx.Client, url: str, row: str) -> bool:
    try:
        return client.post(f"{url}/clay/callback", json=CALLBACK | {"row_id": row}).is_success
    except httpx.TransportError:
        return False


def push(pusher: subprocess.Popen, **command: Any) -> int:
    pusher.stdin.write(json.dumps({"limits": ONE_AT_A_TIME, **command}) + "\n")
    pusher.stdin.flush()
    return json.loads(pusher.stdout.readline())["status"]


def kill(process: subprocess.Popen) -> None:
    process.kill()
    assert process.wait(20) == -signal.SIGKILL


def test_processes_that_share_a_store_and_are_killed_lose_nothing_and_double_nothing(
    world, settings: Settings, start_process: Start, publish, written
) -> None:
    found = world.icare.records("SELECT Id FROM Lead WHERE IsConverted = false AND external_hard_bounced__c = false")
    leads = sorted(one["Id"] for one in found)[:LEADS]
    publish(*({"org": "icare", "record_id": lead} for lead in leads))
    receivers = [start_process(RECEIVER, "--port", "0") for _ in range(2)]
    loader, pusher = start_process(LOADER), start_process(PUSHER)
    urls = [url_of(receiver) for receiver in receivers]
    loader.stdout.readline()
    is_enough = threading.Event()
    with ThreadPoolExecutor(SENDERS) as pool:
        sent = [pool.submit(send, f"s{number}", urls, is_enough) for number in range(SENDERS)]
        try:
            assert push(pusher, kill_at=7) == -signal.SIGKILL
            kill(receivers[0])
            kill(loader)
            loader = start_process(LOADER)
            receivers[0] = start_process(RECEIVER, "--port", port_of(urls[0]))
            assert push(pusher) == 0
            url_of(receivers[0])
            loader.stdout.readline()
        finally:
            is_enough.set()
        rows = sorted(row for one in sent for row in one.result())
    loader.send_signal(signal.SIGUSR1)
    assert loader.wait(120) == 0

    engine = open_store(settings)
    with reading(engine) as connection:
        stored = connection.execute(sa.select(inbox_events.c.event_id, inbox_events.c.body)).all()
    assert sorted(json.loads(one.body)["row_id"] for one in stored) == rows
    assert ledger.open_intents(engine) == []
    chain = ledger.verify(engine)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        events = warehouse.sql("select event_id, payload from raw_clay.callback_events").fetchall()
        entries = warehouse.sql("select entry_hash from raw_writeback.ledger_entries order by entry_id").fetchall()
    assert sorted(events) == sorted((one.event_id, one.body) for one in stored)
    assert entries == [(one["entry_hash"],) for one in ledger.entries(engine)]
    assert len(entries) == chain.entries
    assert sorted(lead for lead, _, _ in written() if lead in set(leads)) == leads
