"""Settings: where things live and how to reach the services.

Read from the environment (``OUTREACH_…``, nested with ``__``), then from the secrets file that dlt uses
(``.dlt/secrets.toml``, or the file that ``OUTREACH_SECRETS_FILE`` names). Policy is not here: it is reviewed data in
``seeds/``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import (
    BaseModel,
    Field,
    HttpUrl,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipelines.errors import ConfigurationError
from pipelines.listening import is_loopback

SECRETS_VARIABLE = "OUTREACH_SECRETS_FILE"
PROJECT_VARIABLE = "OUTREACH_PROJECT_DIR"
PROJECT_FILE = "dbt_project.yml"
Section = TypeVar("Section")
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]


def secrets_file() -> Path:
    """The secrets file in force: the one ``OUTREACH_SECRETS_FILE`` names, else dlt's own."""
    project_dir = Path(os.environ.get(PROJECT_VARIABLE, ""))
    return Path(os.environ.get(SECRETS_VARIABLE, project_dir / ".dlt" / "secrets.toml"))


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


class Clay(BaseModel):
    """Clay's public API and the webhook sources of the tables that an audience is exported to, by table id."""

    base_url: str = "https://api.clay.com"
    api_key: SecretStr | None = None
    tables: dict[str, ClayTable] = Field(default_factory=dict)


class HubSpot(BaseModel):
    """A HubSpot account that contacts are synchronised to; nothing goes there unless this is set."""

    base_url: str = "https://api.hubapi.com"
    access_token: SecretStr


class Receiver(BaseModel):
    """Where webhooks and callbacks arrive, and the secret that each source must show."""

    host: str = "127.0.0.1"
    port: int = 8787
    smartlead_secret: SecretStr
    clay_secret: SecretStr
    requests_per_second: int = Field(5_000, ge=1, description="of each source; more are asked to come back later")


class SignIn(BaseModel):
    """Sign-in to the dashboard by OpenID Connect, and what the claims of the provider let a viewer see."""

    issuer: str = Field(description="URL under which the provider publishes .well-known/openid-configuration")
    client_id: str
    client_secret: SecretStr
    session_secret: SecretStr = Field(min_length=32, description="signs the session cookie; any long random text")
    scope: str = "openid profile"
    role_claim: str = Field("roles", description="the claim of the ID token that lists the roles")
    viewer_roles: list[str] = Field(min_length=1, description="who may look; personal data stay masked")
    personal_data_roles: list[str] = Field(default_factory=list, description="who sees names and addresses, too")
    session_hours: float = Field(8, gt=0)


class Dashboard(BaseModel):
    """Where the dashboard listens. Without sign-in it is for this machine only."""

    host: str = "127.0.0.1"
    port: int = 8788
    public_url: HttpUrl | None = Field(default=None, description="as browsers reach it, through the proxy with TLS")
    shows_personal_data: bool = Field(default=False, description="without sign-in: whether viewers see personal data")
    sign_in: SignIn | None = None

    @model_validator(mode="after")
    def _sign_in_has_an_address(self) -> Dashboard:
        if self.sign_in is None:
            return self
        if self.public_url is None:
            raise ValueError("sign_in needs public_url, the address that browsers come back to")
        if self.public_url.scheme != "https" and not is_loopback(self.public_url.host or ""):
            raise ValueError("public_url must begin with https://, because the session cookie travels over it")
        return self


class Push(BaseModel):
    """How a push goes about it: sizes and patience."""

    canary_records: int = Field(
        default=5, ge=0, description="records of each lane that go first and are read back whole"
    )
    records_per_update: int = Field(default=200, ge=1, le=200, description="Salesforce takes 200 at once")
    requests_at_once: int = Field(
        default=5, ge=1, le=20, description="of one org under way; Salesforce refuses long ones from 25 on"
    )
    bulk_from_records: int = Field(
        default=10_000, ge=1, description="more go by Bulk, where fields only ever go to true"
    )
    attempts: int = Field(default=5, ge=1, description="how often a record is tried in one push")
    first_wait_seconds: float = Field(
        default=1.0, description="before the second attempt; doubled for each further one"
    )
    longest_wait_seconds: float = Field(default=60.0, description="between two attempts")
    longest_job_seconds: float = Field(default=3600.0, description="after which a Bulk job is stuck and aborted")
    failures_at_least: int = Field(default=20, ge=1, description="how many failures it takes to stop, and")
    failure_share: float = Field(default=0.2, ge=0, le=1, description="which share of what was sent")


class Mail(BaseModel):
    """The SMTP server that alerts and notices leave by."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    sender: EmailAddress


class Alerts(BaseModel):
    """Who is told when a run fails or something gets stale, and when that is over."""

    webhook_url: SecretStr | None = Field(default=None, description="takes a JSON object with text, subject and key")
    email_to: list[EmailAddress] = Field(default_factory=list)


class Notices(BaseModel):
    """How the owner of a lead is told of a positive reply, and reminded before its SLA runs out."""

    email_owner: bool = Field(default=False, description="to the owner's address in Salesforce")
    copy_to: list[EmailAddress] = Field(default_factory=list)
    webhook_url: SecretStr | None = Field(default=None, description="takes a JSON object with text, subject and key")
    remind_before_hours: float = Field(default=2, gt=0, description="how long before the SLA runs out")


class Spark(BaseModel):
    """Where Spark runs and keeps its tables; ``profiles.yml`` reads the same variables, with the same defaults."""

    master: str = Field(default="local[2]", description="as spark://host:7077; local[2] is two threads of this machine")
    warehouse: str | None = Field(default=None, description="a folder that every worker sees, or a URL as s3a://…")


class Settings(BaseSettings):
    """Everything that differs between machines. Sections that a command does not need may be absent."""

    model_config = SettingsConfigDict(env_prefix="OUTREACH_", env_nested_delimiter="__", extra="ignore")

    project_dir: Path = Field(default=Path(), description="where dbt_project.yml is; by default the current directory")
    data_dir: Path = Field(default=Path("data"), description="relative to project_dir")
    store_url: str | None = None
    warehouse: Path | None = Field(default=None, description="relative to project_dir; by default in data_dir")
    raw_url: str | None = Field(
        default=None,
        description="where the raw tables land as parquet, too: a folder, relative to project_dir, or a URL as s3://…",
    )
    target: Literal["duckdb", "spark"] = Field(default="duckdb", description="the engine that builds the models")
    spark: Spark = Spark()
    user: str | None = Field(default=None, description="who plans and approves; by default the system's user")
    plan_hours: float = Field(default=24, gt=0, description="how long a write-back plan may be pushed")
    erasure_key: SecretStr | None = Field(
        default=None, min_length=32, description="recognises people who were erased; by default a file in data_dir"
    )
    salesforce: dict[str, SalesforceOrg] = Field(default_factory=dict)
    smartlead: Smartlead | None = None
    clay: Clay | None = None
    hubspot: HubSpot | None = None
    push: Push = Field(default_factory=Push)
    receiver: Receiver | None = None
    mail: Mail | None = None
    alerts: Alerts = Alerts()
    notices: Notices = Notices()
    dashboard: Dashboard = Dashboard()

    @model_validator(mode="after")
    def _mail_has_a_server(self) -> Settings:
        wants_mail = self.alerts.email_to or self.notices.email_owner or self.notices.copy_to
        if wants_mail and self.mail is None:
            raise ValueError("alerts or notices go by e-mail, but no [mail] section says through which host")
        return self

    @model_validator(mode="after")
    def _paths_are_those_of_the_project(self) -> Settings:
        self.data_dir = self.project_dir / self.data_dir
        self.warehouse = self.project_dir / self.warehouse if self.warehouse else None
        if self.raw_url and "://" not in self.raw_url:
            self.raw_url = str((self.project_dir / self.raw_url).absolute())
        return self

    @field_validator("salesforce")
    @classmethod
    def _lower_case_orgs(cls, value: dict[str, SalesforceOrg]) -> dict[str, SalesforceOrg]:
        return {name.lower(): org for name, org in value.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the secrets file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, secrets_file())

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that dlt loads and dbt builds; the same default as in ``profiles.yml``."""
        return self.warehouse or self.data_dir / "warehouse.duckdb"

    @property
    def spark_warehouse(self) -> str:
        """The folder or URL of what Spark builds, as ``<schema>/<table>``; the same default as in ``profiles.yml``."""
        place = self.spark.warehouse
        if place and "://" in place:
            return place
        return str((self.project_dir / place if place else self.data_dir / "spark").absolute())

    @property
    def operational_store_url(self) -> str:
        """SQLAlchemy URL of inbox, ledger and run history."""
        return self.store_url or f"sqlite:///{self.data_dir / 'operational_store.sqlite'}"

    @property
    def published_dir(self) -> Path:
        """Where the versions of the published marts and their pointer live."""
        return self.data_dir / "published"

    @property
    def plans_dir(self) -> Path:
        """Where write-back plans are kept."""
        return self.data_dir / "plans"

    def salesforce_org(self, org: str) -> SalesforceOrg:
        """The connection of one org.

        Raises:
            ConfigurationError: no credentials are configured for it.
        """
        if org not in self.salesforce:
            raise ConfigurationError(
                f"No credentials for the Salesforce org '{org}'.",
                next_step=f"Set OUTREACH_SALESFORCE__{org.upper()}__LOGIN_URL, __CLIENT_ID and __CLIENT_SECRET, "
                f"or a [salesforce.{org}] table in {secrets_file()}.",
            )
        return self.salesforce[org]

    def require_smartlead(self) -> Smartlead:
        """Smartlead's connection, or a ConfigurationError that says how to set it."""
        return _required(self.smartlead, "smartlead", "API_KEY")

    def require_clay(self) -> Clay:
        """Clay's connection, or a ConfigurationError that says how to set it."""
        return _required(self.clay, "clay", "API_KEY")

    def require_receiver(self) -> Receiver:
        """The receiver's settings, or a ConfigurationError that says how to set them."""
        return _required(self.receiver, "receiver", "SMARTLEAD_SECRET")

    def require_mail(self) -> Mail:
        """The SMTP server, or a ConfigurationError that says how to set it."""
        return _required(self.mail, "mail", "HOST")

    def webhook(self, setting: str) -> str:
        """The URL of a webhook by the name of its setting, such as ``alerts.webhook_url``.

        Raises:
            ConfigurationError: it is not configured any more.
        """
        urls: dict[str, SecretStr | None] = {
            "alerts.webhook_url": self.alerts.webhook_url,
            "notices.webhook_url": self.notices.webhook_url,
        }
        section, _, key = setting.partition(".")
        url: SecretStr = _required(urls.get(setting), section, key.upper())
        return url.get_secret_value()


def _required(section: Section | None, name: str, key: str) -> Section:
    if section is None:
        raise ConfigurationError(
            f"Nothing is configured for {name}.",
            next_step=f"Set OUTREACH_{name.upper()}__{key}, or a [{name}] table in {secrets_file()}.",
        )
    return section


def load_settings() -> Settings:
    """Read and check the settings.

    Raises:
        ConfigurationError: a value is missing or has the wrong form; names each one. Or this is not the project
            directory, and none is configured.
    """
    settings = _read_settings()
    if "project_dir" not in settings.model_fields_set and not Path(PROJECT_FILE).exists():
        raise ConfigurationError(
            f"This is not the project directory (no {PROJECT_FILE} in {Path.cwd()}).",
            next_step=f"cd to the project directory, or set {PROJECT_VARIABLE} to it.",
        )
    return settings


def _read_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
        raise ConfigurationError(
            f"Settings cannot be used: {problems}.",
            next_step=f"Correct the OUTREACH_… environment variables or {secrets_file()}.",
        ) from None
    except ValueError as error:  # a TOML file that cannot be parsed
        raise ConfigurationError(
            f"{secrets_file()} cannot be read: {error}.", next_step="Correct the file; it must be valid TOML."
        ) from None
