"""Smartlead's REST API in the shapes that were captured live: counts as strings, large ids, envelopes that differ."""

from __future__ import annotations

import json
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead.state import CATEGORIES, MAILS_PER_MAILBOX, STEPS

MAX_LEADS = 400
LEAD_FIELDS = {"email", "first_name", "last_name", "phone_number", "company_name", "website", "location"}
LEAD_FIELDS |= {"linkedin_profile", "company_url", "custom_fields"}
SETTINGS = {
    "ignore_global_block_list",
    "ignore_unsubscribe_list",
    "ignore_duplicate_leads_in_other_campaign",
    "ignore_community_bounce_list",
    "return_lead_ids",
}


class JoiError(Exception):
    """A request that Smartlead's validation refuses, in its words."""


class Api:
    """Answers to Smartlead's endpoints, as JSON-ready values."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def has_campaign(self, campaign_id: int) -> bool:
        """Whether the campaign exists."""
        return self._db.value("select 1 from campaigns where id = ?", [campaign_id]) is not None

    def campaigns(self) -> list[Row]:
        """A bare list, newest first."""
        return [self._campaign(row) for row in self._db.rows("select * from campaigns order by id desc")]

    def campaign(self, campaign_id: int) -> Row:
        """One campaign."""
        return self._campaign(self._db.row("select * from campaigns where id = ?", [campaign_id]) or {})

    def sequences(self, campaign_id: int) -> list[Row]:
        """A bare list of steps."""
        return [
            {
                "id": campaign_id * 10 + number,
                "email_campaign_id": campaign_id,
                "seq_number": number,
                "seq_delay_details": {"delayInDays": delay},
                "subject": f"Step {number}",
                "email_body": f"<p>Template {number}</p>",
                "sequence_variants": None,
            }
            for number, delay in enumerate(STEPS, start=1)
        ]

    def leads(self, campaign_id: int, offset: int, limit: int) -> Row:
        """Leads of a campaign, newest first, so that pages shift when leads are added."""
        rows = self._db.rows(
            "select campaign_leads.*, leads.email, leads.first_name, leads.last_name, leads.company_name,"
            " leads.custom_fields, leads.is_unsubscribed from campaign_leads join leads on leads.id = lead_id"
            " where campaign_id = ? order by map_id desc limit ? offset ?",
            [campaign_id, limit, offset],
        )
        total = self._db.value("select count(*) from campaign_leads where campaign_id = ?", [campaign_id])
        return {
            "total_leads": str(total),
            "data": [_campaign_lead(row) for row in rows],
            "offset": offset,
            "limit": limit,
        }

    def statistics(self, campaign_id: int, offset: int, limit: int, sent_from: str) -> Row:
        """One row per mail that was sent. The category is the lead's of today, on every row."""
        rows = self._db.rows(
            "select mails.*, leads.email, leads.first_name, leads.is_unsubscribed, category_id from mails"
            " join leads on leads.id = mails.lead_id join campaign_leads on"
            " campaign_leads.campaign_id = mails.campaign_id and campaign_leads.lead_id = mails.lead_id"
            " where mails.campaign_id = ? and sent_at >= ? order by sent_at desc, stats_id limit ? offset ?",
            [campaign_id, sent_from, limit, offset],
        )
        total = self._db.value(
            "select count(*) from mails where campaign_id = ? and sent_at >= ?", [campaign_id, sent_from]
        )
        return {"total_stats": str(total), "data": [_statistics(row) for row in rows], "offset": offset, "limit": limit}

    def leads_statistics(self, campaign_id: int, offset: int, limit: int, event_after: str) -> Row:
        """Message histories of the leads with an event after a moment."""
        leads = self._db.rows(
            "select lead_id, leads.email, status, mailbox_id from campaign_leads join leads on leads.id = lead_id"
            " where campaign_id = ? and exists (select 1 from messages where messages.campaign_id ="
            " campaign_leads.campaign_id and messages.lead_id = campaign_leads.lead_id and time > ?)"
            " order by map_id limit ? offset ?",
            [campaign_id, event_after, limit + 1, offset],
        )
        data = [
            {
                "lead_id": lead["lead_id"],
                "from": self._db.value("select email from mailboxes where id = ?", [lead["mailbox_id"]]),
                "to": lead["email"],
                "status": lead["status"],
                "history": self.history(campaign_id, lead["lead_id"]),
            }
            for lead in leads[:limit]
        ]
        return {"hasMore": len(leads) > limit, "data": data, "skip": offset, "limit": limit}

    def history(self, campaign_id: int, lead_id: int) -> list[Row]:
        """What was written to a lead and what came back."""
        rows = self._db.rows(
            "select messages.*, mails.open_count, mails.click_count from messages left join mails using (stats_id)"
            " where messages.campaign_id = ? and messages.lead_id = ? order by time, message_id",
            [campaign_id, lead_id],
        )
        return [
            {
                "stats_id": row["stats_id"],
                "type": row["type"],
                "message_id": row["message_id"],
                "time": row["time"],
                "subject": row["subject"],
                "email_body": row["body"],
                "email_seq_number": str(row["step"]),
                "open_count": row["open_count"],
                "click_count": row["click_count"],
            }
            for row in rows
        ]

    def categories(self) -> list[Row]:
        """A bare list."""
        created_at = "2024-01-01T00:00:00.000Z"
        return [
            {"id": number, "name": name, "created_at": created_at, "sentiment_type": sentiment}
            for number, (name, sentiment) in CATEGORIES.items()
        ]

    def email_accounts(self, offset: int, limit: int) -> list[Row]:
        """A bare list; the real service does send the passwords along."""
        rows = self._db.rows("select * from mailboxes order by id limit ? offset ?", [limit, offset])
        return [self._email_account(row) for row in rows]

    def analytics(self, campaign_id: int) -> Row:
        """Counts as strings."""
        counts = (
            self._db.row(
                "select count(*) as sent, sum(open_count > 0) as opened, sum(reply_time is not null) as replied,"
                " sum(is_bounced) as bounced from mails where campaign_id = ?",
                [campaign_id],
            )
            or {}
        )
        names = {"sent_count": "sent", "open_count": "opened", "reply_count": "replied", "bounce_count": "bounced"}
        return {"id": campaign_id} | {name: str(counts[column] or 0) for name, column in names.items()}

    def add_leads(self, campaign_id: int, body: Row) -> Row:
        """Add leads and answer counts only. A known address overwrites the person's fields in all campaigns."""
        _validate(body)
        added = already = 0
        with self._db.transaction():
            now = self._db.clock.tick()
            for lead in body["lead_list"]:
                lead_id = self._upsert_lead(lead)
                created = self._db.execute(
                    "insert or ignore into campaign_leads (campaign_id, lead_id, created_at, next_on)"
                    " values (?, ?, ?, ?)",
                    [campaign_id, lead_id, now.isoformat(), now.date().isoformat()],
                )
                added, already = added + created, already + 1 - created
        total = self._db.value("select count(*) from campaign_leads where campaign_id = ?", [campaign_id])
        return {
            "ok": True,
            "upload_count": added,
            "total_leads": total,
            "block_count": 0,
            "duplicate_count": 0,
            "invalid_email_count": 0,
            "invalid_emails": [],
            "already_added_to_campaign": already,
            "unsubscribed_leads": [],
            "is_lead_limit_exhausted": False,
            "lead_import_stopped_count": 0,
            "bounce_count": 0,
        }

    def _upsert_lead(self, lead: Row) -> int:
        email = lead["email"].strip().lower()
        fields = [lead.get("first_name"), lead.get("last_name"), lead.get("company_name")]
        custom = json.dumps(lead.get("custom_fields") or {})
        self._db.execute(
            "insert into leads (email, first_name, last_name, company_name, custom_fields) values (?, ?, ?, ?, ?)"
            " on conflict (email) do update set first_name = excluded.first_name, last_name = excluded.last_name,"
            " company_name = excluded.company_name, custom_fields = excluded.custom_fields",
            [email, *fields, custom],
        )
        return int(self._db.value("select id from leads where email = ?", [email]))

    def _campaign(self, row: Row) -> Row:
        return {
            "id": row["id"],
            "user_id": 4711,
            "created_at": row["created_at"].replace("+00:00", ".000Z"),
            "updated_at": row["updated_at"].replace("+00:00", ".000Z"),
            "status": row["status"],
            "name": row["name"],
            "track_settings": json.loads(row["track_settings"]),
            "scheduler_cron_value": {
                "tz": "Etc/UTC",
                "days": [1, 2, 3, 4, 5],
                "startHour": "08:00",
                "endHour": "18:00",
            },
            "min_time_btwn_emails": 10,
            "max_leads_per_day": 200,
            "stop_lead_settings": "REPLY_TO_AN_EMAIL",
            "schedule_start_time": None,
            "enable_ai_esp_matching": False,
            "send_as_plain_text": False,
            "follow_up_percentage": 100,
            "unsubscribe_text": "Unsubscribe",
            "parent_campaign_id": None,
            "client_id": None,
        }

    def _email_account(self, row: Row) -> Row:
        campaigns = self._db.rows("select id from campaigns where org = ? order by id", [row["org"]])
        return {
            "id": row["id"],
            "created_at": row["created_at"],
            "from_name": row["name"],
            "from_email": row["email"],
            "username": row["email"],
            "password": f"secret-password-{row['id']}",
            "smtp_host": "smtp.example",
            "imap_password": f"secret-imap-password-{row['id']}",
            "message_per_day": MAILS_PER_MAILBOX,
            "is_smtp_success": True,
            "is_imap_success": True,
            "type": "GMAIL",
            "daily_sent_count": 0,
            "is_suspended": False,
            "warmup_details": {"status": "ACTIVE", "warmup_reputation": "98%"},
            "campaign_ids": [campaign["id"] for campaign in campaigns],
        }


def _validate(body: Any) -> None:
    if not isinstance(body, dict) or not isinstance(body.get("lead_list"), list):
        raise JoiError('"lead_list" is required')
    for name in body.keys() - {"lead_list", "settings"}:
        raise JoiError(f'"{name}" is not allowed')
    for name in (body.get("settings") or {}).keys() - SETTINGS:
        raise JoiError(f'"settings.{name}" is not allowed')
    if len(body["lead_list"]) > MAX_LEADS:
        raise JoiError(f'"lead_list" must contain less than or equal to {MAX_LEADS} items')
    for place, lead in enumerate(body["lead_list"]):
        if not lead.get("email"):
            raise JoiError(f'"lead_list[{place}].email" is required')
        for name in lead.keys() - LEAD_FIELDS:
            raise JoiError(f'"lead_list[{place}].{name}" is not allowed')


def _campaign_lead(row: Row) -> Row:
    return {
        "campaign_lead_map_id": str(row["map_id"]),
        "lead_category_id": row["category_id"],
        "status": row["status"],
        "created_at": row["created_at"],
        "lead": {
            "id": row["lead_id"],
            "first_name": row["first_name"],
            "last_name": row["last_name"],
            "email": row["email"],
            "phone_number": None,
            "company_name": row["company_name"],
            "website": None,
            "location": None,
            "custom_fields": json.loads(row["custom_fields"]),
            "linkedin_profile": None,
            "company_url": None,
            "is_unsubscribed": bool(row["is_unsubscribed"]),
            "unsubscribed_client_id_map": {},
        },
    }


def _statistics(row: Row) -> Row:
    category = CATEGORIES[row["category_id"]][0] if row["category_id"] else None
    return {
        "stats_id": row["stats_id"],
        "lead_name": row["first_name"],
        "lead_email": row["email"],
        "lead_category": category,
        "sequence_number": row["step"],
        "email_campaign_seq_id": row["campaign_id"] * 10 + row["step"],
        "seq_variant_id": None,
        "email_subject": f"Step {row['step']}",
        "email_message": "<p>…</p>",
        "sent_time": row["sent_at"],
        "open_time": row["open_time"],
        "click_time": row["click_time"],
        "reply_time": row["reply_time"],
        "open_count": row["open_count"],
        "click_count": row["click_count"],
        "is_unsubscribed": bool(row["is_unsubscribed"]),
        "is_bounced": bool(row["is_bounced"]),
        "ignore_reply": False,
    }
