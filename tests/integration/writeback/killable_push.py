"""Pushes in processes of their own, each killed at a given step: one command as JSON per line in, one answer out.

A step is where the state of the world can change: the ledger's commits and the requests that change something, each
just before and just after. ``{"kill_at": 3, "limits": {…}}`` kills -9 at the third; without it the push is undisturbed
and the answer lists its steps.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from pipelines.config import load_settings
from pipelines.config.running import Push
from pipelines.http.service import HttpService
from pipelines.store import open_store
from pipelines.writeback import ledger
from pipelines.writeback.apply import push_plan
from pipelines.writeback.chain import Entry
from pipelines.writeback.connections import readers


def push(limits: dict[str, Any], kill_at: int | None) -> list[str]:
    steps, turn = list[str](), threading.Lock()

    def step(name: str) -> None:
        with turn:  # batches may be under way side by side
            if len(steps) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            steps.append(name)

    def watched(do: Callable[..., Any], name: Callable[..., str]) -> Callable[..., Any]:
        def doing(*arguments: Any, **more: Any) -> Any:
            what = name(*arguments)
            if not what:
                return do(*arguments, **more)
            step(f"before {what}")
            done = do(*arguments, **more)
            step(f"after {what}")
            return done

        return doing

    def of_request(_: Any, method: str, path: str) -> str:
        is_read = method == "GET" or "oauth2" in path or (method == "POST" and "composite" in path)
        return "" if is_read else f"{method} {path.rpartition('/v62.0/')[2].partition('/75')[0]}"

    def of_entries(_: Any, entries: list[Entry]) -> str:
        return " ".join(("ledger", *sorted({entry.entry_type for entry in entries}))) if entries else ""

    HttpService.send = watched(HttpService.send, of_request)  # type: ignore[method-assign]
    ledger.append = watched(ledger.append, of_entries)
    settings = load_settings()
    with readers(settings, None) as org_readers:
        push_plan(settings, open_store(settings), org_readers, is_first_run=True, limits=Push(**limits))
    return steps


def main() -> None:
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            steps = push(command["limits"], command.get("kill_at"))
            with os.fdopen(writing, "w") as answer:
                json.dump(steps, answer)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            steps = json.loads(answer.read() or "[]")
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(json.dumps({"status": status, "steps": steps}) + "\n")
        sys.stdout.flush()


main()
