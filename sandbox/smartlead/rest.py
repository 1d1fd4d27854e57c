"""What Smartlead's REST API shows, as it was captured live: counts as strings, large ids, envelopes that differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.database import Database, Row
from sandbox.smartlead import joi
from sandbox.smartlead.shapes import campaign, campaign_lead, email_account, lead_fields, sent_mail
from sandbox.smartlead.state import CATEGORIES, STEPS, campaign_mails
from sandbox.smartlead.times import rest_time

Query = Mapping[str, str]
MAIL_STATES = {
    "opened": "open_count > 0",
    "clicked": "click_count > 0",
    "replied": "reply_time is not null",
    "unsubscribed": "is_unsubscribed = 1",
    "bounced": "is_bounced = 1",
}
LEADS_STATISTICS_PARAMETERS = {"api_key", "event_time_gt", "created_at_gt", "limit", "offset"}
OF_CAMPAIGN = "from campaign_leads join leads on leads.id = lead_id where campaign_id = ?"


class Api:
    """Answers to Smartlead's reading endpoints, as JSON-ready values."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def has_campaign(self, campaign_id: int) -> bool:
        """Whether the campaign exists."""
        return self._db.value("select 1 from campaigns where id = ?", [campaign_id]) is not None

    def campaigns(self) -> list[Row]:
        """A bare list, newest first."""
        return [campaign(row) for row in self._db.rows("select * from campaigns order by id desc")]

    def campaign(self, campaign_id: int) -> Row:
        """One campaign."""
        return campaign(self._db.row("select * from campaigns where id = ?", [campaign_id]) or {})

    def sequences(self, campaign_id: int) -> list[Row]:
        """A bare list of steps."""
        created_at = self._db.value("select created_at from campaigns where id = ?", [campaign_id])
        return [
            {
                "id": campaign_id * 10 + number,
                "created_at": rest_time(created_at),
                "updated_at": rest_time(created_at),
                "email_campaign_id": campaign_id,
                "seq_number": number,
                "seq_delay_details": {"delayInDays": delay},
                "subject": f"Step {number}",
                "email_body": f"<p>Template {number}</p>",
                "sequence_variants": None,
            }
            for number, delay in enumerate(STEPS, start=1)
        ]

    def leads(self, campaign_id: int, query: Query) -> Row:
        """Leads of a campaign, newest first, so that pages shift when leads are added."""
        offset, limit = _page(query, most=100)
        conditions, parameters = [OF_CAMPAIGN], [str(campaign_id)]
        for name, column in (("status", "status"), ("lead_category_id", "category_id")):
            if name in query:
                conditions.append(f"{column} = ?")
                parameters.append(query[name])
        if since := joi.moment(query, "created_at_gt"):
            conditions.append("campaign_leads.created_at > ?")
            parameters.append(since)
        condition = " and ".join(conditions)
        rows = self._db.rows(
            "select campaign_leads.*, leads.email, leads.first_name, leads.last_name, leads.company_name,"
            f" leads.custom_fields, leads.is_unsubscribed {condition} order by map_id desc limit ? offset ?",
            [*parameters, limit, offset],
        )
        total = self._db.value(f"select count(*) {condition}", parameters)
        data = [campaign_lead(row) for row in rows]
        return {"total_leads": str(total), "data": data, "offset": offset, "limit": limit}

    def statistics(self, campaign_id: int, query: Query) -> Row:
        """One row per mail that was sent, newest first. The category is the lead's of today, on every row."""
        offset, limit = _page(query, most=1000)
        conditions, parameters = _of_mails(campaign_id, query)
        mails = (
            "from mails join leads on leads.id = mails.lead_id join campaign_leads on"
            " campaign_leads.campaign_id = mails.campaign_id and campaign_leads.lead_id = mails.lead_id"
            f" where {conditions}"
        )
        rows = self._db.rows(
            f"select mails.*, leads.email, first_name, last_name, company_name, is_unsubscribed, category_id {mails}"
            " order by sent_at desc, stats_id limit ? offset ?",
            [*parameters, limit, offset],
        )
        total = self._db.value(f"select count(*) {mails}", parameters)
        return {"total_stats": str(total), "data": [sent_mail(row) for row in rows], "offset": offset, "limit": limit}

    def leads_statistics(self, campaign_id: int, query: Query) -> Row:
        """Message histories of the leads with an event after a moment; there is no upper bound to give."""
        joi.only(query, LEADS_STATISTICS_PARAMETERS)
        offset, limit = _page(query, most=100)
        leads = self._db.rows(
            f"select lead_id, leads.email, status, mailbox_id {OF_CAMPAIGN} and campaign_leads.created_at > ?"
            " and exists (select 1 from messages where messages.campaign_id = campaign_leads.campaign_id"
            " and messages.lead_id = campaign_leads.lead_id and time > ?) order by map_id limit ? offset ?",
            [
                campaign_id,
                joi.moment(query, "created_at_gt") or "",
                joi.moment(query, "event_time_gt") or "",
                limit + 1,
                offset,
            ],
        )
        data = [
            {
                "lead_id": lead["lead_id"],
                "from": self._mailbox(lead["mailbox_id"]),
                "to": lead["email"],
                "status": lead["status"],
                "history": self._messages(campaign_id, lead["lead_id"]),
            }
            for lead in leads[:limit]
        ]
        return {"hasMore": len(leads) > limit, "data": data, "skip": offset, "limit": limit}

    def history(self, campaign_id: int, lead_id: int) -> Row:
        """What was written to a lead and what came back."""
        lead = self._db.row(
            f"select leads.email, mailbox_id {OF_CAMPAIGN} and lead_id = ?",
            [campaign_id, lead_id],
        )
        if lead is None:
            return {"history": []}
        mailbox = self._mailbox(lead["mailbox_id"])
        messages = [
            message | {"to": mailbox if message["type"] == "REPLY" else lead["email"]}
            for message in self._messages(campaign_id, lead_id, with_writer=True)
        ]
        return {"history": messages, "from": mailbox, "to": lead["email"]}

    def lead(self, query: Query) -> Row:
        """A lead by its address, in all its campaigns; an empty object, and no error, when there is none."""
        email = str(joi.required(query, "email"))
        lead = self._db.row("select * from leads where email = lower(?)", [email.strip()])
        if lead is None:
            return {}
        rows = self._db.rows(
            "select map_id, campaign_id, name, category_id,"
            " (select max(sent_at) from mails where lead_id = campaign_leads.lead_id"
            " and campaign_id = campaign_leads.campaign_id) as last_sent_at,"
            " (select max(time) from messages where type = 'REPLY' and lead_id = campaign_leads.lead_id"
            " and campaign_id = campaign_leads.campaign_id) as last_reply_at"
            " from campaign_leads join campaigns on campaigns.id = campaign_id where lead_id = ? order by map_id",
            [lead["id"]],
        )
        campaigns = [
            {
                "campaign_lead_map_id": str(row["map_id"]),
                "campaign_id": row["campaign_id"],
                "campaign_name": row["name"],
                "client_id": None,
                "client_email": None,
                "lead_category_id": row["category_id"],
                "last_sent_at": rest_time(row["last_sent_at"]),
                "last_reply_at": rest_time(row["last_reply_at"]),
                "last_activity_at": rest_time(row["last_reply_at"] or row["last_sent_at"]),
            }
            for row in rows
        ]
        fields = lead_fields(lead | {"lead_id": lead["id"]})
        return fields | {"created_at": rest_time(lead["created_at"]), "lead_campaign_data": campaigns}

    def categories(self) -> list[Row]:
        """A bare list."""
        created_at = "2024-01-01T00:00:00.000Z"
        return [
            {"id": number, "name": name, "created_at": created_at, "sentiment_type": sentiment}
            for number, (name, sentiment) in CATEGORIES.items()
        ]

    def email_accounts(self, query: Query) -> list[Row]:
        """A bare list; the real service does send the passwords along."""
        offset, limit = _page(query, most=100)
        today = self._db.clock.now.date()
        accounts = []
        for row in self._db.rows("select * from mailboxes order by id limit ? offset ?", [limit, offset]):
            campaigns = self._db.rows("select id from campaigns where org = ? order by id", [row["org"]])
            sent = self._db.value(
                "select count(*) from mails where mailbox_id = ? and sent_at >= ?", [row["id"], today.isoformat()]
            )
            ids = [one["id"] for one in campaigns]
            accounts.append(email_account(row, ids, sent_today=sent, per_day=campaign_mails(row, today)))
        return accounts

    def analytics(self, campaign_id: int) -> Row:
        """Counts as strings. Replies are counted per lead here and per row in the statistics: they do not agree."""
        counts = self._db.row(
            "select count(*) as sent_count, count(distinct lead_id) as unique_sent_count,"
            " count(distinct case when open_count > 0 then lead_id end) as unique_open_count,"
            " count(distinct case when click_count > 0 then lead_id end) as unique_click_count,"
            " count(distinct case when reply_time is not null then lead_id end) as reply_count,"
            " coalesce(sum(open_count), 0) as open_count, coalesce(sum(click_count), 0) as click_count,"
            " coalesce(sum(is_bounced), 0) as bounce_count from mails where campaign_id = ?",
            [campaign_id],
        )
        unsubscribed = self._db.value(f"select count(*) {OF_CAMPAIGN} and is_unsubscribed = 1", [campaign_id])
        leads = self._lead_counts(campaign_id)
        shown = self.campaign(campaign_id)
        head = {name: shown[name] for name in ("id", "user_id", "created_at", "status", "name")}
        counted = (counts or {}) | {
            "total_count": leads["total"],
            "block_count": leads["blocked"],
            "sequence_count": len(STEPS),
            "unsubscribed_count": unsubscribed,
            "drafted_count": 0,
        }
        return (
            head
            | {name: str(count) for name, count in counted.items()}
            | {
                "tags": [],
                "client_id": None,
                "parent_campaign_id": None,
                "campaign_lead_stats": leads,
                "team_member_id": None,
                "send_as_plain_text": False,
                "client_name": None,
                "client_email": None,
                "client_company_name": None,
            }
        )

    def _lead_counts(self, campaign_id: int) -> Row:
        rows = self._db.rows(
            "select status, count(*) as leads from campaign_leads where campaign_id = ? group by status", [campaign_id]
        )
        found = {row["status"]: row["leads"] for row in rows}
        names = {"inprogress": "INPROGRESS", "completed": "COMPLETED", "stopped": "STOPPED", "blocked": "BLOCKED"}
        counts = {name: found.get(status, 0) for name, status in names.items()}
        interested = self._db.value(
            "select count(*) from campaign_leads where campaign_id = ? and category_id in (1, 2, 5)", [campaign_id]
        )
        rest = {"paused": 0, "revenue": 0, "interested": interested, "notStarted": found.get("STARTED", 0)}
        return {"total": sum(found.values())} | counts | rest

    def _messages(self, campaign_id: int, lead_id: int, *, with_writer: bool = False) -> list[Row]:
        rows = self._db.rows(
            "select messages.*, mails.open_count, mails.click_count from messages left join mails using (stats_id)"
            " where messages.campaign_id = ? and messages.lead_id = ? order by time, message_id",
            [campaign_id, lead_id],
        )
        return [
            _message(row, stats_id, step) | ({"from": row["written_by"]} if with_writer else {})
            for row in rows
            for stats_id, step in ((row["also_shown_on"], row["step"] - 1), (row["stats_id"], row["step"]))
            if stats_id
        ]

    def _mailbox(self, mailbox_id: int | None) -> str | None:
        found = self._db.value("select email from mailboxes where id = ?", [mailbox_id])
        return None if found is None else str(found)


def _message(row: Row, stats_id: str, step: int) -> dict[str, Any]:
    return {
        "stats_id": stats_id,
        "type": row["type"],
        "message_id": row["message_id"],
        "time": rest_time(row["time"]),
        "subject": row["subject"],
        "email_body": row["body"],
        "email_seq_number": str(step),
        "open_count": row["open_count"] or 0,
        "click_count": row["click_count"] or 0,
        "click_details": {},
        **({"cc": []} if row["type"] == "REPLY" else {}),
    }


def _of_mails(campaign_id: int, query: Query) -> tuple[str, list[str]]:
    conditions, parameters = ["mails.campaign_id = ?"], [str(campaign_id)]
    if "email_sequence_number" in query:
        conditions.append("step = ?")
        parameters.append(query["email_sequence_number"])
    for name, operator in (("sent_time_start_date", ">="), ("sent_time_end_date", "<=")):
        if moment := joi.moment(query, name):
            conditions.append(f"sent_at {operator} ?")
            parameters.append(moment)
    if state := query.get("email_status"):
        if state not in MAIL_STATES:
            raise joi.JoiError(f'"email_status" must be one of [{", ".join(MAIL_STATES)}]')
        conditions.append(MAIL_STATES[state])
    return " and ".join(conditions), parameters


def _page(query: Query, *, most: int, default: int = 100) -> tuple[int, int]:
    return joi.whole_number(query, "offset", 0), joi.whole_number(query, "limit", default, most)
