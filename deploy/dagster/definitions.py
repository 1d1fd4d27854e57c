"""The cadences for Dagster: loads, models and pushes as assets, dbt's tests and the gates as asset checks, schedules.

Start it in the project directory with ``dagster dev -f deploy/dagster/definitions.py`` (``docs/operations.md``). Every
step is the one of ``outreach run``, under the same locks, so that both can be used side by side.
"""

# Dagster reads the annotations of these functions itself, so they must not become texts.
# ruff: noqa: ANN001, ANN202

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets
from rich.progress import Progress

from pipelines.campaign_map import MappedCampaign, read_campaign_map
from pipelines.cli.run import actions_of
from pipelines.config import load_settings
from pipelines.gates import Purpose, read_gates
from pipelines.operations.cadences import CADENCES, Cadence, Kind, Step, steps_of
from pipelines.publish import new_build_id, publish, published_version
from pipelines.salesforce.orgs import read_field_names
from pipelines.warehouse import warehouse_lock

WAIT_SECONDS = 1800.0
SETTINGS = load_settings()
os.environ["OUTREACH_WAREHOUSE"] = str(SETTINGS.warehouse_path.resolve())  # for dbt, as outreach build does
ORGS = list(read_field_names(SETTINGS.project_dir))
PROJECT = DbtProject(SETTINGS.project_dir.resolve())
PROJECT.prepare_if_dev()
MANIFEST = json.loads(PROJECT.manifest_path.read_text())
PUBLISHED = dg.AssetKey(["published", "marts"])


def cadence_of(job_name: str) -> Cadence:
    """The cadence that a job is; what a person starts by hand in the web interface reads everything."""
    return CADENCES.get(job_name.removeprefix("run_"), CADENCES["full"])


def _act(cadence: Cadence, step: Step) -> dict[str, object]:
    """Take a step as ``outreach run`` does; returns what it says about itself."""
    summary: dict[str, object] = {}
    with Progress(disable=True) as display:
        actions_of(SETTINGS, cadence, display, WAIT_SECONDS)(step, summary)
    return summary


def _load(step: Step) -> dg.AssetsDefinition:
    """One load: the raw tables that dlt lands, which are the sources of dbt."""
    source = f"{step.target}_{step.org}" if step.org else step.target
    tables = [one["name"] for one in MANIFEST["sources"].values() if one["source_name"] == source]
    specs = [dg.AssetSpec(dg.AssetKey([source, table]), kinds={"dlt", "duckdb"}) for table in tables]

    @dg.multi_asset(specs=specs, name=f"load_{source}", group_name="raw")
    def load(context):
        rows = _act(cadence_of(context.run.job_name), step)["rows"]
        context.log.info(f"{step.name}: {rows}")
        for table in tables:
            count = rows.get(table)
            yield dg.MaterializeResult(asset_key=[source, table], metadata={} if count is None else {"rows": count})

    return load


@dbt_assets(manifest=MANIFEST, project=PROJECT)
def models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[object]:
    """Build and test everything, and publish it if all passed, under one lock."""
    with warehouse_lock(SETTINGS.warehouse_path, "dagster build", wait_seconds=WAIT_SECONDS):
        build_id = new_build_id()
        yield from dbt.cli(["build", "--exclude-resource-type", "unit_test"], context=context).stream()
        publish(SETTINGS, build_id)


@dg.asset(key=PUBLISHED, deps=[models], group_name="published")
def published_marts() -> dg.MaterializeResult:
    """The published version that everything reads which writes to a service."""
    version = published_version(SETTINGS)
    return dg.MaterializeResult(metadata={"build_id": version.build_id, "as_of_at": version.as_of_at.isoformat()})


def _push(step: Step) -> dg.AssetsDefinition:
    """One push: the fields of a cadence in one org, within the guards' limits."""

    @dg.asset(name=f"push_{step.target}_{step.org}", deps=[PUBLISHED], group_name="writeback", kinds={"salesforce"})
    def push() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"push": dg.MetadataValue.json(_act(CADENCES["full"], step))})

    return push


@dg.asset(name="notices", deps=[PUBLISHED], group_name="notices")
def notices() -> dg.MaterializeResult:
    """Owners are told of positive replies, each once."""
    return dg.MaterializeResult(metadata={"notices": dg.MetadataValue.json(_act(CADENCES["full"], Step(Kind.NOTICES)))})


def _gates(campaign: MappedCampaign) -> dg.AssetChecksDefinition:
    """The gates of a campaign before launch; a campaign that may not go out is no failure of the run."""

    @dg.asset_check(asset=PUBLISHED, name=f"gates_{campaign.org}_{campaign.campaign_id}", description=campaign.name)
    def gates() -> dg.AssetCheckResult:
        required = [gate for gate in read_gates(SETTINGS, campaign, Purpose.LAUNCH) if gate.is_required(Purpose.LAUNCH)]
        failing = {gate.gate: f"{gate.verdict}: {gate.evidence}" for gate in required if gate.verdict != "pass"}
        return dg.AssetCheckResult(
            passed=bool(required) and not failing,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"gates": len(required), "not passed": dg.MetadataValue.json(failing)},
        )

    return gates


LOADS = {step: _load(step) for step in steps_of(CADENCES["full"], ORGS) if step.kind is Kind.LOAD}
PUSHES = {step: _push(step) for step in steps_of(CADENCES["full"], ORGS) if step.kind is Kind.PUSH}
OTHERS = {Step(Kind.BUILD): [models, published_marts], Step(Kind.NOTICES): [notices]}
GATES = [_gates(campaign) for campaign in read_campaign_map(SETTINGS.project_dir)]


def _job(name: str) -> dg.JobDefinition:
    """A cadence: its loads, everything that is built, and its pushes, one after the other."""
    assets = [one for step in steps_of(CADENCES[name], ORGS) for one in OTHERS.get(step, [])]
    assets += [(LOADS | PUSHES)[step] for step in steps_of(CADENCES[name], ORGS) if step in LOADS | PUSHES]
    return dg.define_asset_job(
        f"run_{name}",
        dg.AssetSelection.assets(*assets),
        description=CADENCES[name].document,
        executor_def=dg.in_process_executor,
    )


JOBS = {name: _job(name) for name in CADENCES}
defs = dg.Definitions(
    assets=[*LOADS.values(), *(one for group in OTHERS.values() for one in group), *PUSHES.values()],
    asset_checks=GATES,
    jobs=list(JOBS.values()),
    schedules=[
        dg.ScheduleDefinition(f"run_{name}", job=JOBS[name], cron_schedule=cadence.cron)
        for name, cadence in CADENCES.items()
    ],
    resources={"dbt": DbtCliResource(PROJECT, dbt_executable=Path(sys.executable).with_name("dbt"))},
)
