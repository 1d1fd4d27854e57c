"""``outreach doctor``: this machine, the stores and the services, from well to broken."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.campaign_map import read_campaign_map
from pipelines.clay.lookups.asked import Asked, Lookup
from pipelines.cli import doctor as doctor_command
from pipelines.cli import main
from pipelines.config import Settings
from pipelines.config.services import ClayLookups
from pipelines.doctor import machine
from pipelines.doctor.check import Check, Verdict
from pipelines.doctor.machine import check_machine
from pipelines.doctor.services import check_services
from pipelines.doctor.stores import check_stores
from pipelines.raw_parquet import land_parquet
from pipelines.store import open_store
from pipelines.warehouse import warehouse_lock

TABLES = {campaign.clay_table_id: {"webhook_url": "https://clay.example/x"} for campaign in read_campaign_map(Path())}


def verdicts(checks: list[Check]) -> dict[str, str]:
    return {check.requirement: str(check.verdict) for check in checks}


def not_passed(checks: list[Check]) -> dict[str, tuple[str, str | None]]:
    return {check.requirement: (check.found, check.next_step) for check in checks if check.verdict != "pass"}


class Service:
    """Smartlead, Clay and the receiver in one; how it answers is the test's."""

    def __init__(self) -> None:
        self.status = 200
        self.ahead = timedelta()

    async def answer(self, request: Request) -> Response:
        headers = {"Date": format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)}
        body: Any = [] if request.url.path == "/campaigns/" else {"data": [], "status": "ok"}
        return JSONResponse(body, self.status, headers)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def settings(service: Service, serve: Callable[[ASGIApp], str], tmp_path: Path) -> Settings:
    url = serve(Starlette(routes=[Route("/{path:path}", service.answer, methods=["GET", "POST"])]))
    return Settings.model_validate(
        {
            "data_dir": tmp_path / "data",
            "smartlead": {"base_url": url, "api_key": "sm-key"},
            "clay": {"base_url": url, "api_key": "clay-key", "tables": TABLES},
            "receiver": {"port": int(url.rsplit(":", 1)[1]), "smartlead_secret": "s", "clay_secret": "c"},
            "alerts": {"webhook_url": "https://chat.example/topsecret"},
        }
    )


def test_services_that_are_well_pass(settings: Settings) -> None:
    assert set(not_passed(check_services(settings))) == {"The SMTP server takes our credentials"}  # none is configured


def test_lookups_are_looked_at_only_if_they_are_configured_and_ask_for_nobody(
    settings: Settings, service: Service
) -> None:
    line = "Lookups: it takes our key, and has them where we ask"
    assert line not in verdicts(check_services(settings))
    clay = settings.clay
    assert clay is not None
    clay.lookups = ClayLookups(api_key="enterprise-key", credit_budget=10)
    found, next_step = not_passed(check_services(settings))[line]
    assert "0 of 10 credits of this month" in found
    assert "--most 1" in (next_step or "")
    asked = Asked(open_store(settings), clay.lookups)
    for lookup in (Lookup("person", "ann@acme.example"), Lookup("company", "acme.example")):
        lookup_id = asked.intend(lookup)
        asked.settle(lookup_id, lookup.key, "found", {}, credits=3, http_status=200, at=datetime.now(UTC))
    assert verdicts(check_services(settings))[line] == "pass"
    service.status = 403
    assert verdicts(check_services(settings))[line] == "fail"
    assert asked.budget().spent == 6


def test_a_service_that_refuses_the_key_fails_without_showing_it(settings: Settings, service: Service) -> None:
    service.status = 401
    found = check_services(settings)
    assert [check.verdict for check in found].count("fail") == 3  # the receiver too answers 401
    assert "sm-key" not in str(found)
    assert "topsecret" not in str(found)


def test_a_clock_that_is_off_fails(settings: Settings, service: Service) -> None:
    service.ahead = timedelta(minutes=5)
    clocks = [check for check in check_services(settings) if "clock" in check.requirement]
    assert [(check.subject, check.verdict) for check in clocks] == [("smartlead", "fail"), ("clay", "fail")]
    assert clocks[0].found in {"299 seconds apart", "300 seconds apart"}


def test_what_is_not_configured_or_away_says_how_to_set_it(tmp_path: Path) -> None:
    nothing = Settings.model_validate(
        {
            "data_dir": tmp_path,
            "receiver": {"port": 1, "smartlead_secret": "s", "clay_secret": "c"},
            "clay": {"tables": {}},
            "mail": {"host": "127.0.0.1", "port": 1, "sender": "a@b"},
        }
    )
    checks = check_services(nothing)
    steps = {(check.subject, check.requirement): check.next_step or "" for check in checks if check.verdict == "fail"}
    assert "OUTREACH_SMARTLEAD__API_KEY" in steps["smartlead", "It can be reached and takes our key"]
    assert "webhook_url" in steps["clay", "Every table of the campaign map has its webhook"]
    assert "outreach receive" in steps["receiver", "It listens where it is configured"]
    assert "[mail]" in steps["alerts", "The SMTP server takes our credentials"]
    assert verdicts(checks)["It can be reached and takes our key"] == "cannot tell"  # Clay, without an API key


def test_a_fresh_installation_cannot_tell_what_is_not_there_yet(settings: Settings) -> None:
    assert verdicts(check_stores(settings)) == {
        "The operational store can be opened and written": "pass",
        "The ledger has all that it had": "pass",
        "The warehouse file can be opened by this DuckDB": "cannot tell",
        "Marts are published, and not older than a day": "cannot tell",
        "Pushes are allowed": "pass",
    }


def test_where_raw_tables_are_to_land_is_looked_at_only_if_it_is_configured(settings: Settings) -> None:
    landed = "The raw tables have landed as parquet"
    assert landed not in verdicts(check_stores(settings))
    settings.raw_url = str(settings.data_dir / "raw")
    assert verdicts(check_stores(settings))[landed] == "cannot tell"
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema raw_a; create table raw_a.one as select 1 as id")
    land_parquet(settings)
    assert verdicts(check_stores(settings))[landed] == "pass"
    settings.warehouse_path.with_suffix(".id").write_text("another")
    found, _ = not_passed(check_stores(settings))[landed]
    assert found.startswith("Another warehouse lands its raw tables in")
    settings.raw_url = "nowhere://raw"
    assert verdicts(check_stores(settings))[landed] == "fail"


def test_stores_that_are_broken_or_stopped_fail(settings: Settings) -> None:
    open_store(settings).dispose()
    settings.warehouse_path.write_bytes(b"no database" * 1000)
    (settings.data_dir / "operational_store.sqlite").write_bytes(b"no database" * 1000)
    (settings.data_dir / "push.stop").write_text("Ann")
    broken = {check.requirement: check for check in check_stores(settings) if check.verdict == "fail"}
    assert len(broken) == 3
    assert broken["Pushes are allowed"].found == "stopped by Ann"
    assert "backup" in (broken["The operational store can be opened and written"].next_step or "")


def test_a_warehouse_that_is_being_written_is_left_alone(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.warehouse_path.touch()
    with warehouse_lock(settings.warehouse_path, "build"):
        found, next_step = not_passed(check_stores(settings))["The warehouse file can be opened by this DuckDB"]
    assert "'build'" in found
    assert next_step == "Look again when that has finished."


def test_the_machine_is_well_until_it_is_not(settings: Settings, tmp_path: Path, monkeypatch) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.touch(0o600)
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(secrets))
    assert not_passed(check_machine(settings)) == {}
    secrets.chmod(0o644)
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(machine.metadata, "version", lambda _: "2.0.0")
    (tmp_path / "in_the_way").touch()
    moved = settings.model_copy(update={"project_dir": tmp_path, "data_dir": tmp_path / "in_the_way" / "data"})
    failed = not_passed(check_machine(moved))
    assert set(failed) == {
        "duckdb is installed in a version that we support",
        "dbt-core is installed in a version that we support",
        "dlt is installed in a version that we support",
        "dbt-duckdb is installed in a version that we support",
        "The project's files are here",
        "The data directory can be written",
        "There is space for the next build",
        "Nobody else can read the secrets file",
    }
    assert failed["Nobody else can read the secrets file"][1] == f"chmod 600 {secrets}"


def test_the_command_checks_all_of_it_and_ends_with_3(monkeypatch, tmp_path: Path, capsys) -> None:
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(tmp_path / "none.toml"))
    alerts = Check("alerts", "Somebody gets alerts", Verdict.FAIL, "nobody does", "Set [alerts].")
    monkeypatch.setattr(doctor_command, "check_services", lambda _: [alerts])
    for form in (["--json"], []):
        monkeypatch.setattr(sys, "argv", ["outreach", "doctor", *form])
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == 3
        shown = capsys.readouterr().out
        if form:
            assert {line["subject"] for line in json.loads(shown)} == {
                "this machine",
                "stores",
                "icare",
                "core",
                "alerts",
            }
        else:
            assert "[alerts]" in shown  # what looks like markup is shown
