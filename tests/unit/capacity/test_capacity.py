"""What a volume comes to: by hand where it can be counted, and properties that hold for every volume."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.capacity.calls import salesforce_push, smartlead_pages, smartlead_poll
from pipelines.capacity.projection import project
from pipelines.capacity.simulation import poll_by
from pipelines.capacity.volume import Assumptions, SendingLimits, Volume, read_limits
from pipelines.cli.capacity import DAILY_CALLS, VOLUMES, as_markdown
from pipelines.config.services import SalesforceOrg, Smartlead
from pipelines.errors import DataError
from pipelines.rate_limit import Limit

PROJECT = Path(__file__).parents[3]
LIMITS = SendingLimits(30, 3, 22, ((1, 0), (15, 10), (22, 20), (29, 30)))
SMARTLEAD = Smartlead.model_validate({"api_key": "none"})
ORG = SalesforceOrg.model_validate({"login_url": "none", "client_id": "none"})
EVERY_15_MINUTES = "*/15 * * * *"


def volume(mails: int, **assumed: int) -> Volume:
    return Volume(mails, LIMITS, replace(Assumptions(), **assumed))


def test_the_mailboxes_of_5000_mails_a_month() -> None:
    """228 mails a day need 8 mailboxes at 30; set up on day 1, they send 30 each from day 29 on, in the fifth week."""
    counted = volume(5_000)
    assert (counted.mails_per_day, counted.mailboxes, counted.domains, counted.weeks_of_ramp()) == (228, 8, 3, 5)


def test_mailboxes_that_are_set_up_a_few_a_week_take_longer() -> None:
    """76 mailboxes at 25 a week: the last one is set up on day 22 and is warm on day 50, in the eighth week."""
    assert volume(50_000).weeks_of_ramp() == 8
    assert volume(50_000, mailboxes_per_week=76).weeks_of_ramp() == 5


def test_what_one_more_mail_a_day_needs() -> None:
    assert [volume(30 * 22 * boxes + more).mailboxes for boxes, more in ((4, 0), (4, 1))] == [4, 5]


@given(st.integers(1, 200_000), st.integers(1, 200_000))
@settings(max_examples=50)
def test_more_mails_never_need_less(some: int, more: int) -> None:
    small, large = volume(some), volume(some + more)
    assert small.mailboxes <= large.mailboxes
    assert smartlead_poll(small) <= smartlead_poll(large)


@given(st.integers(1, 200_000))
@settings(max_examples=50)
def test_the_ramp_of_mailboxes_that_are_set_up_at_once_is_their_warm_up(mails: int) -> None:
    """From day 15 on a mailbox sends, from day 29 on all it may."""
    assert 3 <= volume(mails, mailboxes_per_week=10_000).weeks_of_ramp() <= 5


@pytest.mark.parametrize(("records", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (199, 2), (200, 3)])
def test_each_page_of_smartlead_begins_with_the_last_record_of_the_one_before(records: int, pages: int) -> None:
    assert smartlead_pages(records, 100) == pages


@pytest.mark.parametrize(
    ("records", "is_guarded", "calls"), [(0, True, 0), (1, True, 6), (201, True, 8), (2_001, False, 17)]
)
def test_a_push_is_two_calls_for_200_guarded_records_and_the_canary(records: int, is_guarded: bool, calls: int) -> None:
    assert salesforce_push(records, is_guarded=is_guarded) == calls


def test_a_poll_within_a_minutes_limit_takes_as_long_as_its_answers() -> None:
    polling = poll_by(EVERY_15_MINUTES, 60, [Limit(60, 60.0)])
    assert polling.minutes == pytest.approx(0.2)
    assert polling.oldest_minutes == pytest.approx(15.2)
    assert polling.keeps_up


def test_a_poll_waits_for_the_hour() -> None:
    """Of 1,500 calls the last 500 wait until the first are an hour ago; the next poll begins at the full quarter."""
    polling = poll_by(EVERY_15_MINUTES, 1_500, [Limit(1_000, 3600.0)])
    assert 60 < polling.minutes < 122
    assert not polling.keeps_up


def test_a_poll_that_keeps_up_may_be_as_often_as_it_is_scheduled() -> None:
    small, large = (project(volume(mails), SMARTLEAD, ORG, DAILY_CALLS) for mails in (5_000, 50_000))
    assert (small.poll_after_minutes, small.gives_way_first) == (0, "–")
    assert large.poll_after_minutes >= large.polling.minutes
    assert "Smartlead" in large.gives_way_first


def test_a_smaller_allowance_of_salesforce_gives_way() -> None:
    assert "Salesforce's calls" in project(volume(5_000), SMARTLEAD, ORG, daily_calls=5_000).gives_way_first


def test_the_document_shows_what_the_command_computes_today() -> None:
    limits = read_limits(PROJECT)
    shown = as_markdown([project(Volume(one, limits, Assumptions()), SMARTLEAD, ORG, DAILY_CALLS) for one in VOLUMES])
    assert shown in (PROJECT / "docs" / "scale.md").read_text()


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("mailbox_warm_up.csv", "from_day,mails_per_day\n1,0\n", "no mail is ever sent"),
        ("mailbox_warm_up.csv", "from_day,mails_per_day\n", "no mail is ever sent"),
        ("sending_limits.csv", "limit_id,value\nsteps_per_lead,3\n", "campaign_mails_per_mailbox"),
        ("sending_limits.csv", "limit_id,value\nsteps_per_lead,many\n", "many"),
    ],
)
def test_limits_that_cannot_be_used_are_named(tmp_path: Path, file: str, content: str, why: str) -> None:
    (tmp_path / "seeds").mkdir()
    for name in ("mailbox_warm_up.csv", "sending_limits.csv"):
        (tmp_path / "seeds" / name).write_text((PROJECT / "seeds" / name).read_text())
    (tmp_path / "seeds" / file).write_text(content)
    with pytest.raises(DataError, match=re.escape(why)):
        read_limits(tmp_path)
