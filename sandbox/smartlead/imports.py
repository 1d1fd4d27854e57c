"""Adding leads to a campaign. A known address overwrites the person's fields in all campaigns of the account."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead import joi

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
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def add_leads(database: Database, campaign_id: int, body: Any) -> Row:
    """Add leads and answer counts only; ids must be read back from the roster, unless they are asked for.

    Raises:
        JoiError: the request is not valid; nothing was added.
    """
    _validate(body)
    settings = body.get("settings") or {}
    counts: Counter[str] = Counter()
    invalid: list[str] = []
    unsubscribed: list[str] = []
    added: dict[str, int] = {}
    seen: set[str] = set()
    with database.transaction():
        now = database.clock.tick()
        for lead in body["lead_list"]:
            email = lead["email"].strip().lower()
            if not ADDRESS.fullmatch(email):
                invalid.append(lead["email"])
            elif _has_unsubscribed(database, email) and not settings.get("ignore_unsubscribe_list"):
                unsubscribed.append(lead["email"])
            else:
                lead_id = _upsert_lead(database, email, lead, now.isoformat())
                is_new = email not in seen and database.execute(
                    "insert or ignore into campaign_leads (campaign_id, lead_id, created_at, next_on)"
                    " values (?, ?, ?, ?)",
                    [campaign_id, lead_id, now.isoformat(), now.date().isoformat()],
                )
                counts["added" if is_new else "duplicate" if email in seen else "already"] += 1
                if is_new:
                    added[email] = lead_id
            seen.add(email)
    total = database.value("select count(*) from campaign_leads where campaign_id = ?", [campaign_id])
    ids = {"emailToLeadIdMap": {"newlyAddedLeads": added}} if settings.get("return_lead_ids") else {}
    return {
        "ok": True,
        "upload_count": counts["added"],
        "total_leads": total,
        "block_count": 0,
        "duplicate_count": counts["duplicate"],
        "invalid_email_count": len(invalid),
        "invalid_emails": invalid,
        "already_added_to_campaign": counts["already"],
        "unsubscribed_leads": unsubscribed,
        "is_lead_limit_exhausted": False,
        "lead_import_stopped_count": 0,
        "bounce_count": 0,
        **ids,
    }


def _validate(body: Any) -> None:
    if not isinstance(body, dict) or not isinstance(body.get("lead_list"), list):
        raise joi.JoiError('"lead_list" is required')
    joi.only(body, {"lead_list", "settings"})
    joi.only(body.get("settings") or {}, SETTINGS, "settings.")
    if len(body["lead_list"]) > MAX_LEADS:
        raise joi.JoiError(f'"lead_list" must contain less than or equal to {MAX_LEADS} items')
    for place, lead in enumerate(body["lead_list"]):
        where = f"lead_list[{place}]."
        joi.required(lead, "email", where)
        joi.only(lead, LEAD_FIELDS, where)


def _has_unsubscribed(database: Database, email: str) -> bool:
    return bool(database.value("select is_unsubscribed from leads where email = ?", [email]))


def _upsert_lead(database: Database, email: str, lead: Row, now: str) -> int:
    fields = [lead.get("first_name"), lead.get("last_name"), lead.get("company_name")]
    custom = json.dumps(lead.get("custom_fields") or {})
    database.execute(
        "insert into leads (email, first_name, last_name, company_name, custom_fields, created_at)"
        " values (?, ?, ?, ?, ?, ?)"
        " on conflict (email) do update set first_name = excluded.first_name, last_name = excluded.last_name,"
        " company_name = excluded.company_name, custom_fields = excluded.custom_fields",
        [email, *fields, custom, now],
    )
    return int(database.value("select id from leads where email = ?", [email]))
