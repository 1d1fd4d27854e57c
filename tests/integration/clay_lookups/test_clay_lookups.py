"""Looking up over real HTTP: once each, within the budget, and killed at the worst moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import duckdb
import pytest

from pipelines.clay.loader import load_lookups
from pipelines.cli import main
from pipelines.errors import ConfigurationError, DataError, QuotaError, ServiceError
from pipelines.warehouse import warehouse_lock

KEYS = ["p0@firm.example", "firm.example", "p5@firm.example", "p1@firm.example", "other.example"]
# As `outreach load clay-lookups` does it, but killed when the second answer is to be stored.
KILLED = """
import os, signal
from rich.progress import Progress
from pipelines.clay.lookups.asked import Asked
from pipelines.clay.lookups.run import look_up
from pipelines.config import Settings

settle, answers = Asked.settle, []
def settle_once(self, *arguments, **named):
    answers.append(1)
    if len(answers) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    settle(self, *arguments, **named)
Asked.settle = settle_once
look_up(Settings(), Progress(disable=True))
"""


def test_everything_due_is_asked_once_and_lands_with_its_misses(world: Any) -> None:
    summary, problem = world.look_up()
    assert problem is None
    assert (summary.asked, summary.found, summary.missed) == (5, 3, 2)
    assert (summary.credits_of_run, summary.credits_spent, summary.credits_left) == (7, 7, 93)
    again, problem = world.look_up()
    assert (again.due, again.cached, again.asked, again.credits_of_run, problem) == (5, 5, 0, 0, None)
    assert world.answered() == KEYS
    settings = world.settings()
    with warehouse_lock(settings.warehouse_path, "test"):
        assert load_lookups(settings)["lookups"] == 5
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as warehouse:
        landed = warehouse.execute(
            "select lookup_key, status, credits, is_price_named, http_status, record ->> 'industry',"
            " record ->> 'linkedin_url', answer ->> 'credits_used' from raw_clay.lookups order by lookup_id"
        ).fetchall()
    assert [row[:5] for row in landed] == [
        ("p0@firm.example", "found", 1, True, 200),
        ("firm.example", "missed", 2, True, 404),
        ("p5@firm.example", "missed", 1, True, 404),
        ("p1@firm.example", "found", 1, True, 200),
        ("other.example", "found", 2, True, 200),
    ]
    assert landed[0][6] == "https://linkedin.example/in/p0"
    assert landed[1][5:] == (None, None, "2")
    assert landed[4][5] is not None


def test_a_used_up_budget_ends_the_run_and_the_next_goes_on(world: Any) -> None:
    summary, problem = world.look_up(credit_budget=3)
    assert isinstance(problem, QuotaError)
    assert problem.exit_code == 4
    assert (summary.asked, summary.credits_spent, summary.credits_left) == (2, 3, 0)
    assert world.answered() == KEYS[:2]
    summary, problem = world.look_up(credit_budget=5)
    assert world.answered() == KEYS[:4]
    assert (type(problem), summary.asked, summary.credits_spent) == (QuotaError, 2, 5)
    assert world.look_up(credit_budget=7)[1] is None
    assert world.answered() == KEYS


@pytest.fixture
def environment(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings as the command finds them."""
    settings = world.settings()
    monkeypatch.setenv("OUTREACH_PROJECT_DIR", str(settings.project_dir.absolute()))
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("OUTREACH_CLAY__BASE_URL", settings.clay.base_url)
    monkeypatch.setenv("OUTREACH_CLAY__LOOKUPS__API_KEY", "enterprise-key")
    monkeypatch.setenv("OUTREACH_CLAY__LOOKUPS__CREDIT_BUDGET", "100")


def test_a_kill_between_an_answer_and_its_storing_costs_that_answer_only(world: Any, environment: None) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED], check=False).returncode == -signal.SIGKILL
    assert world.kept() == [("p0@firm.example", "found", 1), ("firm.example", "intent", 1)]
    summary, problem = world.look_up()
    assert (summary.cached, summary.asked, problem) == (1, 4, None)
    assert world.answered() == [*KEYS[:2], *KEYS[1:]]
    assert summary.credits_spent == 8  # the lost answer counts its price


def test_a_busy_clay_is_waited_for_and_what_it_turned_away_costs_nothing(world: Any) -> None:
    world.fault(kind="status", path="people", status=429, headers={"Retry-After": "1"})
    world.fault(kind="status", path="people", status=429)
    assert world.look_up(most=1)[1] is None
    assert world.kept() == [
        ("p0@firm.example", "refused", 0),
        ("p0@firm.example", "refused", 0),
        ("p0@firm.example", "found", 1),
    ]


def test_a_lost_answer_is_asked_for_again_and_counts(world: Any) -> None:
    world.fault(kind="answer_lost", path="people")
    summary, problem = world.look_up(most=1)
    assert (problem, summary.found, summary.credits_spent) == (None, 1, 2)
    assert world.kept() == [("p0@firm.example", "intent", 1), ("p0@firm.example", "found", 1)]
    world.fault(kind="answer_lost", path="people", times=9)
    summary, problem = world.look_up(credit_budget=6)
    assert isinstance(problem, QuotaError)  # not even retries exceed the budget
    assert summary.credits_spent <= 6


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 401}, ConfigurationError),
        ({"kind": "status", "status": 403}, ConfigurationError),
        ({"kind": "status", "status": 402}, QuotaError),
        ({"kind": "html_page", "status": 404}, ServiceError),
    ],
)
def test_what_was_not_looked_up_ends_the_run_costs_nothing_and_is_no_miss(
    world: Any, fault: dict[str, Any], error: type[Exception]
) -> None:
    world.fault(path="people", **fault)
    summary, problem = world.look_up()
    assert type(problem) is error
    assert problem.next_step
    assert (summary.asked, summary.credits_spent) == (0, 0)
    summary, problem = world.look_up()
    assert (summary.cached, summary.asked, problem) == (0, 5, None)


def test_an_answer_that_nobody_understands_is_kept_and_ends_the_run(world: Any) -> None:
    world.fault(kind="malformed_page", path="people")
    summary, problem = world.look_up()
    assert isinstance(problem, ServiceError)
    assert (summary.asked, summary.credits_spent) == (0, 1)
    assert world.kept() == [("p0@firm.example", "unreadable", 1)]


def test_what_clay_cannot_use_is_not_asked_again_but_three_of_them_are_no_chance(world: Any) -> None:
    world.fault(kind="status", path="people", status=422)
    assert world.look_up(most=1)[1] is None
    assert world.look_up(most=1)[0].cached == 1
    world.fault(kind="status", path="enrich", status=400, times=9)
    summary, problem = world.look_up()
    assert (type(problem), summary.asked) == (DataError, 3)


def test_misses_before_anything_was_found_end_the_run_and_are_asked_again_on_demand(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.clay.lookups.run.MISSES_AT_FIRST", 2)
    world.fault(kind="status", path="people", status=404, times=2)
    summary, problem = world.look_up()
    assert isinstance(problem, DataError)
    assert "--again" in (problem.next_step or "")
    assert (summary.asked, summary.found) == (3, 0)
    summary, problem = world.look_up(again=True)
    assert (summary.cached, summary.found, problem) == (0, 3, None)
    world.fault(kind="status", path="people", status=404, times=3)
    assert world.look_up(again=True)[1] is None  # it has found people before


def test_another_key_is_refused_and_without_one_nothing_is_looked_up(world: Any) -> None:
    _, problem = world.look_up(api_key="of the public API")
    assert isinstance(problem, ConfigurationError)
    assert "of the public API" not in problem.message
    settings = world.settings().model_copy(update={"clay": None})
    with pytest.raises(ConfigurationError, match="clay"):
        settings.require_clay_lookups()


def test_the_command_shows_credits_lands_what_it_found_and_ends_with_4_without_budget(
    world: Any, environment: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*options: str) -> int | str | None:
        monkeypatch.setattr(sys, "argv", ["outreach", "load", "clay-lookups", *options])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code

    assert run("--dry-run", "--json") == 0
    dry = json.loads(capsys.readouterr().out)
    assert (dry["to_ask"], dry["asked"], dry["is_dry_run"], world.answered()) == (5, 0, True, [])
    monkeypatch.setenv("OUTREACH_CLAY__LOOKUPS__CREDIT_BUDGET", "3")
    assert run() == 4
    said = capsys.readouterr()
    assert "3 of 3 credits of this month" in " ".join(said.err.split())
    assert "credits left of this month" in said.out
    with duckdb.connect(str(world.settings().warehouse_path), read_only=True) as warehouse:
        assert warehouse.execute("select count(*) from raw_clay.lookups").fetchall() == [(2,)]
