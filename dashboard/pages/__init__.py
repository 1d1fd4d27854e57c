"""The pages of the dashboard, by name, in the order of the navigation."""

from __future__ import annotations

from dashboard.pages import deliverability, enrichment, funnel, sales, trust

PAGES = {page.name: page for page in (funnel.PAGE, sales.PAGE, deliverability.PAGE, enrichment.PAGE, trust.PAGE)}
