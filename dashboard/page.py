"""What a page is: a title, its filters, the figures at its top, and its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dashboard.filters import Filter
from dashboard.marts import Reader
from dashboard.tables import Figure, Table


@dataclass(frozen=True)
class Page:
    """One page. Its tables and figures get the values of its filters as parameters, ``all`` for those left open."""

    name: str
    title: str
    intro: str
    filters: tuple[Filter, ...]
    tables: tuple[Table, ...]
    figures: Callable[[Reader, Mapping[str, str]], list[Figure]]


ORG = Filter("org", "Org", "select distinct org as value, org as label from fct_funnel_by_campaign order by org")
CAMPAIGN = Filter(
    "campaign",
    "Campaign",
    """
    select org || ':' || campaign_id as value, coalesce(campaign_name, campaign_id) || ' (' || org || ')' as label
    from fct_funnel_by_campaign where is_ai_outreach order by lower(label)
    """,
)
OF_ORG = "$org in ('all', coalesce(org, 'unknown'))"
OF_CAMPAIGN = f"{OF_ORG} and $campaign in ('all', org || ':' || campaign_id)"
