"""A service that does not outlive the command that started it."""

from __future__ import annotations

import os
import signal
import threading
import time

import psutil

POLL_SECONDS = 0.5


def end_with_process(pid: int | None) -> None:
    """End this process when another one has gone, even by kill -9; do nothing when no process is given."""
    if pid is not None:
        threading.Thread(target=_watch, args=(psutil.Process(pid),), daemon=True).start()


def _watch(process: psutil.Process) -> None:
    while process.is_running():
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
