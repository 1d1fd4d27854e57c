"""How a service of the sandbox starts, and that it does not outlive the command that started it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import uvicorn
from starlette.types import ASGIApp

POLL_SECONDS = 0.5


def read_config() -> dict[str, Any]:
    """The configuration file that ``--config`` names; from here on the process ends with the one named in it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    config: dict[str, Any] = json.loads(parser.parse_args().config.read_text())
    end_with_process(config.get("exit_with_process"))
    return config


def serve(application: ASGIApp, port: int) -> None:
    """Serve on loopback; the Date header is the world's, not the machine's."""
    uvicorn.run(application, host="127.0.0.1", port=port, date_header=False, access_log=False, log_level="warning")


def end_with_process(pid: int | None) -> None:
    """End this process when another one has gone, even by kill -9; do nothing when no process is given."""
    if pid is not None:
        threading.Thread(target=_watch, args=(psutil.Process(pid),), daemon=True).start()


def _watch(process: psutil.Process) -> None:
    while process.is_running():
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
