"""Webhook bodies as they were seen on the wire, put into an outbox until the receiver takes them.

No event carries an id, most carry no custom fields, and some lack what one would expect.
"""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead.state import CATEGORIES
from sandbox.smartlead.times import rest_time, webhook_time

APP = "https://app.smartlead.example"
PREVIEW_CHARACTERS = 100
EVENT_TYPES = (
    "EMAIL_SENT",
    "FIRST_EMAIL_SENT",
    "EMAIL_OPEN",
    "EMAIL_LINK_CLICK",
    "EMAIL_REPLY",
    "EMAIL_BOUNCE",
    "LEAD_UNSUBSCRIBED",
    "LEAD_CATEGORY_UPDATED",
)


class Events:
    """Puts events into the outbox of every webhook that wants them.

    A ``mail`` is a row of mails together with its lead (``email``, ``first_name``, …) and ``map_id``.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def sent(self, mail: Row, message: Row) -> None:
        """EMAIL_SENT, and FIRST_EMAIL_SENT where it is one."""
        at = webhook_time(mail["sent_at"])
        body = {
            **self._ids(mail),
            "to_name": _name(mail),
            "time_sent": at,
            "custom_subject": message["subject"],
            "custom_email_message": message["body"],
            "sent_message_body": message["body"],
            "sent_message": self._message(message),
            "subject": message["subject"],
            "message_id": message["message_id"],
        }
        self._put("EMAIL_SENT", mail, at, body)
        if mail["step"] == 1:
            self._put("FIRST_EMAIL_SENT", mail, at, body)

    def opened(self, mail: Row, at: str) -> None:
        """EMAIL_OPEN; with microseconds."""
        time = webhook_time(at, 6)
        self._put("EMAIL_OPEN", mail, time, {**self._ids(mail), "time_opened": time})

    def clicked(self, mail: Row, at: str) -> None:
        """EMAIL_LINK_CLICK."""
        time, link = webhook_time(at, 6), f"https://{self._mailbox(mail).split('@')[1]}/more"
        links = {"link_clicked": [link], "link_details": [json.dumps({"url": link})]}
        self._put("EMAIL_LINK_CLICK", mail, time, {**self._ids(mail), "time_clicked": time, **links})

    def replied(self, mail: Row, message: Row) -> None:
        """EMAIL_REPLY; from_email is our own mailbox, and somebody else may have answered for the lead."""
        time, text = webhook_time(message["time"]), _plain(message["body"])
        body = {
            **self._ids(mail),
            "reply_source": "CAMPAIGN",
            "sl_lead_email": mail["email"],
            "cc_emails": [],
            "time_replied": time,
            "subject": message["subject"],
            "reply_message": self._message(message),
            "reply_body": message["body"],
            "preview_text": text[:PREVIEW_CHARACTERS],
            "message_id": message["message_id"],
            "leadCorrespondence": {
                "targetLeadEmail": mail["email"],
                "replyReceivedFrom": message["written_by"],
                "repliedCompanyDomain": _company(mail["email"], message["written_by"]),
            },
        }
        self._put("EMAIL_REPLY", mail, time, body)

    def bounced(self, mail: Row, notice: Row, *, is_sender_originated: bool) -> None:
        """EMAIL_BOUNCE; its event time is the time of sending, and it carries no mapping id."""
        at = webhook_time(mail["sent_at"])
        body = self._ids(mail) | {
            "time_sent": at,
            "is_bounced": True,
            "is_sender_originated_bounce": is_sender_originated,
            "bounce_reply_message_id": notice["message_id"],
            "bounce_reply_email": notice["body"],
            "bounce_reply_email_preview": _plain(notice["body"]),
            "bounce_message": self._message(notice),
        }
        del body["sl_email_lead_map_id"]
        self._put("EMAIL_BOUNCE", mail, at, body)

    def unsubscribed(self, mail: Row, at: str) -> None:
        """LEAD_UNSUBSCRIBED; without lead id, mail id and step, and with another format of time."""
        body = {
            "lead_email": mail["email"],
            "to_email": mail["email"],
            "from_email": "",
            "lead_name": _name(mail),
            "to_name": _name(mail),
            "sent_message": {"message_id": None, "text": ""},
            "unsubscribed_client_id_map": {},
        }
        self._put("LEAD_UNSUBSCRIBED", mail, str(rest_time(at)), body)

    def category_changed(self, mail: Row, change: Row) -> None:
        """LEAD_CATEGORY_UPDATED; the one event that carries custom fields."""
        old_id, new_id = change["old_id"], change["new_id"]
        name, sentiment = CATEGORIES[new_id]
        mailbox, history = self._mailbox(mail), self._history(mail)
        last_reply = next((entry for entry in reversed(history) if entry["type"] == "REPLY"), None)
        old_name = CATEGORIES[old_id][0] if old_id else None
        body = {
            "lead_id": mail["lead_id"],
            "lead_email": mail["email"],
            "lead_name": _name(mail),
            "lead_data": self._lead_data(mail) | {"category": {"name": name, "sentiment_type": sentiment}},
            "category": name,
            "lead_category_id": new_id,
            "lead_category": {"old_id": old_id, "old_name": old_name, "new_id": new_id, "new_name": name},
            "current_sequence": mail["step"],
            **{"from": mailbox, "from_email": mailbox, "to": mail["email"], "to_email": mail["email"]},
            "to_name": _name(mail),
            "history": history,
            "lastReply": last_reply,
            "last_reply": last_reply,
        }
        self._put("LEAD_CATEGORY_UPDATED", mail, webhook_time(change["at"]), body)

    def _put(self, event_type: str, mail: Row, at: str, body: dict[str, Any]) -> None:
        webhooks = self._db.rows(
            "select * from webhooks where campaign_id = ? and is_disabled = 0 order by id", [mail["campaign_id"]]
        )
        for webhook in webhooks:
            if event_type in json.loads(webhook["event_types"]):
                complete = self._envelope(webhook, event_type, mail, at) | body
                row = {"webhook_id": webhook["id"], "event_type": event_type, "body": complete}
                self._db.insert("outbox", row | {"created_at": self._db.clock.now.isoformat()})

    def _envelope(self, webhook: Row, event_type: str, mail: Row, at: str) -> dict[str, Any]:
        campaign = self._db.row("select * from campaigns where id = ?", [mail["campaign_id"]]) or {}
        return {
            "campaign_status": campaign["status"],
            "client_id": None,
            "campaign_name": campaign["name"],
            "campaign_id": campaign["id"],
            "secret_key": webhook["secret"],
            "app_url": f"{APP}/app/email-campaign/{campaign['id']}/analytics",
            "ui_master_inbox_link": f"{APP}/app/master-inbox?action=INBOX&leadMap={mail['map_id']}",
            "description": f"{event_type} of {campaign['name']}",
            "metadata": {"webhook_created_at": rest_time(webhook["created_at"])},
            "webhook_url": webhook["url"],
            "webhook_id": webhook["id"],
            "webhook_name": webhook["name"],
            "event_type": event_type,
            "event_timestamp": at,
        }

    def _ids(self, mail: Row) -> dict[str, Any]:
        return {
            "stats_id": mail["stats_id"],
            "sl_email_lead_id": str(mail["lead_id"]),
            "sl_email_lead_map_id": mail["map_id"],
            "from_email": self._mailbox(mail),
            "to_email": mail["email"],
            "sequence_number": mail["step"],
        }

    def _message(self, message: Row) -> dict[str, Any]:
        return {
            "message_id": message["message_id"],
            "html": message["body"],
            "text": _plain(message["body"]),
            "time": webhook_time(message["time"]),
        }

    def _lead_data(self, mail: Row) -> dict[str, Any]:
        lead = self._db.row("select * from leads where id = ?", [mail["lead_id"]]) or {}
        known = {name: lead[name] for name in ("email", "first_name", "last_name", "company_name")}
        unknown = dict.fromkeys(("phone_number", "website", "location", "linkedin_profile", "company_url"))
        return known | unknown | {"custom_fields": json.loads(lead["custom_fields"])}

    def _history(self, mail: Row) -> list[dict[str, Any]]:
        messages = self._db.rows(
            "select * from messages where campaign_id = ? and lead_id = ? order by time, message_id",
            [mail["campaign_id"], mail["lead_id"]],
        )
        return [
            {
                "stats_id": message["stats_id"],
                "type": message["type"],
                "message_id": message["message_id"],
                "time": rest_time(message["time"]),
                "email_body": message["body"],
                "subject": message["subject"],
                "cc_emails": [],
            }
            for message in messages
        ]

    def _mailbox(self, mail: Row) -> str:
        return str(self._db.value("select email from mailboxes where id = ?", [mail["mailbox_id"]]))


def _name(mail: Row) -> str:
    return " ".join(part for part in (mail["first_name"], mail["last_name"]) if part)


def _company(lead: str, writer: str) -> str:
    return "SameCompany" if lead.partition("@")[2] == writer.partition("@")[2] else "DifferentCompany"


def _plain(html: str) -> str:
    return html.removeprefix("<div>").removesuffix("</div>")
