"""The receiver under load: events a second, each on the disk before its answer, and how long the answers take.

The receiver runs as a process of its own, as ``outreach receive`` does, on the machine's cores together with the load.
It is compared with the least that could do the same: a bare ASGI endpoint that commits each event by itself.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import sqlalchemy as sa
from rich.table import Table

from benchmarks.measure import milliseconds
from pipelines.config import Settings
from pipelines.store import open_store, reading
from pipelines.store_tables import inbox_events

TARGET_PER_SECOND = 1_000
SECONDS = 20
CONNECTIONS = 64
SECRET = "benchmark"  # noqa: S105  of a receiver that lives for a minute
RECEIVER = "from pipelines.cli import main; main()"
BARE = """
import asyncio, gc, hashlib, socket, uvicorn
from pipelines.config import load_settings
from pipelines.inbox.events import InboxEvent, append
from pipelines.store import open_store
engine = open_store(load_settings())
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    event = InboxEvent("smartlead", "webhook", hashlib.sha256(body).hexdigest(), "EMAIL_REPLY", body.decode())
    await asyncio.to_thread(append, engine, [event])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
listener = socket.create_server(("127.0.0.1", 0))
gc.freeze()
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
"""


NAME = b"name-of-12-c"
REPLY = {
    "event_type": "EMAIL_REPLY",
    "campaign_id": 2710101,
    "stats_id": NAME.decode(),
    "event_timestamp": "2026-09-02T08:00:00+00:00",
    "sl_lead_email": f"lead-{NAME.decode()}@lead.example",
    "reply_message": {"message_id": f"<{NAME.decode()}@lead.example>", "html": "<p>Tell me more.</p>" * 40},
    "reply_body": "<p>Tell me more.</p>" * 40,
    "secret_key": SECRET,
}
BODY = json.dumps(REPLY).encode()
HEAD = "POST /smartlead/webhook HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\n"
REQUEST = HEAD.encode() + f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY  # made before the clock starts


@dataclass
class Load:
    """What a load measured."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    megabytes: tuple[float, float] = (0.0, 0.0)
    stored: int = 0

    @property
    def per_second(self) -> float:
        """Events acknowledged a second."""
        return len(self.latencies) / self.seconds


def receiving(_: int) -> Iterator[Table]:
    """One line for each load, and the ratio to the bare endpoint."""
    table = Table(title="Receiving webhooks, every event on the disk before its answer", title_justify="left")
    headings = ("load", "events/s", "p50 ms", "p99 ms", "CPU µs an event", "memory, early and late")
    for heading in (*headings, "times the bare endpoint"):
        table.add_column(heading, justify="right")
    bare = _measure(BARE, per_second=None)
    steady = _measure(RECEIVER, per_second=TARGET_PER_SECOND)
    full = _measure(RECEIVER, per_second=None)
    for title, load in (
        ("bare endpoint, a commit for each event", bare),
        (f"receiver, {TARGET_PER_SECOND:,} events/s offered", steady),
        (f"receiver, {CONNECTIONS} senders without pause", full),
    ):
        ratio = f"{load.per_second / bare.per_second:.1f}" if load is full else ""
        memory = " and ".join(f"{megabytes:,.0f} MB" for megabytes in load.megabytes)
        percentiles = [f"{milliseconds(load.latencies, percent):.1f}" for percent in (50, 99)]
        spent = f"{load.cpu_seconds / len(load.latencies) * 1e6:,.0f}"
        table.add_row(title, f"{load.per_second:,.0f}", *percentiles, spent, memory, ratio)
    yield table


def _measure(code: str, per_second: int | None) -> Load:
    with tempfile.TemporaryDirectory() as directory, _served(code, Path(directory)) as (process, port):
        load = asyncio.run(_offer(port, process, per_second))
        load.stored = _stored(Path(directory))
        if load.stored != len(load.latencies):
            raise RuntimeError(f"{len(load.latencies)} events were acknowledged, {load.stored} are stored.")
        return load


@contextmanager
def _served(code: str, directory: Path) -> Iterator[tuple[psutil.Process, int]]:
    environment = os.environ | {
        "PYTHONPATH": ".",
        "OUTREACH_DATA_DIR": str(directory),
        "OUTREACH_RECEIVER__SMARTLEAD_SECRET": SECRET,
        "OUTREACH_RECEIVER__CLAY_SECRET": SECRET,
        "COLUMNS": "200",
    }
    command = [sys.executable, "-c", code, "receive", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            if not found:
                raise RuntimeError("The receiver did not start.")
            yield psutil.Process(process.pid), int(found.group(1))
        finally:
            process.terminate()


async def _offer(port: int, process: psutil.Process, per_second: int | None) -> Load:
    load = Load()
    async with asyncio.timeout(SECONDS * 3):
        senders = [await _connected(port) for _ in range(CONNECTIONS)]
    gc.freeze()  # else the time of our own collector would count as the receiver's
    started_at, cpu_started_at = time.perf_counter(), _cpu_seconds(process)
    early = asyncio.create_task(_memory(process, SECONDS / 4))
    offered = [
        _send(streams, place, started_at, per_second and per_second / CONNECTIONS, load)
        for place, streams in enumerate(senders)
    ]
    await asyncio.gather(*offered)
    load.seconds = time.perf_counter() - started_at
    load.cpu_seconds = _cpu_seconds(process) - cpu_started_at
    load.megabytes = (await early, await _memory(process, 0))
    for _, writer in senders:
        writer.close()
    return load


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)


async def _send(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    place: int,
    started_at: float,
    per_second: float | None,
    load: Load,
) -> None:
    """One event after the other. At a fixed rate an answer's time counts from when its event was due."""
    reader, writer = streams
    number = 0
    while (now := time.perf_counter()) < started_at + SECONDS:
        due_at = now
        if per_second:
            due_at = started_at + (number + place / CONNECTIONS) / per_second
            await asyncio.sleep(max(0.0, due_at - now))
        writer.write(_request(f"{place}-{number}"))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length.group(1)) if length else 0)
        load.latencies.append(time.perf_counter() - due_at)
        number += 1


def _request(name: str) -> bytes:
    return REQUEST.replace(NAME, name.encode().rjust(len(NAME), b"0"))


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _memory(process: psutil.Process, after_seconds: float) -> float:
    await asyncio.sleep(after_seconds)
    return float(process.memory_info().rss) / 1e6


def _stored(directory: Path) -> int:
    engine = open_store(Settings(data_dir=directory))
    with reading(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(inbox_events)) or 0)
