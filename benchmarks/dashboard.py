"""The dashboard's pages at size: members are made up in SQL, the mart of the filters is built from them by its own
model.

Only what depends on the number of members is made: the tables behind the funnel page and its list of members.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import duckdb
import httpx
from rich.table import Table

from benchmarks import measure
from pipelines.config import Settings
from pipelines.publish import publish

SERVER = "from pipelines.cli import main; main()"
VIEWERS = 100
CAMPAIGNS, WEEKS, PERSONS_PER_MEMBER = 40, 40, 0.95
PAGES = (
    ("first page, of a server that has just started", "/funnel"),
    ("the same again", "/funnel"),
    ("one campaign", "/funnel?campaign=icare:C11"),
    ("one GBU and ICP tier", "/funnel?gbu=Energy&tier=B"),
    ("all members, page 1", "/funnel/members"),
    ("members who replied, page 1", "/funnel/members?stage=replied"),
    ("members of a campaign and tier", "/funnel/members?campaign=icare:C11&tier=B&stage=sent"),
)
MEMBERS = f"""
create table intermediate.int_funnel__member_stages as
select
    case when number % {CAMPAIGNS} < 10 then 'core' else 'icare' end as org,
    'C' || number % {CAMPAIGNS} as campaign_id, 'Campaign ' || number % {CAMPAIGNS} as campaign_name,
    '00v' || lpad(number::varchar, 15, '0') as campaign_member_id, person_id, person_id as lead_id,
    'person' || number || '@company' || number % 50000 || '.example' as email, 'First' || number as first_name,
    'Last' || number as last_name, 'Company ' || number % 50000 as company, 'DE' as country, true as is_ai_outreach,
    ['Energy', 'Industrial', 'Consumer', 'Healthcare'][1 + (hash(number) % 4)::integer] as gbu,
    ['A', 'B', 'C', 'D'][1 + (hash(person_id) % 4)::integer] as icp_tier,
    stage_number, number % 2 = 0 as is_open_tracked, number % 50 = 0 as is_hard_bounced,
    stage_number = 5 and number % 6 = 0 as is_hard_bounced_in_smartlead, false as has_replied_only_in_salesforce,
    case when stage_number >= 5 then timestamp '2026-01-05 08:00' + to_days((hash(number * 5) % ({WEEKS} * 7))::integer)
    end as first_sent_at, cast(null as timestamp) as first_replied_at,
    case when stage_number >= 9 then 'Positive' end as classification
from (
    select
        range as number, '00Q' || lpad((range % (? * {PERSONS_PER_MEMBER})::bigint)::varchar, 15, '0') as person_id,
        least(10, 1 + floor(-2.5 * ln(1 - (hash(range * 13) % 100000) / 100001.0)) + 2)::integer as stage_number
    from range(?)
)
"""
MARTS = """
create table marts.dim_campaign_members as select * exclude (icp_tier) from intermediate.int_funnel__member_stages;
create table marts.fct_lead_enrichment as
    select org, lead_id, any_value(icp_tier) as icp_tier from intermediate.int_funnel__member_stages group by all;
create table marts.fct_funnel_stage_events as
    select org, campaign_member_id, campaign_id, person_id, place as stage_number,
        ['member', 'eligible', 'exported', 'enriched', 'sent', 'delivered', 'opened', 'replied', 'positive', 'converted'][place]
            as stage, first_sent_at as reached_at
    from intermediate.int_funnel__member_stages, range(1, 11) as places(place)
    where place <= stage_number and (place != 7 or is_open_tracked);
create table marts.fct_funnel_by_campaign as
    select distinct org, campaign_id, campaign_name, 'In Progress' as campaign_status, true as is_ai_outreach
    from intermediate.int_funnel__member_stages;
create table intermediate.int_operations__as_of as select timestamp '2026-10-12 06:00' as as_of_at;
"""  # noqa: E501  a list of all stages


def looking(members: int) -> Iterator[Table]:
    """One line for each page, and how long the mart of the filters takes to build."""
    table = measure.table(f"The dashboard over {members:,} members", "what", "seconds")
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data_dir=Path(name))
        seconds, rows = _publish(settings, members)
        table.add_row(f"building fct_funnel_by_slice ({rows:,} rows)", f"{seconds:.1f}")
        with (
            _served(settings) as url,
            httpx.Client(base_url=url, timeout=120, limits=httpx.Limits(max_connections=VIEWERS)) as viewer,
        ):
            for what, address in PAGES:
                table.add_row(what, f"{_seconds(viewer, address):.2f}")
            with ThreadPoolExecutor(VIEWERS) as viewers:
                addresses = [address for _, address in PAGES] * VIEWERS
                waits = sorted(viewers.map(partial(_seconds, viewer), addresses[:VIEWERS]))
            table.add_row(f"{VIEWERS} viewers at once, each with one of these: the median", f"{median(waits):.2f}")
            table.add_row("the same, whoever waits longest", f"{waits[-1]:.2f}")
    yield table


def _seconds(viewer: httpx.Client, address: str) -> float:
    started_at = time.perf_counter()
    viewer.get(address).raise_for_status()
    return time.perf_counter() - started_at


def _publish(settings: Settings, members: int) -> tuple[float, int]:
    """Make the marts and publish them; the seconds that the mart of the filters took, and its rows."""
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        warehouse.execute("create schema marts; create schema intermediate")
        warehouse.execute(MEMBERS, [members, members])
        warehouse.execute(MARTS)
    model = _compiled(settings, "fct_funnel_by_slice")
    with duckdb.connect(str(settings.warehouse_path)) as warehouse:
        started_at = time.perf_counter()
        warehouse.execute(f"create table marts.fct_funnel_by_slice as {model}")
        seconds = time.perf_counter() - started_at
        counted = warehouse.execute("select count(*) from marts.fct_funnel_by_slice").fetchone()
    publish(settings, "benchmark")
    return seconds, counted[0] if counted else 0


def _compiled(settings: Settings, model: str) -> str:
    """The model's own SQL, as dbt compiles it; a run would ask for raw tables."""
    dbt = Path(sys.executable).with_name("dbt")
    paths = ["--target-path", settings.data_dir / "target", "--log-path", settings.data_dir]
    measure.run([dbt, "compile", "--select", model, *paths], OUTREACH_WAREHOUSE=str(settings.warehouse_path))
    return next((settings.data_dir / "target").rglob(f"compiled/**/{model}.sql")).read_text()


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    environment = os.environ | {"PYTHONPATH": ".", "OUTREACH_DATA_DIR": str(settings.data_dir), "COLUMNS": "200"}
    command = [sys.executable, "-c", SERVER, "dashboard", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = line.rpartition(" ")[2].strip()
            _wait_until_it_answers(url)
            yield url
        finally:
            process.terminate()


def _wait_until_it_answers(url: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{url}/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The dashboard did not start.")
