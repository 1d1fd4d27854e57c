"""What comes back for a mail, and the traps of the real service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.smartlead.state import CATEGORIES
from sandbox.smartlead.texts import CUT_AT, is_automatic
from sandbox.world.nature import Disposition, Mailbox

UNTRACKED_CAMPAIGN = 2710102
Find = Callable[..., list[str]]


def messages(account: Any, kind: str) -> list[dict[str, Any]]:
    return account.db.rows(
        "select messages.*, email from messages join leads on leads.id = lead_id where true_kind = ? order by time",
        [kind],
    )


def status_of(account: Any, email: str) -> str:
    return account.db.value(
        "select status from campaign_leads join leads on leads.id = lead_id where email = ?", [email]
    )


@pytest.mark.parametrize(
    ("person", "category"),
    [
        (Disposition.POSITIVE, "Interested"),
        (Disposition.MEETING, "Meeting Request"),
        (Disposition.QUESTION, "Information Request"),
        (Disposition.NEUTRAL, "Uncategorizable by AI"),
        (Disposition.WRONG_PERSON, "Wrong Person"),
        (Disposition.NEGATIVE, "Not Interested"),
        (Disposition.DO_NOT_CONTACT, "Do Not Contact"),
    ],
)
def test_a_person_answers_once_the_sequence_stops_and_the_category_is_right_in_the_end(
    account: Any, find_people: Find, person: Disposition, category: str
) -> None:
    emails = find_people(person, count=12)
    account.add(emails)
    account.pass_days(35)
    replies = messages(account, "human")
    assert 8 <= len(replies) == len({reply["email"] for reply in replies})  # all but some that our side could not mail
    for reply in replies:
        assert reply["true_classification"] == person.classification
        assert status_of(account, reply["email"]) == "STOPPED"
        later = [mail for mail in account.mails(f"email = '{reply['email']}'") if mail["sent_at"] > reply["time"]]
        assert later == []
        shown = [row for row in account.statistics() if row["lead_email"] == reply["email"]]
        assert {row["lead_category"] for row in shown} == {category}


def test_a_category_comes_within_the_hour_and_a_wrong_one_is_corrected_a_day_or_more_later(
    account: Any, find_people: Find
) -> None:
    account.add(find_people(Disposition.NEGATIVE, count=60))
    account.pass_days(40)
    replies = {reply["lead_id"]: reply["time"] for reply in messages(account, "human")}
    changes = account.db.rows("select * from category_changes order by id")
    firsts = [change for change in changes if change["old_id"] in {None, 6} and change["new_id"] != 6]
    corrections = [change for change in changes if change["who"] == "person"]
    for change in firsts:
        delay = datetime.fromisoformat(change["at"]) - datetime.fromisoformat(replies[change["lead_id"]])
        assert timedelta(0) <= delay <= timedelta(hours=1)
    assert 0 < len(corrections) < len(firsts)
    for change in corrections:
        delay = datetime.fromisoformat(change["at"]) - datetime.fromisoformat(replies[change["lead_id"]])
        assert delay >= timedelta(days=1)
        assert (change["old_id"], change["new_id"]) == (1, 3)


def test_trap_one_a_category_is_stamped_on_mails_that_nobody_answered(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.SILENT, count=250))
    account.pass_days(25)
    stamped = [row for row in account.statistics() if row["lead_category"] == "Interested"]
    assert stamped
    assert {row["reply_time"] for row in stamped} == {None}
    assert messages(account, "human") == []


def test_trap_two_one_reply_shows_on_two_steps(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.NEGATIVE, count=60))
    account.pass_days(40)
    doubled = [reply for reply in messages(account, "human") if reply["also_shown_on"]]
    assert doubled
    for reply in doubled:
        shown = [row for row in account.statistics() if row["reply_time"] and row["lead_email"] == reply["email"]]
        assert {row["stats_id"] for row in shown} >= {reply["stats_id"], reply["also_shown_on"]}
        history = account.api.history(reply["campaign_id"], reply["lead_id"])["history"]
        assert [one["stats_id"] for one in history if one["message_id"] == reply["message_id"]] == [
            reply["also_shown_on"],
            reply["stats_id"],
        ]


def test_trap_three_the_same_rows_say_something_else_when_asked_again(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.NEGATIVE, count=30))
    account.pass_days(6)
    before = {row["stats_id"]: row for row in account.statistics()}
    account.pass_days(10)
    after = {row["stats_id"]: row for row in account.statistics()}
    assert any(after[key]["lead_category"] != row["lead_category"] for key, row in before.items())


def test_an_absent_person_is_no_answer_and_the_sequence_goes_on(account: Any, find_people: Find) -> None:
    emails = find_people(Disposition.AUTO_REPLY, count=10)
    account.add(emails)
    account.pass_days(20)
    notices = messages(account, "automatic")
    assert {notice["email"] for notice in notices} == {mail["email"] for mail in account.mails("not is_bounced")}
    assert all(is_automatic(notice["body"]) and notice["true_classification"] is None for notice in notices)
    assert max(mail["step"] for mail in account.mails()) == 3
    assert {row["lead_category_id"] for row in account.api.leads(2710101, {})["data"]} <= {6, 9}


def test_some_people_are_absent_first_and_answer_when_they_are_back(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.NEGATIVE, count=150))
    account.pass_days(40)
    absent = {notice["email"]: notice["time"] for notice in messages(account, "automatic")}
    answered = {reply["email"]: reply["time"] for reply in messages(account, "human")}
    both = absent.keys() & answered.keys()
    assert both
    assert all(absent[email] < answered[email] for email in both)


def test_a_colleague_answers_sometimes_also_from_another_company(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.NEGATIVE, count=150))
    account.pass_days(40)
    others = [reply for reply in messages(account, "human") if reply["written_by"] != reply["email"]]
    same = [reply for reply in others if reply["written_by"].split("@")[1] == reply["email"].split("@")[1]]
    assert 0 < len(same) < len(others)


@pytest.mark.parametrize(
    ("state", "kind"), [(Mailbox.DEAD, "hard"), (Mailbox.FULL, "soft"), (Mailbox.POLICY_BLOCKING, "policy")]
)
def test_a_bounce_notice_is_a_reply_that_is_none(account: Any, find_people: Find, state: Mailbox, kind: str) -> None:
    emails = find_people(Disposition.POSITIVE, state, count=15)
    account.add(emails)
    account.pass_days(30)
    notices = messages(account, "bounce_notice")
    assert {notice["email"] for notice in notices} == set(emails)
    assert messages(account, "human") == []
    assert {notice["type"] for notice in notices} == {"REPLY"}
    assert all(len(notice["body"]) <= CUT_AT + len("<div></div>") for notice in notices)
    assert {status_of(account, email) for email in emails} == {"BLOCKED"}
    bounced = {mail["stats_id"]: mail for mail in account.mails("is_bounced")}
    assert bounced.keys() == {notice["stats_id"] for notice in notices}
    assert {mail["true_bounce"] for mail in bounced.values()} <= {kind, "sender"}
    assert all(mail["true_bounce"] == mail["true_outcome"] for mail in bounced.values())
    shown = {row["stats_id"] for row in account.statistics() if row["is_bounced"]}
    assert shown == bounced.keys()
    assert all(row["reply_time"] is None for row in account.statistics())


def test_some_notices_do_not_say_why_and_some_come_days_later(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.SILENT, Mailbox.DEAD, count=120))
    account.pass_days(40)
    clear = [mail["is_evidence_clear"] for mail in account.mails("is_bounced")]
    assert 0 < clear.count(0) < clear.count(1)
    sent = {mail["stats_id"]: mail["sent_at"] for mail in account.mails()}
    delays = [
        datetime.fromisoformat(notice["time"]) - datetime.fromisoformat(sent[notice["stats_id"]])
        for notice in messages(account, "bounce_notice")
    ]
    assert max(delays) > timedelta(days=5)
    assert sorted(delays)[len(delays) // 2] < timedelta(minutes=10)


def test_our_own_side_bounces_some_mails_and_the_category_says_so(account: Any, find_people: Find) -> None:
    account.add(find_people(Disposition.SILENT, count=400))
    account.pass_days(30)
    faults = account.mails("true_bounce = 'sender'")
    assert faults
    for mail in faults:
        rows = [row for row in account.statistics() if row["lead_email"] == mail["email"]]
        assert {row["lead_category"] for row in rows} == {CATEGORIES[9][0]}


def test_a_campaign_without_tracking_knows_no_opens_and_no_clicks(account: Any, find_people: Find) -> None:
    emails = find_people(Disposition.SILENT, count=60)
    account.add(emails)
    account.db.execute("update campaigns set completes_on = null")
    account.add(emails, UNTRACKED_CAMPAIGN)
    account.pass_days(15)
    tracked = account.statistics()
    untracked = account.statistics(UNTRACKED_CAMPAIGN)
    assert sum(row["open_count"] for row in tracked) > 0
    assert sum(row["click_count"] for row in tracked) > 0
    assert len(untracked) > 100
    assert sum(row["open_count"] + row["click_count"] for row in untracked) == 0


def test_unsubscribing_shows_on_all_mails_and_stops_them(account: Any, find_people: Find) -> None:
    emails = find_people(Disposition.UNSUBSCRIBE, count=10)
    account.add(emails)
    account.pass_days(25)
    gone = {row["email"] for row in account.db.rows("select email from leads where is_unsubscribed")}
    assert len(gone) >= 8
    assert {row["lead_email"] for row in account.statistics() if row["is_unsubscribed"]} == gone
    assert {status_of(account, email) for email in gone} == {"STOPPED"}
    answer = account.add([min(gone)], UNTRACKED_CAMPAIGN)
    assert (answer["upload_count"], answer["unsubscribed_leads"]) == (0, [min(gone)])
