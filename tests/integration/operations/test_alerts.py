"""Alerts: one when something goes wrong, one when it is over; by e-mail and webhook; and the commands around them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.cli import main
from pipelines.config import load_settings
from pipelines.errors import ConfigurationError, ServiceError
from pipelines.operations.alerts import alert_after_run, alert_of_staleness
from pipelines.operations.cadences import Kind, Step
from pipelines.operations.incidents import open_incidents
from pipelines.operations.runner import run_steps_of
from pipelines.runs import recorded_run
from pipelines.store import writing
from pipelines.store_tables import inbox_events, runs
from pipelines.writeback.brake import stop_order

STEPS = [Step(Kind.LOAD, "smartlead"), Step(Kind.LOAD, "clay")]


@pytest.fixture
def run(settings, engine) -> Callable[..., None]:
    """A run of two loads, with alerts; those that are named fail."""

    def take(*failing: str) -> None:
        def act(step: Step, _: dict[str, Any]) -> None:
            if step.target in failing:
                raise ServiceError(f"{step.target} cannot be reached.", next_step="Wait.")

        alert_after_run(settings, engine, run_steps_of(engine, "replies", STEPS, act))

    return take


def test_one_alert_for_an_incident_and_one_when_it_is_over(run, post, hook, engine) -> None:
    for failing in ((), ("smartlead",), ("smartlead",), ("smartlead", "clay"), ("clay",), (), ()):
        run(*failing)
    assert post.subjects() == [
        "Outreach: load smartlead needs attention",
        "Outreach: load clay needs attention",
        "Outreach: load smartlead is well again",
        "Outreach: load clay is well again",
    ]
    assert [call["subject"] for call, _ in hook.calls] == post.subjects()
    assert "smartlead cannot be reached. (exit code 4) Wait." in post.mails[0].get_content()
    assert open_incidents(engine) == []
    run("clay")
    assert post.subjects()[4:] == ["Outreach: load clay needs attention"]
    assert len({key for _, key in hook.calls}) == 5


def test_a_defect_of_ours_is_alerted_of_beside_what_else_failed(settings, engine, post) -> None:
    def act(step: Step, _: dict[str, Any]) -> None:
        raise KeyError("ann@lead.example") if step.target == "smartlead" else ServiceError("Clay cannot be reached.")

    alert_after_run(settings, engine, run_steps_of(engine, "replies", STEPS, act))
    assert post.subjects() == [
        "Outreach: load smartlead needs attention",
        "Outreach: load clay needs attention",
    ]
    assert "a defect of this program, KeyError. (exit code 1) Report it" in post.mails[0].get_content()
    assert "ann@" not in post.mails[0].get_content()


def test_a_webhook_that_fails_does_not_fail_the_run_and_shows_no_secret(run, post, hook, capsys) -> None:
    hook.status = 500
    run("clay")
    shown = " ".join(capsys.readouterr().err.split())
    assert "The webhook alerts.webhook_url answers 500." in shown
    assert "topsecret" not in shown
    hook.status = 200
    run("clay")
    assert len(post.mails) == 1
    assert hook.calls[-1][0]["subject"] == "Outreach: load clay needs attention"
    assert len({key for _, key in hook.calls}) == 1


def test_what_is_not_done_for_too_long_is_alerted_of_until_it_is_done(settings, engine, publish, post) -> None:
    publish(sources={"smartlead": 30.0, "clay": 1.0})
    with recorded_run(engine, "run replies"):
        pass
    assert set(alert_of_staleness(settings, engine)) == {"source smartlead"}
    with writing(engine) as connection:
        started = connection.scalar(sa.select(runs.c.started_at))
        assert started is not None
        connection.execute(runs.update().values(started_at=started - timedelta(hours=2)))
    assert set(alert_of_staleness(settings, engine)) == {"source smartlead", "cadence replies"}
    publish(sources={"smartlead": 0.0})
    with recorded_run(engine, "run replies") as again:
        again.exit_code = 12
    assert set(alert_of_staleness(settings, engine)) == {"cadence replies"}
    with recorded_run(engine, "run replies") as again:
        again.exit_code = 10  # records were rejected, whose push has an incident of its own
    assert alert_of_staleness(settings, engine) == {}
    assert open_incidents(engine) == []


@pytest.fixture
def outreach(settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command with the same settings; its exit code and what it printed."""
    for name in [name for name in os.environ if name.startswith("OUTREACH_")]:
        monkeypatch.delenv(name)
    environment = {
        "SECRETS_FILE": "/nonexistent",
        "DATA_DIR": str(settings.data_dir),
        "MAIL__HOST": "127.0.0.1",
        "MAIL__PORT": str(settings.mail.port),
        "MAIL__SECURITY": "none",
        "MAIL__SENDER": "outreach@corp.example",
        "ALERTS__EMAIL_TO": '["ops@corp.example"]',
    }
    for name, value in environment.items():
        monkeypatch.setenv(f"OUTREACH_{name}", value)

    def run_command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["outreach", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        return int(caught.value.code or 0), capsys.readouterr().out

    return run_command


def test_a_test_alert_arrives(outreach, post) -> None:
    assert outreach("alerts", "--test") == (0, "1 messages sent.\n")
    assert (post.subjects(), post.mails[0]["To"]) == (["Outreach: a test"], "ops@corp.example")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("OUTREACH_ALERTS__EMAIL_TO", '["not an address"]', r"alerts\.email_to\.0"),
        ("OUTREACH_MAIL__SECURITY", "hope", r"mail\.security"),
        ("OUTREACH_NOTICES__REMIND_BEFORE_HOURS", "0", r"notices\.remind_before_hours"),
    ],
)
def test_settings_are_checked_at_the_start(outreach, monkeypatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=words):
        load_settings()


def test_mail_without_a_server_is_refused(outreach, monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("OUTREACH_MAIL")]:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=r"no \[mail\] section"):
        load_settings()


def test_status_tells_what_there_is(outreach, run, settings, engine, publish) -> None:
    code, shown = outreach("status", "--json")
    nothing = json.loads(shown)
    assert (code, nothing["published"], nothing["queues"]["sync_errors"]) == (0, None, None)
    assert {one["state"] for one in nothing["cadences"]} == {"never ran"}
    event = {"source": "smartlead", "channel": "webhook", "body": "{}", "event_type": "X"}
    run("clay")
    with writing(engine) as connection:
        last = connection.scalar(sa.select(sa.func.max(runs.c.ended_at)))
        assert last is not None
        for key, hours in (("old", -1), ("new", 1)):
            received = last + timedelta(hours=hours)
            connection.execute(inbox_events.insert().values(event | {"dedupe_key": key, "received_at": received}))
    publish({}, sources={"smartlead": 30.0})
    stop_order(settings).give("ann")
    state = json.loads(outreach("status", "--json")[1])
    replies = state["cadences"][0]
    assert (replies["state"], replies["exit_code"]) == ("failed", 4)
    assert replies["steps_not_done"] == {"load clay": "clay cannot be reached."}
    assert state["queues"] == {
        "inbox_waiting": {"smartlead": 1, "clay": 0},
        "unmatched_events": 3,
        "sync_errors": 2,
        "messages_waiting": 0,
    }
    assert state["sources"][0]["is_stale"]
    assert state["published"]["build_id"] == "b1"
    assert state["push_stopped"].startswith("ann")
    assert [one["subject"] for one in state["incidents"]] == ["load clay"]
    code, shown = outreach("status")
    assert (code, "load clay" in shown, "stopped by ann" in shown) == (0, True, True)


def test_status_tells_a_run_that_rejected_records_from_a_failed_one(outreach, engine) -> None:
    with recorded_run(engine, "run replies") as run:
        run.exit_code = 10
    replies = json.loads(outreach("status", "--json")[1])["cadences"][0]
    assert (replies["state"], replies["exit_code"]) == ("done in part", 10)
    assert replies["last_good_at"] == replies["started_at"]
