"""After an export: the rows of Clay's table against the members, and what a table or a source no longer takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from pipelines.clay.audience import read_audience
from pipelines.clay.export import export_audience
from pipelines.clay.export_summary import ExportSummary
from pipelines.cli import app
from pipelines.config import Settings
from pipelines.errors import ConfigurationError, PartialFailureError, RefusedError
from pipelines.inbox.bodies import read_body
from pipelines.inbox.clay import callback_event
from pipelines.inbox.events import append
from pipelines.salesforce.ids import to_18
from pipelines.store import open_store

NAME = "AI Outreach DACH Q4"
MEMBERS = [to_18(f"00vIc0AAAAAA{number:03d}") for number in range(5)]


def export(
    settings: Settings, *, resend_missing: bool = False, sleep: Callable[[float], None] = lambda _: None
) -> ExportSummary:
    audience = read_audience(settings, NAME, None)
    with Progress(disable=True) as progress:
        summary, problem = export_audience(settings, audience, progress, resend_missing=resend_missing, sleep=sleep)
    assert problem is None
    return summary


def test_a_complete_export_agrees(world: Any) -> None:
    summary = export(world.settings())
    assert (summary.rows_in_clay, summary.missing_in_clay, summary.is_table_full) == (5, {}, False)


def test_without_an_api_key_nothing_is_claimed(world: Any) -> None:
    summary = export(world.settings(api_key=None))
    assert (summary.rows_in_clay, summary.missing_in_clay) == (None, {})


def test_rows_that_clay_forgot_are_listed_and_sent_again_only_when_asked(world: Any) -> None:
    world.clay.misbehave = ["accept", "forget", "accept", "forget", "accept"]
    waits: list[float] = []
    summary = export(world.settings(), sleep=waits.append)
    assert list(summary.missing_in_clay) == [MEMBERS[1], MEMBERS[3]]
    assert summary.missing_in_clay[MEMBERS[1]] == "accepted (200)"
    assert 50 < sum(waits) <= 60, "Clay gets time to show what it has accepted"
    again = export(world.settings())
    assert (again.to_send, len(again.missing_in_clay)) == (0, 2)
    third = export(world.settings(), resend_missing=True)
    assert (third.accepted, third.already_accepted, third.missing_in_clay) == (2, 3, {})
    assert sorted(world.clay.members()) == MEMBERS


def test_a_row_that_shows_late_is_not_missing(world: Any) -> None:
    world.clay.misbehave = ["forget"]
    late = {"CampaignMemberId": MEMBERS[0]}
    summary = export(world.settings(), sleep=lambda _: world.clay.rows.append(late))
    assert (summary.rows_in_clay, summary.missing_in_clay) == (5, {})


def test_a_row_that_clay_deleted_after_its_callback_is_not_missing(world: Any) -> None:
    settings = world.settings()
    export(settings)
    deleted = world.clay.rows.pop()
    payload = {"kind": "enrichment", "table_id": "t_icare_3", "row_id": "1"}
    payload["CampaignMemberId"] = deleted["CampaignMemberId"]
    append(open_store(settings), [callback_event(read_body(json.dumps(payload).encode()))])
    summary = export(settings, resend_missing=True)
    assert (summary.rows_in_clay, summary.missing_in_clay, summary.to_send) == (4, {}, 0)


def test_rows_that_nobody_sent_and_members_with_two_rows_are_counted(world: Any) -> None:
    export(world.settings())
    no_longer_exportable, of_nobody = (to_18(f"00vIc0AAAAAA{number:03d}") for number in (5, 9))
    for member_id in (MEMBERS[2], no_longer_exportable, of_nobody, None):
        world.clay.rows.append({"CampaignMemberId": member_id})
    summary = export(world.settings())
    assert (summary.repeated_in_clay, summary.foreign_in_clay, summary.rows_in_clay) == ([MEMBERS[2]], 2, 9)


def test_a_table_that_fills_up_in_the_middle_fails_the_command(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.clay.arrivals.ROWS_PER_TABLE", 3)
    monkeypatch.setattr("pipelines.clay.export.ROWS_PER_TABLE", 10)  # as if it filled up after the look beforehand
    monkeypatch.setattr("pipelines.cli.export.load_settings", world.settings)
    monkeypatch.setattr("pipelines.clay.comparison.wait_until_visible", lambda *_: False)
    world.clay.most_rows = 3
    result = CliRunner().invoke(app, ["export", NAME])
    assert isinstance(result.exception, PartialFailureError)
    assert "2 are missing in Clay's table of 3 rows" in str(result.exception)
    assert "is full" in str(result.exception)
    assert f"missing in Clay: {MEMBERS[4]}" in result.output


def test_a_table_without_room_is_refused_beforehand(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.clay.export.ROWS_PER_TABLE", 7)
    world.clay.rows = [{"CampaignMemberId": None}] * 3
    with pytest.raises(RefusedError, match="holds 7 rows: 3 are in it, and 5 more would not fit"):
        export(world.settings())
    assert len(world.clay.rows) == 3


def test_rows_sent_twice_use_up_the_source_twice(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.clay.webhook.ROWS_PER_SOURCE", 6)
    world.clay.misbehave = ["forget", "forget", "422", "accept", "accept"]
    export(world.settings())
    with pytest.raises(RefusedError, match="takes 6 rows in its life: 4 were sent, and 3 more would not fit"):
        export(world.settings(), resend_missing=True)


def test_without_an_api_key_nothing_is_sent_again(world: Any) -> None:
    with pytest.raises(ConfigurationError, match="Without an API key"):
        export(world.settings(api_key=None), resend_missing=True)
