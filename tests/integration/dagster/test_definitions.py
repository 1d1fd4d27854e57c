"""The definitions for Dagster say what the cadences say. Dagster is no part of the lock: ``make dagster`` runs this."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.campaign_map import read_campaign_map
from pipelines.operations.cadences import CADENCES

dg = pytest.importorskip("dagster", reason="an optional extra; make dagster tests it")
PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OUTREACH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        environment.setenv("OUTREACH_SECRETS_FILE", "/nonexistent")
        environment.chdir(PROJECT)
        dbt = Path(sys.executable).with_name("dbt")
        subprocess.run([dbt, "parse"], check=True, capture_output=True, cwd=PROJECT)
        spec = importlib.util.spec_from_file_location("definitions", PROJECT / "deploy" / "dagster" / "definitions.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def test_each_cadence_is_a_job_with_a_schedule_at_its_time(definitions: Any) -> None:
    schedules = {one.job_name: one.cron_schedule for one in definitions.defs.schedules}
    assert schedules == {f"run_{name}": cadence.cron for name, cadence in CADENCES.items()}


def test_a_job_reads_what_its_cadence_needs_and_a_person_everything(definitions: Any) -> None:
    assert {name: definitions.cadence_of(f"run_{name}") for name in CADENCES} == CADENCES
    assert definitions.cadence_of("__ASSET_JOB") == CADENCES["full"]


def test_a_job_has_the_loads_models_and_pushes_of_its_cadence(definitions: Any) -> None:
    jobs = definitions.defs.get_repository_def()
    nodes = {name: set(jobs.get_job(f"run_{name}").graph.node_dict) for name in CADENCES}
    assert {"load_smartlead", "models", "published__marts", "push_bounces_icare"} <= nodes["bounces"]
    assert not {"load_clay", "push_replies_icare", "notices"} & nodes["bounces"]
    assert not {node for node in nodes["eligibility"] if node.startswith("push_")}
    assert {"notices", "push_replies_core", "load_clay"} <= nodes["replies"]


def test_raw_tables_models_and_what_is_published_hang_together(definitions: Any) -> None:
    graph = definitions.defs.resolve_asset_graph()
    mart = next(key for key in graph.get_all_asset_keys() if key.path[-1] == "fct_sales_follow_up")
    upstream = {key.to_user_string() for key in _all_parents(graph, mart)}
    assert {"smartlead/messages", "salesforce_icare/tasks", "clay/callback_events"} <= upstream
    assert mart in graph.get(definitions.PUBLISHED).parent_keys


def test_tests_and_gates_are_asset_checks(definitions: Any) -> None:
    names = {key.name for key in definitions.defs.resolve_asset_graph().asset_check_keys}
    assert "unique_combination_fct_sales_follow_up_org__campaign_member_id" in names
    assert {name for name in names if name.startswith("gates_")} == {
        f"gates_{campaign.org}_{campaign.campaign_id}" for campaign in read_campaign_map(PROJECT)
    }


def _all_parents(graph: Any, key: Any) -> set[Any]:
    found: set[Any] = set()
    waiting = [key]
    while waiting:
        for parent in graph.get(waiting.pop()).parent_keys - found:
            found.add(parent)
            waiting.append(parent)
    return found
