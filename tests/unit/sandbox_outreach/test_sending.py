"""Sending keeps within the mailboxes' limits and the campaign's pace."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sandbox.smartlead.state import STEPS, campaign_mails, scale_account
from sandbox.world.clock import WORLD_START

CAMPAIGN = 2710101
DAYS_TO_SATURDAY = 4  # the world starts on a Tuesday


def test_nothing_is_sent_at_the_weekend(account: Any) -> None:
    account.pass_days(DAYS_TO_SATURDAY)
    account.add(["a@firm.example"])
    account.pass_days(2)
    assert account.mails() == []
    account.pass_days(1)
    assert [mail["sent_at"][:10] for mail in account.mails()] == ["2026-09-07"]


def test_a_mailbox_sends_no_more_than_it_may_and_a_new_one_less(account: Any) -> None:
    account.db.execute("update campaigns set max_leads_per_day = 10000")
    emails = [f"person{number}@company{number}.example" for number in range(400)]
    account.add(emails)
    account.pass_days(1)
    counts = account.db.rows("select mailboxes.*, count(*) as sent from mails join mailboxes on mailboxes.id ="
                             " mailbox_id group by mailboxes.id order by mailboxes.id")  # fmt: skip
    assert [row["sent"] for row in counts] == [45, 45, 45, 45, 45, 22]
    assert all(row["sent"] == campaign_mails(row, WORLD_START.date()) for row in counts)
    assert len(account.db.rows("select 1 from campaign_leads where status = 'STARTED'")) == 400 - sum([45] * 5 + [22])


def test_a_mailbox_warms_up_for_two_weeks_and_then_sends_a_little_more_each_day() -> None:
    mailbox = {"created_at": "2026-08-01T06:00:00+00:00", "daily_limit": 45}
    days = [date(2026, 8, 1) + timedelta(days=count) for count in (0, 13, 14, 15, 31, 32, 100)]
    assert [campaign_mails(mailbox, day) for day in days] == [0, 0, 10, 12, 44, 45, 45]


def test_a_campaign_takes_no_more_new_leads_a_day_than_it_may(account: Any) -> None:
    account.db.execute("update campaigns set max_leads_per_day = 3")
    account.add([f"p{number}@firm.example" for number in range(10)])
    account.pass_days(2)
    first = [mail["sent_at"][:10] for mail in account.mails("step = 1")]
    assert first == ["2026-09-01"] * 3 + ["2026-09-02"] * 3


def test_the_steps_follow_with_their_delays_from_the_same_mailbox(account: Any, silent: list[str]) -> None:
    account.add(silent)
    account.pass_days(20)
    for email in silent:
        mails = account.mails(f"email = '{email}'")
        assert [mail["step"] for mail in mails] == [1, 2, 3]
        days = [datetime.fromisoformat(mail["sent_at"]).date() for mail in mails]
        assert [(later - earlier).days for earlier, later in pairwise(days)] == list(STEPS[1:])
        assert len({mail["mailbox_id"] for mail in mails}) == 1
    assert {row["status"] for row in account.db.rows("select status from campaign_leads")} == {"COMPLETED"}


def test_a_paused_campaign_and_an_unsubscribed_lead_get_nothing(account: Any, silent: list[str]) -> None:
    account.add(silent)
    account.db.execute("update campaigns set status = 'PAUSED' where id = ?", [CAMPAIGN])
    account.pass_days(1)
    assert account.mails() == []
    account.db.execute("update campaigns set status = 'ACTIVE' where id = ?", [CAMPAIGN])
    account.db.execute("update leads set is_unsubscribed = 1 where email = ?", [silent[0]])
    account.pass_days(1)
    assert {mail["email"] for mail in account.mails()} == set(silent[1:])


def test_a_larger_world_gets_more_mailboxes_and_a_campaign_that_runs_is_not_finished_at_the_start(account: Any) -> None:
    with account.db.transaction():
        scale_account(account.db, {CAMPAIGN: 29_000}, WORLD_START)
    pace = account.db.value("select max_leads_per_day from campaigns where id = ?", [CAMPAIGN])
    mailboxes = account.db.value("select count(*) from mailboxes where org = 'icare'")
    weekdays = 32
    assert pace * (weekdays - 5) < 29_000 < pace * weekdays
    assert mailboxes * 45 >= 3 * pace
    plan, campaigns_not_over = 29_000 / 0.25 * 0.12, 3
    assert 20 < plan * len(STEPS) / (mailboxes * 30 / campaigns_not_over) < 30, "days that a plan's mails take (R7)"
    assert account.db.value("select count(distinct email) = count(*) from mailboxes")
