"""Pushing: calls made against the least possible, time against latency, the ledger's share, and another tool's push.

Two services answer: one that does the least that a push needs (``bare_salesforce``), with a latency of our choice, and
the double of the sandbox, which behaves like Salesforce and takes most of the time itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil
from pathlib import Path
from unittest import mock

import httpx
from rich.table import Table

from benchmarks.measure import milliseconds, run, table
from benchmarks.salesforce import PEERS, with_packages
from benchmarks.salesforce_double import ORG, Double, serving
from pipelines.config import Settings
from pipelines.config.running import Push
from pipelines.config.services import SalesforceOrg
from pipelines.salesforce.client import SalesforceClient, connect
from pipelines.salesforce.ids import to_18
from pipelines.salesforce.orgs import FieldNames
from pipelines.store import open_store
from pipelines.writeback.allowlist import read_allowlist
from pipelines.writeback.brake import Brake, StopOrder
from pipelines.writeback.current import OrgReader
from pipelines.writeback.journal import PushResult
from pipelines.writeback.plan import Change, Plan, Rules
from pipelines.writeback.policy import Outcome
from pipelines.writeback.push import Pusher

LATENCY_SECONDS = 0.1
NO_BULK = Push(bulk_from_records=10**9)
CHANGES_FOR_THE_LEDGER = 4_000
CHANGES_FOR_PEERS = 20_000
MEMBERS_PER_CAMPAIGN = 500
HARD_BOUNCED, CLASSIFICATION = "external_hard_bounced__c", "ReplyClassification__c"


@dataclass(frozen=True)
class Took:
    """What a push took: seconds, and seconds of our own CPU time."""

    seconds: float
    cpu_seconds: float
    result: PushResult


def pushing(changes: int) -> Iterator[Table]:
    """Calls and time for both kinds of field, then what the ledger adds."""
    yield _over_latency(changes)
    yield _with_and_without_ledger(min(changes, CHANGES_FOR_THE_LEDGER))


def peers(changes: int) -> Iterator[Table]:
    """Leads marked as bounced by drt and by us, all through Bulk, one after the other on one double."""
    count = min(changes, CHANGES_FOR_PEERS)
    figures = table(f"{count:,} leads marked through Bulk", "tool", "seconds", "leads/s", "double's CPU", "own CPU")
    with tempfile.TemporaryDirectory() as name, serving(Path(name), 4 * count) as double, _client(double.url) as client:
        ids = _free_leads(client, 3 * count)
        for tool, push in (
            ("drt as it comes, sends only", lambda ids: _push_with_drt(double, ids)),
            ("drt asking every second, sends only", lambda ids: _push_with_drt(double, ids, "1")),
            ("outreach: reads, decides, canary, ledger", lambda ids: _push_with_bulk(client, ids)),
        ):
            before = double.cpu_seconds()
            seconds, own_cpu = push([ids.pop() for _ in range(count)])
            double_cpu = double.cpu_seconds() - before
            figures.add_row(tool, f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{double_cpu:.1f}", f"{own_cpu:.1f}")
    yield figures


def _push_with_drt(double: Double, ids: Sequence[str], poll_seconds: str = "") -> tuple[float, float]:
    """Seconds, and seconds of its own CPU time."""
    records = double.directory / "records.json"
    records.write_text(json.dumps([{"Id": one, HARD_BOUNCED: "true"} for one in ids]))
    drt = [*with_packages("drt_push"), "python", str(PEERS / "drt_push.py")]
    run([*drt, "--help"])  # installs it, before the clock starts
    took = json.loads(run([*drt, double.url, ORG, str(records), poll_seconds]).output.splitlines()[-1])
    if took["applied"] != len(ids):
        raise RuntimeError(f"drt has applied {took['applied']} of {len(ids)} changes")
    return took["seconds"], took["cpu_seconds"]


def _push_with_bulk(client: SalesforceClient, ids: Sequence[str]) -> tuple[float, float]:
    took = _push(client, _bounces(ids), Push(bulk_from_records=1))
    return took.seconds, took.cpu_seconds


def push_bounces(count: int) -> None:
    """Mark so many leads by ordinary updates, at a service that answers at once."""
    with _bare(0) as url, _client(url) as client:
        _push(client, _bounces(_ids("00Q", count)), NO_BULK)


def _over_latency(changes: int) -> Table:
    at_once = NO_BULK.requests_at_once
    figures = table(
        f"{changes:,} changes by ordinary updates, {LATENCY_SECONDS * 1000:.0f} ms a call, {at_once} at once",
        "fields",
        "calls",
        "least",
        "seconds",
        "times the least",
        "read to update, median",
        "99%",
        "own CPU",
        "service's CPU",
    )
    reads = {HARD_BOUNCED: ceil(changes / 2_000), CLASSIFICATION: ceil(changes / 200)}
    for field, plan in ((HARD_BOUNCED, _bounces(_ids("00Q", changes))), (CLASSIFICATION, _classified(changes))):
        least = reads[field] + ceil(changes / 200)
        with _bare(LATENCY_SECONDS) as url, _client(url) as client:
            took = _push(client, plan, NO_BULK)
            seen = httpx.get(f"{url}/_seen").json()
        calls = sum(count for call, count in seen["calls"].items() if "composite" in call)
        figures.add_row(
            f"{plan[0].object}, {plan[0].policy}",
            f"{calls:,}",
            f"{least:,} + 4",  # the canary: its update, two readings of whole records, and a reading if it is guarded
            f"{took.seconds:.1f}",
            f"{took.seconds / (LATENCY_SECONDS * least / at_once):.2f}",
            *_race(seen["gaps"] if field == CLASSIFICATION else []),
            f"{took.cpu_seconds:.1f}",
            f"{seen['cpu_seconds']:.1f}",
        )
    return figures


def _race(gaps: Sequence[float]) -> tuple[str, str]:
    """How long after its reading a guarded field was updated: the median, and what one in a hundred exceeds."""
    if not gaps:
        return "", ""
    return f"{milliseconds(gaps, 50):.0f} ms", f"{milliseconds(gaps, 99):.0f} ms"


def _with_and_without_ledger(changes: int) -> Table:
    figures = table(
        f"What the ledger adds to {changes:,} changes without latency", "service", "with", "without", "adds", "CPU adds"
    )
    with (
        tempfile.TemporaryDirectory() as name,
        serving(Path(name), 4 * changes) as double,
        _client(double.url) as client,
    ):
        _add_ledger_row(figures, "the sandbox's double", client, _free_leads(client, 2 * changes))
    with _bare(0) as url, _client(url) as client:
        _add_ledger_row(figures, "the least that answers", client, _ids("00Q", 2 * changes))
    return figures


def _add_ledger_row(figures: Table, service: str, client: SalesforceClient, ids: Sequence[str]) -> None:
    """Push with and without a ledger by turns, so that what else the machine does meets both."""
    seconds, cpu = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    size = len(ids) // 8
    for number in range(8):
        has_ledger = number % 2 == 0
        plan = _bounces(ids[number * size : (number + 1) * size])
        with nullcontext() if has_ledger else mock.patch("pipelines.writeback.ledger.append", lambda *_: None):
            took = _push(client, plan, NO_BULK)
        seconds[has_ledger] += took.seconds
        cpu[has_ledger] += took.cpu_seconds
    figures.add_row(
        service,
        f"{seconds[True]:.1f} s",
        f"{seconds[False]:.1f} s",
        f"{seconds[True] / seconds[False] - 1:.0%}",
        f"{cpu[True] / cpu[False] - 1:.0%}",
    )


def _push(client: SalesforceClient, changes: list[Change], limits: Push) -> Took:
    """Push changes with a new ledger.

    Raises:
        RuntimeError: not all of them were applied.
    """
    allowlist = read_allowlist(Path())
    plan = Plan("benchmark", allowlist.hash, {}, "", "", "benchmark", None, {}, changes, [])
    _ = plan.plan_id, client.organization_id  # known when a push begins: it checks both against the plan
    with tempfile.TemporaryDirectory() as name:
        pusher = Pusher(
            open_store(Settings(data_dir=Path(name))),
            Rules(allowlist, [], date(2026, 9, 1)),
            {ORG: OrgReader(client, FieldNames(ORG, {}))},
            Brake(limits, StopOrder(Path(name) / "stop")),
            limits=limits,
            clock=lambda: datetime.now(UTC),
        )
        started_at, cpu_before = time.monotonic(), time.process_time()
        result = pusher.push(plan)
        took = Took(time.monotonic() - started_at, time.process_time() - cpu_before, result)
    if result.count(Outcome.APPLIED) != len(changes):
        raise RuntimeError(f"not all changes were applied: {result.counts()}, {result.stopped_by}")
    return took


def _bounces(lead_ids: Sequence[str]) -> list[Change]:
    return [_change("Lead", one, HARD_BOUNCED, "true_only", False, "true", None) for one in lead_ids]


def _classified(count: int) -> list[Change]:
    ids = _ids("00v", count)
    campaigns = _ids("701", ceil(count / MEMBERS_PER_CAMPAIGN))
    return [
        _change(
            "CampaignMember",
            one,
            CLASSIFICATION,
            "latest_wins",
            None,
            "Positive",
            campaigns[place // MEMBERS_PER_CAMPAIGN],
        )
        for place, one in enumerate(ids)
    ]


def _change(
    sobject: str, record_id: str, field: str, policy: str, before: bool | None, after: str, campaign_id: str | None
) -> Change:
    key = f"{ORG}|{sobject}|{record_id}|{field}"
    evidence = "smartlead mail 1234567890"
    return Change(key, ORG, sobject, record_id, field, before, after, policy, "why", evidence, campaign_id, None)


def _ids(prefix: str, count: int) -> list[str]:
    return [to_18(f"{prefix}Ic0aaa{number:06d}") for number in range(count)]


def _free_leads(client: SalesforceClient, count: int) -> list[str]:
    soql = f"SELECT Id FROM Lead WHERE IsConverted = false AND {HARD_BOUNCED} = false ORDER BY Id LIMIT {count}"
    ids = [one["Id"] for page in client.query(soql) for one in page]
    if len(ids) < count:
        raise RuntimeError(f"the world has only {len(ids)} leads to write to")
    return ids


def _client(url: str) -> SalesforceClient:
    return connect(ORG, SalesforceOrg(login_url=url, client_id=f"app-{ORG}", client_secret=f"secret-{ORG}"))


@contextmanager
def _bare(latency: float) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.bare_salesforce", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own service
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()
