"""Webhooks: their bodies as they were seen on the wire, kept in an outbox until the receiver takes them.

No event carries an id, most carry no custom fields, and some lack what one would expect.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead.state import CATEGORIES


class Events:
    """Puts events into the outbox of every webhook that wants them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def sent(self, mail: Row, lead: Row, mailbox: Row, subject: str) -> None:
        """EMAIL_SENT."""
        self._put(
            "EMAIL_SENT",
            mail,
            mail["sent_at"],
            {
                **self._ids(mail),
                "from_email": mailbox["email"],
                "to_email": lead["email"],
                "to_name": lead["first_name"],
                "time_sent": mail["sent_at"],
                "sequence_number": mail["step"],
                "subject": subject,
                "message_id": f"<{mail['stats_id']}@{mailbox['email'].split('@')[1]}>",
            },
        )

    def opened(self, mail: Row, at: str) -> None:
        """EMAIL_OPEN."""
        addresses = {"from_email": self._mailbox(mail), "to_email": mail["email"]}
        body = {**self._ids(mail), **addresses, "time_opened": at, "sequence_number": mail["step"]}
        self._put("EMAIL_OPEN", mail, at, body)

    def replied(self, mail: Row, message: Row) -> None:
        """EMAIL_REPLY; from_email is our own mailbox."""
        text = _plain(message["body"])
        self._put(
            "EMAIL_REPLY",
            mail,
            message["time"],
            {
                **self._ids(mail),
                "reply_source": "CAMPAIGN",
                "sl_lead_email": mail["email"],
                "from_email": self._mailbox(mail),
                "to_email": mail["email"],
                "cc_emails": [],
                "time_replied": message["time"],
                "subject": message["subject"],
                "reply_message": {
                    "message_id": message["message_id"],
                    "html": message["body"],
                    "text": text,
                    "time": message["time"],
                },
                "reply_body": message["body"],
                "preview_text": text[:100],
                "message_id": message["message_id"],
                "sequence_number": mail["step"],
            },
        )

    def bounced(self, mail: Row, notice: Row, *, is_sender_originated: bool) -> None:
        """EMAIL_BOUNCE; its event time is the time of sending, and it carries no mapping id."""
        text = _plain(notice["body"])
        body = {
            "stats_id": mail["stats_id"],
            "sl_email_lead_id": str(mail["lead_id"]),
            "from_email": self._mailbox(mail),
            "to_email": mail["email"],
            "time_sent": mail["sent_at"],
            "sequence_number": mail["step"],
            "is_bounced": True,
            "is_sender_originated_bounce": is_sender_originated,
            "bounce_reply_message_id": notice["message_id"],
            "bounce_reply_email_preview": text,
            "bounce_message": {
                "message_id": notice["message_id"],
                "html": notice["body"],
                "text": text,
                "time": notice["time"],
            },
        }
        self._put("EMAIL_BOUNCE", mail, mail["sent_at"], body)

    def unsubscribed(self, mail: Row, at: str) -> None:
        """LEAD_UNSUBSCRIBED; without lead id, mail id and step."""
        body = {
            "lead_email": mail["email"],
            "to_email": mail["email"],
            "from_email": "",
            "lead_name": mail["first_name"],
        }
        self._put("LEAD_UNSUBSCRIBED", mail, at.replace("+00:00", "Z"), body)

    def category_changed(self, mail: Row, change: Row) -> None:
        """LEAD_CATEGORY_UPDATED; the one event that carries custom fields."""
        lead = self._db.row("select * from leads where id = ?", [mail["lead_id"]]) or {}
        old_id, new_id = change["old_id"], change["new_id"]
        name, sentiment = CATEGORIES[new_id]
        body = {
            "lead_id": mail["lead_id"],
            "lead_email": mail["email"],
            "lead_data": {
                "email": mail["email"],
                "first_name": lead["first_name"],
                "custom_fields": json.loads(lead["custom_fields"]),
                "category": {"name": name, "sentiment_type": sentiment},
            },
            "category": name,
            "lead_category_id": new_id,
            "lead_category": {
                "old_id": old_id,
                "old_name": CATEGORIES[old_id][0] if old_id else None,
                "new_id": new_id,
                "new_name": name,
            },
            "current_sequence": mail["step"],
            "from": self._mailbox(mail),
            "to": mail["email"],
        }
        self._put("LEAD_CATEGORY_UPDATED", mail, change["at"], body)

    def _put(self, event_type: str, mail: Row, at: str, body: dict[str, Any]) -> None:
        for webhook in self._db.rows(
            "select * from webhooks where campaign_id = ? and is_disabled = 0", [mail["campaign_id"]]
        ):
            if event_type in json.loads(webhook["event_types"]):
                complete = self._envelope(webhook, event_type, mail, at) | body
                self._db.insert("outbox", {"webhook_id": webhook["id"], "event_type": event_type, "body": complete})

    def _envelope(self, webhook: Row, event_type: str, mail: Row, at: str) -> dict[str, Any]:
        campaign = self._db.row("select * from campaigns where id = ?", [mail["campaign_id"]]) or {}
        return {
            "campaign_status": campaign["status"],
            "client_id": None,
            "campaign_name": campaign["name"],
            "campaign_id": campaign["id"],
            "secret_key": webhook["secret"],
            "webhook_url": webhook["url"],
            "webhook_id": webhook["id"],
            "webhook_name": webhook["name"],
            "event_type": event_type,
            "event_timestamp": at,
            "metadata": {"webhook_created_at": webhook["created_at"]},
        }

    def _ids(self, mail: Row) -> dict[str, Any]:
        map_id = self._db.value(
            "select map_id from campaign_leads where campaign_id = ? and lead_id = ?",
            [mail["campaign_id"], mail["lead_id"]],
        )
        return {
            "stats_id": mail["stats_id"],
            "sl_email_lead_id": str(mail["lead_id"]),
            "sl_email_lead_map_id": map_id,
        }

    def _mailbox(self, mail: Row) -> str:
        return str(self._db.value("select email from mailboxes where id = ?", [mail["mailbox_id"]]))


def _plain(html: str) -> str:
    return html.removeprefix("<div>").removesuffix("</div>")
