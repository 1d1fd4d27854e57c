"""How single records look on the wire, as they were captured live."""

from __future__ import annotations

import json

from sandbox.database import Row
from sandbox.smartlead.state import CATEGORIES, SILENT_WARM_UP_DAYS
from sandbox.smartlead.times import rest_time

USER_ID = 4711
WEEKDAYS = [1, 2, 3, 4, 5]


def campaign(row: Row) -> Row:
    """A campaign."""
    return {
        "id": row["id"],
        "user_id": USER_ID,
        "created_at": rest_time(row["created_at"]),
        "updated_at": rest_time(row["updated_at"]),
        "status": row["status"],
        "name": row["name"],
        "track_settings": json.loads(row["track_settings"]),
        "scheduler_cron_value": {"tz": "Etc/UTC", "days": WEEKDAYS, "startHour": "08:00", "endHour": "16:00"},
        "min_time_btwn_emails": 10,
        "max_leads_per_day": row["max_leads_per_day"],
        "stop_lead_settings": "REPLY_TO_AN_EMAIL",
        "schedule_start_time": None,
        "enable_ai_esp_matching": False,
        "send_as_plain_text": False,
        "follow_up_percentage": 100,
        "unsubscribe_text": "Unsubscribe",
        "parent_campaign_id": None,
        "client_id": None,
    }


def lead_fields(row: Row) -> Row:
    """A person, the same in all campaigns."""
    return {
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
    }


def campaign_lead(row: Row) -> Row:
    """A person in one campaign: the mapping has an id, a status and a category of its own."""
    return {
        "campaign_lead_map_id": str(row["map_id"]),
        "lead_category_id": row["category_id"],
        "status": row["status"],
        "created_at": rest_time(row["created_at"]),
        "lead": lead_fields(row),
    }


def sent_mail(row: Row) -> Row:
    """A row of the statistics."""
    times = {name: rest_time(row[name]) for name in ("open_time", "click_time", "reply_time")}
    return {
        "lead_name": " ".join(part for part in (row["first_name"], row["last_name"]) if part),
        "lead_email": row["email"],
        "lead_category": CATEGORIES[row["category_id"]][0] if row["category_id"] else None,
        "sequence_number": row["step"],
        "stats_id": row["stats_id"],
        "email_campaign_seq_id": row["campaign_id"] * 10 + row["step"],
        "seq_variant_id": None,
        "email_subject": f"Step {row['step']}",
        "email_message": f"<p>Template {row['step']}</p>",
        "sent_time": rest_time(row["sent_at"]),
        **times,
        "open_count": row["open_count"],
        "click_count": row["click_count"],
        "is_unsubscribed": bool(row["is_unsubscribed"]),
        "is_bounced": bool(row["is_bounced"]),
        "ignore_reply": False,
    }


def email_account(row: Row, campaign_ids: list[int], *, sent_today: int, per_day: int) -> Row:
    """A mailbox, with the passwords that the real service sends along."""
    host = row["email"].partition("@")[2]
    return {
        "id": row["id"],
        "created_at": rest_time(row["created_at"]),
        "updated_at": rest_time(row["created_at"]),
        "user_id": USER_ID,
        "from_name": row["name"],
        "from_email": row["email"],
        "minTimeToWaitInMins": 10,
        "username": row["email"],
        "password": f"secret-password-{row['id']}",
        "smtp_host": f"smtp.{host}",
        "smtp_port": 465,
        "smtp_port_type": "SSL",
        "message_per_day": per_day,
        "different_reply_to_address": "",
        "is_different_imap_account": False,
        "imap_username": row["email"],
        "imap_password": f"secret-imap-password-{row['id']}",
        "imap_host": f"imap.{host}",
        "imap_port": 993,
        "imap_port_type": "SSL",
        "signature": "",
        "custom_tracking_domain": "",
        "bcc_email": None,
        "is_smtp_success": True,
        "is_imap_success": True,
        "smtp_failure_error": None,
        "imap_failure_error": None,
        "type": "GMAIL",
        "daily_sent_count": sent_today,
        "client_id": None,
        "campaign_count": len(campaign_ids),
        "is_suspended": False,
        "tags": [],
        "warmup_details": {
            "id": row["id"] * 10,
            "status": "ACTIVE",
            "total_sent_count": SILENT_WARM_UP_DAYS * 10,
            "total_spam_count": 0,
            "warmup_reputation": "98%",
            "warmup_key_id": f"key-{row['id']}",
            "warmup_created_at": rest_time(row["created_at"]),
            "reply_rate": 30,
            "blocked_reason": None,
        },
        "campaign_ids": campaign_ids,
    }
