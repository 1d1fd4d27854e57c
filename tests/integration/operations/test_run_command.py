"""``outreach run``: locks, exit codes, what scripts read, and that nothing goes on when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pipelines.cli import main
from pipelines.cli import run as run_module
from pipelines.errors import ServiceError
from pipelines.salesforce.loader import OrgLoad
from pipelines.smartlead.loader import SmartleadLoad
from pipelines.warehouse import exclusive, warehouse_lock

PROJECT = Path(__file__).parents[3]
Outcome = tuple[int, str, str]
BUILD = SimpleNamespace(build_id="b1")


@pytest.fixture
def outreach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command whose loads and build do nothing, in a data directory of its own."""
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OUTREACH_SECRETS_FILE", str(tmp_path / "none.toml"))

    def load_salesforce(_: Any, orgs: list[str], *__: Any, **wanted: Any) -> dict[str, OrgLoad]:
        return {org: OrgLoad({"objects": len(wanted["objects"]), "sweep": int(wanted["sweep"] or 0)}) for org in orgs}

    monkeypatch.setattr(run_module, "load_salesforce", load_salesforce)
    monkeypatch.setattr(run_module, "load_smartlead", lambda *_: SmartleadLoad({"messages": 1}, []))
    for name in ("load_clay", "load_writeback"):
        monkeypatch.setattr(run_module, name, lambda *_: {"rows": 1})

    def command(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["outreach", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        shown = capsys.readouterr()
        return int(caught.value.code or 0), shown.out, " ".join(shown.err.split())

    before = signal.getsignal(signal.SIGTERM)
    yield command
    signal.signal(signal.SIGTERM, before)


def refuse(*_: Any, **__: Any) -> None:
    raise ServiceError("dbt is out of reach.", next_step="Mend it.")


def test_a_script_reads_what_each_step_did(outreach, monkeypatch) -> None:
    monkeypatch.setattr(run_module, "build_and_publish", refuse)
    code, shown, messages = outreach("run", "bounces", "--json")
    report = json.loads(shown)
    assert (code, report["exit_code"], report["cadence"]) == (4, 4, "bounces")
    steps = {step["step"]: step for step in report["steps"]}
    assert {name: step["outcome"] for name, step in steps.items()} == {
        "load salesforce icare": "done",
        "load salesforce core": "done",
        "load smartlead": "done",
        "load writeback": "done",
        "build": "failed",
        "push bounces icare": "not taken",
        "push bounces core": "not taken",
    }
    assert (steps["build"]["detail"], steps["build"]["next_step"]) == ("dbt is out of reach.", "Mend it.")
    assert "Of 7 steps, 1 failed. build: dbt is out of reach." in messages
    state = json.loads(outreach("status", "--json")[1])["cadences"][2]
    assert (state["state"], state["steps_not_done"]) == ("failed", {"build": "dbt is out of reach."})
    again = json.loads(outreach("run", "bounces", "--resume", "--json")[1])
    assert again["resumed_run_id"] == report["run_id"]
    assert [step["outcome"] for step in again["steps"]][:5] == ["done before"] * 4 + ["failed"]


def test_a_defect_of_ours_is_shown_and_alerted_of_before_its_traceback(outreach, monkeypatch, capsys) -> None:
    def build(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_module, "build_and_publish", build)
    monkeypatch.setattr(sys, "argv", ["outreach", "run", "eligibility", "--json"])
    with pytest.raises(ZeroDivisionError) as caught:
        main()
    assert "build: a defect of this program, ZeroDivisionError." in caught.value.__notes__[0]
    report = json.loads(capsys.readouterr().out)
    assert (report["exit_code"], [step["exit_code"] for step in report["steps"]]) == (1, [0, 0, 1])
    state = json.loads(outreach("status", "--json")[1])
    assert [one["subject"] for one in state["incidents"]] == ["build"]


def test_bounces_that_come_late_are_built_and_pushed_by_the_resumed_run(outreach, monkeypatch) -> None:
    monkeypatch.setattr(run_module, "load_smartlead", refuse)
    monkeypatch.setattr(run_module, "build_and_publish", lambda *_, **__: SimpleNamespace(nodes=1, version=BUILD))
    for name in ("push_lock", "readers"):
        monkeypatch.setattr(run_module, name, lambda *_, **__: nullcontext())
    monkeypatch.setattr(run_module, "push_plan", lambda *_, **__: (None, None))
    monkeypatch.setattr(run_module, "push_summary", lambda *_: {})
    monkeypatch.setattr(run_module, "require_pushed", lambda _: None)
    assert outreach("run", "bounces", "--resume")[0] == 4
    monkeypatch.setattr(run_module, "load_smartlead", lambda *_: SmartleadLoad({"messages": 1}, []))
    code, shown, _ = outreach("run", "bounces", "--resume", "--json")
    outcomes = {step["step"]: step["outcome"] for step in json.loads(shown)["steps"]}
    assert code == 0
    assert [name for name, outcome in outcomes.items() if outcome == "done"] == [
        "load smartlead",
        "build",
        "push bounces icare",
        "push bounces core",
    ]


def test_a_cadence_that_runs_already_is_refused_and_its_holder_named(outreach, tmp_path: Path) -> None:
    with exclusive(tmp_path / "run_bounces.lock", "run bounces"):
        code, _, messages = outreach("run", "bounces")
    assert code == 6
    assert f"is held by 'run bounces' (process {os.getpid()}" in messages
    assert json.loads(outreach("status", "--json")[1])["cadences"][2]["state"] == "never ran"


def test_others_who_hold_the_warehouse_are_waited_for_and_named(outreach, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(run_module, "build_and_publish", refuse)
    with warehouse_lock(tmp_path / "warehouse.duckdb", "load all"):
        code, shown, messages = outreach("run", "eligibility", "--wait-minutes", "0.003", "--json")
    assert code == 6
    assert "load salesforce icare waits for 'load all' (process" in messages
    outcomes = [step["outcome"] for step in json.loads(shown)["steps"]]
    assert outcomes == ["failed", "failed", "not taken"]


def test_an_unknown_cadence_is_wrong_usage(outreach) -> None:
    assert outreach("run", "weekly")[0] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_dbt_does_not_outlive_a_killed_build(tmp_path: Path, ending: signal.Signals) -> None:
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "python").write_text(f"#!{sys.executable}\nimport time\nopen('started', 'w').close()\ntime.sleep(60)\n")
    (fake / "python").chmod(0o755)
    code = (
        f"import signal, sys; sys.executable = {str(fake / 'python')!r}\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "from pipelines.build import build_and_publish; from pipelines.config import Settings\n"
        "from pipelines.console import progress; from pathlib import Path\n"
        f"here = Path({str(tmp_path)!r})\n"
        "with progress() as display: build_and_publish(Settings(project_dir=here, data_dir=here), display)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stderr=subprocess.DEVNULL) as build:
        while not (tmp_path / "started").exists():
            assert build.poll() is None
            time.sleep(0.05)
        (dbt,) = psutil.Process(build.pid).children()
        build.send_signal(ending)
        build.wait(20)
    assert dbt.wait(10) is None or not dbt.is_running()
