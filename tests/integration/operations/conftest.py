"""A real SMTP server, a webhook, and published marts made by hand."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.config import Settings
from pipelines.store import open_store

FOLLOW_UP = {
    "org": "icare",
    "campaign_member_id": "00vIc0AAAAAAAAAIAA",
    "lead_id": "00QIc0AAAAAAAAAIAA",
    "campaign_name": "AI Outreach DACH Q4",
    "owner_email": "rita@corp.example",
    "is_waiting": True,
}


@dataclass
class Post:
    """The mails that an SMTP server took, and what it answers instead if it does not want them."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answer: str | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.answer:
            return self.answer
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    def subjects(self) -> list[str]:
        return [mail["Subject"] for mail in self.mails]


def sign_in(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and data.password == b"hunter2"
    return AuthResult(success=is_right, handled=False)


def free_port() -> int:
    """A port that nobody listens on; the controllers want to know theirs before they start."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def smtp_server() -> Iterator[Post]:
    post = Post(free_port())
    controller = Controller(post, "127.0.0.1", post.port, authenticator=sign_in, auth_require_tls=False)
    controller.start()
    yield post
    controller.stop()


@pytest.fixture
def post(smtp_server: Post) -> Post:
    smtp_server.mails, smtp_server.answer = [], None
    return smtp_server


@dataclass
class Hook:
    """A webhook and what it was sent."""

    url: str = ""
    calls: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    status: int = 200

    async def receive(self, request: Request) -> Response:
        self.calls.append((await request.json(), request.headers["idempotency-key"]))
        return Response(status_code=self.status)


@pytest.fixture
def hook(serve: Callable[[ASGIApp], str]) -> Hook:
    hook = Hook()
    hook.url = serve(Starlette(routes=[Route("/hook/{secret}", hook.receive, methods=["POST"])])) + "/hook/topsecret"
    return hook


@pytest.fixture
def settings(post: Post, hook: Hook, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "mail": {"host": "127.0.0.1", "port": post.port, "security": "none", "sender": "outreach@corp.example"},
            "alerts": {"email_to": ["ops@corp.example"], "webhook_url": hook.url},
            "notices": {"email_owner": True},
            "salesforce": {"icare": {"login_url": "https://icare.my.salesforce.com", "client_id": "x"}},
        }
    )


@pytest.fixture
def engine(settings: Settings) -> sa.Engine:
    return open_store(settings)


@pytest.fixture
def publish(settings: Settings) -> Callable[..., None]:
    """A function that publishes positive replies, with times in hours from now, and when each source was read."""

    def publish_marts(*replies: dict[str, Any], sources: dict[str, float] | None = None) -> None:
        now = datetime.now(UTC)
        settings.published_dir.mkdir(parents=True, exist_ok=True)
        file = settings.published_dir / f"marts_{len(list(settings.published_dir.iterdir()))}.duckdb"
        with duckdb.connect(str(file)) as marts:
            marts.execute("create schema marts; set schema = 'marts'")
            marts.execute(
                "create table fct_sales_follow_up (org text, campaign_member_id text, lead_id text, campaign_name text,"
                " owner_email text, is_waiting boolean, replied_at timestamp, sla_due_at timestamp)"
            )
            for reply in replies:
                row = FOLLOW_UP | {"replied_at": -1.0, "sla_due_at": 8.0} | reply
                times = [_at(now, row.pop(name)) for name in ("replied_at", "sla_due_at")]
                values = [*(row[name] for name in FOLLOW_UP), *times]
                marts.execute("insert into fct_sales_follow_up values (?, ?, ?, ?, ?, ?, ?, ?)", values)
            marts.execute("create table fct_source_freshness (dataset text, read_at timestamp)")
            for dataset, hours in (sources or {"smartlead": 0.0}).items():
                marts.execute("insert into fct_source_freshness values (?, ?)", [dataset, _at(now, -hours)])
            marts.execute("create table fct_unmatched_events as from range(3)")
            marts.execute("create table fct_sync_errors as from range(2)")
        pointer = {"build_id": "b1", "file": file.name, "built_at": now.isoformat(), "as_of_at": now.isoformat()}
        (settings.published_dir / "current.json").write_text(json.dumps(pointer))

    return publish_marts


def _at(now: datetime, hours: float | None) -> datetime | None:
    return None if hours is None else (now + timedelta(hours=hours)).replace(tzinfo=None)
