"""A reply whose lead left the roster: suggested, accepted on the command line, and matched by the models."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.config import Settings
from pipelines.errors import DataError, RefusedError
from pipelines.matching.accepted import in_force
from pipelines.publish import publish
from pipelines.store import open_store

REPLY = ("smartlead_reply", "<r1@lead.example>")
MODELS = ("--select", "+fct_unmatched_events", "+fct_reply_events", "int_operations__as_of")


def outreach(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["match", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def test_an_accepted_suggestion_becomes_a_match(dbt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=dbt.directory, warehouse=dbt.warehouse)
    monkeypatch.setenv("OUTREACH_DATA_DIR", str(dbt.directory))
    monkeypatch.setenv("COLUMNS", "200")
    dbt.load("--with-story")
    _execute(dbt, "delete from raw_smartlead.campaign_leads")
    _build(dbt, settings, "first")

    listed = outreach("list", "--json")
    assert "ann.lee" not in listed  # R8
    event = next(event for event in json.loads(listed) if (event["event_source"], event["event_key"]) == REPLY)
    assert (event["unmatched_reason"], event["suggested_campaign_member_id"]) == ("not_in_roster", "00vIc0aaaaaaaaAIAQ")
    with pytest.raises(DataError, match="nonsense"):
        outreach("accept", REPLY[0], "nonsense", "--why", "x")
    without = next(event for event in json.loads(listed) if event["suggested_campaign_member_id"] is None)
    with pytest.raises(RefusedError):
        outreach("accept", without["event_source"], without["event_key"], "--why", "x")
    assert "1 accepted" in outreach("accept", *REPLY, "--why", "The mail was sent to her.", "--by", "kim")
    assert "kim" in outreach("list", "--accepted")

    (match,) = in_force(open_store(settings))
    values = {name: str(value) if name == "decided_at" else value for name, value in match.items()}
    columns, places = ", ".join(values), ", ".join("?" * len(values))
    _execute(dbt, f"insert into raw_writeback.accepted_matches ({columns}) values ({places})", list(values.values()))
    _build(dbt, settings, "second")
    assert dbt.rows("select campaign_member_id, lead_id, unmatched_reason from marts.fct_reply_events") == [
        ("00vIc0aaaaaaaaAIAQ", "00QIc0aaaaaaaaAMAQ", None)
    ]
    assert REPLY not in {
        (event["event_source"], event["event_key"]) for event in json.loads(outreach("list", "--json"))
    }


def _build(dbt: Any, settings: Settings, build_id: str) -> None:
    result = dbt("run" if build_id == "second" else "build", *MODELS, *_kinds(build_id))
    assert result.returncode == 0, result.stdout[-3000:]
    publish(settings, build_id)


def _kinds(build_id: str) -> tuple[str, ...]:
    """The first build brings the seeds too."""
    return () if build_id == "second" else ("--resource-type", "model", "--resource-type", "seed")


def _execute(dbt: Any, sql: str, values: list[Any] | None = None) -> None:
    with duckdb.connect(str(dbt.warehouse)) as connection:
        connection.execute(sql, values or [])
