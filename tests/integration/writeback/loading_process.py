"""Loads the operational store into the warehouse again and again, a line for each load; SIGUSR1 asks for a last one.

Not SIGTERM: dlt takes that for the wish to end in the middle of a load."""

import signal
import time

from rich.progress import Progress

from pipelines.clay.loader import load_clay
from pipelines.config import load_settings
from pipelines.warehouse import warehouse_lock
from pipelines.writeback.ledger_source import load_writeback


def main() -> None:
    asked_to_end: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: asked_to_end.append(number))
    settings, progress = load_settings(), Progress(disable=True)
    is_last = False
    while not is_last:
        is_last = bool(asked_to_end)
        with warehouse_lock(settings.warehouse_path, "load"):
            load_clay(settings, progress)
            load_writeback(settings, progress)
        time.sleep(1)
        print("loaded", flush=True)  # noqa: T201


main()
