"""`outreach receive` as a process: it survives a kill, ends orderly, and guards its address."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.store import open_store, reading
from pipelines.store_tables import inbox_events

CALLBACK = {"kind": "enrichment", "table_id": "t_icare_1", "enriched_at": "2026-09-02T08:00:00Z"}
CLAY_HEADERS = {"Authorization": "Bearer clay-secret"}


class Process:
    """`outreach receive` as a process of its own."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        environment = os.environ | {
            "OUTREACH_DATA_DIR": str(directory),
            "OUTREACH_RECEIVER__SMARTLEAD_SECRET": "smart-secret",
            "OUTREACH_RECEIVER__CLAY_SECRET": "clay-secret",
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


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_acknowledged_under_load_survives_the_end(
    start: Callable[..., Process], tmp_path: Path, how: signal.Signals
) -> None:
    receiver = start("--port", "0")
    url = _ready(receiver.url())
    acknowledged: list[str] = []
    senders = [threading.Thread(target=_send, args=(url, f"s{number}", acknowledged)) for number in range(8)]
    for sender in senders:
        sender.start()
    while len(acknowledged) < 100:
        assert receiver.process.poll() is None
    assert receiver.end(how) == (0 if how == signal.SIGTERM else -signal.SIGKILL)
    for sender in senders:
        sender.join(20)
    engine = open_store(Settings(data_dir=tmp_path))
    with reading(engine) as connection:
        stored = [json.loads(body)["row_id"] for body in connection.scalars(sa.select(inbox_events.c.body))]
    assert set(acknowledged) <= set(stored)
    assert len(set(stored)) == len(stored)


def _send(url: str, name: str, acknowledged: list[str]) -> None:
    """One event after the other, until nobody answers."""
    with httpx.Client(base_url=url, headers=CLAY_HEADERS) as client:
        for number in range(100_000):
            try:
                answer = client.post("/clay/callback", json=CALLBACK | {"row_id": f"{name}-{number}"})
            except httpx.TransportError:
                return
            if answer.is_success:
                acknowledged.append(f"{name}-{number}")


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
