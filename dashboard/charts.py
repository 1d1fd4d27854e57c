"""Charts as SVG, drawn on the server; each stands beside the table that it is made of.

Colours are variables of the style sheet (Okabe and Ito's palette, readable by the colour-blind), so that a chart
follows light and dark. No chart says anything by colour alone: series differ in place, shape or label too.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from math import ceil
from typing import Any

import altair as alt
import vl_convert

from dashboard.marts import Row
from dashboard.personal import HIDDEN

WIDTH = 1060
BLUE, ORANGE, RED = "var(--blue)", "var(--orange)", "var(--red)"
INK, FAINT, LINE = "var(--ink)", "var(--ink-soft)", "var(--line)"
LABELS = alt.Axis(minExtent=190, labelLimit=185)  # room for a long name, whatever font the browser takes
FONT = "Helvetica, Arial, Liberation Sans, sans-serif"  # widths that the renderer knows


Draw = Callable[[list[Row]], str | None]


def drawn_once(draw: Draw) -> Draw:
    """A chart that is drawn once for the same data, however many look: the same rows give the same picture."""

    @lru_cache(maxsize=128)
    def picture(rows: str) -> str | None:
        return draw(json.loads(rows))

    return lambda rows: picture(json.dumps(rows, default=str, sort_keys=True))


@drawn_once
def weekly_rates(rows: list[Row]) -> str | None:
    """People contacted by week of their first mail, and below it the rate at which they replied, with its interval."""
    rows = [row for row in rows if row["reply_rate_per_contacted"] is not None]
    if len(rows) < 2:
        return None
    weeks, data = _weeks("cohort"), _data(rows)
    contacted = _bars(data, "People first mailed in the week", weeks, "members_sent")
    rate = alt.Chart(data, title=_title("Share of them who replied so far, with 95 % interval")).encode(x=weeks)
    band = rate.mark_rule(color=ORANGE, strokeWidth=6, opacity=0.35, strokeCap="round").encode(
        y=_share("reply_rate_per_contacted_low"), y2="reply_rate_per_contacted_high:Q"
    )
    line = rate.mark_line(color=ORANGE, strokeWidth=2).encode(y="reply_rate_per_contacted:Q")
    points = rate.mark_point(color=ORANGE, filled=True, size=55, opacity=1).encode(y="reply_rate_per_contacted:Q")
    return _svg(alt.vconcat(contacted, (band + line + points).properties(width=WIDTH, height=130), spacing=18))


@drawn_once
def rates_by_campaign(rows: list[Row]) -> str | None:
    """The reply rate of each campaign as a point in its 95 % interval: intervals that overlap may be chance."""
    rows = [row for row in rows if row["reply_rate_per_contacted"] is not None]
    if len(rows) < 2:
        return None
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("campaign_name:N", title=None, sort=[row["campaign_name"] for row in rows], axis=LABELS)
    )
    span = base.mark_rule(color=BLUE, strokeWidth=6, opacity=0.35, strokeCap="round").encode(
        x=_share("reply_rate_per_contacted_low", alt.X), x2="reply_rate_per_contacted_high:Q"
    )
    point = base.mark_point(color=BLUE, filled=True, size=80, opacity=1).encode(x="reply_rate_per_contacted:Q")
    return _svg((span + point).properties(width=WIDTH - 190, height=26 * len({row["campaign_name"] for row in rows})))


@drawn_once
def sla_by_rep(rows: list[Row]) -> str | None:
    """Positive replies of each rep: followed up in time, not decided yet, too late."""
    parts = (("in time", "replies_kept"), ("not decided yet", "replies_undecided"), ("too late", "replies_breached"))
    values = [
        {"rep": f"{_named(row)} · {row['gbu']}", "status": label, "replies": row[key]}
        for row in rows
        for label, key in parts
    ]
    if not values:
        return None
    most = max(int(value["replies"]) for value in values) or 1
    ticks = list(range(0, most + 1, ceil(most / 4)))
    bars = (
        alt.Chart(_data(values))
        .mark_bar(color=BLUE, height=14, cornerRadius=2)
        .encode(
            y=alt.Y("rep:N", title=None, sort=None, axis=alt.Axis(minExtent=240, labelLimit=235)),
            x=alt.X("replies:Q", title=None, axis=alt.Axis(values=ticks, format="d")),
        )
        .properties(width=(WIDTH - 300) // 3, height=24 * len({value["rep"] for value in values}))
    )
    header = alt.Header(title=None, labelFontSize=12, labelColor=FAINT, labelAnchor="start")
    return _svg(bars.facet(column=alt.Column("status:N", sort=[label for label, _ in parts], header=header)))


@drawn_once
def sent_by_week(rows: list[Row]) -> str | None:
    """Mails sent by week, and below them the shares that bounced, by kind."""
    if len(rows) < 2:
        return None
    weeks, data = _weeks("week_starts_on"), _data(rows)
    sent = _bars(data, "Mails sent in the week", weeks, "sent_count")
    bounced = (
        alt.Chart(data, title=_title("Share of them that bounced: ● any way  ◆ hard"))
        .transform_fold(["bounce_rate", "hard_bounce_rate"], as_=["kind", "share"])
        .mark_line(point=alt.OverlayMarkDef(filled=True, size=50), strokeWidth=2)
        .encode(
            x=weeks,
            y=_share("share"),
            color=alt.Color("kind:N", legend=None, scale=alt.Scale(range=[BLUE, ORANGE])),
            shape=alt.Shape("kind:N", legend=None, scale=alt.Scale(range=["circle", "diamond"])),
        )
        .properties(width=WIDTH, height=130)
    )
    return _svg(alt.vconcat(sent, bounced, spacing=18))


@drawn_once
def ramp(rows: list[Row]) -> str | None:
    """Mails a day that each step of the ramp needs, against what the mailboxes of today may send."""
    if not rows:
        return None
    data = _data(rows)
    steps = alt.X("mails_per_month:O", title="mails a month", axis=alt.Axis(labelAngle=0, format=",d"))
    needed = (
        alt.Chart(data)
        .mark_bar(color=BLUE, cornerRadiusTopLeft=2, cornerRadiusTopRight=2, width={"band": 0.45})
        .encode(x=steps, y=_count("mails_per_day_needed", "mails a day"))
    )
    rule = alt.Chart(_data([rows[0]]))
    today = rule.mark_rule(color=RED, strokeDash=[6, 4], strokeWidth=2).encode(y="mails_per_day_today:Q")
    words = rule.mark_text(color=INK, align="left", baseline="bottom", dx=4, dy=-4, x=0, text="today's mailboxes")
    return _svg((needed + today + words.encode(y="mails_per_day_today:Q")).properties(width=WIDTH, height=170))


def _named(rep: Row) -> str:
    """A rep's name, or where it is masked their id: else all bars would be called the same."""
    name = rep["owner_name"] or "nobody"
    return str(rep["owner_id"] if name == HIDDEN else name)


def _data(rows: list[Row]) -> Any:
    return alt.InlineData(values=rows)


def _weeks(column: str) -> alt.X:
    """Weeks from left to right, labelled with month and day."""
    return alt.X(f"{column}:O", title=None, axis=alt.Axis(labelAngle=0, labelExpr="slice(datum.label, 5)"))


def _bars(data: Any, title: str, weeks: alt.X, column: str) -> Any:
    return (
        alt.Chart(data, title=_title(title))
        .mark_bar(color=BLUE, cornerRadiusTopLeft=2, cornerRadiusTopRight=2, width={"band": 0.55})
        .encode(x=weeks, y=_count(column))
        .properties(width=WIDTH, height=130)
    )


def _title(title: str) -> alt.TitleParams:
    return alt.TitleParams(title, anchor="start", fontSize=12, fontWeight="normal", color=FAINT, offset=8)


def _count(field: str, title: str | None = None) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format=",d", tickCount=4, tickMinStep=1))


def _share(field: str, channel: Any = alt.Y) -> Any:
    return channel(f"{field}:Q", title=None, axis=alt.Axis(format="%", tickCount=4), scale=alt.Scale(zero=True))


def _svg(chart: Any) -> str:
    styled = chart.configure(
        background="transparent",
        font=FONT,
        padding=2,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=FAINT,
            labelFontSize=12,
            labelLimit=220,
            labelPadding=6,
            titleColor=FAINT,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE,
            ticks=False,
        ),
        legend=alt.LegendConfig(labelColor=INK, labelFontSize=12),
    )
    return vl_convert.vegalite_to_svg(styled.to_dict(validate=False))


def warm_up() -> None:
    """Draw once, so that the first viewer does not wait for the renderer to start."""
    _svg(alt.Chart(_data([{"x": 1}])).mark_point().encode(x="x:Q"))
