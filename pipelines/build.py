"""Building the marts with dbt, and publishing them when everything passed."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess  # dbt in a process of its own: in ours it could keep the warehouse file locked
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from rich.progress import Progress

from pipelines.config import Settings
from pipelines.engine import Engine, duckdb_engine
from pipelines.errors import BuildError
from pipelines.publish import PublishedVersion, new_build_id, publish, require_published
from pipelines.spark import spark_engine
from pipelines.warehouse import warehouse_lock

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
OUR_HOOK = re.compile(r"^.*-on-run-start-\d+ \([^)]*\) ")
ERROR_EVENTS = {"MainEncounteredError", "RunResultError", "RunResultErrorNoMessage"}


@dataclass(frozen=True)
class BuildSummary:
    """What a build did: how many nodes (seeds, models, tests) ended in which status, and what was published."""

    nodes: dict[str, int]
    version: PublishedVersion


def build_and_publish(
    settings: Settings,
    progress: Progress,
    *,
    full_refresh: bool = False,
    selector: str | None = None,
    wait_seconds: float = 0,
) -> BuildSummary:
    """Run ``dbt build`` on the warehouse and publish its marts.

    Args:
        settings: where the warehouse is.
        progress: shows how many nodes are done.
        full_refresh: build the incremental models from the beginning.
        selector: build only what this selector of ``selectors.yml`` names; the other marts stay as they are, and what
            is in the warehouse must be what is published.
        wait_seconds: how long to wait for another writer of the warehouse.

    Raises:
        ConfigurationError: the target is Spark, and something that it needs is missing.
        ServiceError: the target is Spark on a cluster or behind an endpoint that cannot be reached.
        BuildError: a model, a contract or an error-severity test failed; nothing was published.
        LockedError: another process is writing the warehouse.
        RefusedError: a build that began later, of another engine or warehouse, is in force; or a selection may not be
            built, see :func:`pipelines.publish.require_published`.
    """
    engine = duckdb_engine(settings) if settings.target == "duckdb" else spark_engine(settings)
    with warehouse_lock(settings.warehouse_path, "build", wait_seconds=wait_seconds):
        if selector:
            require_published(settings)
        build_id = new_build_id()
        nodes, built = _dbt_build(settings, engine, progress, full_refresh=full_refresh, selector=selector)
        marts = engine.marts(built if selector else None)
        return BuildSummary(nodes, publish(settings, build_id, marts, onto_last=selector is not None))


def _dbt_build(
    settings: Settings, engine: Engine, progress: Progress, *, full_refresh: bool, selector: str | None
) -> tuple[dict[str, int], set[str]]:
    """Models, seeds and data tests; unit tests prove the code, not the data, and run with plain ``dbt build``.

    Returns how many nodes ended in which status, and the names of the models that were built.
    """
    command = [*engine.dbt, "build", "--exclude-resource-type", "unit_test"]
    command += ["--full-refresh"] if full_refresh else []
    # A test that also looks at what is not selected would compare new with old.
    command += ["--selector", selector, "--indirect-selection", "cautious"] if selector else []
    # Of the whole project, however little is built; the artifacts of the last whole build stay for who reads them.
    command += ["--no-write-json"] if selector and not engine.reads_manifest else []
    task = progress.add_task("dbt build", total=None)
    nodes: Counter[str] = Counter()
    built: set[str] = set()
    errors: list[str] = []
    with (
        engine.log.open("wb") if engine.log else nullcontext() as log,
        _ended_with_us(
            subprocess.Popen(  # noqa: S603
                command,
                cwd=settings.project_dir,
                env=os.environ | engine.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  it makes one system call
            )
        ) as process,
    ):
        for event in _events(process):
            data = event["data"]
            if "status" in data and "index" in data:
                if data["status"]:  # an exposure has none: there is nothing to do for it
                    nodes[str(data["status"]).lower()] += 1
                    built.add(data["node_info"]["node_name"])
                progress.update(task, completed=data["index"], total=data.get("total"))
            elif event["info"]["name"] in ERROR_EVENTS:
                errors.append(cause_of(event["info"]["msg"]))
    if process.returncode != 0:
        raise BuildError(
            "dbt build failed; nothing was published. " + " ".join(errors or ["dbt gave no reason."]),
            next_step="Correct the cause; dbt build in the project directory shows the details"
            + (f", {engine.log} what the engine said." if engine.log else "."),
        )
    return dict(nodes), built


@contextmanager
def _ended_with_us(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A process that does not go on when we are interrupted: it would write the warehouse without our lock."""
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _end_with_parent() -> None:
    """Ask Linux, in the new process, to end it when ours is killed."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def cause_of(message: str) -> str:
    """dbt's message without the macros that led to it, and our own refusal without the hook that made it."""
    lines = (line.strip() for line in message.splitlines())
    said = " ".join(line for line in lines if line and not line.startswith(">"))
    return OUR_HOOK.sub("", said)


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    for line in process.stdout or ():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # a library's own output between dbt's events
        if isinstance(event, dict) and "info" in event and "data" in event:
            yield event
