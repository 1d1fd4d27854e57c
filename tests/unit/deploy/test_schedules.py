"""The ready schedules: they start commands that exist, at the times of the cadences, and systemd understands them."""

from __future__ import annotations

import getpass
import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import typer

from pipelines.cli import app
from pipelines.operations.cadences import CADENCES

PROJECT = Path(__file__).parents[3]
SYSTEMD = PROJECT / "deploy" / "systemd"
CRONTAB = PROJECT / "deploy" / "cron" / "outreach.cron"
INSTALLED = "/opt/outreach"
ALERTS_CRON = "3-59/5 * * * *"
RETENTION_CRON = "40 3 * * *"
RUN = "outreach-run@.service"


def unit(file: Path) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(file)
    return parser


def command_of(service: Path) -> list[str]:
    return shlex.split(unit(service)["Service"]["ExecStart"])


def assert_is_a_command(words: list[str]) -> None:
    """Whether the command line understands these words; nothing is run."""
    group = typer.main.get_command(app)
    with group.make_context("outreach", words, resilient_parsing=True) as context:
        name, command, rest = group.resolve_command(context, words)  # type: ignore[attr-defined]
        assert command is not None, words
        with command.make_context(name, rest, parent=context):
            pass


def crontab() -> dict[str, str]:
    """The command of each job by its five fields."""
    lines = (line for line in CRONTAB.read_text().splitlines() if line[:1].isdigit() or line[:1] == "*")
    jobs = [re.split(r"\s+", line, maxsplit=6) for line in lines]
    return {job[6]: " ".join(job[:5]) for job in jobs}


def as_calendar(cron: str) -> str:
    """A cron time as systemd writes it, for the forms that we use."""
    minute, hour, *rest = cron.split()
    assert rest == ["*", "*", "*"]
    if hour != "*":
        return f"*-*-* {int(hour):02}:{int(minute):02}:00"
    start, step = minute.split("/")
    return f"*-*-* *:{int(start.split('-')[0].replace('*', '0')):02}/{step}:00"


def test_every_cadence_has_its_timer_and_cron_job_at_its_time() -> None:
    job = f"{INSTALLED}/deploy/cron/outreach-job"
    expected = {f"{job} run {name} --resume --json": cadence.cron for name, cadence in CADENCES.items()}
    assert crontab() == expected | {
        f"{job} alerts --json": ALERTS_CRON,
        f"{job} retention --apply --json": RETENTION_CRON,
    }
    timers = {file.stem.removeprefix("outreach-"): unit(file)["Timer"] for file in SYSTEMD.glob("*.timer")}
    times = {f"run@{name}": cadence.cron for name, cadence in CADENCES.items()}
    times |= {"alerts": ALERTS_CRON, "retention": RETENTION_CRON}
    assert {name: timer["OnCalendar"] for name, timer in timers.items()} == {
        name: as_calendar(cron) for name, cron in times.items()
    }
    assert all(timer["Unit"] == f"outreach-{name}.service" for name, timer in timers.items())


def test_the_document_says_what_the_cadences_are() -> None:
    lines = (PROJECT / "docs" / "operations.md").read_text().splitlines()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `outreach run")
    ]
    assert [row[0].removeprefix("outreach run ") for row in rows] == list(CADENCES)
    for (_, document, loads, writes, cron, late), cadence in zip(rows, CADENCES.values(), strict=True):
        assert document.startswith(cadence.document)
        every = "all" if len(cadence.loads) == 4 and cadence.sweep else ", ".join(cadence.loads)
        assert loads == every + (", all ids and formulas" if cadence.sweep else "")
        assert writes == ("all three" if len(cadence.pushes) == 3 else ", ".join(cadence.pushes) or "nothing")
        hours = cadence.stale_after.total_seconds() / 3600
        assert (cron, late) == (cadence.cron, f"{hours:.0f} hour{'s' if hours > 1 else ''}")


def test_each_service_and_job_starts_a_command_that_exists() -> None:
    services = list(SYSTEMD.glob("*.service"))
    assert len(services) == 4
    commands = [[word.replace("%i", "bounces") for word in command_of(service)] for service in services]
    for program, *words in commands:
        assert program == f"{INSTALLED}/.venv/bin/outreach"
        assert_is_a_command(words)
    for job in crontab():
        program, *words = shlex.split(job)
        assert (PROJECT / Path(program).relative_to(INSTALLED)).stat().st_mode & 0o100
        assert_is_a_command(words)


def test_a_word_that_is_no_command_is_noticed() -> None:
    with pytest.raises(Exception, match="weekly"):
        assert_is_a_command(["run", "weekly"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    program = shutil.which("true")
    assert program
    for file in SYSTEMD.iterdir():
        text = file.read_text().replace(f"{INSTALLED}/.venv/bin/outreach", program)
        (tmp_path / file.name).write_text(text.replace("User=outreach", f"User={getpass.getuser()}"))
    units = [file.name for file in tmp_path.iterdir() if file.name != RUN]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], cwd=tmp_path, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    times = [unit(file)["Timer"]["OnCalendar"] for file in SYSTEMD.glob("*.timer")]
    assert subprocess.run(["systemd-analyze", "calendar", *times], capture_output=True).returncode == 0


def test_the_job_of_cron_passes_arguments_and_exit_code_on(tmp_path: Path) -> None:
    job = tmp_path / "deploy" / "cron" / "outreach-job"
    job.parent.mkdir(parents=True)
    shutil.copy(PROJECT / "deploy" / "cron" / "outreach-job", job)
    program = tmp_path / ".venv" / "bin" / "outreach"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$PWD $*" > seen\nexit 6\n')
    program.chmod(0o755)
    assert subprocess.run([job, "run", "bounces"], capture_output=True).returncode == 6
    assert (tmp_path / "seen").read_text() == f"{tmp_path} run bounces\n"
