"""The README's first command: the whole loop, then an analyst's own build on what it leaves behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import psutil
import pytest
from starlette.testclient import TestClient

from dashboard.app import dashboard_app
from dashboard.pages import PAGES
from pipelines.config import Settings
from pipelines.raw_parquet import land_parquet
from tests.fixtures.landed_parquet import differences

OUTREACH = str(Path(sys.executable).with_name("outreach"))
DBT = str(Path(sys.executable).with_name("dbt"))


def environment(data_dir: Path) -> dict[str, str]:
    """What a newcomer has, but for where things are kept, and without the log of dbt, which would be the project's."""
    kept = {
        "OUTREACH_DATA_DIR": str(data_dir),
        "DBT_TARGET_PATH": str(data_dir / "target"),
        "DBT_LOG_LEVEL_FILE": "none",
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("OUTREACH_")} | kept


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


def test_every_raw_table_lands_as_parquet_as_it_stands_in_the_warehouse(
    finished_demo: tuple[Path, str], tmp_path: Path
) -> None:
    settings = Settings(data_dir=finished_demo[0], raw_url=str(tmp_path))
    landed = {f"{one.schema}.{one.table}" for one in land_parquet(settings)}
    assert differences(settings) == dict.fromkeys(landed, 0)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        sources = warehouse.execute(
            "select 'raw_' || dataset || '.' || table_name from marts.fct_source_freshness"
        ).fetchall()
    assert landed >= {name for (name,) in sources}


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


def test_the_dashboard_shows_every_table_of_it(finished_demo: tuple[Path, str]) -> None:
    with TestClient(dashboard_app(Settings(data_dir=finished_demo[0])), base_url="http://localhost") as browser:
        for page in PAGES.values():
            for address in (f"/{page.name}", *(f"/{page.name}/{table.name}.csv" for table in page.tables)):
                assert browser.get(address).status_code == 200, address
        assert "AI Outreach DACH Q4" in browser.get("/funnel").text


@pytest.fixture(scope="module")
def analysts_build(
    finished_demo: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """``dbt build --full-refresh`` on what the demo leaves behind, and the warehouse as it was before.

    dbt parses only what has changed since the demo, which is nothing: that parsing warns of nothing is tested where
    the project is parsed for the tests of dbt.
    """
    before = tmp_path_factory.mktemp("analyst") / "built_by_demo.duckdb"
    shutil.copy(finished_demo[0] / "warehouse.duckdb", before)
    warehouse = {"OUTREACH_WAREHOUSE": str(finished_demo[0] / "warehouse.duckdb")}
    build = subprocess.run(
        [DBT, "--no-use-colors", "build", "--full-refresh"],
        env=environment(finished_demo[0]) | warehouse,
        capture_output=True,
        text=True,
    )
    return build, before


@pytest.mark.timeout(600)
def test_an_analyst_can_build_without_a_warning(
    analysts_build: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    build, _ = analysts_build
    assert build.returncode == 0, build.stdout[-3000:]
    assert "WARN=0 ERROR=0" in build.stdout
    assert "[WARNING]" not in build.stdout
    assert "deprecat" not in build.stdout.lower()


def test_built_again_and_again_is_the_same_as_built_once(finished_demo, analysts_build, table_differences) -> None:
    differences = table_differences(finished_demo[0] / "warehouse.duckdb", analysts_build[1])
    assert differences == dict.fromkeys(differences, 0)
    assert len(differences) > 70


# A mart, what its rows stand for, and the same asked of the metrics.
FIGURE = re.compile(r"members_\w+|\w+_(rate_per|share_of)_[a-z]+")
IN_OUTREACH = "{{ Dimension('member__is_ai_outreach') }}"
FUNNELS = [
    ("fct_funnel_by_campaign", ["org", "campaign_id"], ["member__org", "member__campaign_id"], []),
    (
        "fct_funnel_by_cohort",
        ["org", "campaign_id", "cohort_starts_on"],
        ["member__org", "member__campaign_id", "metric_time__week"],
        [IN_OUTREACH, "{{ TimeDimension('metric_time', 'week') }} is not null"],
    ),
    *(
        (
            f"(from marts.fct_funnel_by_segment where segment = '{segment}')",
            ["org", "segment_value"],
            ["member__org", f"member__{dimension}"],
            [IN_OUTREACH],
        )
        for segment, dimension in (
            ("gbu", "gbu"),
            ("country", "country"),
            ("icp_tier", "icp_tier"),
            ("industry", "industry"),
            ("sender", "sender"),
            ("template", "template_hash"),
        )
    ),
]


@pytest.mark.parametrize(("mart", "grain", "group_by", "where"), FUNNELS)
def test_metrics_and_marts_agree(
    finished_demo, analysts_build, metric_query, mart: str, grain: list[str], group_by: list[str], where: list[str]
) -> None:
    manifest = finished_demo[0] / "target" / "semantic_manifest.json"
    with duckdb.connect(str(finished_demo[0] / "warehouse.duckdb"), read_only=True) as warehouse:
        warehouse.execute("set schema = 'marts'")
        in_mart = {row[0] for row in warehouse.execute(f"describe from {mart}").fetchall()}
        metrics = sorted(name for name in in_mart if FIGURE.fullmatch(name))
        assert len(metrics) == 22
        keys = ", ".join(f"{ours} as {theirs}" for ours, theirs in zip(grain, group_by, strict=True))
        figures = ", ".join(metrics)
        expected = f"select {keys}, {figures} from {mart} where members_members > 0"
        asked = f"select {', '.join(group_by)}, {figures} from ({metric_query(manifest, metrics, group_by, where)})"
        assert warehouse.execute(f"select count(*) from ({expected})").fetchone() != (0,)
        assert warehouse.execute(f"({expected}) except all ({asked})").fetchall() == []
        assert warehouse.execute(f"({asked}) except all ({expected})").fetchall() == []


def test_activity_by_day_agrees_with_its_metric(finished_demo, analysts_build, metric_query) -> None:
    group_by = ["stage_event__org", "stage_event__campaign_id", "metric_time__day", "stage_event__stage"]
    where = ["{{ TimeDimension('metric_time', 'day') }} is not null"]
    manifest = finished_demo[0] / "target" / "semantic_manifest.json"
    asked = metric_query(manifest, ["members_reaching_stage"], group_by, where)
    by_day = "select org, campaign_id, reached_on, stage, members from marts.fct_funnel_by_day"
    asked = f"select {', '.join(group_by)}, members_reaching_stage from ({asked})"
    with duckdb.connect(str(finished_demo[0] / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute(f"({by_day}) except all ({asked})").fetchall() == []
        assert warehouse.execute(f"({asked}) except all ({by_day})").fetchall() == []


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
