"""The loader and the receiver against the sandbox's Smartlead: what the simulation knows is what landed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from rich.progress import Progress
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.config import Settings
from pipelines.config.running import Receiver
from pipelines.errors import DataError, ServiceError
from pipelines.inbox.receiver import receiver_app
from pipelines.smartlead.loader import load_smartlead
from pipelines.store import open_store
from sandbox.smartlead.app import SmartleadService
from sandbox.smartlead.state import open_database

CAMPAIGN = 2710101
LEADS = 140


def _counting(application: ASGIApp, calls: list[str]) -> ASGIApp:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            calls.append(scope["path"])
        await application(scope, receive, send)

    return counted


class Loop:
    """The double, our receiver, and the warehouse between them."""

    def __init__(self, directory: Path, serve: Callable[[ASGIApp], str]) -> None:
        self.directory = directory
        self.settings = Settings(data_dir=directory / "data")
        receiver = Receiver(smartlead_secret="webhook-secret", clay_secret="x")
        config: dict[str, Any] = {
            "api_key": "key",
            "seed": 7,
            "token": "control",
            "rate_limit": {"per_minute": 5_000, "per_two_seconds": 1_000},
            "receiver_url": serve(receiver_app(open_store(self.settings), receiver)),
            "receiver_secret": "webhook-secret",
        }
        service = SmartleadService(open_database(directory), config)
        service.register_webhooks()
        self.calls: list[str] = []
        self.url = serve(_counting(service.application(), self.calls))
        connection = {"base_url": f"{self.url}/api/v1", "api_key": "key", "requests_per_hour": 300_000}
        connection |= {"requests_per_minute": 5_000, "requests_per_two_seconds": 1_000}
        self.settings.smartlead = Settings(smartlead=connection).smartlead

    def control(self, action: str, **body: Any) -> Any:
        headers = {"X-Sandbox-Token": "control"}
        return httpx.post(f"{self.url}/_sandbox/{action}", json=body, headers=headers, timeout=120).json()

    def add_leads(self) -> None:
        leads = [
            {
                "email": f"person{number}@company{number % 30}.example",
                "first_name": f"P{number}",
                "custom_fields": {"org": "icare", "CampaignMemberId": f"00v{number}"},
            }
            for number in range(LEADS)
        ]
        path = f"{self.url}/api/v1/campaigns/{CAMPAIGN}/leads"
        httpx.post(path, params={"api_key": "key"}, json={"lead_list": leads}).raise_for_status()

    def load(self) -> None:
        with Progress(disable=True) as progress:
            load_smartlead(self.settings, progress)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse_path), read_only=True) as connection:
            connection.execute("set schema = 'raw_smartlead'; set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def truth(self, table: str) -> str:
        out = self.directory / "truth"
        self.control("truth", out=str(out))
        return f"read_parquet('{out / table}.parquet')"


@pytest.fixture
def loop(tmp_path: Path, serve: Callable[[ASGIApp], str]) -> Iterator[Loop]:
    (tmp_path / "data").mkdir()
    return Loop(tmp_path, serve)


def test_what_the_simulation_knows_has_landed_also_when_webhooks_were_lost(loop: Loop) -> None:
    loop.add_leads()
    loop.control("advance", days=4)
    loop.load()
    _the_calls_were_hardly_more_than_the_least(loop)
    loop.control("advance", days=8)  # replies to mails that were loaded before
    loop.load()
    _mails_have_landed(loop)
    _replies_have_landed(loop)
    _the_last_category_was_observed(loop)
    assert loop.query("select count(*) from webhook_events where parse_error is not null") == [(0,)]
    assert loop.query("select count(*) from webhook_events where payload like '%webhook-secret%'") == [(0,)]


def test_between_two_polls_only_what_webhooks_brought_is_loaded(loop: Loop) -> None:
    loop.add_leads()
    loop.settings.smartlead = loop.settings.require_smartlead().model_copy(update={"poll_after_minutes": 60})
    loop.load()
    loop.calls.clear()
    loop.control("advance", days=4)
    loop.load()
    assert loop.calls == []
    assert loop.query("select count(*) > 20 from webhook_events where channel = 'webhook'") == [(True,)]
    assert loop.query("select count(*) from messages where type = 'REPLY'") == [(0,)]


def _the_calls_were_hardly_more_than_the_least(loop: Loop) -> None:
    """Of the first load: every list in as few pages as its length allows, and everything else once."""
    whole = ("campaigns", "categories", *["sequences", "campaign_analytics"] * 7)
    pages = loop.query("select ceil(count(*) / 100) from email_accounts")
    for table, key, size in (
        ("campaign_leads", "campaign_lead_map_id", 100),
        ("email_statistics", "stats_id", 1_000),
        ("messages", "lead_id", 100),
    ):
        counted = f"select campaign_id, count(distinct {key}) as records from {table} group by all"
        pages += loop.query(
            f"select greatest(ceil(coalesce(records, 0) / {size}), 1)"
            f" from campaigns left join ({counted}) as counted on counted.campaign_id = campaigns.id"
        )
    least = len(whole) + int(sum(count for (count,) in pages))
    assert least <= len(loop.calls) <= 1.05 * least


def _mails_have_landed(loop: Loop) -> None:
    mails = loop.truth("smartlead_mails")
    landed = "select stats_id, lead_email, sequence_number, is_bounced, sent_time from email_statistics"
    known = f"select stats_id, email, step, is_bounced = 1, cast(sent_at as timestamptz) from {mails}"
    assert _difference(loop, landed, known) == []
    assert loop.query("select count(*) > 200, count(*) filter (is_bounced) > 0 from email_statistics") == [(True, True)]


def _replies_have_landed(loop: Loop) -> None:
    replies = loop.truth("smartlead_replies")
    landed = "select message_id, lead_email, stats_id, message_time from messages where type = 'REPLY'"
    known = f"select message_id, email, stats_id, cast(replied_at as timestamptz) from {replies}"
    assert _difference(loop, landed, known) == []
    ((by_webhook,),) = loop.query("select count(distinct payload ->> '$.reply_message.message_id') from webhook_events")
    ((by_poll,),) = loop.query("select count(*) from messages where type = 'REPLY'")
    assert 0 < by_webhook <= by_poll


def _the_last_category_was_observed(loop: Loop) -> None:
    observed = """
        select payload ->> '$.lead_email' as email, cast(payload ->> '$.new_category_id' as int) as category
        from webhook_events where event_type = 'LEAD_CATEGORY_OBSERVED'
        qualify row_number() over (partition by email order by event_id desc) = 1"""
    known = f"""
        select email, new_id from {loop.truth("smartlead_category_changes")}
        qualify row_number() over (partition by email order by "at" desc) = 1"""
    assert _difference(loop, observed, known) == []
    assert loop.query(f"select count(*) > 5 from ({observed})") == [(True,)]


def _difference(loop: Loop, landed: str, known: str) -> list[tuple[Any, ...]]:
    return loop.query(f"(({landed}) except all ({known})) union all (({known}) except all ({landed}))")


def test_busy_and_broken_answers_and_passwords(loop: Loop) -> None:
    loop.add_leads()
    loop.control("faults", kind="html_page", path="/statistics$", times=1, status=403)
    with pytest.raises(ServiceError, match=r"403 .* an HTML page"):
        loop.load()
    loop.control("faults", kind="malformed_page", path="/leads-statistics$", times=1)
    with pytest.raises((ServiceError, DataError), match="leads-statistics"):
        loop.load()
    loop.control("faults", kind="status", path="/leads$", times=1, status=429, headers={"Retry-After": "0"})
    loop.load()
    assert loop.query("select count(*) from campaign_leads") == [(LEADS,)]

    answer = httpx.get(f"{loop.url}/api/v1/email-accounts/", params={"api_key": "key"}).json()
    passwords = [account[name] for account in answer for name in ("password", "imap_password")]
    assert passwords
    for path in filter(Path.is_file, loop.settings.data_dir.rglob("*")):
        content = path.read_bytes()
        assert not [password for password in passwords if password.encode() in content], path
    assert json.loads(loop.query("select campaign_ids from email_accounts")[0][0])


def test_pages_that_shift_while_they_are_read_lose_nothing(loop: Loop) -> None:
    loop.add_leads()
    loop.control("faults", kind="shift", path="/leads$", times=1)
    loop.load()
    landed = loop.query("select email, count(*) from campaign_leads group by all having count(*) = 1 order by 1")
    kept = sorted(f"person{number}@company{number % 30}.example" for number in range(LEADS - 1))
    assert {email for email, _ in landed} >= set(kept)  # the one that left may be there: it was read before
    assert loop.query("select count(*) - count(distinct campaign_lead_map_id) from campaign_leads") == [(0,)]
