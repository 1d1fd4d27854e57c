"""MetricFlow, asked for metrics of the project's semantic models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup


@pytest.fixture(scope="session")
def metric_query() -> Callable[..., str]:
    """A function that gives MetricFlow's SQL for metrics, from the semantic manifest that dbt has written."""

    def write_sql(manifest: Path, metrics: Sequence[str], group_by: Sequence[str], where: Sequence[str] = ()) -> str:
        parsed = parse_manifest_from_dbt_generated_manifest(manifest.read_text())
        renderer = SimpleNamespace(sql_engine_type=SqlEngine.DUCKDB, sql_plan_renderer=DuckDbSqlPlanRenderer())
        engine = MetricFlowEngine(SemanticManifestLookup(parsed), renderer)  # it explains; the query is ours to run
        request = MetricFlowQueryRequest.create(
            metric_names=metrics, group_by_names=group_by, where_constraints=list(where)
        )
        return engine.explain(request).sql_statement.sql

    return write_sql
