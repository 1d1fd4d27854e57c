"""The README's first command: the whole loop, then an analyst's own build on what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import pytest

OUTREACH = str(Path(sys.executable).with_name("outreach"))
DBT = str(Path(sys.executable).with_name("dbt"))


def environment(data_dir: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("OUTREACH_")} | {"OUTREACH_DATA_DIR": str(data_dir)}


@pytest.fixture(scope="module")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data_dir = tmp_path_factory.mktemp("demo")
    command = [OUTREACH, "demo", "--leads", "600", "--days", "4"]
    demo = subprocess.run(command, env=environment(data_dir), capture_output=True, text=True, timeout=800)
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]
    return data_dir, demo.stdout


def services_of(data_dir: Path) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(argument.startswith(str(data_dir)) for argument in process.info["cmdline"] or [])
    ]


@pytest.mark.timeout(900)
def test_the_demo_ends_with_agreement_and_the_funnel(finished_demo: tuple[Path, str]) -> None:
    data_dir, shown = finished_demo
    assert "Salesforce agrees with the warehouse and with the truth." in shown
    assert "AI Outreach DACH Q4" in shown
    assert services_of(data_dir) == []


def test_the_second_push_changed_nothing(finished_demo: tuple[Path, str]) -> None:
    assert "Nothing to write" in finished_demo[1]


def test_the_campaigns_whose_gates_fail_were_refused(finished_demo: tuple[Path, str]) -> None:
    assert "AI Outreach Benelux Q4: refused" in finished_demo[1]
    assert "AI Outreach France Q4: refused" in finished_demo[1]


def test_no_mailbox_password_and_no_secret_reached_the_warehouse(finished_demo: tuple[Path, str]) -> None:
    raw = (finished_demo[0] / "warehouse.duckdb").read_bytes()
    assert b"secret-password" not in raw
    assert b"secret-imap-password" not in raw


def test_the_ledger_is_whole(finished_demo: tuple[Path, str]) -> None:
    verify = subprocess.run(
        [OUTREACH, "ledger", "verify"], env=environment(finished_demo[0]), capture_output=True, text=True
    )
    assert verify.returncode == 0
    assert "is whole" in verify.stdout


def test_the_report_reads_the_published_marts(finished_demo: tuple[Path, str]) -> None:
    report = subprocess.run(
        [OUTREACH, "report", "--json"], env=environment(finished_demo[0]), capture_output=True, text=True, check=True
    )
    funnel = {row["campaign_name"]: row for row in json.loads(report.stdout)["funnel"]}
    assert funnel["AI Outreach DACH Q4"]["members_exported"] > 0
    assert funnel["AI Outreach Benelux Q4"]["members_exported"] == 0


@pytest.mark.timeout(600)
def test_an_analyst_can_build_without_a_warning(finished_demo: tuple[Path, str], tmp_path: Path) -> None:
    warehouse = {"OUTREACH_WAREHOUSE": str(finished_demo[0] / "warehouse.duckdb")}
    paths = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)]
    build = subprocess.run(
        [DBT, "--no-use-colors", "build", *paths],
        env=environment(finished_demo[0]) | warehouse,
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stdout[-3000:]
    assert "WARN=0 ERROR=0" in build.stdout
    assert "[WARNING]" not in build.stdout
    assert "deprecat" not in build.stdout.lower()


def test_the_marts_do_not_depend_on_when_they_are_built(finished_demo: tuple[Path, str]) -> None:
    with duckdb.connect(str(finished_demo[0] / "warehouse.duckdb"), read_only=True) as warehouse:
        as_of = warehouse.execute("select as_of_at from intermediate.int_operations__as_of").fetchall()[0][0]
    assert as_of.date().isoformat() == "2026-09-05"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_demo_leaves_no_process_behind(tmp_path: Path, ending: signal.Signals) -> None:
    demo = subprocess.Popen(
        [OUTREACH, "demo", "--leads", "200"], env=environment(tmp_path), stdout=subprocess.DEVNULL, text=True
    )
    while len(services_of(tmp_path)) < 3:
        assert demo.poll() is None, "the demo ended before its services were up"
        time.sleep(0.1)
    demo.send_signal(ending)
    assert demo.wait(30) != 0
    deadline = time.monotonic() + 15
    while services_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert services_of(tmp_path) == []


def test_the_demo_does_not_touch_data_of_others(tmp_path: Path) -> None:
    (tmp_path / "operational_store.sqlite").write_text("precious")
    demo = subprocess.run([OUTREACH, "demo"], env=environment(tmp_path), capture_output=True, text=True)
    assert demo.returncode == 9
    assert (tmp_path / "operational_store.sqlite").read_text() == "precious"
