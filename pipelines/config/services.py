"""How to reach the services that are read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class SalesforceOrg(BaseModel):
    """How to reach one org as its integration user: client credentials, or JWT bearer with a private key."""

    login_url: str
    client_id: str
    client_secret: SecretStr | None = None
    username: str | None = None
    private_key_file: Path | None = None
    audience: str = "https://login.salesforce.com"
    organization_id: str | None = Field(None, description="refuse to work when the token is for another org")
    api_version: str = "v62.0"
    expected_role: str | None = Field(None, description="the role that the integration user must have")
    validation_bypass_permission: str | None = Field(None, description="the custom permission that bypasses validation")
    quota_reserve: float = Field(0.2, ge=0, lt=1, description="share of the daily API calls left to the business")
    bulk_from_records: int = Field(10_000, ge=1, description="larger readings go through Bulk instead of REST")
    sweep_after_minutes: int = Field(60, ge=0, description="how old the last reading of all ids and formulas may be")

    @property
    def uses_jwt(self) -> bool:
        """Whether this org signs in by JWT bearer."""
        return self.private_key_file is not None


class Smartlead(BaseModel):
    """Smartlead's REST API. The key travels in URLs, so it is never logged."""

    base_url: str = "https://server.smartlead.ai/api/v1"
    api_key: SecretStr
    requests_per_hour: int = 1_000
    requests_per_minute: int = 60
    requests_per_two_seconds: int = 10
    poll_after_minutes: float = Field(0, ge=0, description="how old the last poll may be; webhooks load every time")


class ClayWebhook(BaseModel):
    """A webhook source of a Clay table."""

    webhook_url: str
    webhook_token: SecretStr | None = None


class ClayTable(ClayWebhook):
    """The webhook sources of one Clay table: the first, and those that follow when one has taken all it can."""

    next_webhooks: list[ClayWebhook] = Field(default_factory=list)

    @property
    def webhooks(self) -> list[ClayWebhook]:
        """All of them, in the order in which they are used."""
        return [self, *self.next_webhooks]


class ClayLookups(BaseModel):
    """Clay's Enterprise API of people and companies. Its paths and its price are not published: see docs/clay.md."""

    api_key: SecretStr
    credit_budget: int = Field(ge=0, description="the most credits that lookups may cost in a period")
    budget_period: Literal["day", "month"] = Field("month", description="in UTC")
    credits_per_lookup: int = Field(1, ge=1, description="what counts where an answer names no credits, or is lost")
    cache_days: int = Field(90, ge=1, description="how long nothing is asked twice; a miss neither")
    requests_per_second: int = Field(5, ge=1)
    people_path: str = "v1/people/enrich"
    companies_path: str = "v1/companies/enrich"


class Clay(BaseModel):
    """Clay's public API, its lookups, and the webhook sources of the tables that an audience goes to, by table id."""

    base_url: str = "https://api.clay.com"
    api_key: SecretStr | None = None
    lookups: ClayLookups | None = None
    tables: dict[str, ClayTable] = Field(default_factory=dict)
    replies_table: str = Field(default="t_replies", description="the table that classifies replies, for all campaigns")


class HubSpot(BaseModel):
    """A HubSpot account that contacts are synchronised to; nothing goes there unless this is set."""

    base_url: str = "https://api.hubapi.com"
    access_token: SecretStr
