"""Building the marts with dbt, and publishing them when everything passed."""

from __future__ import annotations

import json
import os
import subprocess  # dbt in a process of its own: in ours it could keep the warehouse file locked
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.progress import Progress, TaskID

from pipelines.config import Settings
from pipelines.errors import BuildError
from pipelines.publish import PublishedVersion, publish
from pipelines.warehouse import warehouse_lock

FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class BuildSummary:
    """What a build did: how many nodes (seeds, models, tests) ended in which status, and what was published."""

    nodes: dict[str, int]
    version: PublishedVersion


def build_and_publish(settings: Settings, progress: Progress) -> BuildSummary:
    """Run ``dbt build`` on the warehouse and publish its marts.

    Raises:
        BuildError: a model, a contract or an error-severity test failed; nothing was published.
        LockedError: another process is writing the warehouse.
    """
    with warehouse_lock(settings.warehouse_path, "build"):
        nodes = _dbt_build(settings, progress)
        build_id = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        return BuildSummary(nodes, publish(settings, build_id))


def _dbt_build(settings: Settings, progress: Progress) -> dict[str, int]:
    command = [sys.executable, "-m", "dbt.cli.main", "--log-format", "json", "--no-use-colors", "build"]
    environment = os.environ | {"OUTREACH_WAREHOUSE": str(settings.warehouse_path.resolve())}
    task = progress.add_task("dbt build", total=None)
    nodes: dict[str, int] = {}
    errors: list[str] = []
    with subprocess.Popen(  # noqa: S603
        command, cwd=settings.project_dir, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for event in _events(process):
            _count(event, nodes, errors)
            _show(event, progress, task)
    if process.returncode != 0:
        raise BuildError(
            "dbt build failed; nothing was published. " + " ".join(errors or ["dbt gave no reason."]),
            next_step="Correct the cause; dbt build in the project directory shows the details.",
        )
    return nodes


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        try:
            yield json.loads(line)
        except ValueError:
            continue  # a library's own output between dbt's events


def _count(event: dict[str, Any], nodes: dict[str, int], errors: list[str]) -> None:
    info, data = event.get("info", {}), event.get("data", {})
    if info.get("name") == "NodeFinished":
        status = str(data.get("node_info", {}).get("node_status", "unknown"))
        nodes[status] = nodes.get(status, 0) + 1
        if status in FAILED:
            errors.append(f"{data['node_info'].get('unique_id')}: {data.get('run_result', {}).get('message')}.")
    elif info.get("name") in {"MainEncounteredError", "RunningOperationCaughtError", "RunResultError"}:
        errors.append(str(info.get("msg", "")).strip())


def _show(event: dict[str, Any], progress: Progress, task: TaskID) -> None:
    data = event.get("data", {})
    if isinstance(data.get("index"), int) and isinstance(data.get("total"), int):
        progress.update(task, completed=data["index"], total=data["total"])
