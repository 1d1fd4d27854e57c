"""Killing a Smartlead load at any step, for real, and running it again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

# A load in a process of its own, which kills itself just before or after the n-th call of a function.
KILLED_LOAD = """
import importlib, os, signal, sys
from pathlib import Path
from pipelines.config import Settings
from pipelines.smartlead.loader import load_smartlead
from rich.progress import Progress
directory, url, module, owner, name, when, nth = sys.argv[1:]
target = importlib.import_module(module)
target = getattr(target, owner) if owner else target
original, calls = getattr(target, name), []
def dying(*arguments, **options):
    calls.append(1)
    if len(calls) == int(nth) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **options)
    if len(calls) == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(target, name, dying)
connection = {"base_url": url, "api_key": "smartlead-key", "requests_per_two_seconds": 1000}
load_smartlead(Settings(data_dir=Path(directory), smartlead=connection), Progress(disable=True))
"""
KILLS = {
    "half read": ("pipelines.smartlead.account", "", "message_rows", "after", 4),
    "read, not loaded": ("dlt", "Pipeline", "normalize", "before", 1),
    "category changes kept, not loaded": ("dlt", "Pipeline", "load", "before", 2),
}


def test_killed_anywhere_and_run_again_it_ends_as_if_undisturbed(new_loaded: Callable[[str], Any]) -> None:
    undisturbed = _grown(new_loaded("undisturbed"))
    undisturbed.load()
    expected = undisturbed.everything()
    for kill, arguments in KILLS.items():
        killed = _grown(new_loaded(kill))
        command = [sys.executable, "-c", KILLED_LOAD, str(killed.settings.data_dir), killed.url]
        process = subprocess.run([*command, *map(str, arguments)], check=False)
        assert process.returncode == -signal.SIGKILL, kill
        killed.load()
        assert killed.everything() == expected, kill


def _grown(loaded: Any) -> Any:
    loaded.fake.category = {10: 1, 21: 3}
    loaded.fake.reply_time["s10"] = "2026-08-25T10:00:00.000Z"
    loaded.store_webhook("w1")
    return loaded
