"""A published mart and a small Clay to export it to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.config import Settings
from pipelines.salesforce.ids import to_18

WORLD = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
HEADERS = {"Date": format_datetime(WORLD, usegmt=True)}
CAMPAIGN = to_18("701Ic0AAAAAAAAB")
MAP = f"""org,campaign_id,campaign_name,clay_table_id,smartlead_campaign_id
icare,{CAMPAIGN},AI Outreach DACH Q4,t_icare_3,2710103
core,{to_18("701Co0AAAAAAAAC")},AI Outreach Iberia Q4,t_core_2,2710202
icare,{to_18("701Ic0AAAAAAAAD")},Same Name,t_icare_4,2710104
core,{to_18("701Co0AAAAAAAAD")},Same Name,t_core_3,2710203
"""
GATES = (
    "org text, campaign_id text, gate text, verdict text, measured_value double, threshold double, owner text,"
    " evidence text, is_required_before_export boolean, is_required_before_launch boolean,"
    " sign_off_by text"
)
MEMBERS = (
    "org text, campaign_member_id text, campaign_id text, lead_id text, email text, first_name text, last_name text,"
    " company text, title text, country text, email_domain text, is_exportable boolean"
)


def member_id(number: int) -> str:
    return to_18(f"00vIc0AAAAAA{number:03d}")


def lead_id(number: int) -> str:
    return to_18(f"00QIc0AAAAAA{number:03d}")


class FakeClay:
    """One webhook source and the query of its table; ``misbehave`` decides how the next requests end."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.misbehave: list[str] = []
        self.tokens: list[str | None] = []
        self.sources: list[str] = []
        self.most_rows = 50_000
        self.app = Starlette(
            routes=[
                Route("/v3/sources/webhook/{table}", self.receive, methods=["POST"]),
                Route("/public/v0/tables/query", self.query, methods=["POST"]),
            ]
        )

    async def receive(self, request: Request) -> Response:
        self.tokens.append(request.headers.get("x-clay-webhook-auth"))
        self.sources.append(request.path_params["table"])
        what = self.misbehave.pop(0) if self.misbehave else "accept"
        if what.isdigit():
            return JSONResponse({"message": "no"}, int(what), {"Retry-After": "0"} | HEADERS)
        if what not in {"lose before", "forget"} and len(self.rows) < self.most_rows:
            self.rows.append(await request.json())
        if what.startswith("lose"):
            return StreamingResponse(_broken())
        return JSONResponse({"success": True}, headers=HEADERS)

    async def query(self, _: Request) -> Response:
        cells = [
            {name: {"status": "success", "value": value} for name, value in (row | {"id": str(number)}).items()}
            for number, row in enumerate(self.rows)
        ]
        return JSONResponse({"data": cells}, headers=HEADERS)

    def members(self) -> list[str]:
        return [row["CampaignMemberId"] for row in self.rows]


async def _broken() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionResetError


class World:
    """A published mart with five exportable members and three others."""

    def __init__(self, directory: Path, url: str, clay: FakeClay) -> None:
        self.clay = clay
        self.directory = directory
        self.url = url
        (directory / "project" / "seeds").mkdir(parents=True)
        (directory / "project" / "seeds" / "campaign_map.csv").write_text(MAP)
        self.publish()

    def settings(self, api_key: str | None = "clay-key", webhook: str | None = None) -> Settings:
        url = webhook or f"{self.url}/v3/sources/webhook/t_icare_3"
        clay = {
            "base_url": self.url,
            "api_key": api_key,
            "tables": {"t_icare_3": {"webhook_url": url, "webhook_token": "table-token"}},
        }
        return Settings(project_dir=self.directory / "project", data_dir=self.directory / "data", clay=clay)

    def publish(
        self, gates: dict[str, str] | None = None, signed: dict[str, str] | None = None, measured: float = 3
    ) -> None:
        published = self.directory / "data" / "published"
        published.mkdir(parents=True, exist_ok=True)
        file = published / f"marts_{len(list(published.iterdir()))}.duckdb"
        verdicts = {"legal approval valid": "pass", "all members eligible": "pass"} if gates is None else gates
        with duckdb.connect(str(file)) as marts:
            marts.execute("create schema marts; set schema = 'marts'")
            marts.execute(f"create table fct_campaign_gates ({GATES})")
            marts.execute(f"create table dim_campaign_members ({MEMBERS})")
            for gate, verdict in (verdicts | {"enrichment quality confirmed": "unknown"}).items():
                row = [
                    "icare",
                    CAMPAIGN,
                    gate,
                    verdict,
                    measured,
                    0,
                    "DPO",
                    "seed",
                    not gate.startswith("enrichment"),
                    True,
                ]
                row.append((signed or {}).get(gate))
                marts.execute(f"insert into fct_campaign_gates values ({', '.join('?' * len(row))})", row)
            for number in range(5):
                self._member(marts, member_id(number), lead_id(number), exportable=True)
            self._member(marts, member_id(5), lead_id(5), exportable=False)
            self._member(marts, member_id(6), None, exportable=True)
            self._member(marts, member_id(0), lead_id(0), exportable=True, campaign="another")
        pointer = {"build_id": "b", "file": file.name, "built_at": WORLD.isoformat(), "as_of_at": WORLD.isoformat()}
        (published / "current.json").write_text(json.dumps(pointer))

    def _member(self, marts: Any, member: str, lead: str | None, *, exportable: bool, campaign: str = CAMPAIGN) -> None:
        person = ["ann@lead.example", "Ann", "Lee", "Acme", "CTO", "Austria", "lead.example"]
        row = ["icare", member, campaign, lead, *person, exportable]
        marts.execute(f"insert into dim_campaign_members values ({', '.join('?' * len(row))})", row)


@pytest.fixture
def world(serve: Callable[[ASGIApp], str], tmp_path: Path) -> World:
    clay = FakeClay()
    return World(tmp_path, serve(clay.app), clay)
