"""``outreach load``: exit codes, what is shown, what the run history keeps, and an interruption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.cli import load as load_module
from pipelines.cli import main
from pipelines.config import Settings, load_settings
from pipelines.errors import DataError, OutreachError, ServiceError, StoreError
from pipelines.raw_pointer import landed_tables
from pipelines.salesforce.loader import OrgLoad
from pipelines.smartlead.loader import SmartleadLoad
from pipelines.store import open_store, reading
from pipelines.store_tables import runs
from pipelines.warehouse import warehouse_lock

ROWS = {"t": 2}
LOADED = {
    "salesforce": {"icare": OrgLoad(ROWS, ["3 API calls."])},
    "smartlead": SmartleadLoad(ROWS, []),
    "clay": ROWS,
    "writeback": ROWS,
}


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(tmp_path / "none.toml"))


@pytest.fixture
def outreach(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with loaders that give these rows, raise these errors, or are these functions."""

    def run(*arguments: str, **outcomes: Exception | Mapping[str, Any] | Callable[..., Any]) -> int:
        for source, loaded in LOADED.items():
            monkeypatch.setattr(load_module, f"load_{source}", _loader(outcomes.get(source, loaded)))
        monkeypatch.setattr(sys, "argv", ["outreach", "load", *arguments])
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0)

    return run


def _loader(outcome: Any) -> Callable[..., Any]:
    def load(*_: Any, **__: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return outcome if callable(outcome) else load


def history(tmp_path: Path) -> list[tuple[Any, ...]]:
    with reading(open_store(Settings(data_dir=tmp_path))) as connection:
        return [tuple(row) for row in connection.execute(sa.select(runs.c.command, runs.c.exit_code, runs.c.summary))]


def test_all_sources_in_one_table_and_one_run(
    outreach: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outreach("all") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("raw_salesforce_icare", "raw_smartlead", "raw_clay", "raw_writeback"))
    ((command, exit_code, summary),) = history(tmp_path)
    assert (command, exit_code) == ("load all", 0)
    assert json.loads(summary)["rows"]["raw_clay"] == ROWS


def test_one_failing_source_does_not_hold_up_the_others(
    outreach: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unreachable = ServiceError("Smartlead cannot be reached.", next_step="Wait.")
    malformed = DataError("a.csv has no column LeadId.")
    assert outreach("all", "--json", smartlead=unreachable, clay=malformed) == 4
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {
        "rows": {"raw_salesforce_icare": ROWS, "raw_writeback": ROWS},
        "notes": ["Salesforce icare: 3 API calls."],
        "failed": {"smartlead": "Smartlead cannot be reached.", "clay": "a.csv has no column LeadId."},
    }
    assert "2 of 4 sources could not be loaded" in shown.err
    assert history(tmp_path)[0][1] == 4


def test_a_defect_in_one_source_does_not_hold_up_the_others_either(
    outreach: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyError) as caught:
        outreach("all", "--json", smartlead=KeyError("ann@lead.example"), clay=DataError("a.csv is empty."))
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"].keys() == {"raw_salesforce_icare", "raw_writeback"}
    assert shown["failed"] == {"smartlead": "a defect of this program, KeyError.", "clay": "a.csv is empty."}
    assert "clay: a.csv is empty." in caught.value.__notes__[0]
    assert history(tmp_path)[0][1] == 1


def test_a_warehouse_that_an_analyst_has_open_holds_up_only_what_needs_it(
    outreach: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clay, writeback = load_module.load_clay, load_module.load_writeback
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(tmp_path / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as analyst:
        assert analyst.stdout is not None
        analyst.stdout.readline()
        assert outreach("all", "--json", clay=clay, writeback=writeback) == 6
        analyst.kill()
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"].keys() == {"raw_salesforce_icare", "raw_smartlead"}
    assert shown["failed"].keys() == {"clay", "writeback"}
    assert "being written by another process" in shown["failed"]["clay"]


def test_what_was_loaded_lands_as_parquet_where_a_url_says(
    outreach: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_RAW_URL", str(tmp_path / "raw"))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as warehouse:
        warehouse.execute("create schema raw_clay; create table raw_clay.t as select 1 as id")
    assert outreach("clay", clay=DataError("a.csv has no column LeadId. Everything else was loaded.")) == 5
    assert [one.key for one in landed_tables(load_settings())] == [("raw_clay", "t")]


@pytest.mark.parametrize(("error", "exit_code"), [(StoreError("disk full"), 7), (DataError("bad"), 5)])
def test_a_single_source_ends_with_its_own_exit_code(
    outreach: Callable[..., int], error: OutreachError, exit_code: int
) -> None:
    assert outreach("clay", clay=error) == exit_code


def test_a_locked_warehouse_is_named_with_its_holder(
    outreach: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warehouse_lock(tmp_path / "warehouse.duckdb", "build"):
        assert outreach("smartlead") == 6
    assert "'build'" in capsys.readouterr().err.replace("\n", " ")


def test_missing_credentials_say_how_to_set_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["outreach", "load", "smartlead"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 3
    assert "OUTREACH_SMARTLEAD__API_KEY" in capsys.readouterr().err


def test_an_interrupted_load_ends_without_traceback(serve: Callable[[ASGIApp], str], tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    async def slow(request: Request) -> JSONResponse:
        if request.url.path.endswith("/leads"):
            asked.set()
            await _wait(go_on)
        return JSONResponse([{"id": 1, "name": "A"}] if request.url.path == "/campaigns/" else [])

    url = serve(Starlette(routes=[Route("/{path:path}", slow)]))
    environment = os.environ | {"OUTREACH_SMARTLEAD__BASE_URL": url, "OUTREACH_SMARTLEAD__API_KEY": "k"}
    code = "import pipelines.cli.build, pipelines.cli.load; pipelines.cli.main()"
    command = [sys.executable, "-c", code, "load", "smartlead"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert asked.wait(30)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=30)
    go_on.set()
    assert (process.returncode, "Traceback" in shown) == (130, False), shown
    assert history(tmp_path)[0][:2] == ("load smartlead", 130)


async def _wait(event: threading.Event) -> None:
    import asyncio

    for _ in range(600):
        if event.is_set():
            return
        await asyncio.sleep(0.05)
