"""Limits, clocks, silence and chaos: the loader says what is wrong, and the next load makes everything good."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import httpx
import pytest

from pipelines.config import Settings
from pipelines.config.services import SalesforceOrg
from pipelines.errors import ConfigurationError, OutreachError, PartialFailureError, ServiceError
from pipelines.http import patience, service
from pipelines.salesforce import auth
from pipelines.salesforce.loader import load_salesforce
from pipelines.salesforce.objects import OBJECTS
from sandbox.salesforce.certificates import PRIVATE_KEY_FILE, PUBLIC_KEY_FILE, make_key_pair

Rows = Callable[[str], list[tuple[Any, ...]]]


def contents(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every record of the org as it is in the warehouse."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        return {
            one.table: warehouse.execute(f"select * from raw_salesforce_icare.{one.table} order by Id").fetchall()
            for one in OBJECTS
        }


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between attempts are short, and so is the patience with a silent service."""
    monkeypatch.setattr(service, "TIMEOUT", httpx.Timeout(0.5))
    monkeypatch.setattr(patience, "_backoff", lambda _: 0.01)


@pytest.fixture
def expected(world: Any, settings: Settings, tmp_path: Path) -> Callable[[], dict[str, list[tuple[Any, ...]]]]:
    """What a first load of another warehouse finds, in good weather."""

    def load() -> dict[str, list[tuple[Any, ...]]]:
        fresh = Settings(data_dir=tmp_path / "fresh", salesforce=settings.salesforce)
        load_salesforce(fresh, ["icare"])
        return contents(fresh)

    return load


@pytest.mark.parametrize("seed", range(2))
def test_after_any_chaos_the_warehouse_is_what_it_would_have_been(
    world: Any, settings: Settings, impatient: None, expected: Any, seed: int
) -> None:
    settings.salesforce["icare"].bulk_from_records = 200
    kinds = ("drop_connection", "body_cut", "malformed_page", "status", "expire_token", "fail_job", "abort_job")
    for number, kind in enumerate(kinds):
        chaos = {"kind": kind, "times": 1000, "rate": 0.1, "seed": 100 * seed + number, "path": "services/data"}
        world.icare.control("POST", "faults", **chaos)
    failures = sum(not _is_loaded(settings) for _ in range(2))
    world.icare.control("POST", "advance", days=1)
    failures += sum(not _is_loaded(settings) for _ in range(2))
    struck = [one for one in world.icare.control("GET", "requests")["requests"] if one["fault"]]
    assert len(struck) > 10
    world.icare.control("DELETE", "faults")
    load_salesforce(settings, ["icare"])
    assert contents(settings) == expected()
    world.icare.token = world.icare.sign_in(
        grant_type="client_credentials", client_id="app-icare", client_secret="secret-icare"
    ).json()["access_token"]
    assert world.icare.request("GET", "jobs/query").json()["records"] == []


def _is_loaded(settings: Settings) -> bool:
    try:
        load_salesforce(settings, ["icare"])
    except OutreachError as error:
        assert error.message
        return False
    return True


def test_a_load_that_is_killed_at_any_moment_is_made_good_by_the_next(
    world: Any, settings: Settings, tmp_path: Path, expected: Any
) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        f'[salesforce.icare]\nlogin_url = "{world.icare.url}"\nclient_id = "app-icare"\n'
        'client_secret = "secret-icare"\nbulk_from_records = 200\n'
    )
    environment = os.environ | {"OUTREACH_DATA_DIR": str(settings.data_dir), "OUTREACH_SECRETS_FILE": str(secrets)}
    command = [str(Path(sys.executable).with_name("outreach")), "load", "salesforce", "--org", "icare"]
    for seconds in (0.3, 0.8, 1.6, 2.5):
        known = len(world.icare.control("GET", "requests")["requests"])
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
            while load.poll() is None and len(world.icare.control("GET", "requests")["requests"]) == known:
                time.sleep(0.05)
            time.sleep(seconds)
            load.send_signal(signal.SIGKILL)
    settings.salesforce["icare"].bulk_from_records = 200
    load_salesforce(settings, ["icare"])
    assert contents(settings) == expected()
    assert world.icare.request("GET", "jobs/query").json()["records"] == []


def test_a_silent_service_is_an_error_that_names_it(world: Any, settings: Settings, impatient: None) -> None:
    world.icare.control("POST", "faults", kind="hang", path="sobjects/Lead", seconds=0.8, times=50)
    with pytest.raises(PartialFailureError, match="Lead could not be loaded"):
        load_salesforce(settings, ["icare"])


def test_the_reserve_of_the_business_is_not_touched(start: Any, settings: Settings) -> None:
    scarce = start(daily_requests=40)
    settings.salesforce["icare"].login_url = scarce.icare.url
    with pytest.raises(OutreachError, match="kept for the business") as failure:
        load_salesforce(settings, ["icare"])
    assert failure.value.exit_code == ServiceError.exit_code
    limits = scarce.icare.request("GET", "limits").raise_for_status().json()["DailyApiRequests"]
    assert limits["Remaining"] >= 40 * settings.salesforce["icare"].quota_reserve - 1, "one call is this one"


def test_a_day_that_is_used_up_is_not_tried_again(world: Any, settings: Settings) -> None:
    message = "TotalRequests Limit exceeded."
    fault = {"kind": "status", "status": 403, "error_code": "REQUEST_LIMIT_EXCEEDED", "message": message, "times": 99}
    world.icare.control("POST", "faults", path="queryAll", **fault)
    with pytest.raises(OutreachError, match="no API calls left for now") as failure:
        load_salesforce(settings, ["icare"])
    assert "later" in (failure.value.next_step or "")


@pytest.mark.parametrize(("hours", "side"), [(1, "ahead of"), (-1, "behind")])
def test_a_clock_that_is_an_hour_off_is_named(
    start: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hours: int, side: str
) -> None:
    make_key_pair(tmp_path)
    strict = start(public_key_file=str(tmp_path / PUBLIC_KEY_FILE), longest_assertion_seconds=300)
    org = SalesforceOrg(
        login_url=strict.icare.url,
        client_id="app-icare",
        username="outreach@icare.example",
        private_key_file=tmp_path / PRIVATE_KEY_FILE,
    )
    settings.salesforce["icare"] = org
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(auth, "time", SimpleNamespace(time=lambda: now() + 3600 * hours))
        with pytest.raises(ConfigurationError, match=f"clock is 60 minutes {side} Salesforce's"):
            load_salesforce(settings, ["icare"])
    assert load_salesforce(settings, ["icare"], objects=["User"])["icare"].rows["users"] > 0
