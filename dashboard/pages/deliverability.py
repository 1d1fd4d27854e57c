"""Deliverability: what each mailbox sends and bounces, within its limits, and the ramp."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.charts import ramp, sent_by_week
from dashboard.filters import Filter
from dashboard.marts import Reader
from dashboard.page import Page
from dashboard.tables import Column, Figure, Table, count, number, percent, rate, status, text, when

# An address has no place in a URL, so a mailbox goes by a part of its hash.
KEY = "left(md5(coalesce(mailbox, 'unknown')), 12)"
SELECTED = f"$mailbox in ('all', {KEY})"
SUMS = """
    sum(sent_count) as sent_count, sum(bounced_count) as bounced_count, sum(hard_bounced_count) as hard_bounced_count,
    sum(replied_count) as replied_count, sum(unsubscribed_count) as unsubscribed_count,
    sum(bounced_count) / nullif(sum(sent_count), 0) as bounce_rate,
    sum(hard_bounced_count) / nullif(sum(sent_count), 0) as hard_bounce_rate,
    sum(replied_count) / nullif(sum(sent_count), 0) as reply_rate
"""
RATES = (
    count("sent_count", "Sent"),
    rate("bounce_rate", "Bounced", "bounced_count", "sent_count"),
    rate("hard_bounce_rate", "Bounced hard", "hard_bounced_count", "sent_count"),
    rate("reply_rate", "Replied", "replied_count", "sent_count"),
    count("unsubscribed_count", "Unsubscribed"),
)
FILTERS = (
    Filter(
        "mailbox",
        "Mailbox",
        f"select distinct {KEY} as value, mailbox as label from fct_mailbox_days order by mailbox",
    ),
)


def _figures(reader: Reader, selected: Mapping[str, str]) -> list[Figure]:
    total = reader.rows(
        f"select {SUMS}, count(distinct mailbox) as mailboxes, count(*) as days,"
        f" count(*) filter (share_of_limit > 1) as days_over from fct_mailbox_days where {SELECTED}",
        selected,
    )[0]
    first_step = reader.rows("select * from fct_sending_ramp order by ramp_step limit 1")
    figures = [
        Figure("Mails sent", number(total["sent_count"]), f"from {number(total['mailboxes'])} mailboxes"),
        Figure("Bounced", percent(total["bounce_rate"]), f"{number(total['bounced_count'])} mails"),
        Figure("Bounced hard", percent(total["hard_bounce_rate"]), f"{number(total['hard_bounced_count'])} mails"),
        Figure("Days over the limit", number(total["days_over"]), f"of {number(total['days'])} mailbox days"),
    ]
    if first_step:
        today = first_step[0]
        healthy = f"{number(today['healthy_mailboxes'])} healthy mailboxes"
        figures.append(Figure("Mails a day today", number(today["mails_per_day_today"]), healthy))
    return figures


PAGE = Page(
    name="deliverability",
    title="Deliverability",
    intro="What our mailboxes send, what bounces, and what the ramp still needs. Days are days of sending, in UTC.",
    filters=FILTERS,
    figures=_figures,
    tables=(
        Table(
            "weeks",
            "By week",
            f"select cast(date_trunc('week', sent_on) as date) as week_starts_on, {SUMS} from fct_mailbox_days"
            f" where {SELECTED} group by 1 order by 1",
            (when("week_starts_on", "Week"), *RATES),
            empty="No mail has been sent.",
            chart=sent_by_week,
            preview_rows=12,
        ),
        Table(
            "mailboxes",
            "Mailboxes",
            f"select mailbox, {KEY} as mailbox_key, {SUMS}, max(sent_on) as last_sent_on,"
            " max_by(daily_limit, sent_on) as daily_limit,"
            " max(sent_count) as most_in_a_day, max(share_of_limit) as highest_share_of_limit"
            f" from fct_mailbox_days where {SELECTED} group by all order by sent_count desc, mailbox",
            (
                text("mailbox", "Mailbox", link=lambda row: ("/deliverability", {"mailbox": row["mailbox_key"]})),
                *RATES,
                count("most_in_a_day", "Most in a day"),
                count("daily_limit", "Daily limit"),
                Column("highest_share_of_limit", "Of the limit", percent, is_number=True),
                when("last_sent_on", "Last sent"),
            ),
            empty="No mail has been sent.",
            preview_rows=30,
        ),
        Table(
            "bounces",
            "Bounces by kind",
            "select bounce_class, rule_id, count(*) as bounces, max(bounced_at) as last_bounced_at"
            f" from fct_bounce_events where {SELECTED} group by bounce_class, rule_id"
            " order by bounces desc, bounce_class, rule_id",
            (
                status("bounce_class", "Kind"),
                text("rule_id", "Rule that decided"),
                count("bounces", "Bounces"),
                when("last_bounced_at", "Last (UTC)"),
            ),
            note="Only hard bounces are ever written to Salesforce.",
            empty="No mail has bounced.",
        ),
        Table(
            "ramp",
            "Ramp projection",
            "select * from fct_sending_ramp order by ramp_step",
            (
                count("mails_per_month", "Mails a month"),
                count("mails_per_day_needed", "A day"),
                count("mails_per_day_today", "A day today"),
                count("mailboxes_needed", "Mailboxes needed"),
                count("mailboxes_missing", "Missing"),
                count("days_until_ready", "Days until ready"),
                count("sending_days_with_todays_mailboxes", "Sending days with today's mailboxes"),
            ),
            note="For all mailboxes together, whatever is filtered. Days until ready: the warm-up of the missing ones.",
            chart=ramp,
        ),
        Table(
            "days",
            "Mailbox days",
            "select *, bounced_count / nullif(sent_count, 0) as bounce_rate,"
            " hard_bounced_count / nullif(sent_count, 0) as hard_bounce_rate,"
            " replied_count / nullif(sent_count, 0) as reply_rate"
            f" from fct_mailbox_days where {SELECTED} order by sent_on desc, mailbox",
            (
                when("sent_on", "Day"),
                text("mailbox", "Mailbox"),
                *RATES,
                count("daily_limit", "Limit"),
                Column("share_of_limit", "Of the limit", percent, is_number=True),
            ),
            empty="No mail has been sent.",
        ),
    ),
)
