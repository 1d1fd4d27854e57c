"""Owners are told once of each positive reply and reminded once, over real SMTP, whatever dies in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.config import Settings
from pipelines.errors import OutreachError, PartialFailureError
from pipelines.operations import outbox
from pipelines.operations.notices import write_notices
from pipelines.operations.outbox import send_waiting
from tests.fixtures.erased_identity import remember_erased

Publish = Callable[..., None]
NEWS, REMINDER = "A positive reply waits for you", "A positive reply still waits for you"


def tell(settings: Settings, engine: sa.Engine) -> int:
    write_notices(settings, engine)
    return send_waiting(settings, engine)


def test_the_owner_is_told_once_with_what_is_needed_and_no_more(settings, engine, publish, post) -> None:
    publish({})
    assert [tell(settings, engine) for _ in range(3)] == [1, 0, 0]
    publish({})  # another build shows the same reply
    assert tell(settings, engine) == 0
    (mail,) = post.mails
    assert (mail["To"], mail["Subject"]) == ("rita@corp.example", NEWS)
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_content()
    assert "Campaign: AI Outreach DACH Q4" in body
    assert "In Salesforce: https://icare.my.salesforce.com/00QIc0AAAAAAAAAIAA" in body
    assert "Follow up until: 20" in body
    assert "@" not in body


def test_one_reminder_before_the_sla_runs_out(settings, engine, publish, post) -> None:
    for due, expected in ((8.0, [NEWS]), (2.5, [NEWS]), (1.5, [NEWS, REMINDER]), (0.5, [NEWS, REMINDER])):
        publish({"sla_due_at": due})
        tell(settings, engine)
        assert post.subjects() == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"sla_due_at": -1.0}, [NEWS]),  # too late for a reminder
        ({"sla_due_at": None}, [NEWS]),
        ({"replied_at": -80.0}, []),  # no news
        ({"is_waiting": False}, []),
        ({"owner_email": None}, []),
    ],
)
def test_nobody_is_told_in_vain(settings, engine, publish, post, reply: dict[str, Any], expected: list[str]) -> None:
    publish(reply)
    tell(settings, engine)
    tell(settings, engine)
    assert post.subjects() == expected


@pytest.mark.parametrize("record_id", ["00QIc0AAAAAAAAA", "00vIc0AAAAAAAAA"], ids=["lead", "member"])
def test_of_somebody_who_was_erased_since_nobody_is_told(settings, engine, publish, post, record_id: str) -> None:
    publish({})
    remember_erased(settings, "record", f"icare {record_id}")
    assert tell(settings, engine) == 0
    assert post.subjects() == []


def test_a_touched_reply_is_not_reminded_of(settings, engine, publish, post) -> None:
    publish({})
    tell(settings, engine)
    publish({"sla_due_at": 1.0, "is_waiting": False})
    tell(settings, engine)
    assert post.subjects() == [NEWS]


def test_a_server_that_is_busy_gets_it_later_and_once(settings, engine, publish, post) -> None:
    publish({}, {"campaign_member_id": "00vIc0AAAAAAAABIAA", "owner_email": "ron@corp.example"})
    post.answer = "451 come back later"
    with pytest.raises(PartialFailureError, match="2 of 2 messages could not be sent") as caught:
        tell(settings, engine)
    assert "corp.example" not in caught.value.message
    assert outbox.waiting(engine) == 2
    post.answer = None
    assert [tell(settings, engine), tell(settings, engine)] == [2, 0]
    assert sorted(mail["To"] for mail in post.mails) == ["rita@corp.example", "ron@corp.example"]


def test_killed_before_sending_it_is_sent_once(settings, engine, publish, post, monkeypatch) -> None:
    publish({})
    monkeypatch.setattr(outbox, "_hand_over", _die)
    with pytest.raises(KeyboardInterrupt):
        tell(settings, engine)
    monkeypatch.undo()
    assert (tell(settings, engine), post.subjects()) == (1, [NEWS])


def test_killed_between_the_answer_and_our_note_it_comes_with_the_same_id(
    settings, engine, publish, post, monkeypatch
) -> None:
    publish({})
    hand_over = outbox._hand_over

    def hand_over_and_die(*arguments: Any) -> None:
        hand_over(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(outbox, "_hand_over", hand_over_and_die)
    with pytest.raises(KeyboardInterrupt):
        tell(settings, engine)
    monkeypatch.undo()
    assert tell(settings, engine) == 1
    assert len({mail["Message-ID"] for mail in post.mails}) == 1
    assert tell(settings, engine) == 0


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"username": "u", "password": "wrong-password"}, 3, "refuses our credentials"),
        ({"security": "starttls"}, 3, "does not offer starttls"),
        ({"port": 1}, 4, "cannot be used"),
    ],
)
def test_trouble_with_the_server_is_named_without_secrets(
    settings, engine, publish, change: dict[str, Any], code: int, words: str
) -> None:
    publish({})
    assert settings.mail
    broken = settings.model_copy(
        update={"mail": settings.mail.model_validate({**settings.mail.model_dump(), **change})}
    )
    with pytest.raises(OutreachError, match=words) as caught:
        tell(broken, engine)
    assert "wrong-password" not in caught.value.message + str(caught.value.next_step)
    assert outbox.waiting(engine) == 1


def test_a_server_that_wants_a_password_gets_it(settings, engine, publish, post) -> None:
    publish({})
    assert settings.mail
    signed_in = settings.mail.model_validate({**settings.mail.model_dump(), "username": "u", "password": "hunter2"})
    assert tell(settings.model_copy(update={"mail": signed_in}), engine) == 1


def test_without_anybody_to_tell_nothing_is_read_and_nothing_written(settings, engine) -> None:
    nobody = settings.model_copy(update={"notices": type(settings.notices)()})
    assert write_notices(nobody, engine) == {}


def _die(*_: Any) -> None:
    raise KeyboardInterrupt
