"""Exporting an audience to Clay: gates, once per member, and what happens when answers or processes are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from rich.progress import Progress

from pipelines.clay.audience import read_audience
from pipelines.clay.export import export_audience
from pipelines.clay.export_summary import ExportSummary
from pipelines.config import Settings
from pipelines.config.services import ClayWebhook
from pipelines.errors import ConfigurationError, DataError, LockedError, OutreachError, RefusedError, ServiceError
from pipelines.inbox.bodies import read_body
from pipelines.inbox.clay import callback_event
from pipelines.inbox.events import append
from pipelines.privacy.suppression import key_id_of, keyed_hash, make_key
from pipelines.salesforce.ids import to_18
from pipelines.store import open_store, reading, writing
from pipelines.store_tables import clay_submissions, erased_identities, erasures
from pipelines.warehouse import exclusive

WORLD = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
NAME = "AI Outreach DACH Q4"
CAMPAIGN = to_18("701Ic0AAAAAAAAB")
MEMBERS = [to_18(f"00vIc0AAAAAA{number:03d}") for number in range(5)]


def export(
    settings: Settings, name: str = NAME, *, dry_run: bool = False, waits: list[float] | None = None
) -> tuple[ExportSummary, OutreachError | None]:
    audience = read_audience(settings, name, None)
    sleep = (waits if waits is not None else []).append
    with Progress(disable=True) as progress:
        return export_audience(settings, audience, progress, dry_run=dry_run, sleep=sleep)


def statuses(settings: Settings) -> dict[str, str]:
    with reading(open_store(settings)) as connection:
        rows = connection.execute(sa.select(clay_submissions.c.campaign_member_id, clay_submissions.c.status))
        return dict(rows.all())


def settled_at(settings: Settings) -> set[datetime]:
    with reading(open_store(settings)) as connection:
        return set(connection.scalars(sa.select(clay_submissions.c.settled_at)))


def test_sends_each_exportable_member_once_with_its_keys(world: Any) -> None:
    summary, problem = export(world.settings())
    assert problem is None
    assert (summary.members, summary.exportable, summary.without_keys) == (7, 5, 1)
    assert (summary.to_send, summary.accepted, summary.open) == (5, 5, 0)
    assert world.clay.members() == MEMBERS
    assert world.clay.rows[0] == {
        "org": "icare",
        "CampaignMemberId": MEMBERS[0],
        "LeadId": to_18("00QIc0AAAAAA000"),
        "email": "ann@lead.example",
        "first_name": "Ann",
        "last_name": "Lee",
        "company": "Acme",
        "title": "CTO",
        "country": "Austria",
        "email_domain": "lead.example",
    }
    assert set(world.clay.tokens) == {"table-token"}
    again, _ = export(world.settings())
    assert (again.already_accepted, again.to_send) == (5, 0)
    assert settled_at(world.settings()) == {WORLD}, "by Clay's clock"
    assert world.clay.members() == MEMBERS


@pytest.mark.parametrize("name", [CAMPAIGN, CAMPAIGN[:15]])
def test_a_campaign_is_found_by_its_id_in_both_forms(world: Any, name: str) -> None:
    assert export(world.settings(), name, dry_run=True)[0].campaign_name == NAME


def test_a_dry_run_sends_nothing_and_leaves_nothing(world: Any) -> None:
    summary, _ = export(world.settings(), dry_run=True)
    assert (summary.is_dry_run, summary.to_send) == (True, 5)
    assert (world.clay.rows, statuses(world.settings())) == ([], {})


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        (
            {"legal approval valid": "fail", "ids present": "unknown", "all eligible": "pass"},
            "2 of 3 gates do not pass",
        ),
        ({"legal approval valid": "fail"}, "legal approval valid: fail (measured 3, threshold 0, owner DPO)"),
        ({}, "no gate was evaluated"),
    ],
)
def test_refuses_unless_every_gate_passes_and_lists_those_that_do_not(
    world: Any, gates: dict[str, str], words: str
) -> None:
    world.publish(gates)
    with pytest.raises(RefusedError) as caught:
        export(world.settings())
    assert words in str(caught.value)
    assert world.clay.rows == []


@pytest.mark.parametrize(
    ("name", "org", "words"),
    [
        ("AI Outreach DACH Q3", None, "Near: AI Outreach DACH Q4"),
        ("AI Outreach Iberia Q4", "icare", "'AI Outreach Iberia Q4' in icare"),
        ("zzz", None, "Near: AI Outreach DACH Q4, AI Outreach Iberia Q4, Same Name."),
        (CAMPAIGN.lower(), None, "There is no"),
        ("Same Name", None, "Several campaigns"),
    ],
)
def test_an_unknown_or_ambiguous_campaign_is_a_clear_error(world: Any, name: str, org: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_audience(world.settings(), name, org)


def test_before_anything_was_published_it_says_what_to_do(world: Any) -> None:
    (world.directory / "data" / "published" / "current.json").unlink()
    with pytest.raises(DataError, match="published") as caught:
        read_audience(world.settings(), NAME, None)
    assert "outreach build" in str(caught.value.next_step)


def test_a_full_source_is_refused_beforehand(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.clay.webhook.ROWS_PER_SOURCE", 4)
    with pytest.raises(RefusedError, match="takes 4 rows in its life: 0 were sent, and 5 more would not fit"):
        export(world.settings())
    assert world.clay.rows == []


def test_the_next_source_is_used_when_one_has_taken_all_it_can(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.clay.webhook.ROWS_PER_SOURCE", 3)
    world.clay.misbehave = ["accept", "422"]  # what was turned away was not taken
    settings = world.settings()
    table = settings.clay.tables["t_icare_3"]
    more = ClayWebhook(webhook_url=f"{world.url}/v3/sources/webhook/second", webhook_token="second-token")
    table.next_webhooks = [more]
    export(settings)
    assert world.clay.sources == ["t_icare_3"] * 4 + ["second"]
    export(settings)
    assert world.clay.sources[5:] == ["second"]
    assert world.clay.tokens[3:] == ["table-token", "second-token", "second-token"]
    assert sorted(world.clay.members()) == MEMBERS


def test_lost_answers_are_looked_up_before_anything_is_sent_again(world: Any) -> None:
    world.clay.misbehave = ["accept", "lose after", "lose before", "accept", "500"]
    first, problem = export(world.settings())
    assert (first.accepted, first.open, problem) == (2, 3, None)
    waits: list[float] = []
    second, _ = export(world.settings(), waits=waits)
    assert (second.found_in_clay, second.accepted, second.open) == (1, 2, 0)
    assert sorted(world.clay.members()) == MEMBERS
    assert 50 < sum(waits) <= 60, "Clay gets time to show what it has accepted"


def test_without_an_api_key_open_rows_stay_open_and_a_callback_settles_them(world: Any) -> None:
    settings = world.settings(api_key=None)
    world.clay.misbehave = ["lose after", "lose after"]
    export(settings)
    summary, _ = export(settings)
    assert (summary.open, summary.to_send) == (2, 0)
    payload = {"kind": "enrichment", "table_id": "t_icare_3", "row_id": "1", "CampaignMemberId": MEMBERS[1][:15]}
    append(open_store(settings), [callback_event(read_body(json.dumps(payload).encode()))])
    summary, _ = export(settings)
    assert (summary.found_in_clay, summary.open) == (1, 1)
    assert sorted(world.clay.members()) == MEMBERS


def test_a_busy_webhook_is_waited_for_and_a_refused_row_does_not_stop_the_others(world: Any) -> None:
    world.clay.misbehave = ["429", "accept", "422", "accept"]
    summary, problem = export(world.settings())
    assert (summary.accepted, summary.rejected, problem) == (4, 1, None)
    assert export(world.settings())[0].accepted == 1, "a refused row may be tried again"
    assert sorted(world.clay.members()) == MEMBERS


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        (["401"], ConfigurationError, "refuses the credentials"),
        (["404"], ServiceError, "404"),
        (["429"] * 5, ServiceError, "answered 429; 5 attempts"),
        (["500"] * 3, ServiceError, "no usable answer 3 times in a row"),
    ],
)
def test_what_concerns_every_row_ends_the_export_without_loss(
    world: Any, answers: list[str], error: type[OutreachError], words: str
) -> None:
    world.clay.misbehave = list(answers)
    _, problem = export(world.settings())
    assert isinstance(problem, error)
    assert words in str(problem)
    assert "webhook/" not in str(problem), "whoever knows the webhook's address can add rows"
    export(world.settings())
    assert sorted(world.clay.members()) == MEMBERS


def test_an_unreachable_or_unconfigured_webhook_is_a_clear_error(world: Any) -> None:
    _, problem = export(world.settings(webhook="http://127.0.0.1:9/secret-path"))
    assert isinstance(problem, ServiceError)
    assert "secret-path" not in str(problem)
    settings = world.settings()
    without = settings.model_copy(update={"clay": settings.clay.model_copy(update={"tables": {}})})
    with pytest.raises(ConfigurationError, match="No webhook is configured for Clay's table t_icare_3"):
        export(without)


@pytest.mark.parametrize(
    ("kind", "value", "left"),
    [
        ("record", f"icare {MEMBERS[2][:15]}", 4),
        ("record", "icare 00QIc0AAAAAA002", 4),
        ("email", "ann@lead.example", 0),
    ],
)
def test_whoever_is_erased_while_the_export_runs_is_left_out(
    world: Any, capsys: pytest.CaptureFixture[str], kind: str, value: str, left: int
) -> None:
    settings = world.settings()
    audience = read_audience(settings, NAME, None)
    key = make_key(settings)
    erasure = {"erasure_id": "e", "requested_by": "dora", "requested_at": WORLD, "counts": "{}"}
    identity = {"keyed_hash": keyed_hash(key, kind, value), "kind": kind, "erasure_id": "e"}
    with writing(open_store(settings)) as connection:
        connection.execute(erasures.insert().values(erasure | {"key_id": key_id_of(key)}))
        connection.execute(erased_identities.insert().values(identity))
    with Progress(disable=True) as progress:
        summary, problem = export_audience(settings, audience, progress, sleep=[].append)
    assert (problem, summary.exportable, summary.to_send, summary.accepted) == (None, left, left, left)
    assert f"left out: {5 - left} of 5 members" in capsys.readouterr().err
    assert summary.missing_in_clay == {}
    kept = [member for member in MEMBERS if left and member != MEMBERS[2]]
    assert world.clay.members() == kept
    assert statuses(settings) == dict.fromkeys(kept, "accepted")


def test_two_exports_to_one_table_do_not_run_at_the_same_time(world: Any) -> None:
    with (
        exclusive(world.directory / "data" / "export_t_icare_3.lock", "export somewhere else"),
        pytest.raises(LockedError, match="export somewhere else"),
    ):
        export(world.settings())


def test_rows_sent_long_ago_are_not_waited_for(world: Any) -> None:
    settings = world.settings()
    world.clay.misbehave = ["lose before"]
    export(settings)
    with writing(open_store(settings)) as connection:
        connection.execute(clay_submissions.update().values(intent_at=datetime(2026, 1, 1, tzinfo=UTC)))
    waits: list[float] = []
    export(settings, waits=waits)
    assert waits == []


# The real command in a process of its own, which kills itself around the third call of a function.
KILLED_EXPORT = """
import os, signal, sys
import pipelines.cli.build, pipelines.cli.export
from pipelines.clay.submissions import Submissions
from pipelines.clay.webhook import TableWebhook
owner, name, when = {"Submissions": Submissions, "TableWebhook": TableWebhook}[sys.argv[1]], sys.argv[2], sys.argv[3]
original, calls = getattr(owner, name), []
def dying(*arguments):
    calls.append(1)
    if len(calls) == 3 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(owner, name, dying)
sys.argv = ["outreach", "export", sys.argv[4], "--json"]
pipelines.cli.main()
"""


@pytest.mark.parametrize(
    ("owner", "name", "when", "arrived"),
    [
        ("Submissions", "intend", "after", 2),  # the intent is committed, nothing was sent
        ("TableWebhook", "send", "after", 3),  # sent, the outcome is not committed
        ("Submissions", "answered", "after", 3),
    ],
)
def test_killed_and_run_again_every_member_arrives_exactly_once(
    world: Any, owner: str, name: str, when: str, arrived: int
) -> None:
    settings = world.settings()
    environment = os.environ | {
        "OUTREACH_DATA_DIR": str(settings.data_dir),
        "OUTREACH_PROJECT_DIR": str(settings.project_dir),
        "OUTREACH_SECRETS_FILE": str(world.directory / "none.toml"),
        "OUTREACH_CLAY__BASE_URL": world.url,
        "OUTREACH_CLAY__API_KEY": "clay-key",
        "OUTREACH_CLAY__TABLES__T_ICARE_3__WEBHOOK_URL": settings.clay.tables["t_icare_3"].webhook_url,
    }
    command = [sys.executable, "-c", KILLED_EXPORT, owner, name, when, NAME]
    process = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert len(world.clay.rows) == arrived
    summary, problem = export(settings)
    assert (problem, summary.open) == (None, 0)
    assert sorted(world.clay.members()) == MEMBERS
    assert statuses(settings) == dict.fromkeys(MEMBERS, "accepted")
