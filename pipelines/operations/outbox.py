"""The outbox: what is to be sent is written down first, each message once, and its outcome after it was sent.

A message is sent again only if it is not known to have left: after an error, or when the process died between the
server's answer and our note of it. It then has the same id (Message-ID, Idempotency-Key).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from pipelines.config import Settings
from pipelines.errors import OutreachError, PartialFailureError, StoreError
from pipelines.operations.channels import Message, post_webhook, send_email
from pipelines.store import reading, writing
from pipelines.store_locks import OUTBOX_LOCK, one_at_a_time
from pipelines.store_tables import outbox

WAIT_SECONDS = 60
PURPOSE = "sending messages"
Recipient = tuple[str, str]  # channel, and e-mail address or the name of the setting with the URL


def intend(connection: Connection, key: str, recipients: Sequence[Recipient], subject: str, body: str) -> int:
    """Write down what is to be sent, in the caller's transaction; what was written down before stays as it is.

    Returns:
        How many messages are new.
    """
    known = {tuple(row) for row in connection.execute(_recipients_of(key))}
    rows = [
        {"message_key": key, "channel": channel, "recipient": recipient, "subject": subject, "body": body}
        | {"intent_at": datetime.now(UTC)}
        for channel, recipient in dict.fromkeys(recipients)
        if (channel, recipient) not in known
    ]
    if rows:
        connection.execute(outbox.insert(), rows)
    return len(rows)


def has_intent(connection: Connection, key: str) -> bool:
    """Whether this message was written down before, to anybody."""
    return connection.execute(_recipients_of(key).limit(1)).first() is not None


def waiting(engine: sa.Engine) -> int:
    """How many messages are not known to have been sent."""
    with reading(engine) as connection:
        query = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.sent_at.is_(None))
        return connection.execute(query).scalar_one()


def send_waiting(settings: Settings, engine: sa.Engine) -> int:
    """Send everything that waits, oldest first; returns how many messages left.

    Raises:
        PartialFailureError: some could not be sent; they stay and are tried again the next time.
        LockedError: another process has been sending for a minute.
    """
    lock_file = settings.data_dir / "outbox.lock"
    with one_at_a_time(engine, lock_file, OUTBOX_LOCK, PURPOSE, wait_seconds=WAIT_SECONDS):
        with reading(engine) as connection:
            query = sa.select(outbox).where(outbox.c.sent_at.is_(None)).order_by(outbox.c.intent_at)
            rows = list(connection.execute(query).mappings())
        problems = [error for row in rows if (error := _send(settings, engine, row))]
    if problems:
        reasons = dict.fromkeys(error.message for error in problems)
        next_steps = dict.fromkeys(error.next_step for error in problems if error.next_step)
        raise PartialFailureError(
            f"{len(problems)} of {len(rows)} messages could not be sent. {' '.join(reasons)}",
            next_step=f"{' '.join(next_steps)} They stay in the outbox, and the next run sends them.".strip(),
        )
    return len(rows)


def _recipients_of(key: str) -> sa.Select[Any]:
    return sa.select(outbox.c.channel, outbox.c.recipient).where(outbox.c.message_key == key)


def _send(settings: Settings, engine: sa.Engine, row: sa.RowMapping) -> OutreachError | None:
    problem: OutreachError | None = None
    try:
        _hand_over(settings, row)
    except StoreError:
        raise
    except OutreachError as error:
        problem = error
    outcome = {"attempts": row["attempts"] + 1, "detail": problem.message if problem else None}
    outcome["sent_at"] = None if problem else datetime.now(UTC)
    this = [outbox.c[name] == row[name] for name in ("message_key", "channel", "recipient")]
    with writing(engine) as connection:
        connection.execute(outbox.update().where(*this).values(outcome))
    return problem


def _hand_over(settings: Settings, row: sa.RowMapping) -> None:
    message = Message(row["message_key"], row["recipient"], row["subject"], row["body"], row["intent_at"])
    if row["channel"] == "email":
        send_email(settings.require_mail(), message)
    else:
        post_webhook(row["recipient"], settings.webhook(row["recipient"]), message)
