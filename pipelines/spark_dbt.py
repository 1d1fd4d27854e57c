"""``python -m pipelines.spark_dbt``: ``pipelines.dbt_process`` with an eye on the Spark that it works with.

Spark waits without end for workers that do not come back, and a driver that was killed fails every statement that is
left. Here the first ends dbt after a while and the second at once, each with the reason as an event of dbt's log.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

from pyspark.sql import SparkSession

from pipelines.config import load_settings
from pipelines.dbt_process import main

LOOK_EVERY_SECONDS = 1.0
FAILED = 2  # dbt's own exit code of what no node is to blame for


class Watch:
    """Looks at a Spark now and then, and knows since when it has had no worker.

    Args:
        patience_seconds: how long it may be without one.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._alone_since: float | None = None

    def trouble(self, context: Any, now: float) -> str | None:
        """Why a build cannot go on; None if it can. ``now`` is in seconds of any clock that goes on."""
        ended_with = context._gateway.proc.poll()
        if ended_with is not None:
            return f"Spark's driver has ended (exit code {ended_with})."
        if context.master.startswith("local") or _executors(context) > 0:
            self._alone_since = None
            return None
        self._alone_since = now if self._alone_since is None else self._alone_since
        if now - self._alone_since < self._patience_seconds:
            return None
        return f"{context.master} has had no worker for this build for {self._patience_seconds / 60:g} minutes."


def _executors(context: Any) -> int:
    try:
        return len(context._jsc.sc().statusTracker().getExecutorInfos()) - 1  # the driver is one of them
    except Exception:  # the driver has ended since; the next look sees it
        return 1


def _keep_watch(watch: Watch) -> None:
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        if _reports_trouble(watch):
            os._exit(FAILED)  # whatever dbt is waiting for


def _reports_trouble(watch: Watch) -> bool:
    session = SparkSession._instantiatedSession  # not before its context is whole
    reason = watch.trouble(session.sparkContext, time.monotonic()) if session else None
    if reason:
        event = {"info": {"name": "MainEncounteredError", "msg": reason}, "data": {}}
        os.write(1, f"\n{json.dumps(event)}\n".encode())  # on a line of its own, wherever dbt is in its own
    return reason is not None


if __name__ == "__main__":
    watch = Watch(60 * load_settings().spark.lost_workers_minutes)
    threading.Thread(target=_keep_watch, args=(watch,), daemon=True).start()
    try:
        main()
    finally:
        _reports_trouble(watch)  # dbt may have failed quicker than we have looked
