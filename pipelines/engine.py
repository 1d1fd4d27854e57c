"""The engine that builds the models: what dbt is told of it, and where its marts are found afterwards."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from pipelines.built_marts import Source, marts_of_warehouse
from pipelines.config import Settings

DBT = (sys.executable, "-m", "pipelines.dbt_process")


@dataclass(frozen=True)
class Engine:
    """How a build goes about one engine.

    ``environment`` are the variables that ``profiles.yml`` and the macros read; ``marts`` finds what a build has left,
    given the models that were built if not all were; ``log`` takes what the engine says beside dbt, which None leaves
    on the screen. ``dbt`` is the command that builds, and tells as JSON what happens; ``reads_manifest`` says whether
    ``marts`` needs the manifest that it writes.
    """

    environment: Mapping[str, str]
    marts: Callable[[AbstractSet[str] | None], Source]
    log: Path | None = None
    dbt: Sequence[str] = DBT
    reads_manifest: bool = False


def manifest_file(settings: Settings) -> Path:
    """What dbt knows of the project since it last parsed it; it writes the file where its own variable says."""
    return settings.project_dir / os.environ.get("DBT_TARGET_PATH", "target") / "manifest.json"


def duckdb_engine(settings: Settings) -> Engine:
    """DuckDB, which builds in the file that the loaders fill."""
    warehouse, project_dir = settings.warehouse_path.resolve(), settings.project_dir.resolve()
    # As the profile spells it: dbt parses the whole project anew when the path is another than in the last run.
    spelled = warehouse.relative_to(project_dir) if warehouse.is_relative_to(project_dir) else warehouse
    environment = {"OUTREACH_TARGET": "duckdb", "OUTREACH_WAREHOUSE": str(spelled)}
    return Engine(environment, lambda built: marts_of_warehouse(warehouse, built))
